"""How many threads the next run gets, learned from how long runs took.

Results don't depend on it, so it may be tried: where another process keeps a core busy, threads
that wait for each other are slower than one alone, and by how much nobody can know before. Knows
times only.
"""

from __future__ import annotations

from collections import deque

# Runs with each count that say nothing yet: memory is touched for the first time in them.
WARMING = 1
# A run takes what its work takes, or longer where something came between: the fastest of the last
# few runs counts.
REMEMBERED = 3
# The other count is tried again as often as costs about this share of the time, by what it took
# last; after so many runs at least and at most.
COST_OF_TRYING = 0.02
FEWEST_BETWEEN, MOST_BETWEEN = 8, 128


class ThreadCountTuner:
    """Chooses between one thread and `most`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._seconds: dict[int, deque[float]] = {
            count: deque(maxlen=REMEMBERED) for count in (most, 1)
        }
        self._runs = dict.fromkeys(self._seconds, 0)
        # The count of the last run, and the runs since it was another.
        self._last = self._since = 0

    def choose(self) -> int:
        """Return the number of threads for the next run."""
        if self.most == 1:
            return 1
        fewest = min(self._runs.values())
        if fewest < WARMING + REMEMBERED:  # by turns, so that both meet the same disturbances
            return next(count for count, runs in self._runs.items() if runs == fewest)
        times = {count: min(seconds) for count, seconds in self._seconds.items()}
        best, other = sorted(times, key=lambda count: (times[count], -count))
        worth = (times[other] / max(times[best], 1e-9) - 1) / COST_OF_TRYING
        return other if self._since >= min(max(worth, FEWEST_BETWEEN), MOST_BETWEEN) else best

    def record(self, count: int, seconds: float) -> None:
        """Take note of what a step took, in seconds, with `count` threads."""
        if count not in self._runs:
            return
        self._runs[count] += 1
        if self._runs[count] <= WARMING:
            return
        self._seconds[count].append(seconds)
        self._since = self._since + 1 if self._last == count else 0
        self._last = count
