"""UMLAUT: inputs neither in their usual range nor standardized, softmax twice, overfitting."""

from __future__ import annotations

import numpy as np

from benchmarks.doctor.peers.traces import Traces
from benchmarks.doctor.scoring import Named
from misstep.record import FeatureSummary, Record

# Inputs are expected in here, which takes in 0 to 1.
INPUT_RANGE = (-1.0, 1.0)
# Or standardized: a mean near 0, and a deviation near 1.
MOST_MEAN, DEVIATIONS = 0.5, (0.5, 2.0)
# Epochs without a better validation loss.
PATIENCE = 5


def judge(record: Record) -> list[Named]:
    """Return what its thresholds say of a record."""
    traces = Traces(record)
    found = []
    description = record.description
    inputs = description.inputs if description else None
    if traces.not_finite:
        found.append(Named("learning-rate-too-high", critical=True, also=("not-a-number",)))
    takes = description.loss.takes if description else ""
    if takes == "logits" and traces.layers and traces.layers[-1].kind == "Softmax":
        found.append(Named("wrong-output", critical=True))
    whole = inputs.whole if inputs is not None else None
    if whole is not None and not (_in_range(whole) or _is_standardized(whole)):
        found.append(Named("unscaled-inputs", critical=True))
    validation, training = traces.values("validation_loss"), traces.values("training_loss")
    if len(validation) > PATIENCE and len(validation) == len(training):
        best = int(np.argmin(validation))
        if len(validation) - 1 - best >= PATIENCE and training[-1] < training[best]:
            found.append(Named("overfitting", critical=True))
    return found


def _in_range(whole: FeatureSummary) -> bool:
    return INPUT_RANGE[0] <= whole.smallest and whole.largest <= INPUT_RANGE[1]


def _is_standardized(whole: FeatureSummary) -> bool:
    return abs(whole.mean) < MOST_MEAN and DEVIATIONS[0] < whole.deviation < DEVIATIONS[1]
