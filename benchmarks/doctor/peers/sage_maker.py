"""SageMaker Debugger: vanishing gradient, dead ReLU, saturation, overfitting, class imbalance.

Stand-ins: dead for all probe rows for active in less than 1 % of them; within 1 % of a bound for
its bounds of what enters a tanh (±9.5) or sigmoid (−23, 17), which fewer entries pass.
"""

from __future__ import annotations

from benchmarks.doctor.peers.traces import Traces
from benchmarks.doctor.scoring import Named
from misstep.record import Record

VANISHING_MEAN = 1e-7
DEAD_UNITS = 0.5
SATURATED = 0.5
# (validation loss − training loss) ÷ training loss.
OVERFIT_GAP = 0.1
# Largest class ÷ smallest class.
IMBALANCE = 10.0


def judge(record: Record) -> list[Named]:
    """Return what its thresholds say of a record."""
    traces = Traces(record)
    found = []
    if traces.not_finite:
        found.append(Named("not-a-number", critical=True))
    if any(look.min() < VANISHING_MEAN for look in traces.gradients(of_entries=True)):
        found.append(Named("vanishing-gradients", critical=True))
    flat = [layer for layer in traces.layers if layer.can_die]
    if traces.largest("dead_share", flat) > DEAD_UNITS:
        found.append(Named("dead-units", critical=True))
    bounded = [layer for layer in traces.layers if layer.bounds is not None]
    if traces.largest("saturated_share", bounded) > SATURATED:
        found.append(Named("saturated-units", critical=True))
    answers = record.description.answers if record.description else None
    counts = answers.counts if answers is not None else ()
    if len(counts) > 1 and max(counts) > IMBALANCE * max(1, min(counts)):
        found.append(Named("class-imbalance", critical=True))
    training, validation = traces.values("training_loss"), traces.values("validation_loss")
    both = 0 < len(validation) == len(training)
    if both and validation[-1] - training[-1] > OVERFIT_GAP * training[-1]:
        found.append(Named("overfitting", critical=True))
    return found
