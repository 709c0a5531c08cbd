"""What an experiment showed, in words, from the numbers that a record holds of it.

Knows numbers only; the experiments themselves are in `trials/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from misstep.text.counts import counted
from misstep.text.lists import listed

__all__ = ["experiment_words", "outcome_words", "share_left", "verdict_words"]

# What is left is told between these times the loss of chance.
LEAST, MOST = 0.01, 100.0
# From here on a verdict speaks for a cause, or against it.
SPEAKS = 0.2


def experiment_words(outcome: Mapping[str, Any]) -> str:
    """Return in a sentence what was seen, with the numbers.

    >>> outcome = {
    ...     "control": {"left": [0.9, 0.8], "held_out": None, "updates": 50, "failed": 0},
    ...     "arms": {"at half the rate": {"left": [0.2, 0.3], "held_out": None, "failed": 0}},
    ...     "best": "at half the rate",
    ... }
    >>> print(experiment_words(outcome))
    after 50 updates 25% of the loss of chance is left at half the rate, 85% as it was
    """
    if outcome.get("words"):
        return str(outcome["words"])
    best, arms, control = outcome.get("best"), outcome.get("arms") or {}, outcome.get("control")
    if not best or best not in arms or not control:
        return "nothing was measured"
    judged = str(outcome.get("judged_by") or "left")
    rows = " on validation rows" if judged == "held_out" else ""
    arm = arms[best]
    words = (
        f"after {counted(int(control['updates']), 'update')} {_share(arm, judged)} of the loss of "
        f"chance is left{rows} {best}, {_share(control, judged)} as it was"
    )
    others = [f"{_share(arms[label], judged)} {label}" for label in arms if label != best]
    return words + (f" (and {', '.join(others)})" if others else "")


def outcome_words(outcome: Mapping[str, Any]) -> str:
    """Return what was tried, what that showed, and for which causes it speaks."""
    title, verdicts = outcome.get("title", "an experiment"), outcome["verdicts"]
    return f"{title}: {experiment_words(outcome)}; that {verdict_words(verdicts)}"


def _share(course: Mapping[str, Any], judged: str) -> str:
    values = course.get(judged) or course["left"]
    if int(course.get("failed") or 0) * 2 > len(values):
        return "no number"
    return share_left(float(np.median(values)))


def share_left(left: float) -> str:
    """Return how much of the loss of chance is left; beyond what is told apart, the bound.

    >>> share_left(0.25), share_left(0.043), share_left(0.01), share_left(100.0)
    ('25%', '4.3%', '1% or less', '10,000% or more')
    """
    if left >= MOST:
        return f"{MOST:,.0%} or more"
    if left <= LEAST:
        return f"{LEAST:.0%} or less"
    return f"{left:,.0%}" if left >= 0.1 else f"{left:.1%}"


def verdict_words(verdicts: Mapping[str, float]) -> str:
    """Return which causes an experiment speaks for, and which against.

    >>> verdict_words({"diverging": 0.8, "unshuffled": -0.5, "leakage": 0.0})
    'speaks for diverging, against unshuffled'
    """
    spoken = [slug for slug, one in verdicts.items() if one >= SPEAKS]
    against = [slug for slug, one in verdicts.items() if one <= -SPEAKS]
    parts = [f"for {listed(spoken)}"] if spoken else []
    parts += [f"against {listed(against)}"] if against else []
    return f"speaks {', '.join(parts)}" if parts else "decides nothing"
