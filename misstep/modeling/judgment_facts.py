"""What a model file keeps of the test beside its scores: who was taken for whom, how sure it is.

Small and plain, so that a model card can say them years later without the rows. Knows outputs and
errors of test rows; no words.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from misstep.data import Target
from misstep.ir import Array
from misstep.modeling.confidence import mean_interval
from misstep.modeling.judgment.confusion import confusion_counts

__all__ = ["judgment_facts"]

# Of more classes, the table of who was taken for whom would be larger than many a network.
MOST_CLASSES = 64
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
            facts["confusion"] = confusion_counts(outputs, answers, classes).tolist()
        return facts
    if errors is not None and len(errors) >= LEAST_ROWS and np.isfinite(errors).all():
        lower, upper = mean_interval(np.sqrt(errors))
        least, most = mean_interval(errors)
        ends = {"mae": [lower, upper], "rmse": [least**0.5, most**0.5]}
        if np.isfinite([lower, upper, least, most]).all():
            facts["intervals"] = ends
    return facts
