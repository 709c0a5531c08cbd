"""How far training got, in four words: the harm that rules about data and settings ask for.

Knows evidence and no cause. Several rules speak only where a run learned little; all of them ask
here what little is.
"""

from __future__ import annotations

import math
from enum import Enum

import numpy as np

from misstep.doctor.evidence import Evidence
from misstep.doctor.rule import CannotTellError
from misstep.record import Task

# Less than this share of the chance loss taken away is nothing: a share of that size comes of
# letting one weight too many follow the noise of a few dozen rows.
NOTHING = 0.05
# From here on a run learned what matters. Of two balanced classes that is an accuracy near 96 %
# with calibrated probabilities, of a number four fifths of the variance.
MOST = 0.8
# So many rows right is well, whatever the loss says of how sure the network is.
WELL_RIGHT = 0.95
# So much worse than chance is harm beyond noise.
WORSE = 1.05
# A run that goes on is judged from this share of its plan on.
BEGUN = 0.25
# The last part of training, by which is told whether the loss still falls, and by how much it must
# fall there, as a share, in which at least so many standard errors of its own noise.
LAST_PART = 0.2
STILL_FALLING = 0.03
STANDARD_ERRORS = 2.0


class Success(Enum):
    """How far training got; in this order."""

    UNTRAINED = 0  # no update yet
    FAILED = 1  # the loss is no number any more, or worse than that of a guess
    NOTHING = 2  # no better than a constant guess
    SOME = 3
    WELL = 4

    def below(self, other: Success) -> bool:
        """Return whether this is less than `other`."""
        return self.value < other.value


def best_explained(evidence: Evidence) -> float:
    """Return which share of the chance loss was taken away at the end.

    Of the last epoch's mean; of a run of one epoch, which tells of its beginning too, rather of the
    last updates. NaN where chance is not known.
    """
    chance = evidence.chance_loss
    if not chance > 0:
        return math.nan
    ends = [evidence.final_loss]
    if len(evidence.training_losses) < 2 and len(evidence.smooth_losses):
        ends.append(float(evidence.smooth_losses[-1]))
    known = [end for end in ends if math.isfinite(end)]
    return 1.0 - min(known) / chance if known else math.nan


def majority_share(evidence: Evidence) -> float:
    """Return the share of the largest class; NaN where answers are no classes."""
    answers = evidence.description.answers
    if answers is None or answers.task is Task.NUMBERS or not sum(answers.counts):
        return math.nan
    return max(answers.counts) / sum(answers.counts)


def success(evidence: Evidence) -> Success:
    """Return how far training got.

    Raises CannotTellError where the record does not say what chance would give, or where a run that
    goes on has only begun.
    """
    if evidence.updates == 0:
        return Success.UNTRAINED
    if evidence.failed:
        return Success.FAILED
    about = evidence.description
    planned = about.epochs * about.updates_per_epoch
    if not evidence.is_over and evidence.updates < BEGUN * planned:
        raise CannotTellError("training has only begun")
    explained = best_explained(evidence)
    right = evidence.last("probe_accuracy")
    majority = majority_share(evidence)
    # Where the loss is above that of a guess, few rows that are wrong for sure make it so.
    if right >= WELL_RIGHT and not right <= majority + NOTHING and not explained < 0:
        return Success.WELL
    if math.isnan(explained):
        raise CannotTellError(evidence.chance_doubt)
    if explained >= MOST:
        return Success.WELL
    if explained < 1.0 - WORSE:
        return Success.FAILED
    return Success.NOTHING if explained < NOTHING else Success.SOME


def left_over(evidence: Evidence) -> float:
    """Return which share of the chance loss is left, by validation rows where there are any."""
    chance, judged = evidence.chance_loss, evidence.validation_losses
    left = 1.0 - best_explained(evidence)
    return max(left, float(judged[-1]) / chance) if len(judged) and chance > 0 else left


def still_falling(evidence: Evidence) -> bool:
    """Return whether the loss still fell in the last part of training, beyond its noise."""
    losses = evidence.training_losses
    if len(losses) < 2 / LAST_PART:
        losses = evidence.losses[np.isfinite(evidence.losses)]
    part = losses[-max(4, round(LAST_PART * len(losses))) :]
    if len(part) < 4:
        return False
    half = len(part) // 2
    before, after = part[:half], part[-half:]
    fall = float(before.mean() - after.mean())
    doubt = math.sqrt(float(before.var() + after.var()) / half)
    return fall > STILL_FALLING * abs(float(before.mean())) and fall > STANDARD_ERRORS * doubt
