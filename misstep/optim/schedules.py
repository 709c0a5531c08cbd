"""Schedules: what the learning rate is multiplied by as training goes on.

All but one are pure functions of where training is; ReduceOnPlateau also hears how validation
goes, and its memory is plain JSON so that a resumed run goes on as if it had never stopped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from misstep.errors import ArgumentError

# Epochs are quotients: 0.3 / 0.1 in float64 is 4e-16 short of 3, and must count as 3.
ROUNDING = 1e-9

_registry: dict[str, type[Schedule]] = {}


@dataclass(frozen=True)
class ScheduleContext:
    """Where in training an update happens: updates done, updates in an epoch, updates in all."""

    step: int
    steps_per_epoch: int
    total_steps: int

    @property
    def epoch(self) -> float:
        """Return the epochs done, with the fraction of the one going on."""
        return self.step / max(self.steps_per_epoch, 1)

    @property
    def share(self) -> float:
        """Return the share of training done, from 0 up to 1 at the last update."""
        return min(self.step / max(self.total_steps - 1, 1), 1.0)


class Schedule:
    """A factor on the learning rate. Subclassing registers it; a subclass is a frozen dataclass.

    >>> import misstep as ms
    >>> from misstep.optim import ScheduleContext
    >>> context = ScheduleContext(step=50, steps_per_epoch=10, total_steps=101)
    >>> ms.optim.Cosine().factor(context, {})
    0.5
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        _registry[cls.__name__] = cls

    def factor(self, context: ScheduleContext, memory: dict[str, Any]) -> float:
        """Return what the learning rate is multiplied by at `context`; pure in both arguments."""
        raise NotImplementedError

    def factors(
        self, first: ScheduleContext, count: int, memory: dict[str, Any]
    ) -> npt.NDArray[np.float64]:
        """Return the factors at `first` and the updates that follow it, shape (count,)."""
        steps = range(first.step, first.step + count)
        contexts = (
            ScheduleContext(step, first.steps_per_epoch, first.total_steps) for step in steps
        )
        return np.array([self.factor(context, memory) for context in contexts])

    def observe(self, validation_loss: float, memory: dict[str, Any]) -> dict[str, Any]:
        """Return the memory after an epoch that ended with `validation_loss`."""
        return memory

    def hear(
        self, values: Mapping[str, float], memory: dict[str, Any], context: ScheduleContext
    ) -> dict[str, Any]:
        """Return the memory after an epoch; `context`: of the update that follows it.

        `values`: of the epoch: its number, counted from 1, its training_loss and, with validation
        rows, its validation_loss. What counts by default is what `observe` makes of the latter or,
        without it, of the training loss.
        """
        return self.observe(values.get("validation_loss", values["training_loss"]), memory)

    @property
    def hears(self) -> bool:
        """Return whether what an epoch came to changes the rates of those that follow."""
        own = type(self)
        return own.observe is not Schedule.observe or own.hear is not Schedule.hear

    def last_epoch(self, memory: Mapping[str, Any]) -> int | None:
        """Return the epoch with which training is to end before its time; None: all are done."""
        return None

    @property
    def whole(self) -> Schedule:
        """Return this schedule without anything that would end training before its time."""
        return self

    def configuration(self) -> dict[str, Any]:
        """Return the class and the settings as plain JSON."""
        assert is_dataclass(self)
        return {"kind": type(self).__name__, **asdict(self)}

    @classmethod
    def examples(cls) -> Iterator[Schedule]:
        """Yield settings that must work."""
        yield cls()


def registered_schedules() -> dict[str, type[Schedule]]:
    """Return every schedule by name, sorted."""
    return dict(sorted(_registry.items()))


def _share(owner: str, name: str, number: float, *, above: float = 0.0, up_to: float = 1.0) -> None:
    if not isinstance(number, int | float) or not above <= number <= up_to:
        raise ArgumentError(
            f"{name} of {owner}", needed=f"a number from {above:g} to {up_to:g}", got=repr(number)
        )


def _positive(owner: str, name: str, number: float) -> None:
    if not isinstance(number, int | float) or not (number > 0 and math.isfinite(number)):
        raise ArgumentError(f"{name} of {owner}", needed="a positive number", got=repr(number))


def _whole(owner: str, name: str, number: int) -> None:
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ArgumentError(
            f"{name} of {owner}", needed="a whole number of 1 or more", got=repr(number)
        )


