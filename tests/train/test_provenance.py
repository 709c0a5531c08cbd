"""Planted numbers that are not finite are traced to operation, layer and rows, all of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import misstep as ms
from misstep.train import journal
from misstep.train.ordering import epoch_order

ROWS, COLUMNS, BATCH = 24, 3, 6


def data(seed: int = 0, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    """Return rows between 0.5 and 1.5, so that nothing is wrong with them, and answers."""
    random = np.random.default_rng(seed)
    x = random.uniform(0.5, 1.5, (ROWS, COLUMNS)).astype(dtype)
    return x, x[:, :1] * 0.5


class Function(ms.Module):
    """A layer of a function."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def forward(self, x: ms.ir.Value) -> ms.ir.Value:
        return self.function(x)


class Custom(ms.losses.Loss):
    """A loss of a function of prediction and target."""

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        self.function = function

    def per_row(self, prediction: ms.ir.Value, target: ms.ir.Value) -> ms.ir.Value:
        return self.function(prediction, target)

    def __repr__(self) -> str:
        return "Custom()"


@dataclass
class Planted:
    """What is trained, and what is to be found. `rows`: None where no row has a part in it."""

    network: ms.Module | ms.Network
    operation: str
    layer: str
    rows: list[int] | None
    phase: str = "forward"
    trouble: str = "overflow"
    step: int | None = 1
    loss: ms.losses.Loss = field(default_factory=ms.SquaredError)
    x: np.ndarray = field(default_factory=lambda: data()[0])
    y: np.ndarray = field(default_factory=lambda: data()[1])
    settings: dict[str, Any] = field(default_factory=dict)
    fitted: dict[str, Any] = field(default_factory=dict)
    fails: bool = True


def changed(rows: list[int], to: float, column: int | None = None) -> np.ndarray:
    """Return the inputs with other numbers in some rows."""
    x, _ = data()
    x[rows, slice(None) if column is None else column] = to
    return x


def fixed(layer: type, *arguments: Any, value: float, **options: Any) -> ms.Module:
    """Return a layer whose weights all begin with one number."""
    return layer(*arguments, initializer=ms.initializers.Constant(value), **options)


def exp_in_a_layer() -> Planted:
    network = ms.Sequential(Function(lambda x: ms.exp(x * 60.0)), ms.Dense(1))
    return Planted(network, "exp", "function1", [1, 4], x=changed([1, 4], 2.0))


def exp_in_a_layer_behind_others() -> Planted:
    network = ms.Sequential(
        fixed(ms.Dense, 2, value=1.0, bias=False),
        ms.ReLU(),
        Function(lambda x: ms.exp(x)),
        ms.Dense(1),
    )
    return Planted(network, "exp", "function1", [9], x=changed([9], 40.0), step=2)


def log_of_zero_in_a_loss() -> Planted:
    loss = Custom(lambda p, t: ms.mean((p - t) ** 2 + ms.log(t), 1))
    y = data()[1]
    y[[13, 16]] = 0.0
    return Planted(ms.Dense(1), "log", "loss", [13, 16], loss=loss, y=y, trouble="pole", step=3)


def log_of_a_negative_number() -> Planted:
    network = ms.Sequential(Function(ms.log), ms.Dense(1))
    x = changed([5], -1.0)
    return Planted(network, "log", "function1", [5], x=x, trouble="undefined")


def root_of_a_negative_number() -> Planted:
    network = ms.Sequential(Function(ms.ops.sqrt), ms.Dense(1))
    x = changed([20], -0.25, 1)
    return Planted(network, "sqrt", "function1", [20], x=x, trouble="undefined", step=4)


def power_of_a_negative_number() -> Planted:
    network = ms.Sequential(Function(lambda x: x**0.3), ms.Dense(1))
    return Planted(network, "power", "function1", [2], x=changed([2], -1.0), trouble="undefined")


def division_by_zero_deviation_of_a_row() -> Planted:
    def standardized(x: ms.ir.Value) -> ms.ir.Value:
        center = ms.mean(x, 1, keep=True)
        deviation = ms.ops.sqrt(ms.mean((x - center) ** 2, 1, keep=True))
        return (x - center) / deviation

    network = ms.Sequential(Function(standardized), ms.Dense(1))
    x = changed([7], 1.0)
    return Planted(network, "divide", "function1", [7], x=x, trouble="undefined", step=2)


