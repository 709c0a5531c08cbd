"""Whether a run ended before it had learned what it was learning, and what kept it from that.

Rules about rates, schedules, clipping, batches and epochs all see the same: a loss that still falls
at the end. Which of them is to blame is decided here, once, so that they do not contradict each
other. Knows evidence; no rule.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import numpy as np

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Severity
from misstep.doctor.instability import Instability
from misstep.doctor.optimizers import is_adaptive, optimizer_facts, usual_rate
from misstep.doctor.progress import Progress
from misstep.text.counts import counted
from misstep.text.figures import four_figures, percent

# A run is unfinished that would take off so much of the chance loss in as long again, and has
# explained less than this of it. Where much more can be had, more may be explained already.
GAIN, EXPLAINED = 0.05, 0.7
LARGE_GAIN, MOSTLY_EXPLAINED = 0.15, 0.8
# The same where the validation loss gains as well, which nothing but learning explains.
SEEN_GAIN, SEEN_OWN_GAIN, SEEN_EXPLAINED = 0.1, 0.12, 0.9
# Of numbers, what is not explained is lost to the square, where classes may be right by then.
NUMBERS_GAIN, SEEN_NUMBERS_GAIN, NUMBERS_EXPLAINED = 0.06, 0.04, 0.95
# A fall of less than this would be said as 0.0%.
LEAST_SAID = 5e-4
# Below this share of rows right there is something left to gain for sure; above, and with half of
# chance explained, nothing that matters. A few rows may be right by accident.
RIGHT, HALF = 0.97, 0.5
# A healthy update moves a weight by about a thousandth of itself (Karpathy, cs231n, "ratio of
# weights to updates").
HEALTHY_RATIO = 1e-3
# At a third of that and less, a network that has explained little has hardly been moved.
SMALL_RATIO, LITTLE_EXPLAINED = 3e-4, 0.3
# A rate below this share of its peak no longer counts; what is learned by then is learned.
ENDED_RATE = 0.1
# Until it is below this share of its peak, the loss shows how fast it could fall.
FADED_RATE = 0.3
# A schedule that ends leaves at least so much of the run without a rate …
ENDED_SHARE = 0.55
# … and a loss that fell until then by this much of chance while the time doubled.
FALL_BEFORE_END = 0.03
# A schedule that never comes to this share of the rate it was given holds it back.
HELD_BACK = 0.5
# Gradients of nearly all updates are cut.
CLIPPED_SHARE = 0.9
# Rows of a batch in most textbooks and frameworks (Masters and Luschi, 2018: 2 to 32 do best).
USUAL_BATCH = 32
# A batch so many times as large as that, with few of them in an epoch, has cost the updates.
LARGE_BATCH, FEW_IN_EPOCH = 4, 16
# So few updates are few for any network; so very few leave nothing to be seen of a fall.
FEW_UPDATES, VERY_FEW_UPDATES = 100, 50
SHORT_EXPLAINED = 0.6
# A loss that begins at so many times chance is not slow: what it begins from is wrong.
FAR_START = 4.0
# Below this share of a full step, an optimizer that scales its steps gets no gradient at all.
NO_PULL = 1e-3
# With so many epochs nobody was in a hurry.
SEVERAL_EPOCHS = 5
# SGD below a tenth of its usual rate is slow for its rate; above, for what it is.
LOW_RATE = 0.1


class Blame(Enum):
    """What kept a run from finishing."""

    SCHEDULE = auto()  # its learning rate was gone before
    WARM_UP = auto()  # its learning rate never came to what it was set to
    CLIPPING = auto()
    RATE = auto()  # its updates are tiny
    OPTIMIZER = auto()  # plain steps along a gradient of many scales
    BATCH = auto()  # it had few updates for its epochs
    EPOCHS = auto()  # it had few updates


@dataclass(frozen=True)
class Unfinished:
    """A run that ended too early. `confidence`: how sure the blame is."""

    progress: Progress
    blame: Blame
    severity: Severity
    confidence: float

    def facts(self) -> dict[str, Any]:
        """Return what all findings about such a run say."""
        progress = self.progress
        facts: dict[str, Any] = {
            **optimizer_facts(progress.evidence.description),
            "updates": progress.evidence.updates,
            "epochs": len(progress.evidence.training_losses),
            "final_loss": progress.end,
            "gain": progress.gain,
        }
        if math.isfinite(progress.explained):
            facts |= {"chance_loss": progress.reference, "explained": progress.explained}
        if math.isfinite(progress.typical_ratio):
            facts["update_ratio"] = progress.typical_ratio
        return facts


def state_words(facts: Mapping[str, Any]) -> str:
    """Return in a sentence how far a run came, from the facts of a finding about it."""
    ended = f"Training ended after {counted(facts['updates'], 'update')}"
    at = f"at a loss of {four_figures(facts['final_loss'])}"
    if "chance_loss" in facts:
        at += f", where guessing gives {four_figures(facts['chance_loss'])}"
    if facts["gain"] >= LEAST_SAID:
        of = "of guessing" if "chance_loss" in facts else "at the start"
        gain = percent(facts["gain"])
        at += f"; towards the end it still fell, by {gain} of that {of} as updates double"
    return f"{ended} {at}."


def is_slow(evidence: Evidence) -> dict[str, Any] | None:
    """Return the facts of a run that ended with much left to learn, whatever kept it from that."""
    progress = _judged(evidence)
    if progress is None:
        return None
    slow = _still_falls(progress) or _hardly_moved(progress) or _is_short(progress)
    if not (slow or _ended_schedule(progress)):
        return None
    return Unfinished(progress, Blame.EPOCHS, Severity.WARNING, 0.0).facts()


def _judged(evidence: Evidence) -> Progress | None:
    """Return how a run went that can be judged by its end, and was not done."""
    progress = Progress(evidence)
    if evidence.failed or not evidence.ended_as_planned or not progress.reference > 0:
        return None
    answers = evidence.description.answers
    if answers is not None and answers.are_alike:
        return None  # there is nothing to learn
    right = progress.right_share >= RIGHT and not progress.explained < HALF
    if right or progress.validation_turned:
        return None
    # A loss that ran off is not slow.
    return None if Instability(progress).diverged else progress


def unfinished(evidence: Evidence) -> Unfinished | None:
    """Return what a run lacks that ended too early; None where it did not, or nobody can tell."""
    progress = _judged(evidence)
    if progress is None:
        return None
    blamed = _ended_schedule(progress)
    if blamed is None:
        if _is_ended(progress):
            return None
        if not (_still_falls(progress) or _hardly_moved(progress) or _is_short(progress)):
            return None
        blamed = _blamed(progress)
        if blamed is None:
            return None
    blame, confidence = blamed
    explained = progress.explained
    if evidence.start_loss > FAR_START * progress.reference and not explained > 0:
        # It began so far off that what put it there is the matter.
        confidence *= 0.5
    severity = Severity.CRITICAL if explained < LITTLE_EXPLAINED else Severity.WARNING
    return Unfinished(progress, blame, severity, confidence)


def _still_falls(progress: Progress) -> bool:
    own = gain = progress.gain
    explained = progress.explained
    if progress.validation_gain < gain:
        # What rows that are not learned from do not gain is learned by heart.
        gain = progress.validation_gain
    if math.isnan(explained):
        # Measured by the loss at the start: nobody knows how much of it could be taken off.
        return gain > LARGE_GAIN
    seen = math.isfinite(progress.validation_gain)
    if not progress.evidence.is_classification:
        least = SEEN_NUMBERS_GAIN if seen else NUMBERS_GAIN
        return gain >= least and explained < NUMBERS_EXPLAINED
    return (
        (gain >= GAIN and explained < EXPLAINED)
        or (gain >= LARGE_GAIN and explained < MOSTLY_EXPLAINED)
        or (seen and own >= SEEN_OWN_GAIN and gain >= SEEN_GAIN and explained < SEEN_EXPLAINED)
    )


def _hardly_moved(progress: Progress) -> bool:
    """Tell whether a network is about what it was."""
    limit = HEALTHY_RATIO if _is_plain(progress) else SMALL_RATIO
    return progress.explained < LITTLE_EXPLAINED and progress.typical_ratio < limit


def _is_short(progress: Progress) -> bool:
    """Tell whether so few updates can't have been enough, whatever noise hides of the fall."""
    updates = progress.evidence.updates
    if updates <= VERY_FEW_UPDATES:
        return progress.explained < SHORT_EXPLAINED
    falls = progress.late.per_doubling > progress.late.error
    return updates <= FEW_UPDATES and progress.explained < EXPLAINED and falls


