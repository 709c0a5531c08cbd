"""When to look into a network that somebody else trains: a few updates in a row, then long none.

The batches of those updates are what is looked at, since rows of one's own would have to go through
the network beside training, which might change what it becomes. Knows counts alone.
"""

from __future__ import annotations

from misstep.record import Thinning

# Parts of a window, each with a gradient of its own, from which the noise of gradients is told.
PARTS = 4
# Rows of a part, and updates that it takes at most to come to so many.
ROWS_OF_PART = 32
MOST_UPDATES = 8
# From the beginning of one window to that of the next: so many times as many updates as it has,
# since looking at an update may take as long as the update, and some 1.5 % is to be spent
# on it; and at least so many.
TIMES_AS_LONG = 80
LEAST_UPDATES = 50
# Windows until their distance doubles.
WINDOWS_AT_A_DISTANCE = 20


class Windows:
    """Says of each update whether it is looked at. `every`: updates between windows, or None.

    0 looks never.
    """

    def __init__(self, every: int | None) -> None:
        self._every = every
        self._thinning = Thinning(WINDOWS_AT_A_DISTANCE)
        self.updates_of_part = 1
        self._begin = 0
        # Updates before which no window begins.
        self.next = 0

    @property
    def length(self) -> int:
        """Return how many updates a window has."""
        return PARTS * self.updates_of_part

    @property
    def period(self) -> int:
        """Return how many updates lie between the beginnings of two windows."""
        if self._every is not None:
            return max(self._every, self.length)
        return max(LEAST_UPDATES, TIMES_AS_LONG * self.length)

    def learn_size(self, rows: int, whole: bool) -> None:
        """Take into account how many rows a batch has, and whether it is always the same one."""
        fitting = -(-ROWS_OF_PART // max(rows, 1))
        self.updates_of_part = 1 if whole else min(MOST_UPDATES, max(1, fitting))

    def looks(self, update: int) -> bool:
        """Tell whether the update behind so many is looked at; asked of updates in their order."""
        if self._every == 0:
            return False
        if update >= self._begin + PARTS * self.updates_of_part:
            if update < self.next:
                return False
            occasion = update // self.period
            distance = self._thinning.distance
            if update % self.period == 0 and occasion % distance == 0:
                self._thinning.keeps(occasion)
                self._begin = update
            self.next = (update // self.period + 1) * self.period
        return self._begin <= update < self._begin + self.length

    def looks_on(self, update: int) -> bool:
        """Tell whether a window that has begun goes on with the update behind so many."""
        return update < self._begin + self.length

    @property
    def begin(self) -> int:
        """Return how many updates were done before the latest window."""
        return self._begin
