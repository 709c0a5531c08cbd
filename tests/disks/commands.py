"""Commands on disks that fail: exit codes, words, and what lies in the folder afterwards.

A command runs in this process, in the folder that is watched.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import misstep as ms
from misstep.cli import main
from misstep.compiler.runtime.object_cache import ENVIRONMENT_VARIABLE
from misstep.errors import MisstepError
from misstep.record import read_record
from misstep.report import report
from misstep.train.loop import Loop
from tests.disks.scenarios import Scenario, bits, fit, left_over, trainer

NETWORK = ("--network", "dense3")
MODEL = Path("run/model.misstep")


def flowers(rows: int = 45) -> str:
    """Return a table of two kinds of flowers."""
    numbers = np.random.default_rng(0)
    lines = ["length,width,kind"]
    for row in range(rows):
        length = numbers.normal((1.0, 3.0)[row % 2], 0.6)
        lines.append(f"{length:.3f},{numbers.normal(2.0, 0.5):.3f},{('rose', 'lily')[row % 2]}")
    return "\n".join(lines) + "\n"


class Command(Scenario):
    """A command line. `words`: of it; `first`: of the one before, none by default."""

    words: ClassVar[tuple[str, ...]]
    # What stands for the page of a report, which takes most of the time; None for the real one.
    page: ClassVar[str | None] = "<!doctype html></html>"
    first: ClassVar[tuple[str, ...]] = ()

    def prepare(self, folder: Path) -> None:
        (folder / "flowers.csv").write_text(flowers())
        if self.first:
            code, _, said = run(folder, self.first)
            assert code == 0, said

    def act(self, folder: Path) -> Any:
        with trainings() as done, pages(self.page):
            code, out, said = run(folder, self.words)
        self.trained = done
        return code, out, said

    def check(self, folder: Path, before: dict[str, str], outcome: Any) -> list[str]:
        if isinstance(outcome, BaseException):
            return [f"a traceback: {type(outcome).__name__}: {outcome}"]
        code, out, said = outcome
        wrong = []
        if code not in (0, 2):
            wrong.append(f"exit code {code}: {said}")
        if "Traceback" in out + said or "should not have" in said:
            wrong.append(f"words of a fault: {said}")
        if code and len([one for one in said.splitlines() if one.startswith("misstep: ")]) != 1:
            wrong.append(f"not one line: {said!r}")
        return wrong + self.holds(folder, before, code, out + said)

    def holds(self, folder: Path, before: dict[str, str], code: int, said: str) -> list[str]:
        """Return what is wrong with the folder."""
        wrong = left_over(folder) if self.leaves_nothing else []
        if self.trained and not _fresh_model(folder / MODEL, before, said):
            wrong.append(f"the model is lost: {said}")
        if code == 0 and self.trained and not (folder / MODEL).exists():
            wrong.append("no model, and no word of it")
        if before.get(str(MODEL)):
            _model_faults(folder / MODEL)
        for name in ("run/record.jsonl", "run/record.before.jsonl"):
            if before.get("run/record.jsonl") and (folder / name).exists():
                with contextlib.suppress(MisstepError):
                    read_record(folder / name)
                    break
        else:
            if before.get("run/record.jsonl"):
                wrong.append("no record can be read")
        clear(said)
        return wrong

    # Whether what it left of temporary files is wrong: the disk may have refused to remove them.
    leaves_nothing = False


def run(folder: Path, words: tuple[str, ...]) -> tuple[int, str, str]:
    """Run a command in a folder; return its exit code and what it said on both streams."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        code = main(list(words))
    return code, out.getvalue(), err.getvalue()


@contextlib.contextmanager
def trainings() -> Iterator[list[int]]:
    """Give the numbers of updates of trainings in folders that came to their end, within it."""
    done: list[int] = []
    run_whole = Loop.run

    def counted(loop: Loop) -> Any:
        result = run_whole(loop)
        if loop.listeners.folder is not None:
            done.append(loop.update)
        return result

    Loop.run = counted  # type: ignore[method-assign]
    try:
        yield done
    finally:
        Loop.run = run_whole  # type: ignore[method-assign]


@contextlib.contextmanager
def pages(words: str | None) -> Iterator[None]:
    """Let each report be these words, within it."""
    made = report.report_page
    if words is not None:
        report.report_page = lambda *material, **more: words
    try:
        yield
    finally:
        report.report_page = made


