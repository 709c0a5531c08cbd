"""Whether a run lost its footing: how far its steps went, and whether its loss ran off.

Knows evidence; no rule. Rules about rates, divergence and numbers that are not finite ask here, so
that all mean the same by growth.
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from misstep.doctor.curves import highest_rebound
from misstep.doctor.optimizers import effective_rate, is_adaptive
from misstep.doctor.progress import ORDINARY_SIZE, Progress

# A loss at twice its best has diverged (TheDeepChecker: the same factor) where it is above chance
# as well: near 0, twice the best is nothing.
TIMES_BEST, TIMES_CHANCE = 2.0, 1.2
# Before a failure, a loss or the weights that grew by so much had begun to run off.
GROWTH, WEIGHT_GROWTH = 2.0, 3.0
# A run that fails within so few updates after steps of the weights' own size leaves no curve.
SUDDEN = 20


class Instability:
    """How steady a run was."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.evidence = progress.evidence

    @cached_property
    def first_step(self) -> float:
        """Return the largest ‖Δw‖ ÷ ‖w‖ of a weight in the first update that was looked at.

        As far as momentum will carry it, and at the highest rate of the schedule; weights that are
        smaller than ordinary count as ordinary. NaN where nobody looked.
        """
        progress, optimizer = self.progress, self.evidence.description.optimizer
        largest = math.nan
        for parameter, steps, updates in progress.updates_of_weights:
            _, sizes = self.evidence.series("weight_norm", parameter.name)
            if not len(sizes) or not np.isfinite(sizes[0]):
                continue
            entries = math.prod(parameter.shape)
            ordinary = math.sqrt(entries / max(parameter.fan_in, 1)) / ORDINARY_SIZE
            rate = float(np.interp(steps[0] + 1, progress.steps, progress.rates, left=math.nan))
            scale = progress.peak_rate / rate if rate > 0 else 1.0
            ratio = float(updates[0]) * scale / max(float(sizes[0]), ordinary)
            largest = ratio if math.isnan(largest) else max(largest, ratio)
        if is_adaptive(optimizer):
            return largest
        return largest * effective_rate(optimizer, 1.0)

    @property
    def rate(self) -> float:
        """Return the highest learning rate, as momentum adds it up."""
        return effective_rate(self.evidence.description.optimizer, self.progress.peak_rate)

    @property
    def diverged(self) -> bool:
        """Return whether the loss ended far above its best, and above chance."""
        progress = self.progress
        if not len(progress.losses) or not progress.reference > 0:
            return False
        end = progress.end
        return end > TIMES_BEST * progress.best and end > TIMES_CHANCE * progress.reference

    @property
    def grew(self) -> bool:
        """Return whether losses or weights grew before a failure, or steps were huge."""
        losses, start = self.progress.losses, self.evidence.start_loss
        if len(losses) and float(losses[-1]) > GROWTH * max(start, self.progress.reference):
            return True
        if len(losses) <= SUDDEN and self.first_step >= 1.0:
            return True
        return self.weight_growth >= WEIGHT_GROWTH

    @property
    def weight_growth(self) -> float:
        """Return how many times as large a weight became, the largest of all; NaN if not known."""
        grown = [
            self.evidence.last("weight_norm", parameter.name)
            / self.evidence.first("weight_norm", parameter.name)
            for _, parameter in self.evidence.weights
            if self.evidence.first("weight_norm", parameter.name) > 0
        ]
        return max(grown, default=math.nan)

    @property
    def rebound(self) -> float:
        """Return how far the training loss of an epoch rose above an earlier one, over chance."""
        losses = self.evidence.training_losses
        return highest_rebound(losses) / self.progress.reference if len(losses) else 0.0
