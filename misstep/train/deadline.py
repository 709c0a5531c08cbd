"""`Deadline`: a callback that ends training once its time is over, in the middle of an epoch too.

The one thing in training that goes by a clock: when it strikes, how much was learned depends on the
machine. Until then no bit does.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from misstep.errors import ArgumentError
from misstep.train.callbacks import Callback
from misstep.train.ending import Cause, Ending
from misstep.train.training import Training

# Seconds between two looks at the clock: often enough for a budget of some seconds, and for each
# look some updates are taken by themselves.
LOOK_EVERY = 0.2
# From one look to the next, this many times as many updates at most: the first ones take long,
# since programs are made, and the next may be a thousand times as fast.
MOST_GROWTH = 8


class Deadline(Callback):
    """Ends training `seconds` after it started, or goes on; what was best so far is kept.

    With validation rows these are the weights of the epoch with the lowest validation loss, since
    the learning rate has not fallen to its end; else the last ones. `clock`: what tells the time,
    in seconds. `of`: the whole time, where `seconds` are what is left of it, for the words. A run
    that goes on from a checkpoint has its `seconds` anew. Raises ArgumentError.

    >>> import misstep as ms
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError())
    >>> x, y = [[0.0], [1.0]], [[1.0], [3.0]]
    >>> run = trainer.fit(x, y, epochs=10**9, callbacks=[ms.train.Deadline(0.1)])
    >>> print(run.ending)
    its time of 0.1 s was over
    """

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float] = time.perf_counter,
        of: float | None = None,
    ) -> None:
        if not (seconds > 0 and math.isfinite(seconds)):
            raise ArgumentError("seconds of Deadline", needed="above 0", got=repr(seconds))
        self.seconds = seconds
        self.of = seconds if of is None else of
        self._clock = clock
        self._ends = math.inf
        # When it looked last, after which update, and after which it looks next.
        self._looked, self._update, self._next = 0.0, 0, 0

    def on_training_start(self, training: Training) -> None:
        """Let the time begin."""
        self._looked, self._update = self._clock(), training.update
        self._ends, self._next = self._looked + self.seconds, training.update + 1

    def planned_update(self, update: int) -> int | None:
        """Return the update after which the clock is looked at next."""
        return max(self._next, update + 1)

    def on_planned_update(self, training: Training) -> None:
        """Stop if the time is over; else plan the next look."""
        now, done = self._clock(), max(training.update - self._update, 1)
        if now >= self._ends:
            training.stop(Ending(Cause.TIME_OVER, {"seconds": self.of}))
        pace = max(now - self._looked, 1e-9) / done
        stride = min(LOOK_EVERY, max(self._ends - now, 0.0)) / pace
        self._looked, self._update = now, training.update
        self._next = training.update + max(1, int(min(stride, done * MOST_GROWTH)))
