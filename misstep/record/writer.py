"""Writes the record of a run: JSON Lines that only grow, so that a crash costs the last at most.

Each line is one object with a `kind`: start, description, steps, measures, epoch, snapshot,
resumed, or the name of an event. Numbers that are not finite are written {"float": "nan"}.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from misstep.errors import ArgumentError, StorageError
from misstep.record.description import RunDescription
from misstep.record.signals import SIGNALS
from misstep.storage.plain import json_text

FORMAT = "misstep record"
VERSION = 1
FILE = "record.jsonl"
LINES = ("start", "description", "steps", "measures", "epoch", "snapshot", "resumed")


class RecordWriter:
    """Appends to the record in a folder, or to the file at a path that ends in .jsonl.

    `facts`: what the first line says about the run. Raises StorageError where it can't begin. What
    finds no room later waits until there is some; `trouble` says why as long as it waits.
    """

    def __init__(self, path: Path | str, facts: dict[str, Any]) -> None:
        path = Path(path)
        self.trouble: StorageError | None = None
        self._waiting = b""
        self.path = path if path.suffix == ".jsonl" else path / FILE
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
            self._handle = os.open(self.path, flags, 0o666)
            size = os.fstat(self._handle).st_size
            torn = size > 0 and os.pread(self._handle, 1, size - 1) != b"\n"
        except OSError as error:
            raise StorageError(
                f"the record {self.path}", needed="a file to append to", got=str(error.strerror)
            ) from error
        if torn:
            os.write(self._handle, b"\n")
        if size == 0:
            self._line({"kind": "start", "format": FORMAT, "version": VERSION, "facts": facts})
            if self.trouble is not None:
                self.close()
                raise self.trouble

    def describe(self, description: RunDescription) -> None:
        """Write what the run says of itself; the latest such line holds."""
        self._line({"kind": "description", "run": description.plain()})

    def steps(self, first: int, losses: Sequence[float], learning_rates: Sequence[float]) -> None:
        """Write the losses and learning rates of the updates `first`, `first` + 1, …"""
        self._line(
            {
                "kind": "steps",
                "first": first,
                "loss": [float(loss) for loss in losses],
                "learning_rate": [float(learning_rate) for learning_rate in learning_rates],
            }
        )

    def measures(self, step: int, numbers: Mapping[tuple[str, str], float]) -> None:
        """Write what was seen of layers and parameters at `step`: (signal, path) → number."""
        signals: dict[str, dict[str, float]] = {}
        for (name, path), number in numbers.items():
            _check_signal(name)
            signals.setdefault(name, {})[path] = float(number)
        self._line({"kind": "measures", "step": step, "signals": signals})

    def epoch(
        self, number: int, step: int, values: Mapping[str, float], *, partial: bool = False
    ) -> None:
        """Write the numbers of the epoch `number`, counted from 1, which ended after `step`.

        `partial`: it was broken off there.
        """
        for name in values:
            _check_signal(name)
        plain = {name: float(value) for name, value in values.items()}
        whole = {"kind": "epoch", "epoch": number, "step": step, "values": plain}
        self._line({**whole, "partial": True} if partial else whole)

    def snapshot(self, step: int, rows: int, values: Mapping[str, float], *, last: bool) -> None:
        """Write what was wrong on the same `rows` held-out rows after `step` updates.

        `last`: with the weights that training ended with.
        """
        plain = {name: float(value) for name, value in values.items()}
        self._line({"kind": "snapshot", "step": step, "rows": rows, "last": last, "values": plain})

    def resumed(self, step: int, epoch: int) -> None:
        """Write that training goes on from `step`: what was said of later steps no longer holds."""
        self._line({"kind": "resumed", "step": step, "epoch": epoch})

    def event(self, kind: str, words: str, **facts: Any) -> None:
        """Write that something happened."""
        if kind in LINES:
            raise ArgumentError("kind of an event", needed="another name", got=repr(kind))
        self._line({"kind": kind, "words": words, **facts})

    def _line(self, line: dict[str, Any]) -> None:
        # One write for a line: with O_APPEND, lines of two writers never mix.
        self._waiting += (json_text(line) + "\n").encode()
        try:
            while self._waiting:
                # On a full disk some of it may be written; the rest goes on from there.
                self._waiting = self._waiting[os.write(self._handle, self._waiting) :]
        except OSError as error:
            self.trouble = StorageError.of_writing(f"the record {self.path}", error)
        else:
            self.trouble = None

    def close(self) -> None:
        """Close the file; writing is over."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __enter__(self) -> RecordWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _check_signal(name: str) -> None:
    if name not in SIGNALS:
        raise ArgumentError(f"the signal {name!r}", needed=f"one of {', '.join(SIGNALS)}")