def division_by_zero_deviation_of_a_column() -> Planted:
    def standardized(x: ms.ir.Value) -> ms.ir.Value:
        center = ms.mean(x, 0, keep=True)
        deviation = ms.ops.sqrt(ms.mean((x - center) ** 2, 0, keep=True))
        return (x - center) / deviation

    network = ms.Sequential(Function(standardized), ms.Dense(1))
    x = changed(list(range(ROWS)), 1.0, 1)
    return Planted(network, "divide", "function1", list(range(6)), x=x, trouble="undefined")


def one_over_zero() -> Planted:
    network = ms.Sequential(Function(lambda x: 5000.0 / x), ms.Dense(1))
    return Planted(
        network, "divide", "function1", [10], x=changed([10], 0.0), trouble="pole", step=2
    )


def slope_of_the_root_at_zero_in_a_loss() -> Planted:
    loss = Custom(lambda p, t: ms.ops.sqrt(ms.ops.sum((p - t) ** 2, 1)))
    x, y = data()
    x[15] = 0.0
    y[15] = 0.0
    network = ms.Dense(1, bias=False)
    return Planted(
        network, "sqrt", "loss", [15], phase="backward", loss=loss, x=x, y=y, trouble="pole", step=3
    )


def slope_of_the_root_that_where_hides() -> Planted:
    def safe(x: ms.ir.Value) -> ms.ir.Value:
        return ms.where(x > 0.0, ms.ops.sqrt(x), 0.0)

    network = ms.Sequential(fixed(ms.Dense, 2, value=1.0, bias=False), Function(safe), ms.Dense(1))
    x = changed([19], 0.0)
    return Planted(
        network, "sqrt", "function1", [19], phase="backward", x=x, trouble="undefined", step=4
    )


def norm_without_care() -> Planted:
    def length(x: ms.ir.Value) -> ms.ir.Value:
        return ms.ops.sqrt(ms.ops.sum(x * x, 1, keep=True))

    network = ms.Sequential(ms.Dense(4, bias=False), Function(length), ms.Dense(1))
    x = changed([0], 0.0)
    return Planted(network, "sqrt", "function1", [0], phase="backward", x=x, trouble="pole")


def huge_inputs() -> Planted:
    network = ms.Sequential(fixed(ms.Dense, 1, value=0.5))
    return Planted(network, "multiply", "loss", [3, 4], x=changed([3, 4], 1e30))


def huge_inputs_through_a_relu() -> Planted:
    network = ms.Sequential(fixed(ms.Dense, 4, value=0.5), ms.ReLU(), ms.Dense(1))
    return Planted(network, "multiply", "loss", [11], x=changed([11], 1e25), step=2)


def huge_answers() -> Planted:
    y = data()[1]
    y[21] = 1e30
    return Planted(ms.Dense(1), "multiply", "loss", [21], y=y, step=4)


def product_of_matrices() -> Planted:
    network = ms.Sequential(
        fixed(ms.Dense, 2, value=1e10), ms.ReLU(), fixed(ms.Dense, 1, value=2e10)
    )
    x = np.float32(1e-20) * changed([3], 1e38)
    return Planted(network, "matrix_product", "dense2", [3], x=x)


def convolution() -> Planted:
    x = np.full((ROWS, 4, 4, 1), 0.5, "float32")
    x[14, 1, 1] = 3e38
    network = ms.Sequential(fixed(ms.Conv2D, 1, 3, value=2.0), ms.ReLU(), ms.Flatten(), ms.Dense(1))
    return Planted(network, "convolution", "conv2d1", [14], x=x, step=3)


def exploding_rate() -> Planted:
    network = ms.Sequential(ms.Dense(8), ms.ReLU(), ms.Dense(1))
    settings_ = {"optimizer": ms.SGD(1e9)}
    return Planted(network, "multiply", "loss", [], step=None, settings=settings_)


