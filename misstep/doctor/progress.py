"""How far a run came, and whether it was still coming nearer when it ended.

Knows evidence and arrays; no rule. What rules mean by "still learning" and by "how far a weight
moves" is decided here, once.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from misstep.doctor.curves import Fall, late_fall, running_means, smoothed
from misstep.doctor.evidence import Evidence
from misstep.record import ParameterDescription

Array = npt.NDArray[Any]

# The end of a run is its last tenth: long enough to average batches, short enough to be the end.
END_SHARE = 0.1
# A validation loss by this much above its lowest, and by this share of chance, has turned: less
# comes and goes with single rows.
TURNED, TURNED_OF_CHANCE = 1.05, 0.02
# Epochs whose mean is taken before a validation loss is judged.
TURN_EPOCHS = 3
# Fewer epochs show no slope of a validation loss; fewer still, not even a step of it.
LEAST_EPOCHS, FEW_EPOCHS = 6, 3
# From so many on the mean losses of epochs tell more than those of batches.
ENOUGH_EPOCHS = 12
# A weight has about the size 1 / √fan_in where a layer keeps the size of its inputs (LeCun and
# others, 1998); more than a few times that is not ordinary.
ORDINARY_SIZE = 3.0


class Progress:
    """What the losses of a run's updates come to."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        losses = evidence.record.steps["loss"]
        finite = np.isfinite(losses)
        # Steps and finite losses of the updates that the record tells of, (updates,) each.
        self.steps: Array = evidence.record.steps["step"][finite]
        self.losses: Array = losses[finite]

    # --- levels -----------------------------------------------------------------------------------

    @property
    def reference(self) -> float:
        """Return the loss that others are measured by: that of chance, or else of the start."""
        chance = self.evidence.chance_loss
        return chance if chance > 0 else self.evidence.start_loss

    @cached_property
    def end(self) -> float:
        """Return the mean loss of the last tenth of updates; NaN without any."""
        if not len(self.losses):
            return math.nan
        late = self.steps > self.steps[-1] * (1.0 - END_SHARE)
        return float(self.losses[late].mean()) if late.any() else float(self.losses[-1])

    @cached_property
    def smooth(self) -> Array:
        """Return the losses without the noise of batches, (updates,)."""
        return smoothed(self.losses)

    @property
    def best(self) -> float:
        """Return the lowest smooth loss; NaN without any."""
        return float(self.smooth.min()) if len(self.smooth) else math.nan

    @property
    def explained(self) -> float:
        """Return how much of the chance loss the run took away by its end; NaN where not known.

        As `Evidence.explained`, of the last updates rather than of the last epoch, which in short
        runs is most of the run.
        """
        chance = self.evidence.chance_loss
        return 1.0 - self.end / chance if chance > 0 else math.nan

    @property
    def right_share(self) -> float:
        """Return the share of probe rows whose class was right in the end; NaN where not known."""
        return self.evidence.last("probe_accuracy", "")

    # --- still learning ---------------------------------------------------------------------------

    @cached_property
    def late(self) -> Fall:
        """Return how the loss fell towards the end.

        By whole epochs where there are enough of them: all have the same rows, so that most of the
        noise of batches is gone.
        """
        numbers, losses = self._of_epochs("training_loss")
        if len(losses) >= ENOUGH_EPOCHS:
            return late_fall(numbers, losses)
        return late_fall(self.steps, self.losses)

    def _of_epochs(self, name: str) -> tuple[Array, Array]:
        """Return the numbers of whole epochs and their finite values of a signal, (epochs,)."""
        whole = [
            (epoch["epoch"], epoch[name])
            for epoch in self.evidence.record.epochs
            if not epoch.get("partial") and np.isfinite(epoch.get(name, math.nan))
        ]
        return np.array([each for each, _ in whole]), np.array([each for _, each in whole])

    def late_until(self, count: int) -> Fall:
        """Return how the loss fell towards the end of the first `count` updates."""
        return late_fall(self.steps[:count], self.losses[:count])

    @property
    def gain(self) -> float:
        """Return what training as long again may take off, in units of the reference loss.

        0 where the loss does not surely fall any more; NaN where there is nothing to go by.
        """
        if not self.reference > 0:
            return math.nan
        if not self.late.is_sure:
            return 0.0
        return min(self.late.per_doubling, max(self.end, 0.0)) / self.reference

    @property
    def validation_turned(self) -> bool:
        """Return whether the validation loss has risen again from where it was lowest."""
        losses = running_means(self.evidence.validation_losses, TURN_EPOCHS)
        if len(losses) < 2:
            return False
        rise = float(losses[-1] - losses.min())
        return rise > (TURNED - 1.0) * losses.min() and rise > TURNED_OF_CHANCE * self.reference

    @property
    def validation_gain(self) -> float:
        """Return as `gain` of the validation loss; NaN where there are few epochs of it.

        Of a handful of epochs, what the last one took off goes on as the logarithm of time does.
        """
        numbers, losses = self._of_epochs("validation_loss")
        if len(losses) < FEW_EPOCHS or not self.reference > 0:
            return math.nan
        if len(losses) < LEAST_EPOCHS:
            along = math.log2(numbers[-1] / numbers[-2])
            return float(losses[-2] - losses[-1]) / along / self.reference
        fall = late_fall(numbers, losses)
        return fall.per_doubling / self.reference

    # --- how far weights move ---------------------------------------------------------------------

    @cached_property
    def update_ratios(self) -> dict[str, Array]:
        """Return ‖Δw‖ ÷ ‖w‖ of one update, at each look, for each weight that learns."""
        ratios = {}
        for _, parameter in self.evidence.weights:
            if not parameter.learns:
                continue
            steps, updates = self.evidence.series("update_norm", parameter.name)
            at, sizes = self.evidence.series("weight_norm", parameter.name)
            both, of_update, of_weight = np.intersect1d(steps, at, return_indices=True)
            if not len(both):
                continue
            known = (sizes[of_weight] > 0) & np.isfinite(sizes[of_weight])
            values = updates[of_update][known] / sizes[of_weight][known]
            values = values[np.isfinite(values)]
            if len(values):
                ratios[parameter.name] = values
        return ratios

    @cached_property
    def updates_of_weights(self) -> list[tuple[ParameterDescription, Array, Array]]:
        """Return, for each weight that learns, steps of looks and ‖Δw‖ of the update there."""
        found = []
        for _, parameter in self.evidence.weights:
            steps, updates = self.evidence.series("update_norm", parameter.name)
            known = np.isfinite(updates)
            if parameter.learns and known.any():
                found.append((parameter, steps[known], updates[known]))
        return found

    @property
    def ordinary_ratio(self) -> float:
        """Return the typical update ratio, if no weight were larger than is ordinary.

        Weights that begin far too large make every ratio small, and the rate has no part in it.
        """
        ratios = []
        for parameter, _, updates in self.updates_of_weights:
            _, sizes = self.evidence.series("weight_norm", parameter.name)
            entries = math.prod(parameter.shape)
            ordinary = ORDINARY_SIZE * math.sqrt(entries / max(parameter.fan_in, 1))
            size = min(float(np.median(sizes)) if len(sizes) else ordinary, ordinary)
            if size > 0:
                ratios.append(float(np.median(updates)) / size)
        return float(np.median(ratios)) if ratios else math.nan

    @property
    def step_share(self) -> float:
        """Return ‖Δw‖ ÷ (rate · √entries), the median over looks and weights; NaN if not known.

        About 1 where an optimizer scales its steps by the size of gradients; of those that do not,
        the size of a gradient's entries.
        """
        shares = []
        for parameter, steps, updates in self.updates_of_weights:
            rates = np.interp(steps + 1, self.steps, self.rates) if len(self.steps) else steps
            known = rates > 0
            if known.any():
                entries = math.prod(parameter.shape)
                shares.append(float(np.median(updates[known] / rates[known])) / math.sqrt(entries))
        return float(np.median(shares)) if shares else math.nan

    @property
    def typical_ratio(self) -> float:
        """Return the median over weights of their median update ratios; NaN where not known."""
        ratios = [float(np.median(values)) for values in self.update_ratios.values()]
        return float(np.median(ratios)) if ratios else math.nan

    # --- the rate of learning ---------------------------------------------------------------------

    @cached_property
    def rates(self) -> Array:
        """Return the learning rate of each update in `steps`, after the schedule, (updates,)."""
        finite = np.isfinite(self.evidence.record.steps["loss"])
        rates: Array = self.evidence.record.steps["learning_rate"][finite]
        return rates

    @property
    def peak_rate(self) -> float:
        """Return the highest learning rate that was used, or the optimizer's where none was."""
        if len(self.rates) and np.isfinite(self.rates).any() and np.nanmax(self.rates) > 0:
            return float(np.nanmax(self.rates))
        return self.evidence.description.optimizer.learning_rate
