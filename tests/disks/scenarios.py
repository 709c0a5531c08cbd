"""What is done on disks that fail: an act each, and what must hold of the folder afterwards.

Each is small: what matters is every position at which it asks the disk for something.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import warnings
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import misstep as ms
from misstep.errors import ArgumentError, MisstepError
from misstep.record import read_record
from misstep.storage import Checkpoint, PreparedFiles, load_latest_checkpoint
from misstep.train import Run
from misstep.trials import RepairFolder

_NUMBERS = np.random.default_rng(0)
X = _NUMBERS.normal(size=(32, 3)).astype("float32")
Y = (X[:, 0] > 0).astype("int64")
# Epochs of the run that is there before, of the one that meets the failing disk, and of a last one
# that goes on from it.
BEFORE, NOW, LATER = 2, 3, 4
# Updates between checkpoints: some lie in the middle of an epoch of two updates.
EVERY = 3


def files_of(folder: Path) -> dict[str, str]:
    """Return the sum of each file below a folder, by name."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def trainer(units: int = 3) -> ms.Trainer:
    """Return one of a small network."""
    layers = ms.Sequential(ms.Dense(units), ms.Tanh(), ms.Dropout(0.2), ms.Dense(2))
    return ms.Trainer(layers, loss=ms.CrossEntropy(), seed=1, batch_size=16, threads=1)


def fit(one: ms.Trainer, folder: Path | None, epochs: int, **more: Any) -> Run:
    """Train it; what can't be written is a warning, which is no fault."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return one.fit(
            X,
            Y,
            epochs=epochs,
            folder=folder,
            checkpoint_every=EVERY,
            probe_every=0,
            report=False,
            **more,
        )


def bits(one: ms.Trainer) -> bytes:
    """Return all numbers of its network."""
    return one.network.parameters.tobytes() + one.network.buffers.tobytes()


class Scenario(ABC):
    """Something done in a folder. Subclasses register themselves by name."""

    registry: ClassVar[dict[str, type[Scenario]]] = {}
    name: ClassVar[str]

    def __init_subclass__(cls, **more: Any) -> None:
        """Keep each that has a name."""
        super().__init_subclass__(**more)
        if "name" in vars(cls):
            Scenario.registry[cls.name] = cls

    def prepare(self, folder: Path) -> None:  # noqa: B027
        """Leave in the folder what is there before; nothing by default."""

    @abstractmethod
    def act(self, folder: Path) -> Any:
        """Do it. Raises MisstepError where it can't be done."""

    @abstractmethod
    def check(self, folder: Path, before: dict[str, str], outcome: Any) -> list[str]:
        """Return what is wrong, once the disk is well again.

        `before`: sums of the files that were there. `outcome`: what `act` returned or raised.
        """


def error_faults(error: BaseException) -> list[str]:
    """Return what is wrong with an exception."""
    if not isinstance(error, MisstepError):
        return [f"a foreign exception: {type(error).__name__}: {error}"]
    words = str(error)
    return [f"a message of several lines: {words!r}"] if "\n" in words else []


def left_over(folder: Path) -> list[str]:
    """Return which temporary files are left."""
    names = [str(path.relative_to(folder)) for path in folder.rglob(".*")]
    return [f"left over: {name}" for name in names]


class _Training(Scenario):
    """A training in a folder. `earlier`: units of the run before; None for none."""

    earlier: ClassVar[int | None] = None
    resume: ClassVar[bool] = False
    _wanted: ClassVar[dict[int, bytes]] = {}

    def prepare(self, folder: Path) -> None:
        if self.earlier is not None:
            fit(trainer(self.earlier), folder, BEFORE)

    def act(self, folder: Path) -> Any:
        self.trainer = trainer()
        return fit(self.trainer, folder, NOW, resume=self.resume)

    def check(self, folder: Path, before: dict[str, str], outcome: Any) -> list[str]:
        wrong = []
        if isinstance(outcome, BaseException):
            wrong += error_faults(outcome)
            state = self.trainer.state
            if state is not None and state.update > (BEFORE * 2 if self.resume else 0):
                wrong.append(f"training was thrown away after {state.update} updates: {outcome}")
        elif bits(self.trainer) != self.wanted(NOW):
            wrong.append("other numbers")
        return wrong + self.loads(folder, before, outcome) + self.goes_on(folder)

    def wanted(self, epochs: int) -> bytes:
        """Return the numbers of a training whose disk is well."""
        if epochs not in self._wanted:
            whole = trainer()
            fit(whole, None, epochs)
            self._wanted[epochs] = bits(whole)
        return self._wanted[epochs]

    def loads(self, folder: Path, before: dict[str, str], outcome: Any) -> list[str]:
        """Return what is wrong with what lies in the folder."""
        wrong = []
        latest = _latest(folder)
        if isinstance(latest, MisstepError):
            return [f"no checkpoint loads: {latest}"]
        if before and latest is None:
            wrong.append("the earlier run's checkpoint is gone")
        if latest is not None:
            wrong += _record_faults(folder, latest)
        if isinstance(outcome, Run) and not outcome.notes:
            update = None if latest is None else latest.state["training"]["update"]
            if update != outcome.updates:
                wrong.append(f"the last checkpoint is of update {update}, and nobody said so")
        return wrong

    def goes_on(self, folder: Path) -> list[str]:
        """Return what is wrong with training that goes on, on a disk that is well."""
        last = trainer()
        try:
            fit(last, folder, LATER, resume=True)
        except ArgumentError as error:
            if self.earlier not in (None, 3) and "the same" in str(error):
                # What lies there is the earlier run, whole; it goes on.
                earlier = trainer(self.earlier or 0)
                fit(earlier, folder, BEFORE, resume=True)
                return []
            return [f"it does not go on: {error}"]
        except Exception as error:
            return [f"it does not go on: {type(error).__name__}: {error}"]
        wrong = [] if bits(last) == self.wanted(LATER) else ["other numbers after going on"]
        return wrong + left_over(folder)


