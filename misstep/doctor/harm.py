"""How much a run has learned of what there was to learn: the harm beside every symptom.

Knows evidence; no rule. A symptom without harm is no finding, so rules ask here.
"""

from __future__ import annotations

import math

from misstep.doctor.evidence import Evidence, chance_of
from misstep.doctor.finding import Severity
from misstep.doctor.rule import CannotTellError
from misstep.doctor.success import BEGUN

# Shares of the chance loss, or of the errors of guessing the commonest class, that training took
# away. Under the first a run has failed to learn: half of the way is what tasks that networks are
# used for allow, but for those of mere noise. Above the second nothing is left to blame.
HALF_LEARNED = 0.5
WELL_LEARNED = 0.9


def learned(evidence: Evidence) -> float:
    """Return the share of what was to be learned that was: by losses or by right answers.

    1: all. 0: as good as the best constant. Below: worse. The best of them counts: of the training
    rows, which dropout may veil, of the probe rows, and of the validation rows. Raises
    CannotTellError where nobody knows what chance gives, or of a run that has only begun.
    """
    about = evidence.description
    begun = evidence.updates < BEGUN * about.epochs * about.updates_per_epoch
    if begun and not evidence.is_over and not evidence.failed:
        raise CannotTellError("training has only begun")
    shares = [evidence.explained]
    probe = evidence.last("probe_loss", "")
    if evidence.chance_loss > 0 and not evidence.failed and math.isfinite(probe):
        shares.append(1.0 - probe / evidence.chance_loss)
    shares += [_right_answers(evidence), validated(evidence)]
    known = [share for share in shares if not math.isnan(share)]
    if not known:
        raise CannotTellError(evidence.chance_doubt)
    return max(known)


def least_learned(evidence: Evidence) -> float:
    """Return the share of the chance loss that was gone, of training or of validation rows.

    The lesser, for symptoms that no healthy run has, where less harm is proof enough.
    Raises CannotTellError.
    """
    held_out = validated(evidence)
    if math.isnan(evidence.explained):
        return learned(evidence)
    # Dropout makes training look worse than it is, right answers better than the loss.
    of_training = min(evidence.explained, learned(evidence))
    return of_training if math.isnan(held_out) else min(max(of_training, held_out), held_out)


def validated(evidence: Evidence) -> float:
    """Return the share of the chance loss of validation rows that was gone at the end, or NaN."""
    chance = chance_of(evidence.description.validation_answers)
    losses = evidence.validation_losses
    if not chance > 0 or not len(losses) or evidence.failed:
        return math.nan
    return 1.0 - float(losses[-1]) / chance


def _right_answers(evidence: Evidence) -> float:
    """Return what share of the errors of guessing the commonest class is gone."""
    answers = evidence.description.answers
    accuracy = evidence.last("probe_accuracy", "")
    if answers is None or not answers.counts or evidence.failed or math.isnan(accuracy):
        return math.nan
    commonest = max(answers.counts) / max(sum(answers.counts), 1)
    return (accuracy - commonest) / (1.0 - commonest) if commonest < 1 else math.nan


def severity_of(share: float) -> Severity | None:
    """Return how bad a symptom is in a run that learned `share`; None where it did no harm."""
    if share < HALF_LEARNED:
        return Severity.CRITICAL
    return Severity.WARNING if share < WELL_LEARNED else None
