"""Remedies that change the network: each repairs a run that is sick so, and says what it kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.doctor import Severity
from misstep.ir import Value
from misstep.nn import RNN, Rescaling, Softmax
from misstep.trials import Case, case_of, repair_case
from misstep.trials.layers import flat_layers
from misstep.trials.remedy import Remedy, proposals, registered_remedies
from misstep.trials.rounds import Verdict

random = np.random.default_rng(5)
REMEDIES = {one.name: one for one in registered_remedies()}
NETWORK = (
    *("activations-between", "augmentation", "classes-loss", "deeper", "dropout", "gated-cells"),
    *("label-smoothing", "layer-normalization", "less-dropout", "narrower"),
    *("no-last-activation", "normalization-layers", "own-functions", "relu-family", "residual"),
    *("robust-loss", "robust-scaling"),
    *("shallower", "standardized-inputs", "standardized-target", "wider"),
)

X = random.normal(size=(600, 4))
CURVE = np.sin(2 * X[:, :1]) + X[:, 1:2] * X[:, 2:3]
RING = (np.abs(X[:, 0]) + np.abs(X[:, 1]) > 1.6).astype("int64")
FEW = random.normal(size=(640, 10))
NOISY = FEW[:, :1] + FEW[:, 1:2] + 2.0 * random.normal(size=(640, 1))


@dataclass(frozen=True)
class Logarithm(ms.Module):
    """ln x, of whatever comes."""

    def forward(self, x: Value) -> Value:
        return ms.log(x)


@dataclass(frozen=True)
class Step(ms.Module):
    """1 above 0, else 0."""

    def forward(self, x: Value) -> Value:
        return ms.where(x > 0, 1.0, x * 0.0)


@dataclass(frozen=True)
class Sick:
    """A run. `kept`: positions of training rows; the others judge."""

    layers: tuple[ms.Module, ...]
    x: Any = None
    y: Any = None
    loss: Any = None
    optimizer: Any = None
    epochs: int = 12
    rows: int = 200
    batch_size: int = 20
    numbers: Callable[[ms.Network], None] | None = None

    def case(self) -> Case:
        x = np.asarray(X if self.x is None else self.x, "float32")
        y = np.asarray(CURVE if self.y is None else self.y)
        y = y if y.dtype.kind == "i" else y.astype("float32")
        network = ms.Network(ms.Sequential(*self.layers), x.shape[1:], seed=1)
        if self.numbers is not None:
            self.numbers(network)
        trainer = ms.Trainer(
            network,
            loss=self.loss or ms.SquaredError(),
            optimizer=self.optimizer or ms.Adam(0.02),
            batch_size=self.batch_size,
            seed=1,
            threads=1,
        )
        held = (x[self.rows :], y[self.rows :])
        with np.errstate(all="ignore"):
            run = trainer.fit(x[: self.rows], y[: self.rows], epochs=self.epochs, validation=held)
        assert run.record is not None
        return case_of(run.record, trainer, x[: self.rows], y[: self.rows], None, held)


def times(factor: float) -> Callable[[ms.Network], None]:
    def change(network: ms.Network) -> None:
        for name, numbers in network.arrays().items():
            if name.endswith(("weight", "recurrent")):
                numbers *= factor

    return change


def deep(count: int, activation: type[ms.Module]) -> list[ms.Module]:
    return [layer for _ in range(count) for layer in (ms.Dense(8), activation())]


def sequences() -> tuple[Any, Any]:
    """Return steps of a number, whose first one, far back, is to be remembered."""
    x = random.normal(size=(400, 10, 1))
    return x, x[:, 0]


def pictures() -> tuple[Any, Any]:
    """Return pictures of a mark whose side says the class, somewhere in the picture."""
    y = np.arange(400) % 2
    x = 0.4 * random.normal(size=(400, 8, 8, 1))
    for row, kind in enumerate(y):
        at = random.integers(0, 6, size=2)
        x[row, at[0] : at[0] + 3, at[1] : at[1] + (1, 2)[kind], 0] += 2.0
    return x, y


SLIPPED = X.copy()
SLIPPED[:200][::40] *= 3000.0
WILD = CURVE.copy()
WILD[:200:10] += 40.0
FLIPPED = np.where(random.random(600) < 0.3, 1 - RING, RING)
STEPS, FIRST = sequences()
PICTURES, MARKS = pictures()

SICK: dict[str, Sick] = {
    "activations-between": Sick((ms.Dense(16), ms.Dense(16), ms.Dense(1))),
    "augmentation": Sick(
        (ms.Conv2D(8, 3), ms.ReLU(), ms.nn.Flatten(), ms.Dense(32), ms.ReLU(), ms.Dense(2)),
        x=PICTURES,
        y=MARKS,
        loss=ms.CrossEntropy(),
        rows=100,
        epochs=30,
        optimizer=ms.Adam(0.01),
    ),
    "classes-loss": Sick(
        (ms.Dense(16), ms.Tanh(), ms.Dense(2), ms.Sigmoid()),
        y=np.eye(2)[RING],
        optimizer=ms.SGD(0.1),
        epochs=30,
    ),
    "deeper": Sick((ms.Dense(1),)),
    "dropout": Sick(
        (ms.Dense(64), ms.ReLU(), ms.Dense(1)),
        x=FEW,
        y=NOISY,
        rows=40,
        epochs=100,
        optimizer=ms.Adam(0.01),
    ),
    "gated-cells": Sick((RNN(8), ms.Dense(1)), x=STEPS, y=FIRST, epochs=12, numbers=times(4.0)),
    "label-smoothing": Sick(
        (ms.Dense(32), ms.ReLU(), ms.Dense(2)),
        y=FLIPPED,
        loss=ms.CrossEntropy(),
        rows=100,
        epochs=60,
    ),
    "layer-normalization": Sick(
        (ms.Dense(16), ms.BatchNorm(), ms.ReLU(), ms.Dense(1)), batch_size=2, epochs=8
    ),
    "less-dropout": Sick((ms.Dense(16), ms.ReLU(), ms.Dropout(0.9), ms.Dense(1))),
    "narrower": Sick(
        (ms.Dense(16), ms.ReLU(), ms.Dense(16), ms.ReLU(), ms.Dense(1)),
        x=FEW,
        y=NOISY,
        rows=60,
        epochs=60,
        optimizer=ms.Adam(0.01),
    ),
    "no-last-activation": Sick((ms.Dense(16), ms.ReLU(), ms.Dense(1), ms.Sigmoid())),
    "normalization-layers": Sick((*deep(3, ms.Tanh), ms.Dense(1)), numbers=times(20.0), epochs=20),
    "own-functions": Sick((ms.Dense(16), Step(), ms.Dense(1)), epochs=20),
    "relu-family": Sick((*deep(4, ms.Sigmoid), ms.Dense(1)), epochs=15),
    "residual": Sick((*deep(10, ms.Tanh), ms.Dense(1)), epochs=20, numbers=times(0.3)),
    "robust-loss": Sick((ms.Dense(16), ms.ReLU(), ms.Dense(1)), y=WILD, epochs=30),
    "robust-scaling": Sick(
        (ms.Dense(16), ms.ReLU(), ms.Dense(1)),
        x=SLIPPED / SLIPPED.std(axis=0),
        optimizer=ms.Adam(0.01),
    ),
    "shallower": Sick((*deep(8, ms.Tanh), ms.Dense(1)), epochs=15, numbers=times(1.5)),
    "standardized-inputs": Sick(
        (ms.Dense(16), ms.Tanh(), ms.Dense(1)), x=X * [1.0, 300.0, 0.01, 5.0] + 1000.0
    ),
    "standardized-target": Sick((ms.Dense(16), ms.ReLU(), ms.Dense(1)), y=30000.0 + 5000.0 * CURVE),
    "wider": Sick((ms.Dense(2), ms.ReLU(), ms.Dense(1)), epochs=25),
}


# What was found before, and is found no more, or as a note at most.
GONE = {
    "activations-between": "missing-activation",
    "layer-normalization": "normalization-on-tiny-batch",
    "less-dropout": "over-regularized",
    "no-last-activation": "wrong-output",
    "own-functions": "parameters-not-learning",
    "relu-family": "vanishing-gradients",
    "robust-scaling": "outliers",
    "standardized-inputs": "unscaled-inputs",
    "standardized-target": "unscaled-target",
}


class Always(Remedy):
    """A remedy that answers whatever was found, not registered."""

    answers = ()
    is_general = True

    def __init__(self, remedy: Remedy) -> None:
        self.remedy = remedy
        self.name = remedy.name  # type: ignore[misc]
        self.title = remedy.title  # type: ignore[misc]

    def changes(self, case: Case) -> Any:
        # The most promising one, so that few programs are compiled.
        yield next(iter(self.remedy.changes(case)))


@pytest.mark.parametrize("name", NETWORK)
def test_it_repairs_a_run_that_is_sick_so(name: str) -> None:
    case = SICK[name].case()
    repair = repair_case(case, rounds=1, remedies=[Always(REMEDIES[name])])
    assert repair.rounds[0].verdict is Verdict.ADOPTED, repair.rounds[0].plain()
    winner = repair.rounds[0].winner
    assert winner is not None
    assert winner.difference is not None
    assert winner.difference.share > 0.05
    if name in GONE:
        assert GONE[name] in [one.slug for one in repair.before.findings]
        left = [one.slug for one in repair.after.findings if one.severity is not Severity.NOTE]
        assert GONE[name] not in left
    # In the unit and the shape that the run's own answers had.
    held, trained = case.setting.validation, case.trained
    assert held is not None
    assert trained is not None
    before, behind = trained.predict(held.x), repair.trainer.predict(held.x)
    assert before.shape == behind.shape
    truth = np.eye(2)[held.y] if held.y.dtype.kind == "i" else held.y
    assert np.mean((behind - truth) ** 2) < np.mean((before - truth) ** 2)


@pytest.mark.parametrize("name", NETWORK)
def test_what_it_proposes_begins_with_the_numbers_that_it_carries_over(name: str) -> None:
    case = SICK[name].case()
    begun = case.start.network.arrays()
    reasons: dict[str, str] = {}
    changes = proposals(REMEDIES[name], case, reasons)
    assert changes, reasons
    assert len({change.label for change in changes}) == len(changes)
    for change in changes:
        network = change.trainer.network
        arrays = network.arrays()
        assert set(change.carried) <= set(arrays)
        for carried in change.carried:
            alike = [one for one in begun.values() if np.array_equal(one, arrays[carried])]
            assert alike, carried
        # Weights that are not carried over are drawn anew; all that is written goes into a file.
        for other in set(arrays) - set(change.carried):
            if other.endswith((".weight", ".recurrent")):
                assert not any(np.array_equal(one, arrays[other]) for one in begun.values())
        # It goes into a model file, and comes out of it.
        document = json.loads(json.dumps(network.module.configuration()))
        again = ms.nn.build_module(document, modules=[Step, Logarithm])
        assert again.configuration() == network.module.configuration()


def test_a_run_that_failed_at_its_first_update_is_repaired() -> None:
    case = Sick((ms.Dense(16), Logarithm(), ms.Dense(1)), epochs=20).case()
    repair = repair_case(case, rounds=1, remedies=[Always(REMEDIES["own-functions"])])
    (one,) = repair.rounds
    assert one.verdict is Verdict.ADOPTED
    control = next(arm for arm in one.arms if arm.kind == "control")
    assert control.trial.failed
    assert control.trial.done == 0
    held = case.setting.validation
    assert held is not None
    assert np.mean((repair.trainer.predict(held.x) - held.y) ** 2) < 0.8 * np.var(held.y)


def test_what_stays_is_carried_over_by_its_name_there() -> None:
    case = SICK["dropout"].case()
    change = proposals(REMEDIES["dropout"], case)[0]
    assert set(change.carried) == set(case.start.network.arrays())
    case = SICK["deeper"].case()
    (change,) = proposals(REMEDIES["deeper"], case)
    # The last layer has other inputs now.
    assert change.carried == ("dense2.bias",)
    case = SICK["relu-family"].case()
    change = proposals(REMEDIES["relu-family"], case)[0]
    # Weights before another activation are drawn as suits that one.
    assert set(change.carried) == {*(f"dense{n}.bias" for n in range(1, 6)), "dense5.weight"}
    case = SICK["layer-normalization"].case()
    (change,) = proposals(REMEDIES["layer-normalization"], case)
    assert set(change.carried) == {
        *("dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias")
    }
    case = SICK["shallower"].case()
    change = proposals(REMEDIES["shallower"], case)[0]
    begun, arrays = case.start.network.arrays(), change.trainer.network.arrays()
    assert np.array_equal(arrays["dense3.weight"], begun["dense9.weight"])


def test_frozen_layers_stay_frozen() -> None:
    case = SICK["dropout"].case()
    case.start.network.freeze("dense1", "dense2.bias")
    change = proposals(REMEDIES["dropout"], case)[0]
    assert change.trainer.network.frozen == ("dense1", "dense2.bias")


@pytest.mark.parametrize("name", sorted({*NETWORK} - {"robust-loss", "label-smoothing"}))
def test_a_network_of_ones_own_is_left_alone(name: str) -> None:
    class Own(ms.Module):
        def __init__(self) -> None:
            self.layer = ms.Dense(1)

        def forward(self, x: Value) -> Value:
            return self.layer(x)

    case = Sick((Own(),), epochs=1).case()
    case.setting.start._module = case.start.network.module = Own()
    reasons: dict[str, str] = {}
    assert proposals(REMEDIES[name], case, reasons) == []
    assert reasons[name]


@pytest.mark.parametrize("loss", [ms.SquaredError(), ms.losses.AbsoluteError()])
def test_plain_gradients_meet_standardized_answers_as_if_they_were_so(loss: Any) -> None:
    layers = (ms.Dense(8), ms.Tanh(), ms.Dense(1))
    sick = Sick(layers, y=3000.0 + 500.0 * CURVE, loss=loss, optimizer=ms.SGD(0.1), epochs=1)
    case = sick.case()
    (change,) = proposals(REMEDIES["standardized-target"], case)
    x, y = case.setting.rows.x, case.setting.rows.y
    other = case.start.variant()
    repaired = change.trainer
    repaired.fit(x, y, epochs=5)
    other.fit(x, (y - y.mean()) / y.std(), epochs=5)
    assert repaired.predict(x) == pytest.approx(other.predict(x) * y.std() + y.mean(), rel=1e-4)


def test_steps_of_adam_do_not_shrink_with_the_answers() -> None:
    layers = (ms.Dense(8), ms.Tanh(), ms.Dense(1))
    case = Sick(layers, y=1e-6 * CURVE, epochs=1).case()
    (change,) = proposals(REMEDIES["standardized-target"], case)
    x, y = case.setting.rows.x, case.setting.rows.y
    change.trainer.fit(x, y, epochs=20)
    assert np.mean((change.trainer.predict(x) - y) ** 2) < 0.6 * np.var(y)


def test_layers_that_only_shape_stay_in_front() -> None:
    x = 100.0 + 20.0 * random.normal(size=(300, 12))
    layers = (ms.Reshape((6, 2)), ms.LSTM(3), ms.Dense(1))
    case = Sick(layers, x=x, y=x[:, :1], epochs=1).case()
    change = proposals(REMEDIES["standardized-inputs"], case)[0]
    first, second, *_ = flat_layers(change.trainer.network.module)
    assert isinstance(first, ms.Reshape)
    assert isinstance(second, Rescaling)
    shaped = case.setting.rows.x.reshape(-1, 2)
    scale = np.asarray(second.scale)
    assert shaped.std(axis=0) * scale == pytest.approx([1.0, 1.0], rel=1e-4)
    assert shaped.mean(axis=0) * scale + np.asarray(second.offset) == pytest.approx(
        [0.0, 0.0], abs=1e-4
    )


@pytest.mark.parametrize(
    ("loss", "y", "reason"),
    [
        (ms.SquaredError(), CURVE, "its answers are numbers"),
        (ms.SquaredError(), np.arange(600).reshape(-1, 1) % 4, "a unit for each class"),
        (ms.BinaryCrossEntropy(), RING.reshape(-1, 1), "one of classes already"),
    ],
)
def test_why_no_loss_of_classes_is_tried(loss: Any, y: Any, reason: str) -> None:
    layers = (ms.Dense(8), ms.Tanh(), ms.Dense(1))
    case = Sick(layers, y=y.astype("float32"), loss=loss, epochs=1).case()
    reasons: dict[str, str] = {}
    assert proposals(REMEDIES["classes-loss"], case, reasons) == []
    assert reason in reasons["classes-loss"]


def test_a_lone_softmax_goes() -> None:
    layers = (ms.Dense(16), ms.Tanh(), ms.Dense(1), Softmax())
    y = RING.reshape(-1, 1).astype("float32")
    case = Sick(layers, y=y, loss=ms.BinaryCrossEntropy(), epochs=2).case()
    (change,) = proposals(REMEDIES["no-last-activation"], case)
    assert not any(isinstance(one, Softmax) for one in flat_layers(change.trainer.network.module))


def test_features_that_hardly_vary_are_not_blown_up_where_features_are_alike() -> None:
    pixels = random.uniform(0, 16, size=(300, 20))
    pixels[:, 3] = 0.001 * (random.random(300) < 0.02)
    units = X[:300] * [1.0, 1e4, 1e-4, 1.0]
    for x, largest in ((pixels, 3.0), (units, 2e4)):
        case = Sick((ms.Dense(4), ms.ReLU(), ms.Dense(1)), x=x, y=CURVE[:300], epochs=1).case()
        change = proposals(REMEDIES["standardized-inputs"], case)[0]
        scale = np.asarray(flat_layers(change.trainer.network.module)[0].scale)  # type: ignore[attr-defined]
        assert 0.3 * largest < scale.max() < 1.5 * largest


def test_networks_from_a_line_can_be_changed_too_and_say_themselves_in_one() -> None:
    layers = ms.Sequential.from_text("conv4-tanh-pool-dense8-tanh", outputs=2)
    case = Sick((layers,), x=PICTURES, y=MARKS, loss=ms.CrossEntropy(), epochs=1).case()
    lines = {
        "relu-family": "conv4-relu-pool-flatten-dense8-relu",
        "dropout": "conv4-tanh-pool-flatten-drop0.5-dense8-tanh-drop0.5",
        "wider": "conv16-tanh-pool-flatten-dense32-tanh",
        "normalization-layers": "conv4-bn-tanh-pool-flatten-dense8-bn-tanh",
        "deeper": "conv4-tanh-pool-flatten-dense8-tanh-dense8-tanh",
        "shallower": "conv4-tanh-pool-flatten",
    }
    for name, line in lines.items():
        change = proposals(REMEDIES[name], case)[0]
        assert change.options == {"network": line}
        assert change.trainer.network.output_shape == (2,)
    change = proposals(REMEDIES["dropout"], case)[0]
    begun, arrays = case.start.network.arrays(), change.trainer.network.arrays()
    assert np.array_equal(arrays["conv2d1.weight"], begun["sequential1.byaxes1.conv2d_3.weight"])
    # What no line says is no option.
    assert proposals(REMEDIES["augmentation"], case)[0].options == {}


@pytest.mark.parametrize("name", ["no-last-activation", "dropout", "wider", "relu-family"])
def test_a_layer_before_others_with_weights_is_not_taken_for_the_last(name: str) -> None:
    behind = ms.Parallel(
        ms.Dense(1), ms.Sequential(ms.Dense(4), ms.ReLU(), ms.Dense(1)), join="mean"
    )
    case = Sick((ms.Dense(6), ms.Tanh(), behind), epochs=1).case()
    reasons: dict[str, str] = {}
    assert proposals(REMEDIES[name], case, reasons) == []
    assert "Parallel" in reasons[name]
