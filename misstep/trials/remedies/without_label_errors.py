"""Rows whose answers are more likely wrong than right set aside."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.doubted_rows import cost_of_doubts, doubted_rows
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import NotApplicableError
from misstep.trials.words_of_rows import rows_words

# How likely an answer is wrong at least; and where one wants to be surer.
CHANCES = (0.5, 0.9)
# A number of rows that differs by less is about the same.
ALIKE = 0.9
# Where more are doubted, the model fails, not the answers.
MOST_SHARE = 0.45


class WithoutLabelErrors(Remedy):
    """Training without rows whose answers models of the other rows expect to be others."""

    name = "without-label-errors"
    title = "rows whose answers are likely wrong set aside"
    answers = ("label-errors", "overfitting")
    rank = 27

    def cost(self, case: Case) -> int:
        """Return what the models of other rows cost."""
        return cost_of_doubts(case)

    def changes(self, case: Case) -> Iterator[Change]:
        """Train models of other rows, and yield the run without the rows that they doubt."""
        doubted, spent = doubted_rows(case)
        before = 0
        for least in CHANCES:
            positions = [row for row, chance in doubted.items() if chance >= least]
            if before and (len(positions) > ALIKE * before or not positions):
                return
            if not positions:
                raise NotApplicableError("no answer is more likely wrong than right")
            if len(positions) > MOST_SHARE * len(case.setting.rows):
                raise NotApplicableError(
                    f"{rows_words(len(positions))} of {len(case.setting.rows):,} are doubted: "
                    "the model fails there, rather than the answers"
                )
            before = len(positions)
            yield Change(
                f"without {rows_words(before)} whose answers are likely wrong",
                case.start,
                f"mend the answers of {rows_words(before, positions)}, or leave them out",
                set_aside=tuple(sorted(positions)),
                spent=spent,
            )
            spent = 0
