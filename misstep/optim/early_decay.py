"""`EarlyDecay`: one cycle of the learning rate that ends early where all is learned early.

How long a training should be is not known before: the same number of images may be learned in
twenty epochs or not in a hundred. A rate that stays high shows it on the way, and can begin to fall
at any time (Hägele and others, "Scaling laws beyond fixed training durations", 2024, find such
trainings as good as those whose length was known). Goes by the training loss of whole epochs, never
by a clock.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from misstep.optim.schedules import OneCycle, Schedule, ScheduleContext, _positive, _share

# What the memory holds: the epoch by whose end all was learned, and the one that is the last.
LEARNED, LAST = "learned", "last"


@dataclass(frozen=True)
class EarlyDecay(Schedule):
    """`OneCycle` that falls early, once the training loss of an epoch is at most `loss`.

    From then on the rate falls along half a cosine to 1 / `end`, in as many epochs as went before,
    and training ends with it: before its epochs are done, never behind. `loss`: of an epoch, in the
    loss's own unit. The rest as in `OneCycle`. Where the loss stays higher until half of the
    training is done, it is `OneCycle` to the last bit.

    >>> import misstep as ms
    >>> from misstep.optim import ScheduleContext
    >>> schedule = ms.optim.EarlyDecay(loss=0.1, rise=0.1)
    >>> end_of_epoch = ScheduleContext(step=200, steps_per_epoch=10, total_steps=1000)
    >>> memory = schedule.hear({"epoch": 20, "training_loss": 0.09}, {}, end_of_epoch)
    >>> schedule.last_epoch(memory)
    40
    >>> steps = (50, 100, 200, 300, 399)
    >>> [round(schedule.factor(ScheduleContext(step, 10, 1000), memory), 2) for step in steps]
    [0.52, 1.0, 0.97, 0.48, 0.0]
    """

    loss: float = 0.0
    rise: float = 0.3
    start: float = 25.0
    end: float = 1e4

    def __post_init__(self) -> None:
        _share("EarlyDecay", "loss", self.loss, up_to=sys.float_info.max)
        _share("EarlyDecay", "rise", self.rise, above=0.001, up_to=0.999)
        _positive("EarlyDecay", "start", self.start)
        _positive("EarlyDecay", "end", self.end)

    @property
    def whole(self) -> OneCycle:
        """Return the cycle that goes on to the last epoch that was planned."""
        return OneCycle(self.rise, self.start, self.end)

    def factor(self, context: ScheduleContext, memory: dict[str, Any]) -> float:
        """Return the factor of the cycle, or of the early fall that the memory tells of."""
        if LAST not in memory:
            return self.whole.factor(context, memory)
        per_epoch = context.steps_per_epoch
        begins, ends = memory[LEARNED] * per_epoch, memory[LAST] * per_epoch
        if not begins <= context.step <= ends:
            return self.whole.factor(context, memory)
        high = self.whole.factor(ScheduleContext(begins, per_epoch, context.total_steps), memory)
        share = min((context.step - begins) / max(ends - 1 - begins, 1), 1.0)
        low = min(1.0 / self.end, high)
        return low + (high - low) * 0.5 * (1.0 + math.cos(math.pi * share))

    def hear(
        self, values: Mapping[str, float], memory: dict[str, Any], context: ScheduleContext
    ) -> dict[str, Any]:
        """Return the memory; it notes the first epoch whose training loss is low enough."""
        epoch, epochs = int(values["epoch"]), context.total_steps // max(context.steps_per_epoch, 1)
        risen = context.step >= self.rise * context.total_steps
        if LAST in memory or not risen or 2 * epoch >= epochs:
            return memory
        if not values["training_loss"] <= self.loss:
            return memory
        return {LEARNED: epoch, LAST: 2 * epoch}

    def last_epoch(self, memory: Mapping[str, Any]) -> int | None:
        """Return the epoch with which training ends early; None where it does not."""
        return memory.get(LAST)

    @classmethod
    def examples(cls) -> Iterator[Schedule]:
        """Yield settings that must work."""
        yield cls(loss=0.1)
        yield cls(loss=0.5, rise=0.1)
