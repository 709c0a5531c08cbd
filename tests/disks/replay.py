"""Acts that are watched, and what must hold of each disk that the power may leave behind.

Nothing that was reported as written may be gone: neither the checkpoint, nor the record up to it,
nor the model; and before anything was reported, what was there before is.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import misstep as ms
from misstep.errors import MisstepError
from misstep.record import read_record
from misstep.storage import PreparedFiles, load_latest_checkpoint
from misstep.train import run_folder
from misstep.train.run_folder import check_run_folder
from misstep.trials import RepairFolder
from tests.disks import commands
from tests.disks.operations import watched
from tests.disks.power import PowerLog, Way, lay_out, trees
from tests.disks.scenarios import LATER, NOW, Model, bits, fit, trainer

OTHER = 5


class Act(ABC):
    """Something done while the power may go. Subclasses register themselves by name."""

    registry: ClassVar[dict[str, type[Act]]] = {}
    name: ClassVar[str]
    ways: ClassVar[tuple[Way, ...]] = tuple(Way)

    def __init_subclass__(cls, **more: Any) -> None:
        """Keep each that has a name."""
        super().__init_subclass__(**more)
        if "name" in vars(cls):
            Act.registry[cls.name] = cls

    @abstractmethod
    def prepare(self, folder: Path) -> None:
        """Leave in the folder what is there before."""

    @abstractmethod
    def act(self, folder: Path, log: PowerLog) -> None:
        """Do it, and mark in the log what is reported as done."""

    @abstractmethod
    def check(self, folder: Path, marks: dict[str, Any]) -> list[str]:
        """Return what is wrong with what the power left."""

    def go_on(self, folder: Path, marks: dict[str, Any]) -> list[str]:
        """Go on from there, and return what is wrong; for some of them, since it takes longer."""
        return []


@contextlib.contextmanager
def _reporting(log: PowerLog) -> Iterator[None]:
    """Mark each checkpoint once it is reported as written, by its updates."""
    save = run_folder.save_checkpoint

    def marking(folder: Path, step: int, arrays: Any, state: Any, **more: Any) -> Path:
        path = save(folder, step, arrays, state, **more)
        log.mark("checkpoint", (_same(state["facts"]), state["training"]["update"]))
        return path

    run_folder.save_checkpoint = marking  # type: ignore[assignment]
    try:
        yield
    finally:
        run_folder.save_checkpoint = save


class Training(Act):
    """A training in a folder. `earlier`: units of the run before; None for none."""

    earlier: ClassVar[int | None] = None
    resume: ClassVar[bool] = False
    _before: Any = None
    _whole: ClassVar[dict[int, bytes]] = {}

    def prepare(self, folder: Path) -> None:
        if self.earlier is not None:
            fit(trainer(self.earlier), folder, 2)
            latest = load_latest_checkpoint(folder / "checkpoints")
            assert latest is not None
            self._before = _same(latest.state["facts"]), latest.state["training"]["update"]

    def act(self, folder: Path, log: PowerLog) -> None:
        with _reporting(log):
            fit(trainer(), folder, NOW, resume=self.resume)

    def check(self, folder: Path, marks: dict[str, Any]) -> list[str]:
        try:
            check_run_folder(folder, "it")
            latest = load_latest_checkpoint(folder / "checkpoints")
        except MisstepError as error:
            return [f"{error}"]
        promised = marks.get("checkpoint", self._before)
        if latest is None:
            return ["no checkpoint"] if promised else []
        facts, update = _same(latest.state["facts"]), int(latest.state["training"]["update"])
        wrong = []
        # A new run of the same training begins at 0.
        if "checkpoint" in marks and facts == promised[0] and update < promised[1]:
            wrong.append(f"the checkpoint of {update} updates, {promised[1]} were reported")
        if promised and facts != promised[0] and "checkpoint" in marks:
            wrong.append("a checkpoint of the run before")
        return wrong + _record_faults(folder, latest.state["facts"], update)

    def go_on(self, folder: Path, marks: dict[str, Any]) -> list[str]:
        latest = load_latest_checkpoint(folder / "checkpoints")
        units = 3
        if latest is not None and self._before and _same(latest.state["facts"]) == self._before[0]:
            units = self.earlier or 3
        one = trainer(units)
        fit(one, folder, LATER, resume=True)
        if units not in self._whole:
            whole = trainer(units)
            fit(whole, None, LATER)
            self._whole[units] = bits(whole)
        wrong = [] if bits(one) == self._whole[units] else ["other numbers after going on"]
        record = read_record(folder)
        if [line["epoch"] for line in record.epochs] != list(range(1, LATER + 1)):
            wrong.append(f"a record of epochs {[line['epoch'] for line in record.epochs]}")
        if len(record.steps["step"]) != 2 * LATER:
            wrong.append(f"a record of {len(record.steps['step'])} updates")
        return wrong


def _same(facts: Any) -> str:
    """Return facts such that equal ones are equal, whether they were in a file or not."""
    return json.dumps(facts, sort_keys=True)


def _record_faults(folder: Path, facts: Any, update: int) -> list[str]:
    """Return what is wrong with the records: one is of the checkpoint's run, and reaches it."""
    found = []
    for name in ("record.jsonl", "record.before.jsonl"):
        with contextlib.suppress(MisstepError):
            one = read_record(folder / name)
            if one.facts == facts:
                found.append(len(one.steps["step"]))
    if not found:
        return ["no record of the checkpoint's run"]
    short = max(found) < update
    return [f"a record of {max(found)} updates, a checkpoint of {update}"] if short else []


