"""What an experiment showed: its arms as numbers, and what that says about each cause.

Numbers by name, as they travel in the event of a record; the words are made in `text/`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from misstep.text.experiments import experiment_words
from misstep.trials.setting import LEAST_LEFT, Course

# A cause gets all the support there is where the change left so many times less of the loss.
FULL_SUPPORT = 20.0
# And only where it gains at least this share of the loss of chance; of less, as much less.
FULL_GAIN = 0.25
# An arm counts as better where each course left at most this share of what its control left.
BETTER = 0.75
# And as no better where it left more than this share.
HARDLY = 0.9
# What has almost all learned has no cause to look for.
NOTHING_AMISS = 0.03
# How much it speaks against a cause that its remedy does not help.
AGAINST = -0.5
# The support that a change keeps which is better than the same updates of the run, but not than
# what the run came to in the end.
EARLY_SHARE = 0.4


@dataclass(frozen=True)
class Outcome:
    """What came of an experiment.

    `name`: of the experiment; `title`: what was tried. `verdicts`: of each cause from −1 (speaks
    against) over 0 (undecided) to 1 (for). `control`: what was left without the change; `arms`: by
    what was changed. `best`: the arm that left least. `advice`: what to write, from that arm.
    `numbers`: whatever else was measured.
    """

    name: str
    title: str
    verdicts: Mapping[str, float]
    control: Course | None = None
    arms: Mapping[str, Course] = field(default_factory=dict)
    best: str | None = None
    advice: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON, as a record holds it."""
        return {
            "title": self.title,
            "verdicts": {slug: round(float(one), 3) for slug, one in self.verdicts.items()},
            "control": None if self.control is None else self.control.plain(),
            "arms": {label: course.plain() for label, course in self.arms.items()},
            "best": self.best,
            "advice": self.advice,
            **self.numbers,
        }

    @property
    def words(self) -> str:
        """Return in a sentence what was seen, with the numbers."""
        return experiment_words(self.plain())


def support_of(
    control: Course, arm: Course, reached: float, *, held_out: bool = False, whole: bool = True
) -> float:
    """Return how much it speaks for a cause that `arm`, without it, left less of the loss.

    A paired comparison: each course of the arm starts where that of the control does and meets the
    same rows. `reached`: what the run left in the end. `held_out`: judge by validation rows.
    `whole`: whether they went as far as the run; what does not help by then does not help.
    """
    ours, theirs = arm.left, control.left
    if held_out and arm.held_out is not None and control.held_out is not None:
        ours, theirs = arm.held_out, control.held_out
    if float(np.median(theirs)) <= NOTHING_AMISS:
        return 0.0
    if not bool((ours <= BETTER * theirs).all()):
        hardly = float(np.median(ours)) > HARDLY * float(np.median(theirs))
        return AGAINST if whole and hardly else 0.0
    gained = float(np.mean(np.log(np.maximum(theirs, LEAST_LEFT) / np.maximum(ours, LEAST_LEFT))))
    gain = float(np.median(theirs) - np.median(ours))
    share = min(gained / math.log(FULL_SUPPORT), 1.0) * min(gain / FULL_GAIN, 1.0)
    beats = held_out or float(np.median(ours)) <= BETTER * reached
    return share if beats else EARLY_SHARE * share


def best_of(arms: Mapping[str, Course], *, held_out: bool = False) -> str:
    """Return the label of the arm that left least."""

    def left(label: str) -> float:
        arm = arms[label]
        values: Sequence[float] | Any = arm.left
        if held_out and arm.held_out is not None:
            values = arm.held_out
        return float(np.median(values))

    return min(arms, key=lambda label: (left(label), list(arms).index(label)))
