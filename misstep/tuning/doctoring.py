"""The pruner that is ours: the doctor ends a trial that is sick or can't win, and says why.

Two questions at planned shares of a schedule, never by the clock. Is there a finding that a trial's
own settings bring about, and is it behind the default as well? And would it have to get better from
here on than any trial that was trained to its end did? Knows records and curves; no study.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from misstep.doctor import Finding, Severity, examine
from misstep.train import Training
from misstep.tuning.methods import STEPS
from misstep.tuning.trial import Ended

__all__ = ["Curve", "Doctor", "reachable"]

# Shares of a schedule at which a record is examined: rules can judge a run from a quarter on, and
# what a fifth more time did not mend is no passing trouble.
EXAMINED = tuple(round(STEPS * share) for share in (0.3, 0.5, 0.7))
# From this confidence on, one examination is enough; otherwise two in a row must agree.
CERTAIN = 0.97
# Causes that the settings of a trial bring about; those that lie in the data are the same for all.
OF_SETTINGS = frozenset(
    {
        *("bad-initialization", "constant-prediction", "dead-units", "diverging"),
        *("exploding-gradients", "learning-rate-too-high", "learning-rate-too-low"),
        *("not-a-number", "over-regularized", "overfitting", "parameters-not-learning"),
        *("saturated-units", "underfitting", "vanishing-gradients"),
    }
)
# Trials trained to their end that must have been at the same share of their schedule before others
# are measured by how far those still came, and the share of a schedule before which none is.
FEWEST_CURVES, SHARE_BEFORE = 5, 0.2


@dataclass(frozen=True)
class Curve:
    """The course of a trial that was trained to its end.

    `losses`: judged, by step of its schedule. `final`: what it came to. `is_default`: whether it is
    the default configuration.
    """

    losses: Mapping[int, float]
    final: float
    is_default: bool = False

    def at(self, step: int) -> float | None:
        """Return the loss at a step, or the last before; None where it had ended, or not begun."""
        if not self.losses or max(self.losses) < step:
            return None
        known = [each for each in self.losses if each <= step]
        return self.losses[max(known)] if known else None


def reachable(loss: float, step: int, curves: Sequence[Curve]) -> float | None:
    """Return the lowest loss that a trial may come to which has `loss` at a step.

    As much better from there on as the one of `curves` that still got better most, by its share or
    by its difference, whichever says less. None where too few of them came so far.
    """
    pairs = [(curve.at(step), curve.final) for curve in curves]
    known = [(at, final) for at, final in pairs if at is not None]
    if len(known) < FEWEST_CURVES or step < STEPS * SHARE_BEFORE:
        return None
    most = max(at - final for at, final in known)
    reached = loss - most
    shares = [final / at for at, final in known if at > 0 and final >= 0]
    if loss > 0 and shares:
        reached = min(reached, loss * min(shares))
    return reached


@dataclass
class Doctor:
    """Ends one trial where that is due. `curves`: asked for those that others came to so far."""

    curves: Callable[[], Sequence[Curve]]
    _before: set[str] = field(default_factory=set)
    _due: list[int] = field(default_factory=lambda: list(EXAMINED))

    def __call__(self, training: Training, step: int, curve: Mapping[int, float]) -> Ended | None:
        """Return why a trial is to be ended, which is at `step` with the losses of `curve`."""
        curves = self.curves()
        loss = curve[step]
        best = min((each.final for each in curves), default=None)
        within = reachable(loss, step, curves)
        if best is not None and within is not None and within > best:
            return Ended(
                f"its validation loss is {loss:.4g}; even if it fell from here as far as that of "
                f"any other trial did, to {within:.4g}, the best would stay at {best:.4g}",
                True,
            )
        if not self._due or step < self._due[0]:
            return None
        self._due = [each for each in self._due if each > step]
        finding = self._finding(training)
        default = next((each.at(step) for each in curves if each.is_default), None)
        if finding is None or default is None or loss <= default:
            return None
        return Ended(f"{finding.rule.title}: {finding.symptom}", True)

    def _finding(self, training: Training) -> Finding | None:
        """Return what the settings of this trial do to it, if that is certain or seen twice."""
        if training.run_record is None:
            return None
        training.run_record.flush()
        found = [
            finding
            for finding in examine(training.run_record.record).findings
            if finding.severity is Severity.CRITICAL and finding.slug in OF_SETTINGS
        ]
        held = [each for each in found if each.slug in self._before or each.confidence >= CERTAIN]
        self._before = {each.slug for each in found}
        return held[0] if held else None
