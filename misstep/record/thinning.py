"""How a record stays small however long a run is: dense at first, ever sparser as it goes on.

Knows counts alone, so that the same run is thinned the same way each time.
"""

from __future__ import annotations

# Updates whose loss is written one by one; then come blocks of ten, after ten times as many updates
# blocks of a hundred, and so on: about 15,000 entries for a million updates.
SINGLE_STEPS = 5_000
GROWTH = 10


def stride_at(step: int) -> tuple[int, int]:
    """Return in blocks of how many updates the update `step`, counted from 1, is written.

    And the last update that is written so.
    """
    stride, last = 1, SINGLE_STEPS
    while step > last:
        stride, last = stride * GROWTH, last * GROWTH
    return stride, last


class Thinning:
    """Says which of the occasions 0, 1, 2, … are kept: every one, then every second, every fourth …

    Each time `limit` more were kept, the distance doubles.

    >>> thinning = Thinning(3)
    >>> [occasion for occasion in range(20) if thinning.keeps(occasion)]
    [0, 1, 2, 4, 6, 8, 12, 16]
    """

    def __init__(self, limit: int, distance: int = 1) -> None:
        self._limit = limit
        self._kept = 0
        self.distance = distance

    def keeps(self, occasion: int) -> bool:
        """Tell whether an occasion is kept; asked of occasions in their order, once each."""
        if occasion % self.distance:
            return False
        self._kept += 1
        if self._kept >= self._limit:
            self._kept, self.distance = 0, 2 * self.distance
        return True

    def memory(self) -> list[int]:
        """Return what it knows of the occasions so far, as plain JSON."""
        return [self._kept, self.distance]

    def restore(self, memory: list[int]) -> None:
        """Take back what `memory()` returned. Raises ValueError for what it can't have."""
        kept, distance = memory
        if not (0 <= kept < self._limit and distance > 0):
            raise ValueError("no memory of what was kept")
        self._kept, self.distance = int(kept), int(distance)
