"""Looks into a network against the same numbers done by hand in NumPy, and what a run describes."""

import numpy as np
import pytest

import misstep as ms
from misstep.nn import Dense, Network, ReLU, Sequential, Sigmoid, Tanh
from misstep.record import Role, Task
from misstep.train.chance import chance_loss
from misstep.train.looks import PARTS, PROBE_ROWS, LookPlan, Looks, planned_looks
from misstep.train.probes import SATURATION_MARGIN
from misstep.train.programs import Programs
from misstep.train.state import TrainingState

RANDOM = np.random.default_rng(5)


def rows_of(x, y):
    return ms.data.Rows(x, y, None)


def looks_of(network, loss, x, y, *, compiling=False, **more):
    programs = Programs(network, loss, ms.SGD(0.1), **more)
    looks = Looks(programs, rows_of(x, y), LookPlan(1, compiling), seed=3, threads=1)
    state = TrainingState(
        network.parameters.copy(), network.buffers.copy(), *programs.first_state()
    )
    looks.begin(state, resumed=False)
    return looks, state


@pytest.mark.parametrize("compiling", [False, True])
def test_what_is_seen_are_numpys_numbers(compiling):
    network = Network(Sequential(Dense(5), Tanh(), Dense(3)), (4,), dtype="float64", seed=1)
    x, y = RANDOM.normal(0, 1, (40, 4)), RANDOM.normal(0, 1, (40, 3))
    looks, state = looks_of(network, ms.SquaredError(), x, y, compiling=compiling)
    seen = looks.measured(state)
    p = network.arrays()
    z = x @ p["dense1.weight"] + p["dense1.bias"]
    h = np.tanh(z)
    out = h @ p["dense2.weight"] + p["dense2.bias"]
    slopes = []
    for part in np.split(np.arange(40), PARTS):
        d = 2 * (out[part] - y[part]) / (len(part) * 3)
        back = d @ p["dense2.weight"].T * (1 - h[part] ** 2)
        slopes.append(
            {
                "dense1.weight": x[part].T @ back,
                "dense1.bias": back.sum(axis=0),
                "dense2.weight": h[part].T @ d,
                "dense2.bias": d.sum(axis=0),
            }
        )
    expected = {}
    for name, array in p.items():
        each = np.stack([slope[name].reshape(-1) for slope in slopes])
        mean = each.mean(axis=0)
        expected["gradient_norm", name] = np.linalg.norm(mean)
        expected["gradient_signal_to_noise", name] = (mean**2).sum() / (
            ((each - mean) ** 2).sum() / PARTS
        )
        expected["weight_norm", name] = np.linalg.norm(array)
        expected["unmoved_share", name] = 1.0
    for path, output in {"dense1": z, "tanh1": h, "dense2": out}.items():
        expected["activation_mean", path] = output.mean()
        expected["activation_deviation", path] = output.std()
    expected["saturated_share", "tanh1"] = (np.abs(h) > 1 - 2 * SATURATION_MARGIN).mean()
    expected["probe_loss", ""] = ((out - y) ** 2).mean()
    expected["probe_rmse", ""] = np.sqrt(((out - y) ** 2).mean())
    expected["output_smallest", ""], expected["output_largest", ""] = out.min(), out.max()
    expected["output_deviation", ""] = out.std(axis=0).mean()
    assert set(seen) == set(expected)
    for name, number in expected.items():
        assert seen[name] == pytest.approx(number, rel=1e-9, abs=1e-12), name


def test_a_unit_is_dead_where_no_probe_row_wakes_it():
    network = Network(Sequential(Dense(4), ReLU(), Dense(1)), (2,), dtype="float64")
    # Units: awake for all, for one row of another part, for none (bias), for none (exactly 0).
    network.load(
        {
            "dense1.weight": [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]],
            "dense1.bias": [10.0, -7.5, -1.0, 0.0],
            "dense2.weight": np.ones((4, 1)),
            "dense2.bias": [0.0],
        }
    )
    x = np.zeros((8, 2))
    x[:, 0] = np.arange(1, 9)
    looks, state = looks_of(network, ms.SquaredError(), x, np.zeros((8, 1)))
    seen = looks.measured(state)
    assert seen["dead_share", "relu1"] == 0.5
    assert seen["zero_share", "relu1"] == pytest.approx((7 + 8 + 8) / 32)
    assert ("dead_share", "dense1") not in seen


