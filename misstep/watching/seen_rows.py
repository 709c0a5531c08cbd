"""`SeenRows`: rows and answers that a training loop learned from in its first epoch, summarized.

Nobody hands over the data of such a loop, so its first batches are kept, as far as they are few.
Knows arrays.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from misstep.record import (
    AnswerSummary,
    FeatureSummary,
    InputSummary,
    LossDescription,
    Task,
    summarize_answers,
    summarize_inputs,
)
from misstep.record.summaries import row_numbers
from misstep.watching.chance import chance_loss

Array = npt.NDArray[Any]

# Rows, and numbers, that are kept at most.
MOST_ROWS = 5_000
MOST_NUMBERS = 1_000_000


class SeenRows:
    """Keeps rows as they come. `total`: how many came, kept or not; `full`: no more are kept."""

    def __init__(self) -> None:
        self._x: list[Array] = []
        self._y: list[Array] = []
        self._kept = self._numbers = 0
        self._summaries: dict[tuple[int, bool], InputSummary] = {}
        self.total = 0
        self.full = False

    def add(self, x: Array | None, y: Array | None, rows: int) -> None:
        """Take a batch of so many rows, x (rows, …) and y (rows, …), copies that may be kept."""
        self.total += rows
        if self.full or x is None:
            return
        if self._x and x.shape[1:] != self._x[0].shape[1:]:
            self.full = True  # sequences of other lengths, say
            return
        self._x.append(x)
        if y is not None and len(y) == len(x):
            self._y.append(y)
        self._kept += len(x)
        self._numbers += x.size
        self.full = self._kept >= MOST_ROWS or self._numbers >= MOST_NUMBERS

    @property
    def x(self) -> Array | None:
        """Return the rows kept, (rows, …)."""
        return np.concatenate(self._x) if self._x else None

    @property
    def y(self) -> Array | None:
        """Return the answers kept, (rows, …), where each row has some."""
        if not self._y or sum(map(len, self._y)) != self._kept:
            return None
        if len({one.shape[1:] for one in self._y}) > 1:
            return None
        return np.concatenate(self._y)

    def inputs(self, *, numbers: bool = False) -> InputSummary | None:
        """Return the summary of rows; None where none were kept.

        `numbers`: whether whole numbers are meant as numbers, and not looked up.
        """
        known = self._summaries.get((self.total, numbers))
        if known is not None:
            return known
        x = self.x
        if x is None or x.dtype.kind not in "fiub":
            return None
        positions = x.dtype.kind in "iu" and x.dtype != np.uint8 and not numbers
        summary = summarize_inputs(x if positions else x.astype("float32"), positions=positions)
        self._summaries[self.total, numbers] = summary = replace(
            summary,
            rows=max(self.total, summary.rows),
            whole=_without_rows(summary.whole),
            features=tuple(_without_rows(one) for one in summary.features),
        )
        return summary

    def answers(self, loss: LossDescription, classes: int) -> AnswerSummary | None:
        """Return the summary of answers in the order in which they came; None without answers."""
        y = self.y
        if y is None or y.dtype.kind not in "fiub":
            return None
        if loss.task is Task.CLASSES and y.ndim > 1 and y.dtype.kind == "f":
            y = y.argmax(axis=1)  # one-hot
        chance = chance_loss(loss, y)
        summary = summarize_answers(y, loss.task, classes, chance)
        numbers = None if summary.numbers is None else _without_rows(summary.numbers)
        return replace(summary, rows=max(self.total, summary.rows), numbers=numbers)

    def share_among(self, x: Array) -> float:
        """Return which share of rows x (rows, …) is among those kept."""
        own = self.x
        if own is None or not len(x) or x.shape[1:] != own.shape[1:] or x.dtype != own.dtype:
            return 0.0
        known = row_numbers(own.reshape(len(own), -1))
        return float(np.isin(row_numbers(x.reshape(len(x), -1)), known).mean())


def _without_rows(summary: Any) -> Any:
    """Return a summary without numbers of rows: in the order of arrival they say nothing."""
    return replace(summary, outlier_rows=()) if isinstance(summary, FeatureSummary) else summary
