"""What a run's folder must never lose: files of others, and the newest whole checkpoint."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

import misstep as ms
from misstep.errors import StorageError
from misstep.record import read_record
from misstep.storage import folder_lock, load_latest_checkpoint, save_checkpoint

X = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
Y = np.arange(32) % 2


def trainer(units: int = 4) -> ms.Trainer:
    layers = ms.Sequential(ms.Dense(units), ms.ReLU(), ms.Dense(2))
    return ms.Trainer(layers, loss=ms.CrossEntropy(), seed=1, batch_size=16)


@pytest.mark.parametrize(
    "name",
    [
        "checkpoints/thesis/data.csv",
        "checkpoints/notes.txt",
        "checkpoints/checkpoint-best.misstep",
        "checkpoints/.hidden",
        "record.jsonl",
        "record.before.jsonl",
    ],
)
def test_files_of_others_stay(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('{"years": "of work"}\n')
    with pytest.raises(StorageError, match="a folder of its own"):
        trainer().fit(X, Y, epochs=1, folder=tmp_path)
    assert file.read_text() == '{"years": "of work"}\n'
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [file]


def test_files_beside_a_run_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for _ in range(2):
        trainer().fit(X, Y, epochs=1, folder=tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["manifest.json", "checkpoint-000000000002"])
def test_the_same_step_twice_loses_neither(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(tmp_path, 1, {"a": np.zeros(2)}, {"n": 0})
    save_checkpoint(tmp_path, 2, {"a": np.zeros(2)}, {"n": 1})
    replace = os.replace

    def die(source: str, target: Path) -> None:
        if Path(target).name.startswith(name):
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", die)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path, 2, {"a": np.ones(2)}, {"n": 2})
    found = load_latest_checkpoint(tmp_path)
    assert found is not None
    assert (found.step, found.state) == (2, {"n": 1})
    monkeypatch.undo()
    save_checkpoint(tmp_path, 2, {"a": np.ones(2)}, {"n": 2})
    found = load_latest_checkpoint(tmp_path)
    assert found is not None
    assert found.state == {"n": 2}
    assert len(list(tmp_path.iterdir())) == 3


def fail(training: object, *others: object) -> None:
    raise RuntimeError("before any checkpoint")


class Failing(ms.Callback):
    on_update = fail


def test_a_run_that_fails_at_once_leaves_the_one_before(tmp_path: Path) -> None:
    whole = trainer().fit(X, Y, epochs=3, folder=tmp_path)
    before = load_latest_checkpoint(tmp_path / "checkpoints")
    for _ in range(2):
        with pytest.raises(RuntimeError):
            trainer(5).fit(X, Y, epochs=3, folder=tmp_path, callbacks=[Failing()])
        found = load_latest_checkpoint(tmp_path / "checkpoints")
        assert found is not None
        assert before is not None
        assert found.step == before.step
        assert len(read_record(tmp_path / "record.before.jsonl").epochs) == 3
    # The one before goes on, with its record; what failed starts anew.
    run = trainer().fit(X, Y, epochs=4, folder=tmp_path, resume=True)
    assert run.losses[:3] == whole.losses
    assert len(read_record(tmp_path).epochs) == 4


def test_a_run_without_a_checkpoint_of_its_own_starts_anew(tmp_path: Path) -> None:
    trainer().fit(X, Y, epochs=3, folder=tmp_path)
    with pytest.raises(RuntimeError):
        trainer(5).fit(X, Y, epochs=3, folder=tmp_path, callbacks=[Failing()])
    run = trainer(5).fit(X, Y, epochs=2, folder=tmp_path, resume=True)
    assert run.epochs == 2
    assert len(list((tmp_path / "checkpoints").glob("checkpoint-*"))) == 1


def test_the_second_run_in_a_folder_is_refused(tmp_path: Path) -> None:
    with folder_lock(tmp_path):
        said: list[str] = []

        def second() -> None:
            try:
                trainer().fit(X, Y, epochs=1, folder=tmp_path)
            except StorageError as error:
                said.append(str(error))

        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
        assert f"process {os.getpid()} works in since 20" in said[0]
        other = (
            "import sys; from misstep.storage import folder_lock\n"
            "with folder_lock(sys.argv[1]): pass"
        )
        ended = subprocess.run(
            [sys.executable, "-c", other, str(tmp_path)],
            capture_output=True,
            check=False,
            text=True,
        )
        assert f"process {os.getpid()}" in ended.stderr
        assert not (tmp_path / "record.jsonl").exists()
        # What has the folder may use it.
        trainer().fit(X, Y, epochs=1, folder=tmp_path)
    assert not list(tmp_path.glob(".*"))


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    dying = (
        "import os, sys; from misstep.storage import folder_lock\n"
        "with folder_lock(sys.argv[1]): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", dying, str(tmp_path)], check=False)
    assert list(tmp_path.glob(".*"))
    trainer().fit(X, Y, epochs=1, folder=tmp_path)
    assert not list(tmp_path.glob(".*"))


def test_a_full_disk_does_not_end_training(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    class Fill(ms.Callback):
        def on_epoch_end(self, training: ms.train.Training) -> None:
            full = training.epoch in (2, 3)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]) if full else before)

    def fit(epochs: int) -> ms.Run:
        x, y = np.repeat(X, 8, axis=0), np.repeat(Y, 8)
        fills = [Fill()]
        return trainer().fit(
            x, y, epochs=epochs, folder=tmp_path, callbacks=fills, checkpoint_every=3
        )

    try:
        run = fit(5)
        # When there was room again, all was made up for.
        record = read_record(tmp_path)
        assert (len(record.steps["step"]), len(record.epochs), record.notes) == (80, 5, [])
        latest = load_latest_checkpoint(tmp_path / "checkpoints")
        assert latest is not None
        assert latest.state["training"]["update"] == run.updates
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            run = fit(3)
        assert run.finished
        words = [str(each.message) for each in told]
        assert words[:-1] == list(run.notes)
        assert words[-1].startswith("no report was written")
        assert run.notes[0].startswith("the latest checkpoint could not be written")
        assert run.notes[1].startswith("the end of the record could not be written")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("name", ["record.jsonl", "record.before.jsonl"])
@pytest.mark.parametrize("broken", [False, True])
def test_a_run_that_ends_when_it_begins_leaves_a_record_in_its_place(
    name: str, broken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer().fit(X, Y, epochs=3, folder=tmp_path)
    if broken:
        # One that had begun, without a checkpoint yet.
        with pytest.raises(RuntimeError):
            trainer(5).fit(X, Y, epochs=3, folder=tmp_path, callbacks=[Failing()])
    replace = os.replace

    def die(source: object, target: object, **more: object) -> None:
        if Path(str(target)).name == name:
            raise KeyboardInterrupt
        replace(source, target, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "replace", die)
    if not (broken and name == "record.before.jsonl"):
        with pytest.raises(KeyboardInterrupt):
            trainer(5).fit(X, Y, epochs=2, folder=tmp_path, resume=broken)
    monkeypatch.undo()
    assert (tmp_path / "record.jsonl").is_file()
    if broken:
        # Whose run was the latest is still known.
        assert trainer(5).fit(X, Y, epochs=2, folder=tmp_path, resume=True).epochs == 2
        assert len(read_record(tmp_path / "record.before.jsonl").epochs) == 3
    else:
        trainer().fit(X, Y, epochs=4, folder=tmp_path, resume=True)
        assert len(read_record(tmp_path).epochs) == 4
        assert not (tmp_path / "record.before.jsonl").exists()