class Anew(Training):
    name = "fit in a new folder"

    def prepare(self, folder: Path) -> None:
        # Further down, so that the run's own folder is new as well.
        folder.mkdir(exist_ok=True)


class Over(Training):
    name = "fit over the run of another network"
    earlier = OTHER


class OverSame(Training):
    name = "fit over the same run"
    earlier = 3


class Resume(Training):
    name = "fit goes on"
    earlier = 3
    resume = True


class Saving(Act):
    """A model's file, written over an earlier one."""

    name = "a model is saved"

    def prepare(self, folder: Path) -> None:
        self.scenario = Model()
        self.scenario.prepare(folder)
        self.sums = [(folder / "model.misstep").read_bytes()]

    def act(self, folder: Path, log: PowerLog) -> None:
        self.scenario.act(folder)
        self.sums.append((folder / "model.misstep").read_bytes())
        log.mark("model", None)

    def check(self, folder: Path, marks: dict[str, Any]) -> list[str]:
        allowed = self.sums[1:] if "model" in marks else self.sums
        if (folder / "model.misstep").read_bytes() not in allowed:
            return ["neither the model of before nor the new one"]
        return []


class Train(Act):
    """The command, over an earlier run of the command."""

    name = "train"

    def prepare(self, folder: Path) -> None:
        commands.TrainOver().prepare(folder)

    def act(self, folder: Path, log: PowerLog) -> None:
        scenario = commands.TrainOver()
        with _reporting(log):
            code, _, said = scenario.act(folder)
        assert code == 0, said
        log.mark("model", None)

    def check(self, folder: Path, marks: dict[str, Any]) -> list[str]:
        run = folder / "run"
        wrong = []
        model = ms.load_model(run / "model.misstep")
        if "model" in marks and (model.facts["epochs"] != 2 or not model.facts["metrics"]):
            wrong.append("not the model that was reported")
        report = (run / "report.html").read_text()
        if not report.endswith("</html>") and not report.endswith("</html>\n"):
            wrong.append("half a report")
        latest = load_latest_checkpoint(run / "checkpoints")
        if latest is None:
            return [*wrong, "no checkpoint"]
        facts, update = latest.state["facts"], int(latest.state["training"]["update"])
        if "checkpoint" in marks and update < marks["checkpoint"][1]:
            wrong.append(f"the checkpoint of {update} updates")
        return wrong + _record_faults(run, facts, update)


class Settling(Act):
    """What the second round of a repair adopted takes the place of what the first one did."""

    name = "a repair's second round"
    # No disk that is in use loses a file that goes from one folder to another.
    ways = (Way.JOURNALED,)

    def prepare(self, folder: Path) -> None:
        place = folder / "repair-1"
        for round_folder, units in ((place, 3), (place / "round-2", OTHER)):
            fit(trainer(units), round_folder, 1)
            (round_folder / "model.misstep").write_text(f"model of {units}")

    def act(self, folder: Path, log: PowerLog) -> None:
        place = RepairFolder(folder / "repair-1", ("model.misstep",))
        place.settle(1)
        place.settle(2)
        log.mark("settled", None)

    def check(self, folder: Path, marks: dict[str, Any]) -> list[str]:
        place = folder / "repair-1"
        wrong, found = [], {}
        for model in sorted(place.rglob("model.misstep")):
            latest = load_latest_checkpoint(model.parent / "checkpoints")
            found[str(model.parent.name)] = model.read_text()
            if "settled" in marks and latest is None:
                wrong.append(f"no checkpoint in {model.parent.name}")
        if sorted(set(found.values())) != ["model of 3", "model of 5"]:
            wrong.append(f"models: {found}")
        if "repair-1" not in found:
            wrong.append("no model in the folder of the repair")
        if "settled" in marks and found != {"repair-1": "model of 5", "round-1": "model of 3"}:
            wrong.append(f"not settled: {found}")
        if len(list(place.rglob("checkpoint-*"))) != 2 or len(list(place.rglob("*.jsonl"))) < 2:
            wrong.append("a checkpoint or record is gone")
        return wrong