def _is_plain(progress: Progress) -> bool:
    """Tell whether the optimizer takes each gradient as it is, or forgets to go on (Adagrad)."""
    optimizer = progress.evidence.description.optimizer
    kind = optimizer.kind.lower()
    return kind == "adagrad" or (kind == "sgd" and not optimizer.settings.get("momentum"))


def _last_active(progress: Progress, share: float) -> int:
    """Return how many updates were done when the rate last was `share` of its peak."""
    active = np.flatnonzero(progress.rates >= share * progress.peak_rate)
    return int(active[-1]) + 1 if len(active) else 0


def _is_ended(progress: Progress) -> bool:
    """Tell whether the rate was gone long before the end."""
    rates, steps = progress.rates, progress.steps
    if len(rates) < 4 or not np.isfinite(rates).all():
        return False
    return bool(steps[_last_active(progress, ENDED_RATE) - 1] <= (1.0 - ENDED_SHARE) * steps[-1])


def _ended_schedule(progress: Progress) -> tuple[Blame, float] | None:
    """Return the schedule as what is to blame where the loss still fell when its rate was gone."""
    if not _is_ended(progress):
        return None
    explained = progress.explained
    limit = SEEN_EXPLAINED if progress.evidence.is_classification else NUMBERS_EXPLAINED
    if explained >= limit:
        return None
    until = progress.late_until(_last_active(progress, FADED_RATE))
    falls = until.per_doubling > FALL_BEFORE_END * progress.reference
    if falls and until.per_doubling > until.error:
        return Blame.SCHEDULE, 0.9 if until.is_sure else 0.8
    # So little was learned that noise may hide the fall.
    return (Blame.SCHEDULE, 0.7) if explained < LITTLE_EXPLAINED else None


