"""What a model file keeps of the test beside its scores: who was taken for whom, how sure it is.

Small and plain, so that a model card can say them years later without the rows. Knows outputs and
errors of test rows; no words.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from misstep.data import Target
from misstep.ir import Array

__all__ = ["judgment_facts"]

# Of more classes, the table of who was taken for whom would be larger than many a network.
MOST_CLASSES = 64
# Deviations between the middle and an end of an interval that holds 95 in 100 of normal numbers.
DEVIATIONS = 1.959963984540054
# Rows from which the mean of errors is taken for normal.
LEAST_ROWS = 30


def judgment_facts(
    outputs: Array, answers: Array, errors: Array | None, target: Target, validation: int
) -> dict[str, Any]:
    """Return facts about test rows as JSON has them.

    outputs, answers: of the test rows, as the network has them; errors: of numbers squared, in the
    target's unit, (rows,). `validation`: how many rows training was watched by. "confusion": a row
    for each true class, in it how many rows were predicted as each; "intervals": of "mae" and
    "rmse" in 95 of 100 such tests, by the deviation of the errors.
    """
    facts: dict[str, Any] = {"validation_rows": validation}
    if target.is_joint or not len(answers):
        return facts
    if not target.is_number:
        classes = len(target.classes)
        if classes <= MOST_CLASSES:
            table = np.zeros((classes, classes), np.int64)
            np.add.at(table, (np.asarray(answers, np.int64), outputs.argmax(axis=1)), 1)
            facts["confusion"] = table.tolist()
        return facts
    if errors is not None and len(errors) >= LEAST_ROWS and np.isfinite(errors).all():
        lower, upper = _mean_interval(np.sqrt(errors))
        least, most = _mean_interval(errors)
        ends = {"mae": [lower, upper], "rmse": [least**0.5, most**0.5]}
        if np.isfinite([lower, upper, least, most]).all():
            facts["intervals"] = ends
    return facts


def _mean_interval(values: Array) -> tuple[float, float]:
    """Return between what the mean of such values, all above 0, lies; none of it below 0."""
    wide = np.asarray(values, np.float64)
    mean = float(wide.mean())
    half = DEVIATIONS * float(wide.std(ddof=1)) / len(wide) ** 0.5
    return max(mean - half, 0.0), mean + half
