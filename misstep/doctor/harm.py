"""How much a run has learned of what there was to learn: the harm beside every symptom.

Knows evidence; no rule. A symptom without harm is no finding, so rules ask here.
"""

from __future__ import annotations

import math

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Severity
from misstep.doctor.rule import CannotTellError

# Shares of the chance loss, or of the errors of guessing the commonest class, that training took
# away. Under the first a run has failed to learn: half of the way is what tasks that networks are
# used for allow, but for those of mere noise. Above the second nothing is left to blame.
HALF_LEARNED = 0.5
WELL_LEARNED = 0.9


def learned(evidence: Evidence) -> float:
    """Return the share of what was to be learned that was: by loss or by right answers.

    1: all. 0: as good as the best constant. Below: worse. The better of the two counts, and of the
    losses that of the probe rows too. Raises CannotTellError where nobody knows what chance gives.
    """
    shares = [evidence.explained]
    probe = evidence.last("probe_loss", "")
    if evidence.chance_loss > 0 and not evidence.failed and math.isfinite(probe):
        shares.append(1.0 - probe / evidence.chance_loss)
    shares.append(_right_answers(evidence))
    known = [share for share in shares if not math.isnan(share)]
    if not known:
        raise CannotTellError("the record does not say what the best constant answer would give")
    return max(known)


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