def update_too_large() -> Planted:
    """The rate is finite, its product with a gradient is not; row 2 is what makes it large."""
    x = changed([2], 1e6)
    network = ms.Sequential(fixed(ms.Dense, 1, value=0.5))
    return Planted(
        network,
        "multiply",
        "optimizer",
        [2],
        phase="update",
        x=x,
        settings={"optimizer": ms.SGD(1e32)},
    )


def rate_beyond_float32() -> Planted:
    network = ms.Sequential(ms.Dense(1))
    return Planted(
        network, "cast", "optimizer", None, phase="update", settings={"optimizer": ms.SGD(1e39)}
    )


def squares_of_adam() -> Planted:
    """The loss stays finite: only Adam's moments overflow, and the weights stand still."""
    x, y = changed([4], 1e22), data()[1]
    loss = Custom(lambda p, t: ms.ops.sum(ms.ops.absolute(p - t), 1))
    network = ms.Sequential(fixed(ms.Dense, 1, value=1.0))
    return Planted(
        network,
        "multiply",
        "optimizer",
        [4],
        phase="update",
        x=x,
        y=y,
        loss=loss,
        fails=False,
        settings={"optimizer": ms.optim.Adam(1e-3)},
    )


def gradient_too_large() -> Planted:
    """Forward all is finite: a loss whose slope is a product that overflows."""
    loss = Custom(lambda p, t: ms.ops.sum(ms.ops.absolute(p - t), 1) * 1e10)
    network = ms.Sequential(fixed(ms.Dense, 1, value=0.0, bias=False))
    y = data()[1]
    return Planted(
        network,
        "matrix_product",
        "dense1",
        [1],
        phase="backward",
        x=changed([1], 1e30),
        y=y,
        loss=loss,
    )


def penalty() -> Planted:
    network = ms.Sequential(fixed(ms.Dense, 1, value=1e37))
    x = data()[0] * np.float32(1e-37)
    settings_ = {"regularizers": ms.optim.L2(1e3)}
    return Planted(network, "multiply", "penalty", None, phase="backward", x=x, settings=settings_)


def weights_that_were_never_finite() -> Planted:
    network = ms.Network(ms.Sequential(ms.Dense(2), ms.Dense(1)), input_shape=(COLUMNS,))
    network.parameters[1] = np.nan
    return Planted(network, "", "dense1", None, trouble="given")


def accumulating() -> Planted:
    planted = log_of_zero_in_a_loss()
    planted.settings = {"accumulate": 2}
    planted.step = 2
    return planted


def accumulated_update() -> Planted:
    planted = update_too_large()
    planted.settings["accumulate"] = 3
    return planted


def weighted_rows() -> Planted:
    planted = exp_in_a_layer()
    planted.fitted = {"sample_weight": np.linspace(0.5, 2.0, ROWS)}
    return planted


def mixed() -> Planted:
    network = ms.Sequential(fixed(ms.Dense, 1, value=0.5))
    x = changed([9], 1e32)
    return Planted(network, "multiply", "loss", [9], x=x, settings={"mixup": 8.0}, step=2)


def with_dropout() -> Planted:
    network = ms.Sequential(
        ms.Dropout(0.2), Function(lambda x: ms.exp(x * 40.0)), ms.Dense(4), ms.Dense(1)
    )
    return Planted(network, "exp", "function1", [2, 3], x=changed([2, 3], 2.0))


def frozen() -> Planted:
    network = ms.Sequential(
        fixed(ms.Dense, 2, value=1.0, bias=False, trainable=False),
        Function(lambda x: ms.exp(x)),
        ms.Dense(1),
    )
    return Planted(network, "exp", "function1", [22], x=changed([22], 40.0), step=4)


def inside_a_scan() -> Planted:
    def grown(x: ms.ir.Value) -> ms.ir.Value:
        begin = ms.ops.sum(x, 1) * 0.0
        steps = ms.ops.scan(lambda h, entry: ms.exp(h * 0.001 + entry), begin, [x])
        return steps[:, -1]

    x = np.full((ROWS, 4, 2), 0.5, "float32")
    x[17, 2] = 120.0
    network = ms.Sequential(Function(grown), ms.Dense(1))
    return Planted(network, "exp", "function1", [17], x=x, step=3)


