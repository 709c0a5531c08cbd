"""Reads the record of a run: one history without gaps or repeats, after crashes and resumes too."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from misstep.errors import FileFormatError, MisstepError
from misstep.record.description import RunDescription
from misstep.record.signals import SIGNALS
from misstep.storage.container import read_file
from misstep.storage.plain import read_json
from misstep.text.counts import counted

Array = npt.NDArray[Any]
FORMAT = "misstep record"
VERSION = 1
FILE = "record.jsonl"
# Kinds of lines that are no events.
LINES = ("start", "description", "steps", "blocks", "measures", "epoch", "snapshot", "resumed")
# What there is of each update or block.
COLUMNS = ("step", "loss", "learning_rate", "lowest", "highest")
# Bytes of a first line at most; what people have in files of that name may be anything.
LONGEST_LINE = 10_000_000
# A disk takes so many bytes whole or not at all; what a power cut took away reads as zeros.
SECTOR = 512
# More updates than any run has; what counts them must fit an int64.
MOST = 2**53


@dataclass
class Record:
    """What a run wrote down.

    `facts`: about the run. `description`: what it says of itself, None for records of before and
    where it could not be read. `epochs`: one dictionary each; that of an epoch that was broken off
    says `partial`, and its `step` is where. `snapshots`: what was wrong on the same held-out rows
    after a few updates, one dictionary each. `events`: in their order. `notes`: what could not be
    read.

    >>> import misstep as ms
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError())
    >>> _ = trainer.fit([[0.0], [1.0]], [[1.0], [3.0]], epochs=2, folder="runs/mine")
    >>> record = ms.read_record("runs/mine")
    >>> len(record.epochs), len(record.steps["loss"])
    (2, 2)
    """

    facts: dict[str, Any]
    description: RunDescription | None = None
    epochs: list[dict[str, float]] = field(default_factory=list)
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    # Updates and blocks in the order of lines: last update, loss, learning rate, lowest, highest.
    _lines: list[Array] = field(default_factory=list, repr=False, compare=False)
    _measures: dict[int, dict[tuple[str, str], float]] = field(default_factory=dict)

    @property
    def steps(self) -> dict[str, Array]:
        """Return step, loss and learning_rate of updates, and lowest and highest, (updates,) each.

        In a long run, later entries are blocks of updates: `step` is the last of each, `loss` the
        mean, `lowest` and `highest` are those of the block; of single updates all three are one.
        Where training failed, the last one is the update before which it ended, with its loss.
        """
        if len(self._lines) != 1:
            table = np.concatenate([np.empty((0, len(COLUMNS))), *self._lines])
            # What a resumed run says of an update again replaces what was said before.
            _, from_behind = np.unique(table[::-1, 0], return_index=True)
            self._lines = [table[::-1][from_behind]]
        table = self._lines[0]
        arrays = {name: table[:, at].copy() for at, name in enumerate(COLUMNS)}
        return arrays | {"step": arrays["step"].astype("int64")}

    def paths(self, name: str) -> list[str]:
        """Return the paths of the layers or parameters for which there is a signal."""
        measures = self._measures.values()
        return sorted({path for numbers in measures for signal, path in numbers if signal == name})

    def signal(self, name: str, path: str | None = None) -> tuple[Array, Array]:
        """Return steps and values of a signal: of every update, of epochs, or of one path.

        Raises MisstepError when the record holds none.
        """
        values: dict[int, float] = {}
        if path is not None:
            values = {
                step: numbers[name, path]
                for step, numbers in self._measures.items()
                if (name, path) in numbers
            }
        elif name in ("loss", "learning_rate"):
            steps = self.steps
            return steps["step"], steps[name]
        else:
            values = {int(epoch["step"]): epoch[name] for epoch in self.epochs if name in epoch}
        if not values:
            asked = f"{name} at {path}" if path else name
            raise MisstepError(
                f"the signal {asked}",
                needed="one that the record holds",
                got=f"paths {self.paths(name)}" if path or self.paths(name) else "none",
            )
        ordered = sorted(values)
        return np.array(ordered, "int64"), np.array([values[step] for step in ordered], "float64")

    def measures_since(self, step: int) -> dict[tuple[str, str], float]:
        """Return what was measured last after update `step`, by signal and path."""
        latest: dict[tuple[str, str], float] = {}
        for at in sorted(at for at in self._measures if at > step):
            latest |= self._measures[at]
        return latest

    def add(self, line: dict[str, Any]) -> None:
        """Take in a line of the file; one that is not as it should be raises what comes of it."""
        kind = line["kind"]
        if kind == "description":
            self.description = RunDescription.read(line["run"])
        elif kind in ("steps", "blocks"):
            self._lines.append(_table(line))
        elif kind == "measures":
            self._measures.setdefault(_count(line["step"]), {}).update(
                {
                    (name, path): float(number)
                    for name, numbers in line["signals"].items()
                    if name in SIGNALS
                    for path, number in numbers.items()
                }
            )
        elif kind == "epoch":
            values = {name: float(number) for name, number in line["values"].items()}
            broken_off = {"partial": True} if line.get("partial") is True else {}
            head = {"epoch": _count(line["epoch"]), "step": _count(line["step"]), **broken_off}
            self.epochs.append({**head, **values})
        elif kind == "snapshot":
            values = {name: float(number) for name, number in line["values"].items()}
            whole = {"step": _count(line["step"]), "rows": _count(line["rows"])}
            self.snapshots.append({**whole, "last": bool(line["last"]), **values})
        elif kind == "resumed":
            self._forget_after(_count(line["step"]), _count(line["epoch"]))
            self.events.append(line)
        elif isinstance(kind, str) and kind not in LINES:
            self.events.append(line)

    def _forget_after(self, step: int, epoch: int) -> None:
        self._lines = [table[table[:, 0] <= step] for table in self._lines]
        self._measures = {at: numbers for at, numbers in self._measures.items() if at <= step}
        self.epochs = [line for line in self.epochs if line["epoch"] <= epoch]
        self.snapshots = [
            line for line in self.snapshots if line["step"] <= step and not line["last"]
        ]


def _table(line: dict[str, Any]) -> Array:
    """Return what a line says of updates or blocks, (updates, columns)."""
    loss = np.asarray(line["loss"], "float64")
    if loss.ndim != 1:
        raise ValueError("losses are a list")
    stride = _count(line.get("stride", 1))
    last = _count(line["first"]) + stride * np.arange(1, len(loss) + 1) - 1
    numbers = (line["learning_rate"], line.get("lowest", loss), line.get("highest", loss))
    table = np.empty((len(loss), len(COLUMNS)))
    for at, column in enumerate((last, loss, *numbers)):
        table[:, at] = np.asarray(column, "float64")
    return table


def is_record(path: Path | str) -> bool:
    """Tell whether a file is the record of a run, or the beginning of one. Raises OSError.

    An empty file, or one whose first line was torn off on a full disk, is such a beginning; so is a
    sector of zeros, or fewer where the file ends, which a power cut may leave of it.
    """
    path = Path(path)
    if not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.readline(LONGEST_LINE)
    if first and not first[:SECTOR].strip(b"\0"):
        return True
    if not first.endswith(b"\n"):
        # The keys of a line stand in order.
        return b'{"facts":'.startswith(first[:9])
    try:
        line = _parsed(first, path)
    except MisstepError:
        return False
    return isinstance(line, dict) and line.get("format") == FORMAT


def read_record(path: Path | str) -> Record:
    """Return the record in a run's folder, or in the file at `path`.

    Raises StorageError when there is none, FileFormatError when it is something else.

    >>> import misstep as ms
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError())
    >>> _ = trainer.fit([[0.0], [1.0]], [[1.0], [3.0]], epochs=2, folder="runs/mine")
    >>> ms.read_record("runs/mine").facts["loss"]
    'SquaredError(half=False)'
    """
    path = Path(path)
    path = path / FILE if path.is_dir() else path
    lines = read_file(path).split(b"\n")
    record = begun_record(lines[0], path, is_whole=len(lines) > 1)
    unreadable = 0
    for number, text in enumerate(lines[1:], start=2):
        if not add_line(record, text, path):
            if number == len(lines):
                record.notes.append("the last line was torn off, as by a crash")
            else:
                unreadable += 1
    if unreadable:
        record.notes.append(passed_over(unreadable))
    return record


def begun_record(first: bytes, path: Path, *, is_whole: bool = True) -> Record:
    """Return the record that begins with the line `first`; `is_whole`: whether that has an end.

    Raises FileFormatError where it is no such line.
    """
    line = _first_line(first, path, is_whole=is_whole)
    version, facts = line.get("version"), line.get("facts")
    if not isinstance(version, int) or version > VERSION or not isinstance(facts, dict):
        raise FileFormatError(
            f"{path}",
            needed=f"a record of version {VERSION}",
            got=f"version {version!r}"[:60],
            try_="the newer misstep that made it" if isinstance(version, int) else None,
        )
    return Record(facts)


def add_line(record: Record, text: bytes, path: Path) -> bool:
    """Take in a line of the file at `path`; return whether it could be read. Empty ones can."""
    if not text.strip():
        return True
    try:
        record.add(_parsed(text, path))
    except (MisstepError, KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return False
    return True


def passed_over(lines: int) -> str:
    """Return what a record notes of lines that could not be read."""
    were = "was" if lines == 1 else "were"
    return f"{counted(lines, 'line')} could not be read and {were} passed over"


def _count(number: Any) -> int:
    """Return a count that a line gives. Raises ValueError for what can't be one."""
    count = int(number)
    if not 0 <= count <= MOST:
        raise ValueError("no count")
    return count


def _first_line(text: bytes, path: Path, *, is_whole: bool) -> dict[str, Any]:
    """Return what the first line says, which makes a file a record. Raises FileFormatError."""
    got = "another kind of file" if text or is_whole else "an empty file"
    if not is_whole and text.startswith(b'{"facts":'):
        got = "the beginning of its first line, torn off as by a crash"
    else:
        try:
            first = _parsed(text, path)
        except MisstepError:
            first = None
        if isinstance(first, dict) and first.get("format") == FORMAT:
            return first
    raise FileFormatError(f"{path}", needed="the record of a run", got=got)


def _parsed(text: bytes, path: Path) -> Any:
    return read_json(text, f"a line of {path}")