@pytest.mark.parametrize(
    ("activation", "values", "saturated"),
    [
        # 0.01 of the range (0, 1) from its ends lies at z = ±4.595; of (−1, 1) at ±2.298.
        (Sigmoid(), [-4.6, -4.5, 0.0, 4.5, 4.6, 99.0, 0.0, 0.0], 3 / 8),
        (Tanh(), [-2.30, -2.29, 0.0, 2.29, 2.30, 99.0, 0.0, 0.0], 3 / 8),
    ],
    ids=repr,
)
def test_saturated_entries_are_those_near_a_bound(activation, values, saturated):
    network = Network(Sequential(Dense(1), activation), (1,), dtype="float64")
    network.load({"dense1.weight": [[1.0]], "dense1.bias": [0.0]})
    x = np.array(values)[:, None]
    looks, state = looks_of(network, ms.SquaredError(), x, np.zeros_like(x))
    name = type(activation).__name__.lower() + "1"
    assert looks.measured(state)["saturated_share", name] == pytest.approx(saturated)


def test_the_update_behind_a_look_is_measured():
    x, y = RANDOM.normal(0, 1, (8, 2)), RANDOM.normal(0, 1, (8, 1))
    trainer = ms.Trainer(
        ms.Sequential(ms.Dense(1)), loss=ms.SquaredError(), optimizer=ms.SGD(0.1), batch_size="full"
    )
    run = trainer.fit(x, y, epochs=3, probe_every=1)
    for at in range(3):
        seen = {path: run.record.signal("update_norm", path)[1][at] for path in ("dense1.weight",)}
        slope = run.record.signal("gradient_norm", "dense1.weight")[1][at]
        # All eight rows are probe rows, and all are in the batch.
        assert seen["dense1.weight"] == pytest.approx(0.1 * slope, rel=1e-4)
    steps, _ = run.record.signal("update_norm", "dense1.weight")
    assert steps.tolist() == [0, 1, 2]
    steps, _ = run.record.signal("gradient_norm", "dense1.weight")
    assert steps.tolist() == [0, 1, 2, 3]


def test_looks_are_few_in_short_runs_and_ever_rarer_in_long_ones():
    network = Network(Sequential(Dense(64), ReLU(), Dense(1)), (13,))
    short = planned_looks(network, 32, 300, None, compiling=True)
    assert (short.every, short.compiling) == (30, False)
    long = planned_looks(network, 32, 10**7, None, compiling=True)
    assert long.compiling
    assert long.every >= 400
    assert planned_looks(network, 32, 10**7, 5, compiling=True).every == 5
    x, y = RANDOM.normal(0, 1, (9, 13)), np.zeros((9, 1))
    looks, state = looks_of(network, ms.SquaredError(), x.astype("float32"), y.astype("float32"))
    times = []
    for update in range(5000):
        if looks.due(update):
            state.update = update
            looks.look(state)
            times.append(update)
    assert times[0] == 0
    assert (np.diff(np.diff(times)) >= 0).all()
    assert len(times) < 300


def test_probe_rows_are_evenly_spaced_and_few():
    x, y = RANDOM.normal(0, 1, (1000, 2)), np.zeros((1000, 1))
    network = Network(Sequential(Dense(1)), (2,), dtype="float64")
    looks, _ = looks_of(network, ms.SquaredError(), x, y)
    assert len(looks.indices) == PROBE_ROWS
    assert set(np.diff(looks.indices)) <= {7, 8}


