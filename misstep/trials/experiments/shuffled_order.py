"""The same training with rows in a new order in each epoch: did the order given hurt?"""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.experiment import Arm, Comparison
from misstep.trials.setting import NotApplicableError, Setting


class ShuffledOrder(Comparison):
    """Tries rows in a new order in each epoch."""

    name = "shuffled-order"
    title = "rows in a new order in each epoch"
    tells = ("unshuffled",)
    rank = 15

    def arms(self, setting: Setting) -> Iterator[Arm]:
        """Yield the run with shuffling."""
        if setting.start.shuffle:
            raise NotApplicableError("its rows are shuffled")
        yield Arm("with shuffled rows", setting.start.variant(shuffle=True), "shuffle=True")
