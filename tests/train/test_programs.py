"""The programs of training against the same step done by hand in NumPy, and its probes.

The network by hand has one hidden layer: x → x W + b → tanh or ReLU → V, c; float64 throughout.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

from misstep.errors import ArgumentError, MisstepError
from misstep.ir import Array, verify
from misstep.nn import (
    Dense,
    Dropout,
    Module,
    Network,
    Program,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    Tanh,
)
from misstep.nn.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Loss,
    SquaredError,
    registered_losses,
)
from misstep.optim import (
    L1,
    L2,
    SGD,
    Adam,
    ClipNorm,
    ClipValue,
    Nadam,
    Optimizer,
    RMSProp,
    registered_optimizers,
)
from misstep.train.programs import Programs

ROWS = 12


def network_of(activation: Module, outputs: int = 3, dtype: str = "float64") -> Network:
    return Network(Sequential(Dense(5), activation, Dense(outputs)), (4,), dtype=dtype, seed=1)


def batch(loss: Loss, outputs: int = 3, rows: int = ROWS) -> tuple[Array, Array]:
    random = np.random.default_rng(0)
    x = random.normal(0, 1, (rows, 4))
    if isinstance(loss, CrossEntropy):
        return x, random.integers(0, outputs, rows)
    if isinstance(loss, BinaryCrossEntropy):
        return x, random.integers(0, 2, (rows, outputs)).astype("float64")
    return x, random.normal(0, 1, (rows, outputs))


class Run:
    """The state that a trainer would carry from step to step."""

    def __init__(self, programs: Programs) -> None:
        self.programs = programs
        self.parameters = programs.network.parameters.copy()
        self.buffers, self.scalars = programs.first_state()
        self.update = 0

    def feeds(self, **more: Any) -> dict[str, Any]:
        state = {"optimizer_state": self.buffers, "scalars": self.scalars}
        whole = {
            "parameters": self.parameters,
            "learning_rate": 0.1,
            "update": self.update,
            **state,
        }
        return {**whole, "seed": 3, "draw": self.update, **more}

    def take(self, found: dict[str, Array]) -> dict[str, Array]:
        self.parameters = found["parameters"]
        self.buffers = found.get("optimizer_state", self.buffers)
        self.scalars = found.get("scalars", self.scalars)
        self.update += 1
        return found

    def step(self, x: Array, y: Array, weights: Array | None = None) -> dict[str, Array]:
        program = self.programs.step(len(x), weighted=weights is not None)
        more = {} if weights is None else {"weights": weights}
        return self.take(program.run(self.feeds(x=x, y=y, **more)))

    def parts(self, x: Array, y: Array, weights: Array | None, count: int) -> dict[str, Array]:
        sums: dict[str, Any] = {
            "gradients": np.zeros_like(self.parameters),
            "gradient_weight": np.zeros((), self.parameters.dtype),
        }
        for rows in np.array_split(np.arange(len(x)), count):
            program = self.programs.accumulate(len(rows), weighted=weights is not None)
            more = {} if weights is None else {"weights": weights[rows]}
            found = program.run(self.feeds(x=x[rows], y=y[rows], **more, **sums))
            sums = {name: found[name] for name in sums}
        return self.take(self.programs.apply().run(self.feeds(**sums)))


def slope_by_hand(
    network: Network, loss: Loss, x: Array, y: Array, weights: Array | None = None
) -> tuple[float, Array, Array]:
    """Return the loss, its flat gradient and the hidden layer, from the chain rule as on paper."""
    p = network.arrays()
    z = x @ p["dense1.weight"] + p["dense1.bias"]
    relu = any(isinstance(layer, ReLU) for layer in network.layers.values())
    h = np.maximum(z, 0) if relu else np.tanh(z)
    raw = h @ p["dense2.weight"] + p["dense2.bias"]
    share = np.ones(len(x)) if weights is None else np.asarray(weights)
    if isinstance(loss, CrossEntropy):
        if loss.class_weights is not None:
            share = share * np.array(loss.class_weights)[y]
        rows = -special.log_softmax(raw, axis=1)[np.arange(len(y)), y]
        blame = special.softmax(raw, axis=1) - np.eye(raw.shape[1])[y]
    elif isinstance(loss, BinaryCrossEntropy):
        rows = -(y * special.log_expit(raw) + (1 - y) * special.log_expit(-raw)).mean(axis=1)
        blame = (special.expit(raw) - y) / raw.shape[1]
    else:
        rows = ((raw - y) ** 2).mean(axis=1)
        blame = 2 * (raw - y) / raw.shape[1]
    share = share / share.sum()
    of_raw = blame * share[:, None]
    of_h = of_raw @ p["dense2.weight"].T
    of_z = of_h * ((z > 0) if relu else 1 - h**2)
    parts = [x.T @ of_z, of_z.sum(axis=0), h.T @ of_raw, of_raw.sum(axis=0)]
    return float(rows @ share), np.concatenate([part.reshape(-1) for part in parts]), h


LOSSES: list[Loss] = [
    SquaredError(),
    BinaryCrossEntropy(),
    CrossEntropy(),
    CrossEntropy((0.5, 2.0, 1.0)),
]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=repr)
OPTIMIZERS = [one for kind in registered_optimizers().values() for one in kind.examples()]


# --- the step -----------------------------------------------------------------------------------


@every_loss
@pytest.mark.parametrize("activation", [Tanh(), ReLU()], ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_step_is_what_it_is_by_hand(loss: Loss, activation: Module, weighted: bool) -> None:
    network = network_of(activation)
    x, y = batch(loss)
    weights = np.random.default_rng(1).uniform(0, 2, ROWS) if weighted else None
    run = Run(Programs(network, loss, SGD(0.1)))
    for _ in range(3):
        expected, slope, _ = slope_by_hand(network, loss, x, y, weights)
        found = run.step(x, y, weights)
        assert found["loss"] == pytest.approx(expected, rel=1e-13)
        network.parameters[:] -= 0.1 * slope
        np.testing.assert_allclose(found["parameters"], network.parameters, rtol=1e-12, atol=1e-14)
        network.parameters[:] = found["parameters"]


def test_a_step_learns_the_neuron_of_the_blueprint() -> None:
    # x 0.5, w 0.4, b 0.1, y 1, η 0.1: L 0.0905, ∂L/∂w −0.0520, w becomes 0.4052.
    network = Network(Sequential(Dense(1), Sigmoid()), (1,), dtype="float64")
    network.load({"dense1.weight": [[0.4]], "dense1.bias": [0.1]})
    run = Run(Programs(network, SquaredError(half=True), SGD(0.1)))
    found = run.step(np.array([[0.5]]), np.array([[1.0]]))
    assert found["loss"] == pytest.approx(0.0905, abs=1e-4)
    assert found["parameters"][0] == pytest.approx(0.4052, abs=5e-5)
    assert (0.4 - found["parameters"][0]) / 0.1 == pytest.approx(-0.0520, abs=5e-5)


def test_clipping_and_regularizers_come_in_order() -> None:
    network, loss = network_of(Tanh()), SquaredError()
    x, y = batch(loss)
    regularizers = [L1(0.01), L2(0.3)]
    programs = Programs(network, loss, SGD(0.1), [ClipValue(0.05), ClipNorm(0.1)], regularizers)
    plain, slope, _ = slope_by_hand(network, loss, x, y)
    for place in network.parameter_slices:
        weights = network.parameters[place.start : place.stop]
        if place.specification.name.endswith("weight"):  # biases are not regularized
            slope[place.start : place.stop] += 0.01 * np.sign(weights) + 0.3 * weights
    slope = np.clip(slope, -0.05, 0.05)
    slope *= min(1.0, 0.1 / np.linalg.norm(slope))
    found = Run(programs).step(x, y)
    assert found["loss"] == pytest.approx(plain, rel=1e-13)
    np.testing.assert_allclose(
        found["parameters"], network.parameters - 0.1 * slope, rtol=1e-12, atol=1e-14
    )
    np.testing.assert_allclose(
        Run(programs).parts(x, y, None, 3)["parameters"], found["parameters"], rtol=1e-12
    )


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_every_optimizer_learns_and_carries_its_state(optimizer: Optimizer) -> None:
    loss = SquaredError()
    x, y = batch(loss)
    run = Run(Programs(network_of(Tanh()), loss, optimizer))
    assert run.buffers.shape == (len(optimizer.used_slots()), run.parameters.size)
    losses = []
    for _ in range(30):
        # The examples' own rates: 0.1 would be too much for some.
        program = run.programs.step(ROWS, weighted=False)
        feeds = run.feeds(x=x, y=y) | {"learning_rate": optimizer.learning_rate}
        losses.append(float(run.take(program.run(feeds))["loss"]))
    assert losses[-1] < losses[0]
    assert run.scalars.shape == (len(optimizer.scalars),)
    assert run.buffers.shape == (len(optimizer.used_slots()), run.parameters.size)


# --- halves, weights ----------------------------------------------------------------------------


@every_loss
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("count", [1, 2, 5, ROWS])
def test_accumulating_batches_is_one_step_on_all_of_them(
    loss: Loss, weighted: bool, count: int
) -> None:
    x, y = batch(loss)
    weights = np.random.default_rng(1).uniform(0, 2, ROWS) if weighted else None
    if weights is not None:
        weights[:3] = 0.0  # whole batches that weigh nothing, when there are many
    programs = Programs(network_of(Tanh()), loss, Adam(0.1), regularizers=[L2(0.1)])
    whole, parts = Run(programs), Run(programs)
    for _ in range(3):
        expected, found = whole.step(x, y, weights), parts.parts(x, y, weights, count)
        for name in ("parameters", "optimizer_state"):
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("halves", [False, True])
def test_rows_that_weigh_nothing_move_nothing(halves: bool) -> None:
    # The halves divided 0 by 0, and every parameter was NaN from then on.
    loss = CrossEntropy()
    x, y = batch(loss)
    run = Run(Programs(network_of(Tanh()), loss, SGD(0.1)))
    before = run.parameters.copy()
    found = run.parts(x, y, np.zeros(ROWS), 3) if halves else run.step(x, y, np.zeros(ROWS))
    np.testing.assert_array_equal(found["parameters"], before)


@every_loss
def test_equal_weights_are_no_weights(loss: Loss) -> None:
    x, y = batch(loss)
    programs = Programs(network_of(Tanh()), loss, SGD(0.1, momentum=0.9))
    for weight in (1.0, 0.3, 7.0):
        plain, weighted = Run(programs), Run(programs)
        for _ in range(3):
            expected = plain.step(x, y)
            found = weighted.step(x, y, np.full(ROWS, weight))
            assert found["loss"] == pytest.approx(float(expected["loss"]), rel=1e-12)
            np.testing.assert_allclose(
                found["parameters"], expected["parameters"], rtol=1e-11, atol=1e-13
            )


def test_whole_weights_are_repeated_rows() -> None:
    loss = CrossEntropy((1.0, 3.0, 2.0))
    x, y = batch(loss)
    times = np.array([0, 1, 2, 3] * 3)
    rows = np.repeat(np.arange(ROWS), times)
    programs = Programs(network_of(ReLU()), loss, SGD(0.1))
    found = Run(programs).step(x, y, times.astype("float64"))
    expected = Run(programs).step(x[rows], y[rows])
    np.testing.assert_allclose(found["parameters"], expected["parameters"], rtol=1e-12, atol=1e-14)


# --- the programs themselves --------------------------------------------------------------------

NETWORKS = {
    "one layer": Dense(3),
    "no bias": Sequential(Dense(3, bias=False)),
    "dropout": Sequential(Dense(6), ReLU(), Dropout(0.4), Dense(3)),
    "residual": Sequential(Dense(4), Residual(Dense(4), Tanh()), Dense(3)),
}


def all_programs(programs: Programs, rows: int) -> list[Program]:
    inference, loss = programs.network.inference(), programs.loss
    made = [inference.evaluate_program(rows, loss), inference.predict_program(rows, loss)]
    made.append(programs.apply())
    for weighted in (False, True):
        made.append(programs.step(rows, weighted=weighted))
        made.append(programs.accumulate(rows, weighted=weighted))
        made.append(programs.look(rows, weighted=weighted))
    return made


def any_feeds(program: Program, classes: int) -> dict[str, Any]:
    random = np.random.default_rng(7)
    feeds: dict[str, Any] = {}
    for value in program.graph.inputs:
        name = str(value.name)
        if value.dtype == "int64":
            feeds[name] = random.integers(0, classes, value.shape)
        else:
            feeds[name] = random.uniform(0.1, 0.9, value.shape).astype(value.dtype)
    return feeds


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kind", registered_losses().values(), ids=registered_losses())
@pytest.mark.parametrize("optimizer", [SGD(), Nadam(), RMSProp(centered=True)], ids=repr)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_program_is_well_formed_and_gives_the_same_bits_again(
    name: str, kind: type[Loss], optimizer: Optimizer, dtype: str
) -> None:
    network = Network(NETWORKS[name], (4,), dtype=dtype)
    programs = Programs(network, kind(), optimizer, [ClipNorm(1.0)], [L1(0.1), L2(0.1)])
    again = Programs(network, kind(), optimizer, [ClipNorm(1.0)], [L1(0.1), L2(0.1)])
    for program, other in zip(all_programs(programs, 4), all_programs(again, 4), strict=True):
        assert verify(program.graph) is program.graph
        feeds = any_feeds(program, 3)
        found = program.run(feeds)
        for output, array in found.items():
            assert np.isfinite(array).all(), output
            assert array.dtype == ("float64" if output in ("scalars", "probes") else dtype)
        for later in (program.run(feeds), other.run(feeds)):
            assert set(later) == set(found)
            for output, array in found.items():
                assert array.tobytes() == later[output].tobytes(), output
        assert getattr(program, "legend", ()) == getattr(other, "legend", ())


def test_programs_are_made_once_for_each_size() -> None:
    programs = Programs(network_of(Tanh()), SquaredError(), SGD())
    one = programs.step(4, weighted=False)
    assert programs.step(4, weighted=False) is one
    assert programs.step(5, weighted=False) is not one
    inference, other = programs.network.inference(), programs.network.inference()
    judged = inference.evaluate_program(4, SquaredError())
    assert other.evaluate_program(4, SquaredError()) is judged
    raw = inference.predict_program(4)
    assert other.predict_program(4, SquaredError()) is raw
    assert other.predict_program(4, CrossEntropy()) is not raw


def test_dropout_follows_seed_and_draw_and_is_off_in_evaluation() -> None:
    network = Network(NETWORKS["dropout"], (4,), dtype="float64")
    loss = SquaredError()
    x, y = batch(loss)
    run = Run(Programs(network, loss, SGD(0.1)))
    program = run.programs.step(ROWS, weighted=False)
    losses = [
        float(program.run(run.feeds(x=x, y=y) | {"seed": seed, "draw": draw})["loss"])
        for seed, draw in ((0, 0), (0, 0), (0, 1), (1, 0))
    ]
    assert losses[0] == losses[1]
    assert len(set(losses)) == 3
    program = network.inference().evaluate_program(ROWS, loss)
    found = program.run({"parameters": network.parameters, "x": x, "y": y})
    np.testing.assert_allclose(found["prediction"], network.predict(x), rtol=1e-13)
    np.testing.assert_allclose(found["losses"], ((found["prediction"] - y) ** 2).mean(axis=1))


@every_loss
def test_evaluation_gives_rows_from_which_the_loss_follows(loss: Loss) -> None:
    network = network_of(Tanh())
    x, y = batch(loss)
    feeds = {"parameters": network.parameters, "x": x, "y": y}
    inference = network.inference()
    found = inference.evaluate_program(ROWS, loss).run(feeds)
    expected, _, _ = slope_by_hand(network, loss, x, y)
    weights = found.get("class_weights")
    assert np.average(found["losses"], weights=weights) == pytest.approx(expected, rel=1e-13)
    del feeds["y"]
    predicted = inference.predict_program(ROWS, loss).run(feeds)["prediction"]
    np.testing.assert_array_equal(predicted, found["prediction"])
    if isinstance(loss, CrossEntropy):
        np.testing.assert_allclose(predicted.sum(axis=1), 1.0, rtol=1e-13)


def test_what_can_not_be_trained_is_refused() -> None:
    with pytest.raises(ArgumentError, match="a network with parameters"):
        Programs(Network(ReLU(), (3,)), SquaredError(), SGD())
    programs = Programs(Network(Dense(3), (2, 4)), CrossEntropy(), SGD())
    with pytest.raises(MisstepError, match=r"\(batch, classes\)"):
        programs.step(4, weighted=False)
    run = Run(Programs(network_of(Tanh()), SquaredError(), SGD()))
    program = run.programs.step(4, weighted=False)
    with pytest.raises(MisstepError, match="'y' of step"):
        program.run(run.feeds(x=np.zeros((4, 4)), y=np.zeros(4)))
    with pytest.raises(MisstepError, match="numbers for the input 'y'"):
        program.run(run.feeds(x=np.zeros((4, 4))))
