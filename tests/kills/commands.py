"""Commands that are killed: they train, search, repair and report, each over what lay there before.

Run in the process that was forked, which has the command line in memory already.
"""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from misstep.cli import main
from misstep.modeling import load_model
from tests.kills.story import Story
from tests.kills.works import RUN, Work, require, told

__all__ = ["COMMANDS"]

TABLE, MODEL, REPORT = "rows.csv", "model.misstep", "report.html"


class Command(Work):
    """A command in a place of its own. `words`: of it; `again`: what is added when it goes on."""

    face = "command line"
    # Checkpoints whenever somebody may be told: there are none for short trainings otherwise.
    seconds = 0.0
    words: ClassVar[tuple[str, ...]]
    again: ClassVar[tuple[str, ...]] = ()
    # What ran there before, whose files must stay until something whole is in their place.
    before: ClassVar[tuple[tuple[str, ...], ...]] = ()

    def table(self) -> str:
        """Return the rows to learn from, as CSV."""
        numbers = np.random.default_rng(0)
        text = io.StringIO()
        text.write("length,width,color,kind\n")
        for row in range(60):
            length, width = numbers.normal(1 + 2 * (row % 3), 0.4), numbers.normal(2, 0.5)
            color = ("red", "white", "blue")[int(numbers.integers(3))]
            text.write(f"{length:.3f},{width:.3f},{color},{('rose', 'lily', 'iris')[row % 3]}\n")
        return text.getvalue()

    def prepare(self, place: Path) -> None:
        super().prepare(place)
        (place / TABLE).write_text(self.table())
        for words in self.before:
            code = _run(place, words)
            require(code == 0, f"{words} ended with {code}")
        self._stood = {
            str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in place.rglob("*")
            if path.is_file()
        }

    def live(self, place: Path, story: Story) -> int:
        return _run(place, (*self.words, *(self.again if self.goes_on(place, story) else ())))

    def goes_on(self, place: Path, story: Story) -> bool:
        """Tell whether a life goes on with what one before has begun."""
        return story.opened

    def stood_before(self, name: str, path: Path) -> bool:
        sum_ = self._stood.get(name)
        return sum_ is not None and sum_ == hashlib.sha256(path.read_bytes()).hexdigest()

    def check(self, place: Path, story: Story) -> None:
        super().check(place, story)
        for name in self._stood:
            if Path(name).name in (TABLE, MODEL, REPORT):
                require((place / name).is_file(), f"{name} is gone")
        for model in (place / RUN).rglob(MODEL):
            load_model(model)
        for report in (place / RUN).rglob(REPORT):
            text = report.read_text(encoding="utf-8").rstrip()
            require(text.endswith("</html>"), f"{report} is not whole")

    def came_to(self, place: Path) -> dict[str, Any]:
        return {"model": (place / RUN / MODEL).read_bytes(), **told(place / RUN)}


def _run(place: Path, words: tuple[str, ...]) -> int:
    """Run a command in a place; return its exit code."""
    where = Path.cwd()
    os.chdir(place)
    try:
        with open(os.devnull, "w") as nowhere:  # what the warm process says
            kept = os.dup(1), os.dup(2)
            if not _is_a_life(place):
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
            try:
                return main(list(words))
            finally:
                for number, handle in enumerate(kept, start=1):
                    os.dup2(handle, number)
                    os.close(handle)
    finally:
        os.chdir(where)


def _is_a_life(place: Path) -> bool:
    """Tell whether what is said here is kept in a file already."""
    return (place / "log.said").exists()


TRAIN = ("train", TABLE, "--target", "kind", "--out", RUN, "--threads", "1")


class Train(Command):
    """A table learned in a few epochs, into a folder of its own."""

    name = "train"
    words = (*TRAIN, "--epochs", "3")
    again = ("--resume",)


class TrainOver(Train):
    """The same in the folder of another training, whose model stays until this one is whole."""

    name = "train-over"
    before = ((*TRAIN, "--epochs", "4", "--seed", "5", "--batch-size", "8"),)


class TrainNumbers(Train):
    """Numbers to be told, ended by itself: no number of epochs is asked for."""

    name = "train-numbers"
    words = ("train", TABLE, "--target", "price", "--out", RUN, "--threads", "1")

    def table(self) -> str:
        numbers = np.random.default_rng(1)
        lines = ["size,age,price"]
        for _ in range(48):
            size, age = numbers.uniform(50, 200), int(numbers.integers(0, 90))
            lines.append(f"{size:.1f},{age},{2000 * size - 500 * age:.2f}")
        return "\n".join(lines) + "\n"


class TrainSeries(Train):
    """A series, which is learned several times, and a picture of its forecast."""

    name = "train-series"
    words = ("train", TABLE, "--target", "sales", "--out", RUN, "--threads", "1", "--epochs", "4")

    def table(self) -> str:
        days = np.arange("2024-01-01", "2024-05-01", dtype="datetime64[D]")
        sales = 100 + 20 * np.sin(np.arange(len(days)) * 2 * np.pi / 7)
        rows = [f"{day},{sale:.2f}" for day, sale in zip(days, sales, strict=True)]
        return "\n".join(["date,sales", *rows]) + "\n"


class Report(Command):
    """The report of a run made anew; the one before stays until then."""

    name = "report"
    words = ("report", RUN)
    before = ((*TRAIN, "--epochs", "3"),)

    def last_checkpoint(self, place: Path, story: Story) -> int | None:
        return None


class Tune(Command):
    """A search and the training of what it found, over an earlier model."""

    name = "tune"
    words = ("tune", TABLE, "--target", "kind", "--out", RUN, "--epochs", "2", "--trials", "3")
    before = ((*TRAIN, "--epochs", "2", "--seed", "5"),)

    def last_checkpoint(self, place: Path, story: Story) -> int | None:
        # What it found is trained anew.
        return None


class Repair(Command):
    """Remedies for a run that went wrong, whose own files are never touched."""

    name = "repair"
    words = ("repair", RUN, "--steps", "300")
    before = ((*TRAIN, "--epochs", "8", "--learning-rate", "0.6", "--optimizer", "sgd"),)

    def last_checkpoint(self, place: Path, story: Story) -> int | None:
        return None

    def check(self, place: Path, story: Story) -> None:
        super().check(place, story)
        name = f"{RUN}/{MODEL}"
        require(self.stood_before(name, place / name), "the model of the run was changed")

    def came_to(self, place: Path) -> dict[str, Any]:
        # A killed repair leaves its folder; the next one has one of its own.
        return {"model": (place / RUN / MODEL).read_bytes()}

    def left_behind(self, place: Path) -> list[str]:
        own = f"{RUN}/repair-"
        return [name for name in super().left_behind(place) if not name.startswith(own)]


COMMANDS = (Train, TrainOver, TrainNumbers, TrainSeries, Report, Tune, Repair)
