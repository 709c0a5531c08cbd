"""What each of several parts changes in a value, alone and together with the others.

Alone: the value less what it is without this one part. Its share: the mean of what its coming
changes, over all orders in which the parts may come one after the other (Shapley, 1953, "A value
for n-person games"). Shares add up to the value of all less the value of none, alone they do not
where parts act together. Knows a function of which parts are there; nothing of rows or networks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from misstep.ir import Array

__all__ = ["Effects", "effects"]

# So many parts or fewer have 1,024 selections or fewer, all of which are asked for.
MOST_EXACT = 10
# Orders that are drawn where they are too many to be gone through: each with its reverse, which
# takes away most of the chance (Mitchell and others, 2022, "Sampling permutations for Shapley
# value estimation").
FEWEST_ORDERS, MOST_ORDERS = 2, 400
SEED = 0

# From which parts are there, (selections, parts) bool, to values, (selections, values).
Value = Callable[[Array], Array]


@dataclass(frozen=True)
class Effects:
    """What parts do to values.

    `whole`, `empty`: (values,) with all parts, with none. `without`: (parts, values) without each;
    `shares`: (parts, values). `errors`: (parts, values) standard errors of the shares by the orders
    that were drawn, 0 where all were gone through. `orders`: how many were drawn; 0: all.
    """

    whole: Array
    empty: Array
    without: Array
    shares: Array
    errors: Array
    orders: int

    @property
    def alone(self) -> Array:
        """Return what is lost without each part, (parts, values)."""
        return self.whole - self.without


def effects(value: Value, parts: int, budget: int) -> Effects:
    """Return what each of `parts` parts does to `value`.

    `budget`: about how many selections may be asked for. The same parts give the same orders.
    """
    without = ~np.eye(parts, dtype=bool)
    ends = np.array([[True] * parts, [False] * parts])
    values = np.asarray(value(np.concatenate([ends, without])), np.float64)
    whole, empty, lost = values[0], values[1], values[2:]
    if parts <= MOST_EXACT:
        shares = _exact(value, parts)
        return Effects(whole, empty, lost, shares, np.zeros_like(shares), 0)
    pairs = max(FEWEST_ORDERS, min(MOST_ORDERS, budget // parts)) // 2
    drawn = _drawn(value, parts, pairs, whole, empty)
    spread = np.full_like(drawn[0], np.nan)
    if pairs > 1:
        spread = drawn.std(axis=0, ddof=1) / math.sqrt(pairs)
    return Effects(whole, empty, lost, drawn.mean(axis=0), spread, 2 * pairs)


def _exact(value: Value, parts: int) -> Array:
    """Return the shares by every selection: (parts, values)."""
    numbers = np.arange(2**parts)
    there = (numbers[:, None] >> np.arange(parts)) & 1 == 1
    values = np.asarray(value(there), np.float64)
    sizes = there.sum(axis=1)
    # How many orders have just this selection before a part: |S|! (n − |S| − 1)! of n!.
    orders = [1 / (parts * math.comb(parts - 1, size)) for size in range(parts)]
    weights = np.array([*orders, 0.0])[sizes]
    shares = np.empty((parts, values.shape[1]))
    for part in range(parts):
        before = ~there[:, part]
        after = numbers[before] | (1 << part)
        shares[part] = weights[before] @ (values[after] - values[before])
    return shares


def _drawn(value: Value, parts: int, pairs: int, whole: Array, empty: Array) -> Array:
    """Return the shares by orders drawn at random and their reverses, (pairs, parts, values)."""
    random = np.random.default_rng(SEED)
    shares = np.empty((pairs, parts, len(whole)))
    below = np.tri(parts - 1, parts, dtype=bool)
    for pair in range(pairs):
        order = random.permutation(parts)
        both = []
        for sequence in (order, order[::-1]):
            there = np.zeros((parts - 1, parts), bool)
            there[:, sequence] = below
            between = np.asarray(value(there), np.float64) if parts > 1 else whole[:0, None]
            steps = np.diff(np.concatenate([[empty], between, [whole]]), axis=0)
            changes = np.empty_like(steps)
            changes[sequence] = steps
            both.append(changes)
        shares[pair] = np.mean(both, axis=0)
    return shares
