"""Rows with numbers far out set aside."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from misstep.record import Task
from misstep.storage import MappedRows
from misstep.train.chance import task_of
from misstep.trials.outlying import rows_far_out
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import NotApplicableError
from misstep.trials.words_of_rows import rows_words

# Where more rows hold some, that is how these data are.
MOST_SHARE = 0.1


class WithoutOutliers(Remedy):
    """Training without the rows that hold a number far from all others."""

    name = "without-outliers"
    title = "rows with numbers far out set aside"
    answers = ("outliers", "unscaled-target", "unscaled-inputs", "exploding-gradients")
    rank = 19

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the run without rows whose answer, or inputs, are far out."""
        start, rows = case.start, case.setting.rows
        far = np.zeros(len(rows), bool)
        if task_of(start.loss) is Task.NUMBERS:
            far |= rows_far_out(np.asarray(rows.y, "float64").reshape(len(rows), -1))
        # Each column is looked at as a whole.
        beyond = isinstance(rows.x, MappedRows) and rows.x.is_beyond_memory
        if start.network.position_limits is None and not beyond:
            far |= rows_far_out(rows.x)
        count = int(far.sum())
        if not count:
            raise NotApplicableError("no row holds a number that is far from all others")
        if count > MOST_SHARE * len(rows):
            raise NotApplicableError(
                f"{count:,} of {len(rows):,} rows hold numbers far out: so these data are"
            )
        positions = np.flatnonzero(far).tolist()
        yield Change(
            f"without {rows_words(count)} with numbers far out",
            start,
            f"mend or leave out {rows_words(count, positions)}, whose numbers are far out",
            set_aside=tuple(positions),
        )
