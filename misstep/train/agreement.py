"""What ranks that train together must agree on: settings, data, where to begin, when to end.

All of them take the same steps from the same state, so most decisions come out alike by themselves.
What goes by a clock, a signal or a file does not; it is agreed on here. Knows no step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from misstep import __version__
from misstep.errors import ArgumentError, MisstepError
from misstep.exchange import RankError, Ranks
from misstep.exchange.launch import is_launched
from misstep.exchange.tree import is_power_of_two
from misstep.train.ending import Cause, Ending
from misstep.train.run_folder import RunFolder
from misstep.train.state import TrainingState

# Shards of a batch under a launcher where nobody says it: what 1, 2, 4 and 8 ranks can share out,
# and few enough that a batch of 64 rows gives each of them work for a tile of 8.
SHARDS = 8
# More shards than anybody has machines for this.
MOST_SHARDS = 4096


def check_shards(shards: object) -> int | None:
    """Return how many shards were asked for. Raises ArgumentError unless it is a power of two."""
    if shards is None:
        return None
    whole = isinstance(shards, int | np.integer) and not isinstance(shards, bool)
    if not whole or not is_power_of_two(int(shards)) or int(shards) > MOST_SHARDS:  # type: ignore[call-overload]
        raise ArgumentError(
            "shards of a Trainer",
            needed=f"a power of two from 1 to {MOST_SHARDS}, or None",
            got=repr(shards),
            try_="8, which 1 to 8 processes can share out",
        )
    return int(shards)  # type: ignore[call-overload]


def settled_shards(ranks: Ranks, before: object) -> int:
    """Return into how many shards batches are cut where nobody said it.

    `before`: that of the run to go on with, or None.
    """
    told = ranks.from_first(before)
    if isinstance(told, int) and not isinstance(told, bool):
        return check_shards(told) or 1
    return default_shards(ranks)


def default_shards(ranks: Ranks) -> int:
    """Return into how many shards the batches of a new run are cut where nobody said it."""
    if not is_launched():
        return 1
    shards = SHARDS
    while shards < ranks.size:
        shards *= 2
    return shards


def check_same(ranks: Ranks, facts: Mapping[str, Any]) -> None:
    """Raise RankError where ranks train something else: other settings, rows or versions.

    `facts`: plain JSON, by name.
    """
    if ranks.size == 1:
        return
    told = ranks.gathered({"version": __version__, **facts})
    for rank, other in enumerate(told):
        for name, fact in told[0].items():
            if other.get(name) == fact:
                continue
            what = "rows" if name in ("data", "validation") else name.replace("_", " ")
            needed, got = (
                ("the same ones on all", "others than rank 0 has")
                if what == "rows"
                else (f"that of rank 0, {_short(fact)}", _short(other.get(name)))
            )
            raise RankError(
                f"{what} of rank {rank}",
                needed=needed,
                got=got,
                try_="the same program, version, files and settings on all ranks",
            )


def shared_state(
    ranks: Ranks, folder: RunFolder | None, like: TrainingState
) -> TrainingState | None:
    """Return where a run was left, as rank 0 reads it from its folder; None: there is none.

    `folder`: on rank 0; `like`: a first state of the same training. Raises what reading raises, on
    all ranks.
    """
    if ranks.size == 1:
        return None if folder is None else folder.resume(like)
    state = by_first(ranks, lambda: None if folder is None else folder.resume(like))
    document = ranks.from_first(None if state is None else state.document())
    if document is None:
        return None
    arrays = ranks.arrays_from_first(None if state is None else state.arrays())
    return state or TrainingState.restored(like, arrays, document)


def by_first(ranks: Ranks, call: Callable[[], Any]) -> Any:
    """Return what a call gives on rank 0, None on the others. Its error is an error of them all."""
    result, failure = None, None
    if ranks.is_first:
        try:
            result = call()
        except MisstepError as error:
            failure = error
    words = ranks.from_first(None if failure is None else str(failure))
    if failure is not None:
        raise failure
    if words is not None:
        raise RankError(f"rank 0, which reads and writes for all: {words}")
    return result


class Accord:
    """Keeps the loops of ranks in step: how many batches are next, and whether training ends."""

    def __init__(self, ranks: Ranks) -> None:
        self._ranks = ranks
        self._alone = ranks.size == 1

    def batches(self, count: int) -> int:
        """Return how many batches all take next: the fewest that any rank wants to."""
        return count if self._alone else self._ranks.minimum([count])[0]

    def ending(self, ending: Ending | None, signal: int | None = None) -> Ending | None:
        """Return why training ends, the same on all ranks; None: it goes on.

        `ending`: what this rank found out; `signal`: that came to it, asking for an end.
        """
        if self._alone:
            return Ending(Cause.INTERRUPTED, {"signal": signal}) if signal else ending
        goes_on = -(signal or 0), 0 if ending is None else -1
        least_signal, ended = self._ranks.minimum(goes_on)
        if least_signal:
            return Ending(Cause.INTERRUPTED, {"signal": -least_signal})
        if not ended:
            return None
        told = self._ranks.gathered(
            None if ending is None else {"cause": ending.cause.value, "facts": dict(ending.facts)}
        )
        first = next(one for one in told if one is not None)
        return Ending(Cause(first["cause"]), first["facts"])


def _short(fact: Any) -> str:
    words = repr(fact)
    return words if len(words) <= 120 else words[:117] + "…"
