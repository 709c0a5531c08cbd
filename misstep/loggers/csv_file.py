"""`CSVLogger`: the numbers of each epoch as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from misstep.loggers.epoch_lines import EpochLines
from misstep.loggers.logger import Logger, Metrics
from misstep.train import Training


class CSVLogger(Logger):
    """Writes the file at `path`: a line of names, then a line for each epoch.

    A column that comes later than the first epoch is added to the file as a whole, empty before.
    `layers`: as for `Logger`. Raises StorageError where the file can't be written, or is none of
    these.

    >>> import misstep as ms
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError())
    >>> logger = ms.loggers.CSVLogger("metrics.csv")
    >>> _ = trainer.fit([[0.0], [1.0]], [[1.0], [3.0]], epochs=2, callbacks=[logger])
    >>> import pathlib
    >>> [line.split(",")[:2] for line in pathlib.Path("metrics.csv").read_text().splitlines()]
    [['epoch', 'update'], ['1', '1'], ['2', '2']]
    """

    def __init__(self, path: Path | str, *, layers: bool = False) -> None:
        super().__init__(layers=layers)
        self._lines = EpochLines(path, "epoch,update,")
        self._names: list[str] = []

    def begin(self, training: Training) -> None:
        """Empty the file, or go on in it."""
        self._lines.begin(
            resumed=training.resumed, stays=lambda line: _epoch_of(line) <= training.epoch
        )
        self._names = next(csv.reader(self._lines.read()), [])

    def log(self, epoch: int, update: int, metrics: Metrics) -> None:
        """Write an epoch."""
        numbers = {"epoch": epoch, "update": update, **metrics}
        new = [name for name in numbers if name not in self._names]
        if new:
            self._names += new
            rows = list(csv.reader(self._lines.read()))[1:]
            padded = (row + [""] * (len(self._names) - len(row)) for row in rows)
            self._lines.rewrite(map(_line, [self._names, *padded]))
        self._lines.add(
            _line(repr(numbers[name]) if name in numbers else "" for name in self._names)
        )


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def _epoch_of(line: str) -> int:
    first = line.partition(",")[0]
    return int(first) if first.isdecimal() and len(first) < 16 else 0  # the line of names