def _is_held_back(progress: Progress) -> bool:
    """Tell whether the rate rose until the end, to a part of what it was set to."""
    rates = progress.rates
    set_to = progress.evidence.description.optimizer.learning_rate
    if len(rates) < 4 or not set_to > 0:
        return False
    return bool(rates[-1] >= rates.max() and rates[0] < HELD_BACK * rates[-1]) and bool(
        np.mean(rates) <= HELD_BACK * set_to * 1.01
    )


def _clips(progress: Progress) -> bool:
    if not progress.evidence.description.clipping:
        return False
    _, shares = progress.evidence.series("clipped_share")
    return len(shares) > 0 and float(np.mean(shares)) >= CLIPPED_SHARE


def _blamed(progress: Progress) -> tuple[Blame, float] | None:
    """Return what kept a run from finishing, and how sure that is; None where it is none of these.

    Where nothing pulls at the weights (dead units, zeros), no rate and no time helps.
    """
    description = progress.evidence.description
    optimizer, ratio = description.optimizer, progress.ordinary_ratio
    if (is_adaptive(optimizer) and progress.step_share < NO_PULL) or ratio == 0:
        return None
    # From 1 where updates are a tenth of healthy ones, down to 0 where they are healthy.
    smallness = float(np.clip(np.log10(HEALTHY_RATIO / ratio), 0.0, 1.0)) if ratio > 0 else 0.0
    if _is_held_back(progress):
        return Blame.WARM_UP, 0.85
    if _clips(progress) and not is_adaptive(optimizer) and smallness > 0:
        return Blame.CLIPPING, 0.65 + 0.3 * smallness
    if _is_plain(progress) and progress.evidence.updates > FEW_UPDATES:
        if progress.peak_rate < usual_rate(optimizer) * LOW_RATE:
            return Blame.RATE, 0.75
        return Blame.OPTIMIZER, 0.65 if _still_falls(progress) else 0.5
    if smallness > 0:
        return Blame.RATE, 0.55 + 0.35 * smallness
    if not (_still_falls(progress) or _is_short(progress)):
        return None
    rows = description.batch_size * description.accumulate
    few = description.updates_per_epoch <= FEW_IN_EPOCH
    patient = len(progress.evidence.training_losses) >= SEVERAL_EPOCHS
    if rows >= LARGE_BATCH * USUAL_BATCH and few and patient:
        return Blame.BATCH, 0.65
    return Blame.EPOCHS, 0.55