class Preparing(Act):
    """Rows that are prepared piece by piece, and go on where that was broken off."""

    name = "rows are prepared"
    rows = np.arange(40, dtype="float32").reshape(10, 4)

    def prepare(self, folder: Path) -> None:
        """Nothing is there before."""

    def act(self, folder: Path, log: PowerLog) -> None:
        self.write(folder, log)

    def write(self, folder: Path, log: PowerLog | None = None) -> None:
        """Prepare what is missing."""
        files = PreparedFiles(folder / "rows", "key")
        with files.writer("x", "float32", (4,)) as writer:
            for at in range(writer.pieces, 5):
                writer.add(self.rows[2 * at : 2 * at + 2], at)
                if log is not None:
                    log.mark("pieces", at + 1)
            writer.finish()

    def check(self, folder: Path, marks: dict[str, Any]) -> list[str]:
        if "pieces" in marks:
            files = PreparedFiles(folder / "rows", "key")
            with files.writer("x", "float32", (4,)) as writer:
                if writer.pieces < marks["pieces"]:
                    return [f"{writer.pieces} pieces, {marks['pieces']} were written"]
        self.write(folder)
        files = PreparedFiles(folder / "rows", "key")
        got, told = files.array("x"), list(files.pieces("x"))
        whole = got is not None and (got == self.rows).all() and told == [0, 1, 2, 3, 4]
        return [] if whole else ["other rows"]


class PreparingAnew(Preparing):
    """Rows that are prepared in place of others, which stay or are not told of."""

    name = "rows are prepared in place of others"

    def prepare(self, folder: Path) -> None:
        files = PreparedFiles(folder / "rows", "another key")
        for name in ("x", "z"):
            with files.writer(name, "float64", (2,)) as writer:
                writer.add(np.ones((3, 2)), name)
                writer.finish()

    def check(self, folder: Path, marks: dict[str, Any]) -> list[str]:
        files = PreparedFiles(folder / "rows", "another key")
        for name in ("x", "z"):
            got = files.array(name)
            if got is not None and ((got != 1).any() or list(files.pieces(name)) != [name]):
                return ["other rows for those of before"]
        wrong = super().check(folder, marks)
        left = sorted(path.name for path in (folder / "rows").iterdir())
        return wrong + ([] if left == ["prepared.json", "x.facts", "x.rows"] else [f"{left}"])


@dataclass
class Replay:
    """All that the power may leave of one act. `moments`, `states`: how many were tried."""

    act: Act
    place: Path
    moments: int = 0
    states: int = 0
    went_on: int = 0
    wrong: list[str] = field(default_factory=list)

    def run(self, seed: int = 0, stride: int = 1, every: int = 20) -> None:
        """Check one of `stride` states, and go on from one of `every` of these."""
        folder = self.place / "acted"
        folder.mkdir(parents=True)
        self.act.prepare(folder)
        log = PowerLog(folder)
        with watched(folder, log):
            self.act.act(folder, log)
        self.moments = len(log.steps) + 1
        left = self.place / "left"
        for at, (moment, words, tree, marks) in enumerate(trees(log, seed, self.act.ways)):
            if at % stride:
                continue
            shutil.rmtree(left, ignore_errors=True)
            left.mkdir()
            lay_out(tree, left)
            self.states += 1
            try:
                wrong = self.act.check(left, marks)
                if not wrong and self.states % every == 0:
                    self.went_on += 1
                    wrong = self.act.go_on(left, marks)
            except Exception as error:
                wrong = [f"{type(error).__name__}: {error}"]
            self.wrong += [f"{self.act.name}: moment {moment}, {words}: {one}" for one in wrong]
