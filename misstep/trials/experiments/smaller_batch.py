"""As many rows in smaller batches: were there too few updates, each too sure of itself?"""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.experiment import Arm, Comparison
from misstep.trials.setting import MOST_UPDATES, NotApplicableError, Setting

# Parts that a batch is cut into, and rows below which it is small.
PARTS = (4, 16)
SMALL = 32


class SmallerBatch(Comparison):
    """Tries as many rows in smaller batches."""

    name = "smaller-batch"
    title = "as many rows in smaller batches"
    tells = ("batch-too-large",)
    rank = 21
    arms_at_most = 20

    def arms(self, setting: Setting) -> Iterator[Arm]:
        """Yield batches of a quarter and a sixteenth of the rows."""
        start = setting.start
        own = len(setting.rows) if start.batch_size == "full" else int(start.batch_size)
        size = min(own, len(setting.rows))
        if size <= SMALL or len(setting.rows) <= SMALL:
            raise NotApplicableError(f"its batches have {size} rows, which is few")
        for parts in PARTS:
            rows = max(size // parts, SMALL // 2)
            updates = min(setting.updates * size // rows, 4 * MOST_UPDATES)
            yield Arm(
                f"in batches of {rows}",
                start.variant(batch_size=rows),
                f"batch_size={rows}",
                updates=updates,
                planned=max(setting.planned * size // rows, updates),
            )
