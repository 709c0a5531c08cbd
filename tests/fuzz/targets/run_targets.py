"""What lies in the folder of a run: checkpoints, their manifest, the record, its lock."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

import misstep as ms
from misstep.doctor import examine
from misstep.errors import MisstepError
from misstep.record import Follower, read_record
from misstep.report import Material, report_page
from misstep.storage import folder_holder, folder_lock
from misstep.storage.checkpoint import KIND as CHECKPOINT
from misstep.storage.container import parse_container
from misstep.web.watch.watched_run import WatchedRun
from tests.fuzz.mutations import BYTES, swap_lines
from tests.fuzz.structures import change_header, change_json, change_json_lines, resign, sha256
from tests.fuzz.targets.small import X, Y, run_by_command, trained
from tests.fuzz.targets.target import Target

MANIFEST = "checkpoints/manifest.json"


class Checkpoints(Target):
    """Checkpoints, named by a manifest with the right sum, that a run is to go on from."""

    name = "checkpoint"
    ending = ".misstep"
    mutations = (*BYTES, change_header, *(resign(CHECKPOINT),) * 18)

    def make(self) -> list[bytes]:
        self._fit(self._trainer(), self.folder / "run", resume=False, epochs=2)
        return [(self.folder / "run/checkpoints" / self._entry()["file"]).read_bytes()]

    def _entry(self) -> dict[str, Any]:
        self._manifest = json.loads((self.folder / "run" / MANIFEST).read_text())
        entry: dict[str, Any] = self._manifest["checkpoints"][-1]
        return entry

    def begin(self) -> None:
        self._known = self._entry()
        self._ready: ms.Trainer | None = None

    def attempt(self, path: Path) -> None:
        content, entry = path.read_bytes(), self._known
        signed = {**entry, "size": len(content), "sha256": sha256(content)}
        run = path.parent / "resumed"
        (run / "checkpoints").mkdir(parents=True, exist_ok=True)
        (run / "checkpoints" / entry["file"]).write_bytes(content)
        manifest = json.dumps({**self._manifest, "checkpoints": [signed]})
        (run / MANIFEST).write_text(manifest)
        self._resume(run)

    def _resume(self, run: Path) -> None:
        """Go on. A trainer that was refused is as it was, and may be used again."""
        trainer, self._ready = self._ready or self._trainer(), None
        before = _weights(trainer)
        try:
            self._fit(trainer, run, resume=True, epochs=3)
        except MisstepError:
            # Training itself may have failed, by what a checkpoint held.
            if before and not (run / "record.jsonl").exists():
                assert _weights(trainer) == before, "a refused checkpoint changed weights"
                self._ready = trainer
            raise
        finally:
            shutil.rmtree(run, ignore_errors=True)

    def is_open(self, content: bytes) -> bool:
        try:
            parse_container(content, "tried", kind=CHECKPOINT, newest=1)
        except MisstepError:
            return False
        return True

    @staticmethod
    def _trainer() -> ms.Trainer:
        layers = ms.Sequential(ms.Dense(2), ms.BatchNorm(), ms.Dropout(0.1), ms.Dense(2))
        return ms.Trainer(
            ms.Network(layers, input_shape=(4,)), loss=ms.CrossEntropy(), batch_size=12, seed=1
        )

    @staticmethod
    def _fit(trainer: ms.Trainer, folder: Path, *, resume: bool, epochs: int) -> None:
        trainer.fit(
            *(X, Y),
            epochs=epochs,
            folder=folder,
            resume=resume,
            validation=(X[:9], Y[:9]),
            early_stopping=5,
            # Looks into the network and pages are no part of what a checkpoint says.
            probe_every=0,
            report=False,
        )


def _weights(trainer: ms.Trainer) -> dict[str, bytes]:
    network = trainer.network
    return {name: np.asarray(array).tobytes() for name, array in network.arrays().items()}


class Manifests(Checkpoints):
    """The manifest of checkpoints, which are whole."""

    name = "manifest"
    ending = ".json"
    mutations = (*BYTES, *(change_json,) * 12)

    def make(self) -> list[bytes]:
        super().make()
        return [(self.folder / "run" / MANIFEST).read_bytes()]

    def attempt(self, path: Path) -> None:
        run = path.parent / "resumed"
        shutil.rmtree(run, ignore_errors=True)
        (run / "checkpoints").mkdir(parents=True)
        name = self._known["file"]
        shutil.copyfile(self.folder / "run/checkpoints" / name, run / "checkpoints" / name)
        shutil.copyfile(path, run / MANIFEST)
        self._resume(run)

    def is_open(self, content: bytes) -> bool:
        return _is_json(content)


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


class Records(Target):
    """Records of runs, examined by the doctor."""

    name = "record"
    weight = 1
    ending = ".jsonl"
    mutations = (*BYTES, swap_lines, *(change_json_lines,) * 18)

    def make(self) -> list[bytes]:
        trained(self.folder / "own")
        run = run_by_command(self.folder)
        return [(folder / "record.jsonl").read_bytes() for folder in (self.folder / "own", run)]

    def attempt(self, path: Path) -> None:
        record = read_record(path)
        # Lines that can't be read are passed over: a record is whole if none was.
        str(examine(record))

    def is_open(self, content: bytes) -> bool:
        return b'"misstep record"' in content.split(b"\n")[0]


class Followed(Records):
    """Records that grow while they are watched, and what a page gets of them."""

    name = "watched"
    weight = 1

    def attempt(self, path: Path) -> None:
        content, run = path.read_bytes(), path.parent / "run"
        run.mkdir(exist_ok=True)
        record = run / "record.jsonl"
        follower = Follower(run)
        watched = WatchedRun(run, "a run", lambda record: str)
        for end in (len(content) // 3, len(content)):
            record.write_bytes(content[:end])
            watched.advance()
            watched.examine()
            for made in (watched.summary(), watched.detail()):
                json.loads(made)
                assert b"fault in misstep" not in made, made[-600:]
            watched.strips()
            follower.advance()
        read_record(record)


class Reports(Records):
    """The report of a run, made from its record alone, and with its model beside it."""

    name = "report"
    weight = 1

    def begin(self) -> None:
        self._model = (self.folder / "run/model.misstep").read_bytes()

    def attempt(self, path: Path) -> None:
        run = path.parent / "run"
        run.mkdir(exist_ok=True)
        (run / "record.jsonl").write_bytes(path.read_bytes())
        model = run / "model.misstep"
        model.unlink(missing_ok=True)
        if self.sometimes(path, 3):
            model.write_bytes(self._model)
        page = report_page(Material.of_folder(run), careful=True)
        for planted in ("<script>run()", "\x1b", "\x00"):
            assert planted not in page, f"{planted!r} stands in the page"


class ReportedModels(Reports):
    """The report of a run whose record is whole, and whose model is not."""

    name = "report-model"
    weight = 1
    ending = ".misstep"
    mutations = (*BYTES, change_header, *(resign("model"),) * 18)

    def make(self) -> list[bytes]:
        run = run_by_command(self.folder)
        return [(run / "model.misstep").read_bytes()]

    def begin(self) -> None:
        self._record = (self.folder / "run/record.jsonl").read_bytes()

    def attempt(self, path: Path) -> None:
        run = path.parent / "run"
        run.mkdir(exist_ok=True)
        (run / "record.jsonl").write_bytes(self._record)
        (run / "model.misstep").write_bytes(path.read_bytes())
        page = report_page(Material.of_folder(run), careful=True)
        for planted in ("<script>run()", "\x1b", "\x00"):
            assert planted not in page, f"{planted!r} stands in the page"

    def is_open(self, content: bytes) -> bool:
        try:
            parse_container(content, "tried", kind="model", newest=1)
        except MisstepError:
            return False
        return True


class Locks(Target):
    """The file by which a run says that it works in a folder."""

    name = "lock"
    ending = ".json"
    mutations = (*BYTES, *(change_json,) * 8)

    def make(self) -> list[bytes]:
        with folder_lock(self.folder):
            found = [each for each in self.folder.iterdir() if each.stat().st_size]
            return [found[0].read_bytes()]

    def begin(self) -> None:
        from misstep.storage.lock import LOCK

        self._name = LOCK

    def attempt(self, path: Path) -> None:
        import fcntl
        import os

        run = path.parent / "run"
        run.mkdir(exist_ok=True)
        lock = run / self._name
        lock.write_bytes(path.read_bytes())
        # Somebody has it, whose words are these.
        handle = os.open(lock, os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            str(folder_holder(run))
            if self.sometimes(path, 8):
                with folder_lock(run):
                    raise AssertionError("a folder that somebody has was given away")
        except MisstepError as error:
            str(error)
        finally:
            os.close(handle)

    def is_open(self, content: bytes) -> bool:
        return _is_json(content)