def slope_inside_a_scan() -> Planted:
    def grown(x: ms.ir.Value) -> ms.ir.Value:
        begin = ms.ops.sum(x, 1) * 0.0
        return ms.ops.scan(lambda h, entry: ms.ops.sqrt(h * 0.5 + entry), begin, [x])[:, -1]

    x = np.full((ROWS, 4, 2), 0.5, "float32")
    x[8] = 0.0
    network = ms.Sequential(fixed(ms.Dense, 2, value=1.0, bias=False), Function(grown), ms.Dense(1))
    return Planted(network, "scan", "function1", [8], phase="backward", trouble="pole", x=x, step=2)


def recurrent() -> Planted:
    x = np.full((ROWS, 4, 2), 0.5, "float32")
    network = ms.Sequential(ms.LSTM(2), ms.Dense(1))
    return Planted(
        network,
        "multiply",
        "optimizer",
        [],
        phase="update",
        x=x,
        y=data()[1] * 1e3,
        settings={"optimizer": ms.SGD(3e38)},
    )


def uncompiled() -> Planted:
    planted = exp_in_a_layer_behind_others()
    planted.settings = {"compiling": False}
    return planted


def wide() -> Planted:
    planted = exp_in_a_layer_behind_others()
    planted.x = planted.x * 10.0
    planted.x[:9] *= 0.1
    planted.x[10:] *= 0.1
    planted.settings = {"dtype": "float64"}
    return planted


def wide_pole() -> Planted:
    planted = one_over_zero()
    planted.settings = {"dtype": "float64"}
    return planted


def masked_out_as_a_whole() -> Planted:
    def attended(x: ms.ir.Value) -> ms.ir.Value:
        scores = ms.where(x > 0.0, x, -np.inf)
        highest = ms.ops.max(scores, 1, keep=True)
        weights = ms.exp(scores - highest)
        return weights / ms.ops.sum(weights, 1, keep=True)

    network = ms.Sequential(Function(attended), ms.Dense(1))
    x = changed([1, 8], -1.0, 0)
    x[12] = -1.0
    return Planted(network, "subtract", "function1", [12], x=x, trouble="undefined", step=3)


def batch_normalization() -> Planted:
    network = ms.Sequential(ms.BatchNorm(), ms.Dense(1))
    x = changed([23], 1e30)
    return Planted(network, "multiply", "batchnorm1", [23], x=x, step=4)


def logits_of_classes() -> Planted:
    network = ms.Sequential(fixed(ms.Dense, 2, value=1e20), fixed(ms.Dense, 3, value=1e20))
    y = np.arange(ROWS) % 3
    x = data()[0] * 1e-6
    x[18] = 1.0
    return Planted(
        network, "matrix_product", "dense2", [18], loss=ms.CrossEntropy(), x=x, y=y, step=4
    )


def the_loss_shows_nothing() -> Planted:
    """A bias becomes −∞ behind a ReLU: the loss stays finite for good."""
    network = ms.Sequential(
        fixed(ms.Dense, 1, value=1.0, bias=False), ms.ReLU(), Function(lambda x: x * 1.0)
    )
    loss = Custom(lambda p, t: ms.mean(p, 1) * 1e10)
    return Planted(
        network,
        "multiply",
        "optimizer",
        [],
        phase="update",
        loss=loss,
        settings={"optimizer": ms.SGD(1e30)},
    )


CASES = [
    exp_in_a_layer,
    exp_in_a_layer_behind_others,
    log_of_zero_in_a_loss,
    log_of_a_negative_number,
    root_of_a_negative_number,
    power_of_a_negative_number,
    division_by_zero_deviation_of_a_row,
    division_by_zero_deviation_of_a_column,
    one_over_zero,
    slope_of_the_root_at_zero_in_a_loss,
    slope_of_the_root_that_where_hides,
    norm_without_care,
    huge_inputs,
    huge_inputs_through_a_relu,
    huge_answers,
    product_of_matrices,
    convolution,
    exploding_rate,
    update_too_large,
    rate_beyond_float32,
    squares_of_adam,
    gradient_too_large,
    penalty,
    weights_that_were_never_finite,
    accumulating,
    accumulated_update,
    weighted_rows,
    mixed,
    with_dropout,
    frozen,
    inside_a_scan,
    slope_inside_a_scan,
    recurrent,
    uncompiled,
    wide,
    wide_pole,
    masked_out_as_a_whole,
    batch_normalization,
    logits_of_classes,
    the_loss_shows_nothing,
]


