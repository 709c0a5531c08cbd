"""TheDeepChecker: gradients that fade or grow, sizes of updates, slowness, oscillation, divergence.

Stand-ins: looks into the network for its checks, every so many updates.
"""

from __future__ import annotations

import numpy as np

from benchmarks.doctor.peers.traces import Traces
from benchmarks.doctor.scoring import Named
from misstep.record import Record

VANISHING_MEAN, EXPLODING_MEAN = 1e-6, 1e6
# From one layer to the one before it, over so many layers.
DECAY, GROWTH, LAYERS = 0.5, 2.0, 5
# ‖update‖ ÷ ‖weight‖.
LEAST_UPDATE, MOST_UPDATE = 1e-4, 1e-1
# The loss must fall by this share in so many checks.
SLOW_FALL, SLOW_CHECKS = 0.05, 5
# In so many checks, the loss changes its direction in this share of them.
OSCILLATING, OSCILLATION_CHECKS = 0.5, 50
# The loss against its best.
DIVERGING = 2.0


def judge(record: Record) -> list[Named]:
    """Return what its thresholds say of a record."""
    traces = Traces(record)
    found = []
    losses = traces.values("loss")
    if traces.not_finite:
        found.append(Named("not-a-number", critical=True, also=("diverging",)))
    gradients = traces.gradients(of_entries=True)
    if any(look.max() > EXPLODING_MEAN or _grows(look) for look in gradients):
        found.append(Named("exploding-gradients", critical=True))
    if any(look.min() < VANISHING_MEAN or _fades(look) for look in gradients):
        found.append(Named("vanishing-gradients", critical=True))
    found += _updates(traces)
    checked = losses[:: max(1, len(losses) // OSCILLATION_CHECKS)]
    if len(checked) > 2 and np.isfinite(checked).all():
        if checked[-1] > DIVERGING * checked.min():
            found.append(Named("diverging", critical=True, also=("learning-rate-too-high",)))
        changes = np.diff(checked)
        if np.mean(changes[1:] * changes[:-1] < 0) > OSCILLATING:
            found.append(Named("learning-rate-too-high", critical=True))
        falls = 1.0 - checked[SLOW_CHECKS:] / np.maximum(checked[:-SLOW_CHECKS], 1e-300)
        if len(falls) and falls[: max(1, len(falls) // 2)].max() < SLOW_FALL:
            found.append(Named("slow-learning", critical=True))
    return found


def _fades(look: np.ndarray) -> bool:
    """Return whether the gradient halves from layer to layer on the way back, five times."""
    steps = look[:-1] / np.maximum(look[1:], 1e-300)
    return len(steps) >= LAYERS and bool(np.exp(np.mean(np.log(steps + 1e-300))) < DECAY)


def _grows(look: np.ndarray) -> bool:
    steps = look[:-1] / np.maximum(look[1:], 1e-300)
    return len(steps) >= LAYERS and bool(np.exp(np.mean(np.log(steps + 1e-300))) > GROWTH)


def _updates(traces: Traces) -> list[Named]:
    """Return what the sizes of updates say, in the middle of training."""
    ratios = []
    for one in traces.weights:
        moved, size = traces.values("update_norm", one.name), traces.values("weight_norm", one.name)
        count = min(len(moved), len(size))
        known = (size[:count] > 0) & np.isfinite(moved[:count]) & np.isfinite(size[:count])
        if known.any():
            ratios.append(float(np.median(moved[:count][known] / size[:count][known])))
    if not ratios:
        return []
    if max(ratios) > MOST_UPDATE:
        return [Named("learning-rate-too-high", critical=True)]
    if max(ratios) < LEAST_UPDATE:
        return [Named("learning-rate-too-low", critical=True)]
    return []
