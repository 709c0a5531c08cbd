"""Training as people use it: learning, stopping, going on, the same bits, clear refusals."""

import signal

import numpy as np
import pytest

import misstep as ms
from misstep.record import SIGNALS, read_record
from misstep.storage import load_latest_checkpoint
from misstep.train.ordering import epoch_order

ROWS = 230


def rows(count=ROWS, seed=0):
    numbers = np.random.default_rng(seed)
    x = numbers.normal(size=(count, 6)).astype("float32")
    y = (x[:, 0] * x[:, 1] > 0).astype("int64") + (x[:, 2] > 0.5)
    return x, y


def trainer(**changes):
    network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dropout(0.1), ms.Dense(3))
    settings = {"optimizer": ms.Adam(3e-3), "batch_size": 50, "seed": 7} | changes
    return ms.Trainer(network, loss=ms.CrossEntropy(), **settings)


class StopAt(ms.Callback):
    def __init__(self, draw):
        self.draw = draw

    def on_update(self, training):
        if training.state.draw >= self.draw:
            training.stop("enough")


SETTINGS = {
    "plain": {},
    "accumulated": {"accumulate": 3},
    "full": {"batch_size": "full"},
    "single": {"batch_size": 1},
    "clipped": {
        "clipping": ms.optim.ClipNorm(0.5),
        "regularizers": [ms.optim.L1(1e-4), ms.optim.L2(1e-3)],
    },
    "nadam": {"optimizer": ms.optim.Nadam(1e-3), "schedule": ms.optim.OneCycle()},
    "plateau": {"schedule": ms.optim.ReduceOnPlateau(patience=1)},
    "float64": {"dtype": "float64", "optimizer": ms.SGD(0.1, momentum=0.9)},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_going_on_gives_the_bits_of_never_having_stopped(name, tmp_path):
    x, y = rows(60 if name == "single" else ROWS)
    held = (x[:40], y[:40])
    whole = trainer(**SETTINGS[name])
    run = whole.fit(x, y, epochs=4, validation=held, folder=tmp_path / "whole")
    batches = whole._state.draw
    for draw in {1, batches // 3, batches // 2, batches - 1} - {0}:
        folder = tmp_path / f"cut{draw}"
        cut = trainer(**SETTINGS[name])
        cut.fit(x, y, epochs=4, validation=held, folder=folder, callbacks=[StopAt(draw)])
        again = trainer(**SETTINGS[name])
        second = again.fit(x, y, epochs=4, validation=held, folder=folder, resume=True)
        assert again.network.parameters.tobytes() == whole.network.parameters.tobytes()
        assert second.updates == run.updates
        for one, other in zip(second.history, run.history, strict=True):
            assert one["training_loss"] == other["training_loss"]
            assert one["validation_loss"] == other["validation_loss"]
        first, other = read_record(folder), read_record(tmp_path / "whole")
        assert (first.steps["loss"] == other.steps["loss"]).all()


def test_threads_and_repeats_do_not_change_a_bit():
    x, y = rows()
    found = set()
    for threads in (None, 1, 2, 3, 1):
        one = trainer(threads=threads)
        one.fit(x, y, epochs=2)
        found.add(one.network.parameters.tobytes())
    assert len(found) == 1


def test_a_run_of_other_data_or_settings_is_not_gone_on_with(tmp_path):
    x, y = rows()
    trainer().fit(x, y, epochs=1, folder=tmp_path)
    with pytest.raises(ms.ArgumentError, match="the same data"):
        trainer().fit(x + 1, y, epochs=2, folder=tmp_path, resume=True)
    with pytest.raises(ms.ArgumentError, match="the same optimizer"):
        trainer(optimizer=ms.SGD(0.1)).fit(x, y, epochs=2, folder=tmp_path, resume=True)
    assert load_latest_checkpoint(tmp_path / "checkpoints") is not None


def test_a_fresh_run_puts_the_earlier_record_aside(tmp_path):
    x, y = rows()
    trainer().fit(x, y, epochs=3, folder=tmp_path)
    trainer().fit(x, y, epochs=1, folder=tmp_path)
    assert len(read_record(tmp_path).epochs) == 1
    assert len(read_record(tmp_path / "record.before.jsonl").epochs) == 3


def test_early_stopping_restores_the_best_weights():
    x, y = rows(60)
    far = rows(100, seed=1)
    one = trainer(optimizer=ms.Adam(0.05))
    run = one.fit(x, y, epochs=500, validation=far, early_stopping=5)
    losses = [values["validation_loss"] for values in run.history]
    assert run.epochs < 500
    assert "validation loss has not fallen" in str(run.ending)
    assert run.best_epoch == int(np.argmin(losses)) + 1
    assert one.evaluate(*far)["loss"] == pytest.approx(min(losses), rel=1e-12)


def test_until_convergence():
    x = np.linspace(-1, 1, 20).reshape(-1, 1)
    one = ms.Trainer(
        ms.Dense(1),
        loss=ms.SquaredError(),
        optimizer=ms.SGD(0.3),
        batch_size="full",
        dtype="float64",
    )
    run = one.fit(x, 2 * x + 1, epochs=10_000, callbacks=[ms.train.Converged(1e-3)])
    assert "converged" in str(run.ending)
    assert run.epochs < 10_000
    # Least squares on a line is solved exactly: the loss falls by a constant share to rounding.
    assert np.allclose(one.network.arrays()["weight"], 2.0, atol=1e-2)


def test_fit_again_trains_further():
    x, y = rows()
    once, twice = trainer(), trainer()
    once.fit(x, y, epochs=4)
    twice.fit(x, y, epochs=2)
    run = twice.fit(x, y, epochs=2)
    assert run.epochs == 4
    assert once.network.parameters.tobytes() == twice.network.parameters.tobytes()


class Press(ms.Callback):
    """Presses Ctrl-C at an update, as a terminal does."""

    def __init__(self, update):
        self.update = update

    def on_update(self, training):
        if training.update == self.update:
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_keeps_the_best_weights_and_can_be_gone_on_from(tmp_path):
    x, y = rows()
    held = (x[:40], y[:40])
    before = signal.getsignal(signal.SIGINT)
    one = trainer()
    run = one.fit(x, y, epochs=50, validation=held, callbacks=[Press(33)], folder=tmp_path)
    assert signal.getsignal(signal.SIGINT) is before
    assert not run.finished
    assert "Ctrl-C" in str(run.ending)
    assert run.updates == 33
    best = min(values["validation_loss"] for values in run.history)
    assert one.evaluate(*held)["loss"] == pytest.approx(best, rel=1e-12)
    whole, again = trainer(), trainer()
    whole.fit(x, y, epochs=10, validation=held)
    again.fit(x, y, epochs=10, validation=held, folder=tmp_path, resume=True)
    assert again.network.parameters.tobytes() == whole.network.parameters.tobytes()


def test_a_loss_that_is_not_finite_stops_training_in_words(tmp_path, capsys):
    x, y = rows()
    one = ms.Trainer(
        ms.Sequential(ms.Dense(8), ms.Dense(1)), loss=ms.SquaredError(), optimizer=ms.SGD(1e6)
    )
    run = one.fit(x, y.reshape(-1, 1), epochs=50, folder=tmp_path, progress=True)
    assert not run.finished
    assert "the loss became" in str(run.ending)
    assert "lower learning rate" in capsys.readouterr().err
    assert read_record(tmp_path).events[-1]["kind"] == "stopped"


class Spoils(ms.Callback):
    """Makes the learning rate infinite once so many epochs are over."""

    def __init__(self, epochs):
        self.epochs = epochs
        self.kept = {}

    def on_epoch_end(self, training):
        self.kept[training.epoch] = training.state.parameters.copy()
        if training.epoch == self.epochs:
            training._learning_rates = lambda count: np.full(count, np.inf)


@pytest.mark.parametrize("compiling", [True, False])
@pytest.mark.parametrize("validated", [True, False])
def test_a_failure_loses_nothing_of_the_epochs_before(compiling, validated):
    x, y = rows(100)
    one = trainer(batch_size=10, compiling=compiling)
    spoils = Spoils(3)
    run = one.fit(
        x, y, epochs=8, validation=(x[:40], y[:40]) if validated else None, callbacks=[spoils]
    )
    assert run.failed
    assert run.usable
    assert not run.finished
    assert run.epochs == 3
    if validated:
        judged = [values["validation_loss"] for values in run.history]
        best = run.best_epoch or run.epochs
        assert judged[best - 1] == min(judged)
        assert one.evaluate(x[:40], y[:40])["loss"] == pytest.approx(min(judged), rel=1e-6)
    else:
        best = 3
    assert one.network.parameters.tobytes() == spoils.kept[best].tobytes()


def test_a_failure_from_the_start_leaves_nothing_worth_keeping():
    x, y = rows(100)
    one = trainer(batch_size=10, optimizer=ms.SGD(1e30))
    run = one.fit(x, y, epochs=8, validation=(x[:40], y[:40]))
    assert run.failed
    assert not run.usable


def test_a_validation_loss_that_is_no_number_is_never_the_best():
    x, y = rows(100)
    one = trainer(batch_size=10)
    huge = np.full((5, x.shape[1]), 3e38, "float32")
    run = one.fit(x, y, epochs=3, validation=(huge, y[:5]), early_stopping=5)
    assert not any(np.isfinite(values["validation_loss"]) for values in run.history)
    assert run.best_epoch is None
    assert run.epochs == 3


def test_the_record_holds_every_signal(tmp_path):
    x, y = rows()
    network = ms.Sequential(ms.Dense(8), ms.ReLU(), ms.Dense(8), ms.Tanh(), ms.Dense(3))
    limit = ms.optim.ClipNorm(0.1)
    one = ms.Trainer(network, loss=ms.CrossEntropy(), clipping=limit, seed=1)
    one.fit(x, y, epochs=2, validation=(x, y), folder=tmp_path, probe_every=4)
    record = read_record(tmp_path)
    missing = []
    for name in SIGNALS:
        paths = record.paths(name) or [None]
        try:
            steps, values = record.signal(name, paths[0])
            assert len(steps) == len(values) > 0
        except ms.MisstepError:
            missing.append(name)
    assert missing == ["validation_rmse", "probe_rmse"]  # the loss is one of classes
    assert record.notes == []


def test_probing_and_recording_change_no_bit(tmp_path):
    x, y = rows()
    plain, in_memory, watched = trainer(), trainer(), trainer()
    plain.fit(x, y, epochs=2, watch=False)
    in_memory.fit(x, y, epochs=2)
    watched.fit(x, y, epochs=2, folder=tmp_path, probe_every=1)
    for other in (in_memory, watched):
        assert plain.network.parameters.tobytes() == other.network.parameters.tobytes()


def test_each_epoch_sees_every_row_once_in_its_own_order():
    first, second = epoch_order(100, 3, 0), epoch_order(100, 3, 1)
    assert sorted(first) == sorted(second) == list(range(100))
    assert (first != second).any()
    assert (epoch_order(100, 3, 0) == first).all()
    assert (epoch_order(100, 4, 0) != first).any()


def test_whole_weights_count_as_repeated_rows_in_evaluation():
    x, y = rows(40)
    weights = np.arange(40) % 3
    one = trainer()
    one.fit(x, y, epochs=1)
    repeated = np.repeat(np.arange(40), weights)
    weighted = one.evaluate(x, y, sample_weight=weights)
    plain = one.evaluate(x[repeated], y[repeated])
    assert weighted["loss"] == pytest.approx(plain["loss"], rel=1e-6)
    assert weighted["accuracy"] == pytest.approx(plain["accuracy"])


X, Y = rows(20)
BAD = {
    "other numbers of rows": (lambda: trainer().fit(X, Y[:-1]), "as many targets as rows"),
    "class beyond": (lambda: trainer().fit(X, Y + 1), "0 to 2"),
    "negative class": (lambda: trainer().fit(X, Y - 1), "0 to 2"),
    "classes as fractions": (lambda: trainer().fit(X, Y.astype(float)), "int64"),
    "a missing value": (lambda: trainer().fit(np.where(X > 2, np.nan, X * np.nan), Y), "finite"),
    "words": (lambda: trainer().fit([["a"] * 6] * 20, Y), "numbers"),
    "no rows": (lambda: trainer().fit(X[:0], Y[:0]), "one row"),
    "no epochs": (lambda: trainer().fit(X, Y, epochs=0), "epochs"),
    "batch size": (lambda: trainer(batch_size=0), "batch_size"),
    "threads": (lambda: trainer(threads=0), "threads"),
    "a negative seed": (lambda: trainer(seed=-1), "seed"),
    "no loss": (lambda: ms.Trainer(ms.Dense(1), loss=None), "loss"),
    "an optimizer by name": (lambda: trainer(optimizer="adam"), "optimizer"),
    "resume without a folder": (lambda: trainer().fit(X, Y, resume=True), "folder"),
    "early stopping alone": (lambda: trainer().fit(X, Y, early_stopping=3), "validation"),
    "validation alone": (lambda: trainer().fit(X, Y, validation=X), "validation"),
    "weights": (lambda: trainer().fit(X, Y, sample_weight=-np.ones(20)), "sample_weight"),
    "broadcasting": (
        lambda: ms.Trainer(ms.Dense(1), loss=ms.SquaredError()).fit(X, Y.astype(float)),
        r"\(20, 1\) and the target \(20,\)",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_in_words(name):
    call, words = BAD[name]
    with pytest.raises(ms.MisstepError, match=words):
        call()


def test_predicting_before_there_is_a_network():
    with pytest.raises(ms.NotFittedError, match="fit"):
        trainer().predict(X)


def test_progress_lines(capsys):
    x, y = rows()
    trainer().fit(x, y, epochs=3, validation=(x, y), progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("epoch 1/3 · loss ")
    assert lines[-1].startswith("epoch 3/3 · loss ")
    assert all("validation accuracy" in line for line in lines)
    assert "rows/s" in lines[-1]


def test_training_goes_on_with_momentum_where_there_was_none_and_without_where_there_was():
    x, y = rows(60)
    for before, after in ((ms.SGD(0.1), ms.SGD(0.1, momentum=0.9)), (ms.SGD(0.1, 0.9), ms.SGD())):
        first = trainer(optimizer=before)
        first.fit(x, y, epochs=2)
        second = first.continued(optimizer=after)
        assert second.state.optimizer_state.shape[0] == len(after.used_slots())
        assert np.array_equal(second.network.parameters, first.network.parameters)
        assert second.fit(x, y, epochs=1).epochs == 3
