"""Sums over shards in a fixed tree: neighbors first, then neighbors of these, whoever has them.

A batch has a power of two of shards, so the tree is full, and its shape says the order of every
addition. A rank has shards that stand side by side. Where the ranks are a power of two, too, each
has a whole subtree, and recursive doubling does the rest; else a sum goes to whoever has the left
one of two, and the whole from rank 0 to all. Knows arrays; how they travel, `Ranks` does.
"""

from __future__ import annotations

from misstep.exchange.ranks import Array, Ranks


def shards_of(rank: int, size: int, shards: int) -> range:
    """Return the numbers of the shards that a rank works on, of `size` ranks.

    >>> from misstep.exchange import shards_of
    >>> [list(shards_of(rank, 3, 8)) for rank in range(3)]
    [[0, 1], [2, 3, 4], [5, 6, 7]]
    """
    return range(rank * shards // size, (rank + 1) * shards // size)


def is_power_of_two(number: int) -> bool:
    """Tell whether a number is 1, 2, 4, 8 …"""
    return number > 0 and number & (number - 1) == 0


def folded(arrays: list[Array]) -> Array:
    """Return the sum of arrays, of which there are a power of two; it is written into the first."""
    step = 1
    while step < len(arrays):
        for left in range(0, len(arrays), 2 * step):
            arrays[left] += arrays[left + step]
        step *= 2
    return arrays[0]


def summed(arrays: list[Array], shards: int, ranks: Ranks) -> Array:
    """Return the sum over all shards: of this rank's `arrays`, one for each, and all others'.

    arrays: (entries,) each, written over. `shards`: of all ranks, a power of two. The bits do not
    depend on how many ranks there are.

    >>> import numpy as np
    >>> from misstep.exchange import ALONE, summed
    >>> summed([np.array([1.0]), np.array([2.0]), np.array([4.0]), np.array([8.0])], 4, ALONE)
    array([15.])
    """
    if ranks.size == 1:
        return folded(arrays)
    if is_power_of_two(ranks.size):
        own = folded(arrays)
        ranks.add_up(own)
        return own
    return _from_owners(arrays, shards, ranks)


def _from_owners(arrays: list[Array], shards: int, ranks: Ranks) -> Array:
    """Return the sum where a pair of neighbors may be of two ranks."""
    owners = [rank for rank in range(ranks.size) for _ in shards_of(rank, ranks.size, shards)]
    first = shards_of(ranks.rank, ranks.size, shards).start
    mine = {first + number: array for number, array in enumerate(arrays)}
    room = arrays[0].copy()
    while len(owners) > 1:
        for left, (owner, other) in enumerate(zip(owners[::2], owners[1::2], strict=True)):
            if ranks.rank == owner:
                if owner == other:
                    mine[2 * left] += mine[2 * left + 1]
                else:
                    ranks.receive(other, room)
                    mine[2 * left] += room
            elif ranks.rank == other:
                ranks.send(owner, mine[2 * left + 1])
        mine = {number // 2: array for number, array in mine.items() if number % 2 == 0}
        owners = owners[::2]
    whole = mine.get(0, room)
    ranks.copy_from_first(whole)
    return whole