def trained(planted: Planted, **fitted: Any) -> tuple[ms.Trainer, ms.train.Run]:
    options = {"optimizer": ms.SGD(1e-4), "batch_size": BATCH, "shuffle": False}
    trainer = ms.Trainer(planted.network, loss=planted.loss, **(options | planted.settings))
    return trainer, trainer.fit(planted.x, planted.y, epochs=4, **planted.fitted, **fitted)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_planted_case_is_traced(case: Callable[[], Planted]) -> None:
    planted = case()
    trainer, run = trained(planted)
    found = run.provenance
    assert run.failed == planted.fails
    assert found is not None
    assert (found.operation, found.layer) == (planted.operation, planted.layer), str(found)
    assert found.phase == planted.phase
    assert found.trouble == planted.trouble
    if planted.step is not None:
        assert found.step == planted.step
    if planted.rows is None:
        assert found.rows == ()
    elif planted.rows:
        assert list(found.rows) == planted.rows
    else:
        assert found.row_count > 0
    if planted.trouble != "given":
        assert np.isfinite(trainer.network.parameters).all()
        assert found.location is not None
        file, _, line = found.location.rpartition(":")
        assert Path(file).name == "test_provenance.py"
        assert int(line) > 0


@settings(max_examples=12, deadline=None)
@given(
    row=st.integers(0, ROWS - 1),
    seed=st.integers(0, 1000),
    epoch_of=st.integers(1, 3),
    compiling=st.booleans(),
    batch=st.integers(1, 7),
)
def test_any_row_is_found_in_any_step(
    row: int, seed: int, epoch_of: int, compiling: bool, batch: int
) -> None:
    """The row turns bad once the weight that grows by 1 each epoch is large enough."""
    x, y = data(seed)
    x[row] = 100.0
    network = ms.Sequential(Function(ms.exp), fixed(ms.Dense, 1, value=0.0, bias=False))
    trainer = ms.Trainer(
        network, loss=ms.SquaredError(), batch_size=batch, seed=seed, compiling=compiling
    )
    run = trainer.fit(x, y, epochs=epoch_of)
    at = int(np.flatnonzero(epoch_order(ROWS, seed, 0) == row)[0])
    found = run.provenance
    assert found is not None
    assert (found.step, found.rows) == (at // batch + 1, (row,))
    assert (found.operation, found.layer) == ("exp", "function1")
    assert run.updates <= at // batch + 1


@pytest.mark.parametrize("compiling", [True, False])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_weights_before_the_bad_step_are_kept(accumulate: int, compiling: bool) -> None:
    x, y = data()
    y[15] = 0.0
    loss = Custom(lambda p, t: ms.mean((p - t) ** 2, 1) + ms.mean(ms.log(t), 1) * 0.0)

    def run_for(rows: int) -> tuple[np.ndarray, ms.train.Run]:
        trainer = ms.Trainer(
            ms.Dense(1),
            loss=loss,
            optimizer=ms.optim.Adam(1e-2),
            batch_size=2,
            accumulate=accumulate,
            compiling=compiling,
            shuffle=False,
        )
        run = trainer.fit(x[:rows], y[:rows], epochs=1)
        return trainer.network.parameters, run

    expected, before = run_for(14 if accumulate == 1 else 12)
    kept, failed = run_for(ROWS)
    assert failed.failed
    assert failed.provenance is not None
    assert failed.provenance.rows == (15,)
    assert failed.provenance.step == before.updates + 1
    assert (kept == expected).all()


def test_a_silent_step_is_found_among_many() -> None:
    """A slope is infinite in one step; the loss shows it only in a later one."""
    x, y = data()
    x, y = np.tile(x, (50, 1)), np.tile(y, (50, 1))
    x[777] = 0.0
    network = ms.Sequential(
        fixed(ms.Dense, 1, value=0.3, bias=False),
        Function(ms.ops.sqrt),
        fixed(ms.Dense, 1, value=1.0),
    )
    trainer = ms.Trainer(
        network, loss=ms.SquaredError(), optimizer=ms.SGD(1e-3), batch_size=4, shuffle=False
    )
    run = trainer.fit(x, y, epochs=2)
    found = run.provenance
    assert found is not None
    assert (found.step, found.rows, found.phase) == (777 // 4 + 1, (777,), "backward")
    assert run.updates > 777 // 4


def test_where_training_diverged_the_weights_before_the_epoch_are_kept() -> None:
    x, y = data()
    network = ms.Network(ms.Dense(1), input_shape=(COLUMNS,))
    first = network.parameters.copy()
    trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.SGD(1e3), batch_size=1)
    run = trainer.fit(x, y, epochs=3)
    assert run.failed
    assert run.updates > 1
    assert (network.parameters == first).all()


def test_the_best_weights_are_kept_where_there_are_such() -> None:
    x, y = data()

    class Spoil(ms.Callback):
        def on_epoch_end(self, training: ms.train.Training) -> None:
            self.weights = training.network.parameters.copy()
            if training.epoch == 2:
                training.network.parameters[0] = np.nan

    trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), batch_size=4)
    run = trainer.fit(x, y, epochs=5, validation=(x, y), callbacks=[Spoil()])
    assert run.failed
    assert run.best_epoch in (None, 2)
    assert np.isfinite(trainer.network.parameters).all()
    assert run.provenance is not None
    assert run.provenance.trouble == "given"


