"""Snapshots: the same held-out rows after a few updates, kept over stops, at next to no cost."""

import dataclasses

import numpy as np
import pytest

import misstep as ms
from misstep.record import read_record


def rows(count=400, seed=0):
    numbers = np.random.default_rng(seed)
    x = numbers.normal(size=(count, 4)).astype("float32")
    return x, (x[:, 0] * x[:, 1] > 0).astype("int64") + (x[:, 2] > 0.5)


def trainer(**changes):
    network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(3))
    settings = {"optimizer": ms.Adam(3e-3), "batch_size": 20, "seed": 7} | changes
    return ms.Trainer(network, loss=ms.CrossEntropy(), **settings)


class StopAt(ms.Callback):
    def __init__(self, update):
        self.update = update

    def on_update(self, training):
        if training.update >= self.update:
            training.stop("enough")


def test_each_stage_is_what_the_network_of_that_moment_says():
    x, y = rows()
    held = x[:100], y[:100]
    run = trainer().fit(x, y, epochs=6, validation=held, callbacks=[ms.Snapshots()])
    assert [(one.update, one.last) for one in run.snapshots] == [
        (1, False),
        (10, False),
        (100, False),
        (120, True),
    ]
    for snapshot in run.snapshots:
        cut = trainer()
        # The rate of a schedule depends on the end; Adam's constant one does not.
        cut.fit(x, y, epochs=6, callbacks=[StopAt(snapshot.update)])
        predicted = cut.predict(held[0]).argmax(axis=1)
        assert snapshot.predicted == tuple(predicted)
        assert snapshot.score_name == "error"
        assert snapshot.score == pytest.approx((predicted != held[1]).mean())


def test_watching_changes_no_bit_and_samples_evenly():
    x, y = rows()
    plain, watched = trainer(), trainer()
    plain.fit(x, y, epochs=3)
    snapshots = ms.Snapshots(rows=7)
    watched.fit(x, y, epochs=3, validation=(x, y), callbacks=[snapshots])
    assert plain.network.parameters.tobytes() == watched.network.parameters.tobytes()
    assert len(snapshots.snapshots[0].predicted) == len(snapshots.indices) == 7
    assert set(np.diff(snapshots.indices)) <= {57, 58}


@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize("cut", [5, 10, 34])
def test_going_on_keeps_the_snapshots_and_the_record_has_each_once(tmp_path, accumulate, cut):
    x, y = rows()

    def fit(folder, **more):
        return trainer(accumulate=accumulate).fit(
            x,
            y,
            epochs=6,
            validation=(x, y),
            folder=tmp_path / folder,
            callbacks=[ms.Snapshots(), *more.pop("after", ())],
            **more,
        )

    whole = fit("whole")
    stopped = fit("cut", after=[StopAt(cut)])
    assert stopped.snapshots[-1].last
    again = fit("cut", resume=True)
    assert again.snapshots == whole.snapshots
    first, other = read_record(tmp_path / "whole"), read_record(tmp_path / "cut")
    assert first.snapshots == other.snapshots
    assert [one["step"] for one in first.snapshots] == [one.update for one in whole.snapshots]
    assert first.snapshots[0]["error"] == whole.snapshots[0].score
    assert not first.notes


def test_training_stops_for_no_other_update():
    class Counted(ms.Snapshots):
        times = 0

        def planned_update(self, update):
            Counted.times += 1
            return super().planned_update(update)

    x, y = rows(4000)
    run = trainer().fit(x, y, epochs=10, validation=(x[:50], y[:50]), callbacks=[Counted()])
    assert run.updates == 2000
    # Twice for each return to Python, of which there are a few for each epoch.
    assert Counted.times < 400


def test_numbers_are_judged_by_rmse_and_rows_of_several_numbers_by_score_alone():
    x, _ = rows(60)
    for columns, kept in ((1, 60), (2, 0)):
        one = ms.Trainer(ms.Dense(columns), loss=ms.SquaredError(), batch_size=20)
        y = x[:, :columns]
        run = one.fit(x, y, epochs=4, validation=(x, y), callbacks=[ms.Snapshots()])
        assert run.snapshots[-1].score_name == "rmse"
        assert run.snapshots[-1].score == pytest.approx(
            run.history[-1]["validation_rmse"], rel=1e-6
        )
        assert len(run.snapshots[-1].predicted) == kept


def test_two_classes_and_no_held_out_rows():
    x, y = rows(60)
    two = ms.Trainer(ms.Dense(1), loss=ms.BinaryCrossEntropy(), batch_size=20)
    target = (y[:, None] > 0).astype("float32")
    run = two.fit(x, target, epochs=4, validation=(x, target), callbacks=[ms.Snapshots()])
    right = np.array(run.snapshots[-1].predicted) == target[:, 0]
    assert run.snapshots[-1].score == pytest.approx(1 - right.mean())
    assert two.fit(x, target, epochs=1, callbacks=[ms.Snapshots()]).snapshots == []
    with pytest.raises(ms.ArgumentError, match="rows of Snapshots"):
        ms.Snapshots(rows=0)


class Marks(ms.Callback):
    """Adds a snapshot of its own, and wants the best weights in the end."""

    restore_best = True

    def contribute(self, run):
        own = ms.train.Snapshot(0, "error", 0.5)
        return dataclasses.replace(run, snapshots=[own, *run.snapshots])


def test_any_callback_adds_to_the_run_and_may_ask_for_the_best_weights():
    x, y = rows(60)
    far = x[:30] * 3, y[:30][::-1]
    one = trainer(optimizer=ms.Adam(0.05))
    run = one.fit(x, y, epochs=30, validation=far, callbacks=[ms.Snapshots(), Marks()])
    assert [snapshot.update for snapshot in run.snapshots] == [0, 1, 10, 90]
    losses = [values["validation_loss"] for values in run.history]
    assert run.best_epoch == int(np.argmin(losses)) + 1 < 30
    assert one.evaluate(*far)["loss"] == min(losses)
