"""AutoTrainer: vanishing and exploding gradients, dying ReLU, oscillation and slow convergence.

Stand-ins: the share of zero outputs of a ReLU for that of zero gradient entries behind it; the
accuracy on validation rows for that of training.
"""

from __future__ import annotations

import numpy as np

from benchmarks.doctor.peers.traces import Traces
from benchmarks.doctor.scoring import Named
from misstep.record import Record

# Norm of the first layer's gradient ÷ that of the last one's, and the first layer's own.
VANISHING_RATIO, VANISHING_FIRST = 1e-3, 1e-4
EXPLODING_RATIO = 70.0
DEAD_ENTRIES = 0.7
# A swing of accuracy from epoch to epoch, and in which share of the epochs.
SWING, SWING_SHARE = 0.03, 0.2
# Gain of accuracy for each epoch, while accuracy is below this.
SLOW_GAIN, SLOW_BELOW = 0.01, 0.6


def judge(record: Record) -> list[Named]:
    """Return what its thresholds say of a record."""
    traces = Traces(record)
    gradients = traces.gradients(of_entries=False)
    accuracies = traces.accuracies
    found = []
    ratios = [look[0] / max(look[-1], 1e-300) for look in gradients if len(look) > 1]
    if traces.not_finite or any(ratio > EXPLODING_RATIO for ratio in ratios):
        found.append(Named("exploding-gradients", critical=True))
    if ratios and ratios[-1] < VANISHING_RATIO and gradients[-1][0] < VANISHING_FIRST:
        found.append(Named("vanishing-gradients", critical=True))
    flat = [layer for layer in traces.layers if layer.can_die]
    if traces.largest("zero_share", flat) >= DEAD_ENTRIES:
        found.append(Named("dead-units", critical=True))
    changes = np.diff(accuracies)
    turns = changes[1:] * changes[:-1] < 0
    if len(turns):
        wide = np.minimum(abs(changes[1:]), abs(changes[:-1])) >= SWING
        if np.mean(turns & wide) >= SWING_SHARE:
            found.append(Named("learning-rate-too-high", critical=True))
    gain = (accuracies[-1] - accuracies[0]) / (len(accuracies) - 1) if len(accuracies) > 1 else 1.0
    if gain < SLOW_GAIN and accuracies[-1] < SLOW_BELOW:
        found.append(Named("slow-learning", critical=True, also=("learning-rate-too-low",)))
    return found
