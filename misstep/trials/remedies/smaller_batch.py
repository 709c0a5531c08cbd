"""As many rows in smaller batches, and so more updates."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.pace import rows_of_batch, updates_per_epoch
from misstep.trials.remedy import Case, Change, Remedy, with_settings
from misstep.trials.setting import NotApplicableError

# Rows of a batch in most textbooks (Masters and Luschi, 2018: 2 to 32 do best), and on the way
# there, in powers of 4.
USUAL, PARTS = 32, 4


class SmallerBatch(Remedy):
    """Batches of fewer rows for as many epochs, at the same rate."""

    name = "smaller-batch"
    title = "as many rows in smaller batches"
    answers = ("batch-too-large", "too-few-epochs", "slow-learning", "underfitting")
    rank = 18

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield each batch for itself, where several are added up; then smaller batches."""
        start, rows = case.start, len(case.setting.rows)
        own = rows_of_batch(start, rows)
        if start.accumulate > 1:
            change = with_settings(
                case, "with an update for each batch", {"accumulate": 1}, "accumulate=1"
            )
            yield _as_many_epochs(case, change)
        sizes = list(dict.fromkeys(max(USUAL // 2, own // parts) for parts in (PARTS**2, PARTS)))
        sizes = [size for size in sizes if size < own]
        if not sizes and start.accumulate == 1:
            raise NotApplicableError(f"its batches have {own} rows, which is few")
        for size in sizes:
            change = with_settings(
                case,
                f"in batches of {size}",
                {"batch_size": size, "accumulate": 1},
                f"batch_size={size}",
                options={"batch_size": size},
            )
            yield _as_many_epochs(case, change)


def _as_many_epochs(case: Case, change: Change) -> Change:
    updates = case.epochs * updates_per_epoch(change.trainer, len(case.setting.rows))
    return change.taking(updates)
