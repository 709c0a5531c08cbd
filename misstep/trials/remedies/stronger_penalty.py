"""A penalty on large weights, or a stronger one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from misstep.optim import L1, L2, Regularizer
from misstep.trials.advice import written
from misstep.trials.remedy import Case, Change, Remedy, with_settings

# Strengths between which small networks differ: of squares, and of sizes, whose sum over a few
# hundred weights is ten times as large.
STRENGTHS: tuple[Regularizer, ...] = (L2(1e-2), L2(1e-3), L1(1e-3))
TIMES = (10.0, 3.0)


class StrongerPenalty(Remedy):
    """L2 and L1, or several times the penalties that there are."""

    name = "stronger-penalty"
    title = "a penalty on large weights, or a stronger one"
    answers = ("overfitting", "label-errors")
    is_general = True
    rank = 25

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield penalties of several strengths."""
        own: tuple[Any, ...] = case.start.regularizers
        if own:
            choices = [
                tuple(replace(one, strength=times * one.strength) for one in own) for times in TIMES
            ]
        else:
            choices = [(one,) for one in STRENGTHS]
        for penalties in choices:
            words = ", ".join(written(one) for one in penalties)
            yield with_settings(
                case,
                "with "
                + " and ".join(f"{type(one).__name__} of {one.strength:g}" for one in penalties),
                {"regularizers": penalties},
                f"regularizers={words if len(penalties) == 1 else f'[{words}]'}",
            )
