"""How many threads the next run gets, learned from how long runs took.

Results don't depend on it, so it may be tried: where another process keeps a core busy, threads
that wait for each other are slower than one alone, and by how much nobody can know before. Knows
times only.
"""

from __future__ import annotations

# Runs until the other size is tried again, at first and at most; doubled when it was slower again.
FIRST_PATIENCE, MOST_PATIENCE = 4, 128
# Runs of each size that say nothing yet: memory is touched for the first time in them.
WARMING = 1


class TeamSize:
    """Chooses between one thread and `most`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._seconds: dict[int, float] = {}
        self._runs: dict[int, int] = {1: 0, most: 0}
        self._since = 0
        self._patience = FIRST_PATIENCE

    def choose(self) -> int:
        """Return the number of threads for the next run."""
        if self.most == 1:
            return 1
        for size in (self.most, 1):
            if self._runs[size] <= WARMING:
                return size
        best = self._best()
        if self._since < self._patience:
            return best
        return 1 if best == self.most else self.most

    def tell(self, size: int, seconds: float) -> None:
        """Hear what a step took, in seconds, with `size` threads."""
        if self.most == 1:
            return
        before = self._best() if len(self._seconds) == 2 else None
        self._runs[size] = self._runs.get(size, 0) + 1
        if self._runs[size] <= WARMING:
            return
        self._seconds[size] = seconds
        if before is None:
            return
        if size == before:
            self._since += 1
            return
        self._since = 0
        confirmed = self._best() == before
        self._patience = min(self._patience * 2, MOST_PATIENCE) if confirmed else FIRST_PATIENCE

    def _best(self) -> int:
        return min(self._seconds, key=lambda size: (self._seconds[size], -size))
