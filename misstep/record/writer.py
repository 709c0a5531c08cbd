"""Writes the record of a run: JSON Lines that only grow, so that a crash costs the last at most.

Each line is one object with a `kind`: start, description, steps, blocks, measures, epoch, snapshot,
resumed, or the name of an event. Numbers that are not finite are written {"float": "nan"}. What is
written is kept as a `Record` in memory too; a run without a folder has only that.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from misstep.errors import ArgumentError, MisstepError, StorageError
from misstep.record.description import RunDescription
from misstep.record.reader import FILE, FORMAT, LINES, VERSION, Record, read_record
from misstep.record.signals import SIGNALS
from misstep.record.thinning import stride_at
from misstep.storage import sync_file
from misstep.storage.plain import json_text

Array = npt.NDArray[Any]
_NOTHING = (0, np.empty(0), np.empty(0))


def start_line(facts: dict[str, Any]) -> str:
    """Return the line that a record begins with, by which it is known as that of its run."""
    return json_text(_start(facts)) + "\n"


def _start(facts: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "start", "format": FORMAT, "version": VERSION, "facts": facts}


class RecordWriter:
    """Appends to the record in a folder, or to the file at a path that ends in .jsonl.

    `path`: None for a record in memory alone. `facts`: what the first line says about the run.
    `record`: all that the record holds, with what an earlier writer left in the file. Raises
    StorageError where it can't begin. What finds no room later waits until there is some; `trouble`
    says why as long as it waits.
    """

    def __init__(self, path: Path | str | None, facts: dict[str, Any]) -> None:
        self.trouble: StorageError | None = None
        self._waiting = b""
        # Updates of a block that is not whole yet: the first, their losses and learning rates.
        self._begun: tuple[int, Array, Array] = _NOTHING
        self._handle = -1
        self.record = Record(facts)
        if path is None:
            return
        path = Path(path)
        self.path = path if path.suffix == ".jsonl" else path / FILE
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
            self._handle = os.open(self.path, flags, 0o666)
            size = os.fstat(self._handle).st_size
            torn = size > 0 and os.pread(self._handle, 1, size - 1) != b"\n"
        except OSError as error:
            self._close_file()
            raise StorageError(
                f"the record {self.path}", needed="a file to append to", got=str(error.strerror)
            ) from error
        # What is appended begins a line of its own.
        self._waiting = b"\n" if torn else b""
        if size > 0:
            # What can't be read stays in the file, and is no reason not to go on.
            with contextlib.suppress(MisstepError):
                self.record = read_record(self.path)
        if size == 0:
            self._line(_start(facts), is_known=True)
            if self.trouble is not None:
                self._close_file()
                raise self.trouble

    def describe(self, description: RunDescription) -> None:
        """Write what the run says of itself; the latest such line holds."""
        self.record.description = description
        if self._handle >= 0:
            self._line({"kind": "description", "run": description.plain()}, is_known=True)

    def steps(
        self, first: int, losses: Sequence[float] | Array, learning_rates: Sequence[float] | Array
    ) -> None:
        """Write the losses and learning rates of the updates `first`, `first` + 1, …

        Of a long run, mean, lowest and highest loss of blocks of updates (`thinning.py`).
        """
        loss, rate = np.asarray(losses, "float64"), np.asarray(learning_rates, "float64")
        while len(loss):
            stride, last = stride_at(first)
            count = min(len(loss), last + 1 - first)
            if stride == 1:
                self._steps_line("steps", {"first": first}, loss[:count], rate[:count])
            else:
                self._blocks(first, stride, loss[:count], rate[:count])
            first, loss, rate = first + count, loss[count:], rate[count:]

    def _blocks(self, first: int, stride: int, loss: Array, rate: Array) -> None:
        """Write those blocks of `stride` updates that are whole; keep what is left."""
        begun, losses, rates = self._begun
        if len(losses):
            first, loss, rate = begun, np.append(losses, loss), np.append(rates, rate)
        whole = len(loss) // stride * stride
        if whole:
            blocks = loss[:whole].reshape(-1, stride)
            facts = {"first": first, "stride": stride}
            ends = {"lowest": blocks.min(axis=1), "highest": blocks.max(axis=1)}
            self._steps_line(
                "blocks", facts, blocks.mean(axis=1), rate[stride - 1 : whole : stride], ends
            )
        self._begun = first + whole, loss[whole:], rate[whole:]

    def _end_block(self) -> None:
        """Write the updates that wait as a block of their own."""
        first, losses, _ = self._begun
        if len(losses):
            self._blocks(first, len(losses), np.empty(0), np.empty(0))
        self._begun = _NOTHING

    def _steps_line(
        self,
        kind: str,
        facts: Mapping[str, int],
        loss: Array,
        rate: Array,
        more: Mapping[str, Array] = MappingProxyType({}),
    ) -> None:
        # A rate that does not move is written once.
        steady = bool((rate == rate[0]).all())
        arrays = {"loss": loss, "learning_rate": rate[0] if steady else rate, **more}
        self.record.add({"kind": kind, **facts, **arrays})
        if self._handle >= 0:
            lists = {name: array.tolist() for name, array in arrays.items()}
            self._line({"kind": kind, **facts, **lists}, is_known=True)

    def measures(self, step: int, numbers: Mapping[tuple[str, str], float]) -> None:
        """Write what was seen after `step` updates: (signal, path) → number.

        The path is that of a layer or a parameter, a class, or empty for the network as a whole.
        """
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

    def _line(self, line: dict[str, Any], *, is_known: bool = False) -> None:
        """Write a line; `is_known`: whether the record in memory has it already."""
        if not is_known:
            self.record.add(line)
        if self._handle < 0:
            return
        # One write for a line: with O_APPEND, lines of two writers never mix.
        self._waiting += (json_text(line) + "\n").encode()
        self._write_waiting()

    def _write_waiting(self) -> None:
        """Write the lines that wait, as far as there is room."""
        try:
            while self._waiting:
                # On a full disk some of it may be written; the rest goes on from there.
                self._waiting = self._waiting[os.write(self._handle, self._waiting) :]
        except OSError as error:
            self.trouble = StorageError.of_writing(f"the record {self.path}", error)
        else:
            self.trouble = None

    def flush(self) -> None:
        """Write what waits to become a whole block."""
        self._end_block()

    def sync(self) -> None:
        """Let what is written outlive a power cut; takes milliseconds."""
        if self._handle < 0:
            return
        try:
            sync_file(self._handle)
        except OSError as error:
            # A device or pipe has nothing to keep.
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                self.trouble = StorageError.of_writing(f"the record {self.path}", error)

    def close(self) -> None:
        """Write what waits, see it on the disk and close the file; writing is over."""
        self._end_block()
        if self._handle >= 0:
            self._write_waiting()
            self.sync()
            self._close_file()

    def _close_file(self) -> None:
        handle, self._handle = self._handle, -1
        if handle >= 0:
            # A disk on the network may say only now that there was no room.
            with contextlib.suppress(OSError):
                os.close(handle)

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
