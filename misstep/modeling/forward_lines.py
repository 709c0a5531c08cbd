"""Which lines are worth their part: each judged on newer blocks of the past, fitted on older ones.

Lines over windows of several lengths see parts of the same rows, so that one pass over the rows
serves all of them, with every penalty and every block. Knows rows and origins, no networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from misstep.data import Series, SeriesWindows, thinned
from misstep.ir import Array, one_blas_thread
from misstep.modeling.ridge import (
    PENALTIES,
    LinearPath,
    Moments,
    early_moments,
    learned_origins,
    line_columns,
    whole_moments,
)

__all__ = ["FEWEST_ROWS", "Blocks", "Validated", "validate_forward"]

# The newest half of the past in five blocks, each predicted from all that lies before it.
FOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
# Fewer rows than this fit no line worth judging.
FEWEST_ROWS = 6
# More rows than these, in all and of each block, change a choice no more.
MOST_LEARNED, MOST_JUDGED = 10_000, 1000
# With five blocks a difference of three standard errors is certain enough (Student's t with 4
# degrees of freedom: 4 in 100 tries).
DEVIATIONS = 3.0
# Where nothing can be judged: as much as one deviation of a single row.
MIDDLE_PENALTY = 1.0
# The search for a penalty begins here and goes on to where the error falls; it has one valley.
FIRST_PENALTY = PENALTIES.index(100.0)
# Shares found on so many forecasts that do not overlap count as much as equal ones: on 115 months,
# found ones alone were worse than the mean of all lines, on 3000 hours better.
DOUBTFUL_FORECASTS = 100
# Steps of the search for shares, their size, and the rows of each block that it looks at.
SHARE_STEPS, SHARE_RATE, SHARE_ROWS = 60, 2.0, 400
# A line with less than this part changes nothing and costs a longer window.
LEAST_SHARE = 0.04


@dataclass(frozen=True)
class Validated:
    """How well lines did on blocks of the past that they had not seen, weighted as they will be.

    `error`: mean absolute error as a share of that of the last value, so that blocks of all levels
    count alike; NaN where there is nothing to judge by. `lengths`: of windows whose lines are worth
    a part in the mean; `penalties`: the best for each of them; `shares`: their parts, of 1 in all.
    `errors`: of each block, (blocks,).
    """

    error: float
    lengths: tuple[int, ...]
    penalties: tuple[float, ...]
    shares: tuple[float, ...]
    errors: tuple[float, ...] = ()


def validate_forward(series: Series, windows: SeriesWindows, lengths: Sequence[int]) -> Validated:
    """Predict each of the newest blocks of `series` from what lies before it, and weigh lines.

    No answer lies on both sides of a cut, and scalings are fitted on what lies before all of them.
    """
    with one_blas_thread():
        return Blocks(series, windows).validated(lengths)


@dataclass(frozen=True)
class _Block:
    """One block: the sums over rows before it, and its own rows with what came after them."""

    before: Moments
    x: Array
    origins: Array
    truth: Array
    known: Array
    error_of_last: float


@dataclass(frozen=True)
class _Line:
    """The best line over a window: `outputs`, of each block (origins, horizon); its `errors`."""

    length: int
    penalty: int
    outputs: list[Array]
    errors: Array


class Blocks:
    """The newest blocks of a past, and what is needed to fit any line on what lies before each.

    To be used where NumPy is held to one thread. learned, judged: how many rows at most are fitted
    on in all, and judged on in each block.
    """

    def __init__(
        self,
        series: Series,
        windows: SeriesWindows,
        learned: int = MOST_LEARNED,
        judged: int = MOST_JUDGED,
    ) -> None:
        self._series = series
        cuts = [round(share * len(series)) for share in FOLDS]
        reach = windows.window + windows.horizon - 1 + FEWEST_ROWS
        places = []
        for start, end in pairwise(cuts):
            origins = np.arange(start - 1, end - windows.horizon)
            if start >= reach and len(origins):
                origins = thinned(windows.clear_origins(series, origins), judged)
                places.append((start, origins))
        self.blocks: list[_Block] = []
        self.windows = windows
        if not places:
            return
        self.windows = windows.refitted(series.first(places[0][0]))
        origins = thinned(learned_origins(series, self.windows), learned)
        moments = None
        for start, judged_at in places:
            new = origins[origins + windows.horizon < start]
            origins = origins[len(new) :]
            if moments is None and len(new):
                moments = whole_moments(series, self.windows, new)
            elif moments is not None:
                more = Moments(moments.center, windows.horizon)
                more.add(self.windows.transform(series, new), self.windows.answers(series, new))
                moments = moments.plus(more)
            if moments is not None and (block := self._block(moments, judged_at)) is not None:
                self.blocks.append(block)

    def _block(self, before: Moments, origins: Array) -> _Block | None:
        ahead = origins[:, None] + np.arange(1, self.windows.horizon + 1)
        truth, known = self._series.target[ahead], self._series.measured[ahead]
        last = self._series.target[origins][:, None]
        if not known.any() or (truth == last)[known].all():
            return None
        x = self.windows.transform(self._series, origins).astype(np.float64)
        error = float(np.abs(truth - last)[known].mean())
        return _Block(before, x, origins, truth, known, error)

    def validated(self, lengths: Sequence[int], reference: bool = True) -> Validated:
        """Return the best lines over windows of these lengths, weighed by what they did.

        `reference`: whether lines see the reference, where rows have one.
        """
        if not self.blocks:
            equal = (1 / len(lengths),) * len(lengths)
            penalties = (MIDDLE_PENALTY,) * len(lengths)
            return Validated(float("nan"), tuple(lengths), penalties, equal)
        lines: list[_Line] = []
        for length in lengths:
            first = lines[-1].penalty if lines else FIRST_PENALTY
            lines.append(self._best_line(length, first, reference))
        shares = self._shares(lines)
        kept = np.flatnonzero(shares)
        errors = self._errors_of_mean(lines, shares)
        return Validated(
            float(np.mean(errors)),
            tuple(lines[place].length for place in kept),
            tuple(PENALTIES[lines[place].penalty] for place in kept),
            tuple(float(shares[place]) for place in kept),
            tuple(errors),
        )

    def _best_line(self, length: int, first: int, reference: bool) -> _Line:
        """Return the line with the penalty that does best, searched from the place `first` on."""
        columns, held = line_columns(self.windows, length)
        if self.windows.reference and not reference:
            columns, held = columns[:-1], held[:-1]
        befores = [
            block.before.plus(
                early_moments(self._series, self.windows, length, block.before.center)
            )
            for block in self.blocks
        ]

        def tried(place: int) -> _Line:
            outputs = []
            for block, before in zip(self.blocks, befores, strict=True):
                (path,) = before.lines(columns, held, (PENALTIES[place],))
                outputs.append(_predicted(path, block.x[:, columns]))
            errors = [self._error(*pair) for pair in zip(self.blocks, outputs, strict=True)]
            return _Line(length, place, outputs, np.array(errors))

        best = tried(first)
        for step in (1, -1):
            moved = False
            while 0 <= best.penalty + step < len(PENALTIES):
                other = tried(best.penalty + step)
                if not other.errors.mean() < best.errors.mean():
                    break
                best, moved = other, True
            if moved:
                break
        return best

    def _shares(self, lines: list[_Line]) -> Array:
        """Return the part of each line in the mean, (lines,); 0 for those not worth one."""
        if len(lines) == 1:
            return np.ones(1)
        equal = _worth_a_part(np.array([line.errors for line in lines]).T)
        forecasts = sum(int(block.known.sum()) for block in self.blocks) / self.windows.horizon**2
        trust = forecasts / (forecasts + DOUBTFUL_FORECASTS)
        shares = trust * self._found_shares(lines) + (1 - trust) * equal
        shares = np.where(shares < min(LEAST_SHARE, shares.max()), 0.0, shares)
        return np.asarray(shares / shares.sum())

    def _found_shares(self, lines: list[_Line]) -> Array:
        """Return the shares, 0 or more and 1 in all, whose mean has the smallest error, (lines,).

        By exponentiated gradients (Kivinen and Warmuth, 1997), which never leave such shares.
        """
        pairs = []
        for place, block in enumerate(self.blocks):
            rows = thinned(np.arange(len(block.origins)), SHARE_ROWS)
            outputs = np.array([line.outputs[place][rows] for line in lines])
            pairs.append((block, rows, outputs))
        shares = best = np.full(len(lines), 1 / len(lines))
        least = np.inf
        for step in range(1, SHARE_STEPS + 1):
            error, slope = 0.0, np.zeros(len(lines))
            for block, rows, outputs in pairs:
                mean = np.tensordot(shares, outputs, 1)
                values = self.windows.decode(mean, self._series, block.origins[rows])
                known, away = block.known[rows], values - block.truth[rows]
                scale = block.error_of_last * max(int(known.sum()), 1)
                error += float(np.abs(away)[known].sum()) / scale
                pull = np.where(known, np.sign(away), 0.0)
                # A logarithm moves its value in proportion to it.
                pull = pull * values if self.windows.log else pull
                slope += np.tensordot(outputs, pull, ((1, 2), (0, 1))) / scale
            if not np.isfinite(slope).all():
                break
            if error < least:
                least, best = error, shares
            slope = slope - slope @ shares
            steepest = float(np.abs(slope).max())
            if steepest == 0:
                break
            moved = shares * np.exp(-SHARE_RATE / np.sqrt(step) * slope / steepest)
            shares = moved / moved.sum()
        return best

    def _errors_of_mean(self, lines: list[_Line], shares: Array) -> list[float]:
        """Return the error of the weighted mean of lines on each block."""
        errors = []
        for place, block in enumerate(self.blocks):
            outputs = np.array([line.outputs[place] for line in lines])
            errors.append(self._error(block, np.tensordot(shares, outputs, 1)))
        return errors

    def _error(self, block: _Block, outputs: Array) -> float:
        predicted = self.windows.decode(outputs, self._series, block.origins)
        away = np.abs(predicted - block.truth)[block.known]
        return float(away.mean()) / block.error_of_last


def _predicted(path: LinearPath, x: Array) -> Array:
    return np.asarray(x @ path.weight + path.bias)


def _worth_a_part(errors: Array) -> Array:
    """Return equal shares for lines that are not certainly worse than the best, 0 for others.

    errors: (blocks, lines). A mean of lines has a smaller error than any of them as long as none
    is much worse.
    """
    best = int(errors.mean(axis=0).argmin())
    kept = np.ones(errors.shape[1])
    if len(errors) > 1:
        behind = errors - errors[:, best : best + 1]
        doubt = behind.std(axis=0, ddof=1) / np.sqrt(len(errors))
        kept = (behind.mean(axis=0) <= DEVIATIONS * doubt).astype(np.float64)
    # Where errors are not finite nothing can be compared.
    kept[best] = 1.0
    return np.asarray(kept / kept.sum())