def test_the_record_says_it(tmp_path: Path) -> None:
    planted = log_of_zero_in_a_loss()
    _, run = trained(planted, folder=tmp_path)
    events = [event for event in ms.read_record(tmp_path).events if event["kind"] == "provenance"]
    assert run.record is not None
    assert events == [event for event in run.record.events if event["kind"] == "provenance"]
    (event,) = events
    assert event["words"] == str(run.provenance)
    expected = {
        "operation": "log",
        "layer": "loss",
        "phase": "forward",
        "step": 3,
        "rows": [13, 16],
        "rows_counted_from": 0,
        "trouble": "pole",
    }
    assert {name: event[name] for name in expected} == expected
    (operand,) = event["values"]["inputs"]
    assert (operand["smallest"], operand["largest"]) == (0.0, 0.0)


def test_infinities_on_purpose_mislead_nobody() -> None:
    x, y = np.ones((ROWS, 4, 2), "float32"), data()[1]
    x[5] = 1e30

    def attended(x: ms.ir.Value) -> ms.ir.Value:
        masked = ms.where(x > 2.0, -np.inf, x)
        logarithm = ms.where(x > 2.0, ms.log(x * 0.0), x)
        weights = ms.softmax(ms.ops.concatenate([masked, x * 0.0], 2))
        return weights + ms.where(logarithm < 0.0, 0.0, logarithm)[:, :, :1]

    network = ms.Sequential(Function(attended), ms.Flatten(), ms.Dense(1))
    trainer = ms.Trainer(network, loss=ms.SquaredError(), batch_size=6)
    run = trainer.fit(x, y, epochs=2)
    assert not run.failed
    assert run.provenance is None


def test_watching_for_it_changes_no_bit() -> None:
    """What a copy of the state is made of is never what training goes on with."""
    x, y = data()
    weights = []
    for times in (0.0, 1e9):
        before = journal.TIMES_LONGER
        journal.TIMES_LONGER = times
        try:
            trainer = ms.Trainer(
                ms.Sequential(ms.Dense(4), ms.Tanh(), ms.Dense(1)),
                loss=ms.SquaredError(),
                batch_size=4,
            )
            trainer.fit(x, y, epochs=5)
        finally:
            journal.TIMES_LONGER = before
        weights.append(trainer.network.parameters)
    assert (weights[0] == weights[1]).all()
