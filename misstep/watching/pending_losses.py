"""Losses that are not asked for yet: a tensor's number may have to be waited for, many at once not.

Knows tensors by what they are asked, and the ledger that gets the numbers in the end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from misstep.watching.ledger import Ledger

# Losses that wait until they are asked for together.
TOGETHER = 100


class PendingLosses:
    """Losses and learning rates of updates, in their order."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Any, float]] = []
        # Epochs that ended meanwhile: behind how many of those waiting, when, and of how many rows.
        self._epochs: list[tuple[int, float, int]] = []

    def add(self, loss: Any, rate: float) -> bool:
        """Keep a loss: a number, a list of tensors whose mean it is, or None where it is not known.

        Tell whether so many wait that they should be written.
        """
        self._waiting.append((loss, rate))
        return len(self._waiting) >= TOGETHER

    def end_epoch(self, rows: int) -> None:
        """Keep that an epoch of so many rows is over, of which no more is known."""
        self._epochs.append((len(self._waiting), time.perf_counter(), rows))

    def correct(self, loss: float) -> bool:
        """Say what the last loss was after all; tell whether it still waits."""
        if not self._waiting:
            return False
        self._waiting[-1] = loss, self._waiting[-1][1]
        return True

    def settle(self, ledger: Ledger) -> None:
        """Write them. An update whose loss nobody knows is none that could be written."""
        waiting, self._waiting = self._waiting, []
        epochs, self._epochs = self._epochs, []
        tensors = [one for loss, _ in waiting if isinstance(loss, list) for one in loss]
        numbers = iter(_numbers(tensors))
        begin = 0
        for end, ended, rows in epochs:
            _write(ledger, waiting[begin:end], numbers)
            ledger.epoch({}, rows, ended)
            begin = end
        _write(ledger, waiting[begin:], numbers)


def _write(ledger: Ledger, waiting: list[tuple[Any, float]], numbers: Iterator[float]) -> None:
    for loss, rate in waiting:
        if isinstance(loss, list):
            each = [next(numbers) for _ in loss]
            ledger.step(each[0] if len(each) == 1 else sum(each) / len(each), rate)
        elif loss is not None:
            ledger.step(loss, rate)


def _numbers(tensors: list[Any]) -> list[float]:
    if not tensors:
        return []
    if len({(one.dtype, one.device) for one in tensors}) == 1:
        import torch

        numbers: list[float] = torch.stack(tensors).tolist()
        return numbers
    return [float(one) for one in tensors]