def _latest(folder: Path) -> Checkpoint | MisstepError | None:
    try:
        return load_latest_checkpoint(folder / "checkpoints")
    except MisstepError as error:
        return error


def _record_faults(folder: Path, latest: Checkpoint) -> list[str]:
    """Return what is wrong with the records: one of them is of the latest checkpoint's run."""
    found = []
    for name in ("record.jsonl", "record.before.jsonl"):
        with contextlib.suppress(MisstepError):
            found.append(read_record(folder / name))
    if not any(one.facts == latest.state["facts"] for one in found):
        return ["no record is of the run whose checkpoint there is"]
    return []


class Anew(_Training):
    name = "fit in a new folder"


class Over(_Training):
    name = "fit over an earlier run"
    earlier = 3


class OverOther(_Training):
    name = "fit over the run of another network"
    earlier = 5


class Resume(_Training):
    name = "fit goes on"
    earlier = 3
    resume = True


class Model(Scenario):
    """A model's file, written over an earlier one."""

    name = "a model is saved"
    _models: ClassVar[list[Any]] = []

    def models(self) -> list[Any]:
        if not self._models:
            for seed in (0, 1):
                one = ms.Classifier(epochs=2, random_state=seed, threads=1)
                self._models.append(one.fit(X, Y))
        return self._models

    def prepare(self, folder: Path) -> None:
        self.models()[0].save(folder / "model.misstep")

    def act(self, folder: Path) -> Any:
        self.models()[1].save(folder / "model.misstep")

    def check(self, folder: Path, before: dict[str, str], outcome: Any) -> list[str]:
        wrong = error_faults(outcome) if isinstance(outcome, BaseException) else []
        after = files_of(folder)
        fresh = folder.with_name("fresh")
        fresh.mkdir(exist_ok=True)
        self.models()[1].save(fresh / "model.misstep")
        wanted = before if isinstance(outcome, BaseException) else files_of(fresh)
        shutil.rmtree(fresh)
        if after.get("model.misstep") != wanted["model.misstep"]:
            wrong.append("the model is neither as before nor the new one")
        ms.load_model(folder / "model.misstep")
        return wrong


class Prepared(Scenario):
    """Rows that are prepared piece by piece."""

    name = "rows are prepared"
    rows = np.arange(24, dtype="float32").reshape(6, 4)

    def act(self, folder: Path) -> Any:
        files = PreparedFiles(folder / "rows", "key")
        with files.writer("x", "float32", (4,)) as writer:
            for at in range(writer.pieces, 3):
                writer.add(self.rows[2 * at : 2 * at + 2], at)
            writer.finish()

    def check(self, folder: Path, before: dict[str, str], outcome: Any) -> list[str]:
        wrong = error_faults(outcome) if isinstance(outcome, BaseException) else []
        self.act(folder)
        got = PreparedFiles(folder / "rows", "key").array("x")
        if got is None or (got != self.rows).any():
            wrong.append("other rows")
        return wrong + left_over(folder)


# Kinds of files in a folder of one prepared array.
FILES = [".facts", ".json", ".rows"]


class PreparedAnew(Prepared):
    """As before, where rows for something else are."""

    name = "rows are prepared in place of others"

    def prepare(self, folder: Path) -> None:
        files = PreparedFiles(folder / "rows", "another key")
        for name in ("x", "z"):
            with files.writer(name, "float64", (2,)) as writer:
                writer.add(np.ones((3, 2)), ["a fact"])
                writer.finish()

    def check(self, folder: Path, before: dict[str, str], outcome: Any) -> list[str]:
        wrong = []
        # Before anything is done: what is said to be there is there.
        others = PreparedFiles(folder / "rows", "another key")
        for name in ("x", "z"):
            got = others.array(name)
            if got is not None and ((got != 1).any() or list(others.pieces(name)) != [["a fact"]]):
                wrong.append("the rows of before are others")
        wrong += super().check(folder, before, outcome)
        if sorted(path.suffix for path in (folder / "rows").iterdir()) != FILES:
            wrong.append("files of before were left")
        return wrong


class Settling(Scenario):
    """What the second round of a repair adopted takes the place of what the first one did."""

    name = "a repair's second round"

    def prepare(self, folder: Path) -> None:
        place = folder / "repair-1"
        for round_folder, units in ((place, 3), (place / "round-2", 5)):
            fit(trainer(units), round_folder, 1)
            (round_folder / "model.misstep").write_text(f"model of {units}")

    def act(self, folder: Path) -> Any:
        place = RepairFolder(folder / "repair-1", ("model.misstep",))
        place.settle(1)
        place.settle(2)

    def check(self, folder: Path, before: dict[str, str], outcome: Any) -> list[str]:
        wrong = error_faults(outcome) if isinstance(outcome, BaseException) else []
        if not set(before.values()) <= set(files_of(folder).values()):
            wrong.append("a file is gone")
        if not (folder / "repair-1/model.misstep").exists():
            wrong.append("no model in the folder of the repair")
        return wrong
