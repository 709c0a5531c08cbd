"""Rows mixed with others of their batch."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.remedy import Case, Change, Remedy, with_settings
from misstep.trials.setting import NotApplicableError

# Strengths as their authors had them for photographs, and for small sets.
STRENGTHS = (0.2, 1.0)


class Mixup(Remedy):
    """Mixup (Zhang and others, 2018): fewer answers can be learned by heart."""

    name = "mixup"
    title = "rows mixed with others of their batch"
    answers = ("overfitting", "label-errors")
    rank = 26

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield two strengths."""
        start = case.start
        if start.mixup:
            raise NotApplicableError(f"its rows are mixed already, mixup={start.mixup:g}")
        if start.network.position_limits is not None:
            raise NotApplicableError("its inputs are positions, which can't be mixed")
        for strength in STRENGTHS:
            yield with_settings(
                case, f"with mixup of {strength:g}", {"mixup": strength}, f"mixup={strength:g}"
            )