@dataclass(frozen=True)
class ConstantRate(Schedule):
    """The learning rate stays as the optimizer has it.

    >>> import misstep as ms
    >>> from misstep.optim import ScheduleContext
    >>> ms.optim.ConstantRate().factor(ScheduleContext(50, 10, 101), {})
    1.0
    """

    def factor(self, context: ScheduleContext, memory: dict[str, Any]) -> float:
        """Return 1."""
        return 1.0

    def factors(
        self, first: ScheduleContext, count: int, memory: dict[str, Any]
    ) -> npt.NDArray[np.float64]:
        """Return ones, shape (count,)."""
        return np.ones(count)


@dataclass(frozen=True)
class StepDecay(Schedule):
    """Times `drop` after every `epochs` epochs.

    >>> import misstep as ms
    >>> from misstep.optim import ScheduleContext
    >>> decay = ms.optim.StepDecay(epochs=2, drop=0.5)
    >>> [decay.factor(ScheduleContext(step, 10, 100), {}) for step in (0, 19, 20, 40)]
    [1.0, 1.0, 0.5, 0.25]
    """

    epochs: float = 10
    drop: float = 0.5

    def __post_init__(self) -> None:
        _positive("StepDecay", "epochs", self.epochs)
        _share("StepDecay", "drop", self.drop)

    def factor(self, context: ScheduleContext, memory: dict[str, Any]) -> float:
        """Return drop ^ ⌊epochs done / epochs⌋."""
        return float(self.drop ** math.floor(context.epoch / self.epochs + ROUNDING))


