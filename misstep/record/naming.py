"""What people call the columns, classes and rows that a network gets as bare numbers.

Knows summaries; who prepared the data knows the names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from misstep.record.description import AnswerSummary, FeatureSummary, InputSummary, TellingColumn


@dataclass(frozen=True)
class Names:
    """Names of `features` (one for each column) and `classes`; `rows`: their numbers, (rows,).

    Numbers of rows are those of the source, counted from 1. What is empty or None has no names.
    """

    features: Sequence[str] = ()
    classes: Sequence[str] = ()
    rows: npt.NDArray[np.integer] | None = None

    def of_inputs(self, summary: InputSummary) -> InputSummary:
        """Return a summary of rows in the order of `rows` with people's names."""
        features = tuple(self._feature(one, summary) for one in summary.features)
        whole = summary.whole
        return replace(
            summary, features=features, whole=whole and self._with_rows(whole, summary.rows)
        )

    def of_answers(self, summary: AnswerSummary) -> AnswerSummary:
        """Return a summary of their answers with people's names."""
        names = summary.names
        if len(self.classes) == len(summary.counts):
            names = tuple(self.classes)
        numbers = summary.numbers
        return replace(
            summary, names=names, numbers=numbers and self._with_rows(numbers, summary.rows)
        )

    def of_telling(self, telling: TellingColumn | None, columns: int) -> TellingColumn | None:
        """Return the column that tells most with its name; `columns`: how many there are."""
        if telling is None or len(self.features) != columns:
            return telling
        return replace(telling, name=self.features[int(telling.name)])

    def of_row(self, row: int) -> int:
        """Return what the row of this number, from 0, is numbered in the source."""
        return row if self.rows is None else int(self.rows[row])

    def _feature(self, feature: FeatureSummary, summary: InputSummary) -> FeatureSummary:
        named = self._with_rows(feature, summary.rows)
        by_column = summary.axis == "column" and len(self.features) == summary.columns
        return replace(named, name=self.features[int(feature.name)]) if by_column else named

    def _with_rows(self, feature: FeatureSummary, rows: int) -> FeatureSummary:
        if self.rows is None or len(self.rows) != rows or not feature.outlier_rows:
            return feature
        return replace(feature, outlier_rows=tuple(map(self.of_row, feature.outlier_rows)))