def _elsewhere(said: str) -> Path | None:
    """Return where the model is said to be instead."""
    found = re.search(r"it is whole, in (\S+?)\.?$", " ".join(said.split()))
    return None if found is None else Path(found[1])


def clear(said: str) -> None:
    """Remove the model that was kept elsewhere."""
    place = _elsewhere(said)
    if place is not None:
        shutil.rmtree(place.parent)


def _model_faults(path: Path) -> list[str]:
    try:
        ms.load_model(path)
    except MisstepError as error:
        return [f"the model does not load: {error}"]
    return []


def _fresh_model(path: Path, before: dict[str, str], said: str) -> bool:
    """Tell whether the model of this training is whole somewhere."""
    for place in (_elsewhere(said), path):
        if place is not None and place.exists():
            model = ms.load_model(place)
            if str(MODEL) not in before or place != path or model.facts["epochs"] == 2:
                return True
    return False


TRAIN = ("train", "flowers.csv", "--target", "kind", *NETWORK, "--out", "run")


class Train(Command):
    name = "train"
    words = (*TRAIN, "--epochs", "2")


class TrainOver(Command):
    name = "train over an earlier run"
    first = (*TRAIN, "--epochs", "3", "--quiet")
    words = (*TRAIN, "--epochs", "2")


class Predict(Command):
    name = "predict"
    first = (*TRAIN, "--epochs", "1", "--quiet")
    words = ("predict", "run/model.misstep", "flowers.csv", "--out", "out.csv")

    def prepare(self, folder: Path) -> None:
        super().prepare(folder)
        (folder / "out.csv").write_text("before\n")

    def holds(self, folder: Path, before: dict[str, str], code: int, said: str) -> list[str]:
        text = (folder / "out.csv").read_text()
        whole = len(text.splitlines()) == 46 if code == 0 else text == "before\n"
        return [] if whole else [f"predictions: {text!r}"]


class Report(Command):
    name = "report"
    first = (*TRAIN, "--epochs", "1", "--quiet")
    words = ("report", "run")
    page = None

    def holds(self, folder: Path, before: dict[str, str], code: int, said: str) -> list[str]:
        text = (folder / "run/report.html").read_text()
        return [] if text.rstrip().endswith("</html>") else ["a report that is cut off"]


class FindRate(Command):
    name = "find-rate"
    words = ("find-rate", "flowers.csv", "--target", "kind", *NETWORK, "--out", "run", "--json")

    def holds(self, folder: Path, before: dict[str, str], code: int, said: str) -> list[str]:
        if code:
            return []
        facts = json.loads(said.splitlines()[-1] if said.startswith("flowers") else _line(said))
        return [] if facts["suggestion"] else ["nothing was said of what was found"]


def _line(said: str) -> str:
    return next(line for line in said.splitlines() if line.startswith("{"))


class Tune(Command):
    name = "tune"
    first = (*TRAIN, "--epochs", "3", "--quiet")
    words = ("tune", *TRAIN[1:], "--epochs", "2", "--trials", "2", "--set", "batch_size=16")


class TuneAgain(Tune):
    """The study is there already, and gets one more trial."""

    name = "tune goes on"
    first = (*Tune.words, "--quiet")
    words = (*Tune.words[:-3], "3", *Tune.words[-2:])


class Objects(Scenario):
    """A training whose object code is to be kept on a disk that fails: nothing of it may show."""

    name = "object code is kept"
    # A network that was never compiled before, each time.
    units = 10

    def act(self, folder: Path) -> Any:
        self.units += 1
        return self.train(folder)

    def train(self, folder: Path) -> bytes:
        """Return the numbers of a short training."""
        with _cache(folder / "cache"):
            one = trainer(self.units)
            fit(one, None, 1)
        return bits(one)

    def check(self, folder: Path, before: dict[str, str], outcome: Any) -> list[str]:
        again = self.train(folder)
        return [] if outcome == again else [f"not what there is without a cache: {outcome!r:.200}"]


@contextlib.contextmanager
def _cache(place: Path) -> Iterator[None]:
    """Keep object code in another folder, within it."""
    before = os.environ.get(ENVIRONMENT_VARIABLE)
    os.environ[ENVIRONMENT_VARIABLE] = str(place)
    try:
        yield
    finally:
        if before is None:
            del os.environ[ENVIRONMENT_VARIABLE]
        else:
            os.environ[ENVIRONMENT_VARIABLE] = before