@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """Times `drop` with each epoch, smoothly.

    >>> import misstep as ms
    >>> from misstep.optim import ScheduleContext
    >>> decay = ms.optim.ExponentialDecay(0.9)
    >>> [round(decay.factor(ScheduleContext(step, 10, 100), {}), 3) for step in (0, 10, 20)]
    [1.0, 0.9, 0.81]
    """

    drop: float = 0.95

    def __post_init__(self) -> None:
        _share("ExponentialDecay", "drop", self.drop)

    def factor(self, context: ScheduleContext, memory: dict[str, Any]) -> float:
        """Return drop ^ epochs done."""
        return float(self.drop**context.epoch)


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine from 1 down to `last` at the end (Loshchilov and Hutter, 2017).

    >>> import misstep as ms
    >>> from misstep.optim import ScheduleContext
    >>> cosine = ms.optim.Cosine(last=0.1)
    >>> [round(cosine.factor(ScheduleContext(step, 10, 101), {}), 2) for step in (0, 50, 100)]
    [1.0, 0.55, 0.1]
    """

    last: float = 0.0

    def __post_init__(self) -> None:
        _share("Cosine", "last", self.last)

    def factor(self, context: ScheduleContext, memory: dict[str, Any]) -> float:
        """Return last + (1 − last) · ½ (1 + cos(π · share done))."""
        return self.last + (1.0 - self.last) * 0.5 * (1.0 + math.cos(math.pi * context.share))


@dataclass(frozen=True)
class OneCycle(Schedule):
    """From 1 / `start` up to 1 within the first share `rise`, then down to 1 / `end`.

    Both ways are half cosines (Smith and Topin, 2019).

    >>> import misstep as ms
    >>> from misstep.optim import ScheduleContext
    >>> cycle = ms.optim.OneCycle(rise=0.3)
    >>> [round(cycle.factor(ScheduleContext(step, 10, 101), {}), 2) for step in (0, 30, 65, 100)]
    [0.04, 1.0, 0.5, 0.0]
    """

    rise: float = 0.3
    start: float = 25.0
    end: float = 1e4

    def __post_init__(self) -> None:
        _share("OneCycle", "rise", self.rise, above=0.001, up_to=0.999)
        _positive("OneCycle", "start", self.start)
        _positive("OneCycle", "end", self.end)

    def factor(self, context: ScheduleContext, memory: dict[str, Any]) -> float:
        """Return the factor of the rising or the falling part."""
        if context.share < self.rise:
            low, high, share = 1.0 / self.start, 1.0, context.share / self.rise
        else:
            low, high = 1.0, 1.0 / self.end
            share = (context.share - self.rise) / (1.0 - self.rise)
        return high + (low - high) * 0.5 * (1.0 + math.cos(math.pi * share))


@dataclass(frozen=True)
class WarmUp(Schedule):
    """A straight rise from almost 0 over the first `steps` updates, then what `then` says.

    Protects young networks from large steps in unreliable directions (Goyal and others, 2017).

    >>> import misstep as ms
    >>> from misstep.optim import ScheduleContext
    >>> schedule = ms.optim.WarmUp(4, then=ms.optim.Cosine())
    >>> [round(schedule.factor(ScheduleContext(step, 10, 101), {}), 2) for step in (0, 1, 3, 52)]
    [0.25, 0.5, 1.0, 0.47]
    """

    steps: int = 100
    then: Schedule = ConstantRate()

    def __post_init__(self) -> None:
        _whole("WarmUp", "steps", self.steps)
        if not isinstance(self.then, Schedule):
            raise ArgumentError("then of WarmUp", needed="a schedule", got=repr(self.then))

    def factor(self, context: ScheduleContext, memory: dict[str, Any]) -> float:
        """Return the rising factor times the factor of `then`."""
        return min((context.step + 1) / self.steps, 1.0) * self.then.factor(context, memory)

    def observe(self, validation_loss: float, memory: dict[str, Any]) -> dict[str, Any]:
        """Return the memory of `then`."""
        return self.then.observe(validation_loss, memory)

    def hear(
        self, values: Mapping[str, float], memory: dict[str, Any], context: ScheduleContext
    ) -> dict[str, Any]:
        """Return the memory of `then`."""
        return self.then.hear(values, memory, context)

    @property
    def hears(self) -> bool:
        """Return whether `then` goes by what epochs come to."""
        return self.then.hears

    def last_epoch(self, memory: Mapping[str, Any]) -> int | None:
        """Return the last epoch of `then`."""
        return self.then.last_epoch(memory)

    @property
    def whole(self) -> Schedule:
        """Return the rise with a `then` that goes on to the end."""
        return WarmUp(self.steps, self.then.whole)

    def configuration(self) -> dict[str, Any]:
        """Return the class and the settings as plain JSON."""
        return {"kind": "WarmUp", "steps": self.steps, "then": self.then.configuration()}


@dataclass(frozen=True)
class ReduceOnPlateau(Schedule):
    """Times `drop` when the validation loss has not fallen for `patience` epochs.

    Without validation rows the training loss is heard instead. A fall counts when it is more than
    the share `threshold` of the best loss so far. The factor never goes below `lowest`.

    >>> import misstep as ms
    >>> from misstep.optim import ScheduleContext
    >>> schedule, memory = ms.optim.ReduceOnPlateau(drop=0.5, patience=2), {}
    >>> for loss in (1.0, 1.0, 1.0):
    ...     memory = schedule.observe(loss, memory)
    >>> schedule.factor(ScheduleContext(30, 10, 100), memory)
    0.5
    """

    drop: float = 0.5
    patience: int = 5
    threshold: float = 1e-4
    lowest: float = 1e-4

    def __post_init__(self) -> None:
        _share("ReduceOnPlateau", "drop", self.drop)
        _whole("ReduceOnPlateau", "patience", self.patience)
        _share("ReduceOnPlateau", "threshold", self.threshold)
        _share("ReduceOnPlateau", "lowest", self.lowest)

    def factor(self, context: ScheduleContext, memory: dict[str, Any]) -> float:
        """Return the factor that the memory holds."""
        return float(memory.get("factor", 1.0))

    def factors(
        self, first: ScheduleContext, count: int, memory: dict[str, Any]
    ) -> npt.NDArray[np.float64]:
        """Return the factor that the memory holds, shape (count,)."""
        return np.full(count, self.factor(first, memory))

    def observe(self, validation_loss: float, memory: dict[str, Any]) -> dict[str, Any]:
        """Return the memory with the wait counted and the factor dropped when it is over."""
        best = memory.get("best")
        factor = float(memory.get("factor", 1.0))
        wait = int(memory.get("wait", 0)) + 1
        # NaN and infinity are no fall, and no JSON either.
        if math.isfinite(validation_loss) and (
            best is None or validation_loss < best - self.threshold * abs(best)
        ):
            best, wait = float(validation_loss), 0
        if wait >= self.patience:
            factor, wait = max(factor * self.drop, self.lowest), 0
        return {"best": best, "factor": factor, "wait": wait}
