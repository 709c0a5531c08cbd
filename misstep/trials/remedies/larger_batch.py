"""As many rows in larger batches, and so fewer updates, of less noise."""

from __future__ import annotations

import math
from collections.abc import Iterator

from misstep.doctor.optimizers import ADAPTIVE
from misstep.trials.advice import optimizer_at, optimizer_options, written
from misstep.trials.pace import rows_of_batch, updates_per_epoch
from misstep.trials.remedy import Case, Change, Remedy, with_settings
from misstep.trials.setting import NotApplicableError

# Rows of a batch in most textbooks; larger ones cost updates.
USUAL, FEWEST_BATCHES = 32, 4
# The rate grows by no more: a rule for large batches, not for leaps (Goyal and others, 2017).
MOST_TIMES = 8.0


class LargerBatch(Remedy):
    """Batches of 32 rows, at the run's rate, and at one that makes up for fewer updates."""

    name = "larger-batch"
    title = "as many rows in larger batches"
    answers = ("normalization-on-tiny-batch", "learning-rate-too-high", "diverging")
    rank = 23

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield batches of the usual size for as many epochs; of one row, for as many updates."""
        start, rows = case.start, len(case.setting.rows)
        own = rows_of_batch(start, rows) * start.accumulate
        size = min(USUAL, rows // FEWEST_BATCHES)
        if own >= size:
            raise NotApplicableError(f"its batches have {own} rows, and there are {rows}")
        settings = {"batch_size": size, "accumulate": 1}
        times = size / own
        if type(start.optimizer).__name__.lower() in ADAPTIVE:
            # The noise of a mean falls with the root of its rows, and these steps go by that.
            times = math.sqrt(times)
        times = min(times, MOST_TIMES)
        optimizer = optimizer_at(start, times)
        larger = with_settings(
            case,
            f"in batches of {size}, at {times:.2g} times the rate",
            {**settings, "optimizer": optimizer},
            f"batch_size={size} and {written(optimizer)}",
            options={"batch_size": size, **optimizer_options(start.optimizer, optimizer)},
        )
        same = with_settings(
            case,
            f"in batches of {size}",
            settings,
            f"batch_size={size}",
            options={"batch_size": size},
        )
        for change in (larger, same):
            updates = case.epochs * updates_per_epoch(change.trainer, rows)
            yield change.taking(updates)
