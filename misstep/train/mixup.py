"""Mixup: each row of a batch becomes a mixture of itself and the next, and so does its loss.

Zhang, Cisse, Dauphin and Lopez-Paz, "mixup: beyond empirical risk minimization" (2018). The share
of a row follows the symmetric Beta distribution. Knows Values of a batch, neither networks nor
optimizers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from misstep.errors import ArgumentError
from misstep.ir import Value, make_literal
from misstep.ops import cast, concatenate, gather, random_rows, random_uniform, reshape, slice_axis

# The stream of random numbers for shares; layers count up from 0, shuffling takes the last one.
_STREAM = 0xFFFFFFFE
# Points at which the inverse of the distribution is tabulated: shares then differ from exact ones
# by less than an image of 256 shades can show, but for the rarest.
POINTS = 1024


@dataclass(frozen=True)
class Mixture:
    """A batch mixed: `x` of the shape it had, the `other` target of each row, and the row's share.

    `share`: (batch,), what is left of a row itself.
    """

    x: Value
    other: Value
    share: Value


def mixed_rows(x: Value, y: Value, alpha: float, seed: Value, draw: Value) -> Mixture:
    """Return rows x (batch, …) mixed with the next one, the last with the first.

    y: (batch, …) targets. `alpha`: of Beta(alpha, alpha); small ones leave most rows nearly whole.
    `seed`, `draw`: int64 numbers from which the shares follow.
    """
    rows = x.shape[0]
    share = _shares(random_uniform((rows,), seed, draw, _STREAM, x.dtype), alpha)
    wide = reshape(share, (rows, *(1,) * (x.ndim - 1)))
    return Mixture(x * wide + _next(x) * (1.0 - wide), _next(y), share)


def mixed_shard(
    x: Value, y: Value, alpha: float, seed: Value, draw: Value, first: Value
) -> Mixture:
    """Return the rows of a shard, mixed as those of the whole batch are.

    x, y: (rows + 1, …), the row that follows the shard's last one behind it. `first`: the number of
    the shard's first row in the batch.
    """
    rows = x.shape[0] - 1
    share = _shares(random_rows((rows,), seed, draw, first, _STREAM, x.dtype), alpha)
    wide = reshape(share, (rows, *(1,) * (x.ndim - 1)))
    own, neighbor = slice_axis(x, 0, 0, rows), slice_axis(x, 0, 1, rows + 1)
    mixed = own * wide + neighbor * (1.0 - wide)
    return Mixture(mixed, slice_axis(y, 0, 1, rows + 1), share)


def _shares(numbers: Value, alpha: float) -> Value:
    """Return the share of each row, for a random number of each."""
    table = make_literal(tabulated_shares(alpha), numbers.dtype)
    return gather(table, cast(numbers * float(POINTS), "int64"))


def tabulated_shares(alpha: float) -> np.ndarray:
    """Return the inverse of the distribution Beta(alpha, alpha) at `POINTS` even points, float64.

    >>> tabulated_shares(1.0)[[0, 511, 512]].round(4).tolist()
    [0.0005, 0.4995, 0.5005]
    """
    from scipy.special import betaincinv

    points = (np.arange(POINTS) + 0.5) / POINTS
    return np.asarray(betaincinv(alpha, alpha, points), np.float64)


def check_mixup(alpha: object) -> float:
    """Return the strength of mixup. Raises ArgumentError unless it is a number from 0 to 10."""
    number = isinstance(alpha, int | float) and not isinstance(alpha, bool)
    if not number or not 0 <= alpha <= 10:  # type: ignore[operator]
        raise ArgumentError(
            "mixup of a Trainer",
            needed="a number from 0, for none, to 10",
            got=repr(alpha),
            try_="0.2, as its authors had it for photographs",
        )
    return float(alpha)  # type: ignore[arg-type]


def _next(values: Value) -> Value:
    """Return each row's neighbor: the rows from the second on, then the first."""
    rows = values.shape[0]
    if rows < 2:
        return values
    return concatenate([slice_axis(values, 0, 1, rows), slice_axis(values, 0, 0, 1)])