def test_a_run_describes_itself():
    x = RANDOM.normal(0, 1, (60, 4))
    y = np.arange(60) % 3
    network = ms.Sequential(
        ms.Dense(5), ms.BatchNorm(), ms.ReLU(), ms.nn.Dropout(0.1), ms.Dense(3, trainable=False)
    )
    trainer = ms.Trainer(
        network,
        loss=ms.CrossEntropy(),
        optimizer=ms.Adam(0.02),
        schedule=ms.optim.Cosine(0.1),
        clipping=ms.optim.ClipNorm(2.0),
        regularizers=ms.optim.L2(0.5),
        batch_size=20,
        seed=9,
    )
    run = trainer.fit(x, y, epochs=2, validation=(x[:30], y[:30]))
    said = run.record.description
    roles = {layer.path: layer.role for layer in said.layers}
    assert roles == {
        "dense1": Role.AFFINE,
        "batchnorm1": Role.NORMALIZATION,
        "relu1": Role.ACTIVATION,
        "dropout1": Role.DROPOUT,
        "dense2": Role.AFFINE,
        "": Role.CONTAINER,
    }
    by_path = {layer.path: layer for layer in said.layers}
    assert by_path["dense1"].input_shape == (4,)
    assert by_path["dense1"].output_shape == (5,)
    weight, bias = by_path["dense1"].parameters
    assert (weight.name, weight.shape, weight.is_bias, bias.is_bias) == (
        "dense1.weight",
        (4, 5),
        False,
        True,
    )
    assert weight.learns
    assert not any(each.learns for each in by_path["dense2"].parameters)
    assert said.parameter_count == trainer.network.parameter_count
    assert by_path["relu1"].can_die
    assert by_path["dropout1"].settings["rate"] == 0.1
    assert (said.loss.kind, said.loss.task, said.loss.takes) == (
        "CrossEntropy",
        Task.CLASSES,
        "logits",
    )
    assert (said.optimizer.kind, said.optimizer.learning_rate) == ("Adam", 0.02)
    assert said.schedule_factors[0] == 1.0
    assert said.schedule_factors[-1] == pytest.approx(0.1)
    assert (said.clipping[0].settings, said.penalties[0].settings) == (
        {"limit": 2.0},
        {"strength": 0.5},
    )
    assert (said.batch_size, said.updates_per_epoch, said.epochs, said.seed) == (20, 3, 2, 9)
    assert said.answers.counts == (20, 20, 20)
    assert said.answers.chance_loss == pytest.approx(np.log(3))
    assert said.validation_overlap == 1.0
    assert said.start_loss > 0
    again = type(said).read(said.plain())
    assert again == said


def test_the_same_is_said_before_training_and_nothing_is_trained():
    x, y = RANDOM.normal(0, 1, (60, 4)), np.arange(60) % 3
    trainer = ms.Trainer(ms.Sequential(ms.Dense(3)), loss=ms.CrossEntropy(), seed=2)
    record = trainer.start_record(x, y, epochs=4)
    before = trainer.network.parameters.copy()
    run = trainer.fit(x, y, epochs=4)
    assert record.description == run.record.description
    assert record.epochs == []
    first = run.record.signal("gradient_norm", "dense1.weight")[1][0]
    assert record.signal("gradient_norm", "dense1.weight")[1][0] == first
    fresh = ms.Trainer(ms.Sequential(ms.Dense(3)), loss=ms.CrossEntropy(), seed=2)
    fresh.fit(x, y, epochs=4)
    assert fresh.network.parameters.tobytes() == trainer.network.parameters.tobytes()
    assert before.tobytes() != trainer.network.parameters.tobytes()


CHANCES = [
    (ms.CrossEntropy(), np.array([0, 1, 1, 1]), (2,), -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))),
    (ms.BinaryCrossEntropy(), np.array([[0.0], [1.0]]), (1,), np.log(2)),
    (ms.SquaredError(), np.array([[1.0], [3.0], [5.0]]), (1,), 8 / 3),
    (ms.losses.AbsoluteError(), np.array([[1.0], [1.0], [9.0]]), (1,), 8 / 3),
]


@pytest.mark.parametrize(
    ("loss", "y", "shape", "expected"), CHANCES, ids=lambda one: repr(one)[:20]
)
def test_chance_is_the_best_constant(loss, y, shape, expected):
    assert chance_loss(loss, y, shape, "float32") == pytest.approx(expected)


def test_clipped_updates_are_counted():
    x, y = RANDOM.normal(0, 1, (40, 3)), 100 * RANDOM.normal(0, 1, (40, 1))
    for kind in (ms.optim.ClipNorm, ms.optim.ClipValue):
        for limit, share in ((1e-3, 1.0), (1e6, 0.0)):
            for accumulate in (1, 2):
                trainer = ms.Trainer(
                    ms.Dense(1),
                    loss=ms.SquaredError(),
                    clipping=kind(limit),
                    batch_size=10,
                    accumulate=accumulate,
                )
                run = trainer.fit(x, y, epochs=2)
                assert [epoch["clipped_share"] for epoch in run.record.epochs] == [share, share]
                assert "clipped_share" not in run.history[0]


def test_recall_of_each_class_is_written():
    x = np.concatenate([np.full((30, 1), -1.0), np.full((10, 1), 1.0)])
    y = np.repeat([0, 1], [30, 10])
    trainer = ms.Trainer(ms.Dense(2), loss=ms.CrossEntropy(), optimizer=ms.Adam(0.1))
    run = trainer.fit(x, y, epochs=30, validation=(x, y))
    assert run.record.paths("validation_recall") == ["0", "1"]
    assert [run.record.signal("validation_recall", path)[1][-1] for path in "01"] == [1.0, 1.0]
