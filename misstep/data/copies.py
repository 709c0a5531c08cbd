"""Rows that stand more than once, equal or nearly so: which belong together, and by chance or not.

A copy on the other side of a split makes a score of what was learned by heart. Rows are compared by
marks, which must be equal, and numbers, which may differ by rounding. Knows arrays, no kinds of
data: each says for itself, by its `Traits`, what makes two of its rows alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["Copies", "Traits", "copies_among"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

# Numbers rounded to four significant digits differ by half of the last one, 5e-4 of 1.000; what was
# written and read once more in single precision by less than 1e-6. Where the first would take
# neighbors for copies, the second is tried, and then equality alone.
ROUNDINGS = (5e-4, 1e-6)
# Numbers compared at first, those of the most values; who agrees in these is compared in all. In
# more dimensions a tree of points would have to look everywhere.
FEW_NUMBERS = 4
# More pairs than this for each row come of numbers that lie close everywhere.
MOST_PAIRS_PER_ROW = 5
# With at most so many different values a column is a category in numbers; with fewer still, rows
# are enough to count how it hangs together with another such column.
FEW_VALUES, VERY_FEW_VALUES = 20, 6
# With more columns, how they hang together is not looked at.
MOST_COLUMNS = 24
# Rows by which columns are ranked and paired; more say no more.
MOST_ROWS = 2_000
# Copies raise the odds of a like beyond so many times those of chance, and beyond its deviation.
# Columns that hang together in threes make some more twins than by the twos by which
# chance is counted. Where chance alone gives most rows their like, nothing can be told.
TIMES_CHANCE, DEVIATIONS, MOST_BY_CHANCE = 3.0, 3.0, 0.8
# Nearly equal rows are taken for copies where chance makes less than this share of them.
MOST_NEAR_BY_CHANCE = 0.1
# Chance has so many neighbors of a value to be counted by.
NEIGHBORS = 5
# The chance of what can't happen by chance, so that it has a logarithm.
LEAST_CHANCE = 1e-12
# Further apart than any two values in units of what they may differ by.
APART = 1e9


@dataclass(frozen=True)
class Traits:
    """What rows are compared by.

    `marks`: (rows, columns) whole numbers, one for each word or picture, that must be equal.
    `numbers`: (rows, columns) that may differ by rounding; NaN where missing. `slack`: by how much
    they may differ instead, in their own unit. `free`: the columns of marks that hardly ever agree
    by chance, such as texts.
    """

    marks: Whole
    numbers: Floats
    slack: float | None = None
    free: frozenset[int] = field(default_factory=frozenset)

    def __len__(self) -> int:
        return len(self.marks)


@dataclass(frozen=True)
class Copies:
    """Which rows are alike.

    `groups`: (rows,) a number for each, the same for those that are alike. `rows`: how many stand
    more than once; `exact`: those of them that equal another one. `by_chance`: how many would, in a
    table of such columns; `natural`: whether that explains them.
    """

    groups: Whole
    rows: int
    exact: int
    by_chance: float
    natural: bool

    @property
    def different(self) -> int:
        """How many different rows there are."""
        return int(self.groups.max()) + 1 if len(self.groups) else 0


def copies_among(traits: Traits) -> Copies:
    """Say which rows are alike.

    Rows of few values meet their like by chance, as people of the same sex and age do; these are
    `natural`, and new rows will have such twins as well.
    """
    if not traits.marks.shape[1] and not traits.numbers.shape[1]:
        # Nothing to compare them by does not make them equal.
        return Copies(np.arange(len(traits)), 0, 0, 0.0, natural=False)
    # What is infinite is refused later, with its place.
    numbers = np.where(np.isfinite(traits.numbers), traits.numbers, np.nan)
    traits = replace(traits, numbers=numbers)
    equal = _numbered(traits)
    exact = _repeated(equal)
    first = np.unique(equal, return_index=True)[1]
    for share in (None,) if traits.slack is not None else ROUNDINGS:
        slack = _scaled(traits, share)
        near = _joined(traits, slack, first, equal)
        rows = _repeated(near)
        if not rows or near.max() == equal.max():
            break
        by_chance = _chance(traits, share, near)
        if by_chance <= MOST_NEAR_BY_CHANCE * rows:
            return Copies(near, rows, exact, by_chance, natural=False)
    if not exact:
        return Copies(equal, 0, 0, 0.0, natural=False)
    by_chance = _chance(traits, 0.0, equal)
    return Copies(equal, exact, exact, by_chance, _explained(exact, by_chance, len(traits)))


def _explained(repeated: int, by_chance: float, rows: int) -> bool:
    """Tell whether chance explains so many repeated rows of all."""
    if by_chance >= MOST_BY_CHANCE * rows:
        return True
    odds = repeated / (rows - repeated + 0.5)
    expected = by_chance / (rows - by_chance + 0.5)
    doubt = DEVIATIONS * np.sqrt(by_chance * (1 - by_chance / rows))
    return bool(odds <= TIMES_CHANCE * expected or repeated <= by_chance + doubt)


def _repeated(groups: Whole) -> int:
    """Return how many rows are in a group with others."""
    counts = np.bincount(groups)
    return int(counts[counts > 1].sum())


def _numbered(traits: Traits) -> Whole:
    """Return a number for each row, the same for those that are equal in all, (rows,)."""
    import pandas
    from pandas.util import hash_pandas_object

    # -0 is 0.
    frame = pandas.DataFrame(np.concatenate([traits.numbers + 0.0, traits.marks], axis=1))
    hashes = hash_pandas_object(frame, index=False).to_numpy()
    return np.unique(hashes, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _scaled(traits: Traits, share: float | None) -> Floats:
    """Return the numbers in units of what they may differ by, (rows, columns); gaps far away."""
    numbers = traits.numbers
    if share is None:
        assert traits.slack is not None
        scaled = numbers / traits.slack
    else:
        # Beyond the middle size a difference counts by its share, below it as such.
        size = np.abs(numbers)
        middle = np.array([_middle(column) for column in size.T]) if numbers.size else 1.0
        with np.errstate(over="ignore"):
            scaled = np.sign(numbers) * (np.log1p(size / middle)) / share
    return np.where(np.isfinite(scaled), scaled, APART)


def _middle(size: Floats) -> float:
    known = size[(size > 0) & np.isfinite(size)]
    return float(np.median(known)) if known.size else 1.0


def _joined(traits: Traits, scaled: Floats, first: Whole, equal: Whole) -> Whole:
    """Return numbers of groups, (rows,): equal rows, joined with those that are nearly equal.

    `first`: a row of each group `equal`.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    count = len(first)
    width = scaled.shape[1]
    if count < 2 or not width:
        return equal
    some = _telling(scaled[first])
    marks = np.unique(traits.marks[first], axis=0, return_inverse=True)[1].reshape(-1)
    points = np.column_stack([marks * 4.0, scaled[np.ix_(first, some)]])
    tree = cKDTree(points)
    if tree.count_neighbors(tree, 1.0, p=np.inf) > (1 + 2 * MOST_PAIRS_PER_ROW) * count:
        return equal
    pairs = tree.query_pairs(1.0, p=np.inf, output_type="ndarray")
    if width > len(some) and len(pairs):
        left, right = scaled[first[pairs[:, 0]]], scaled[first[pairs[:, 1]]]
        pairs = pairs[(np.abs(left - right) <= 1.0).all(axis=1)]
    if not len(pairs):
        return equal
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return connected_components(links, directed=False)[1].astype(np.int64)[equal]


def _telling(scaled: Floats) -> Whole:
    """Return the places of the columns with the most values that are far enough apart."""
    few = scaled[:: max(1, len(scaled) // MOST_ROWS)]
    values = [len(np.unique(np.floor(column))) for column in few.T]
    return np.argsort(values, kind="stable")[::-1][:FEW_NUMBERS].astype(np.int64)


def _chance(traits: Traits, share: float | None, groups: Whole) -> float:
    """Return how many rows would have their like if each column hung together with one other only.

    Counted on different rows, so that copies don't speak for themselves.
    """
    rows = len(groups)
    first = np.unique(groups, return_index=True)[1]
    columns: list[Floats] = []
    codes: list[Whole] = []
    for index, column in enumerate(traits.marks.T):
        places, counts = np.unique(column, return_inverse=True, return_counts=True)[1:]
        shares = counts[places.reshape(-1)[first]] / rows
        columns.append(np.full(len(first), 1e-9) if index in traits.free else shares)
        codes.append(places.reshape(-1)[first])
    for column in traits.numbers.T:
        values, places, counts = np.unique(column, return_inverse=True, return_counts=True)
        places = places.reshape(-1)
        if len(values) <= FEW_VALUES:
            columns.append(counts[places[first]] / rows)
        else:
            columns.append(_density(column[first], share, traits.slack))
        codes.append(places[first])
    chances = np.ones(len(first))
    before: list[int] = []
    some = np.linspace(0, len(first) - 1, min(len(first), MOST_ROWS)).astype(int)

    def given(index: int, other: int, rows: Whole | slice) -> Floats:
        if max(codes[index].max(), codes[other].max()) < VERY_FEW_VALUES:
            return _given(_code(traits, index), _code(traits, other))[first][rows]
        return _given_others(codes[index][rows], codes[other][rows], columns[index][rows])

    for index in sorted(range(len(codes)), key=lambda each: -len(np.unique(codes[each]))):
        best, certainty = columns[index], _certainty(columns[index][some])
        # Of many columns, chance leaves nothing to reckon with.
        for other in before if len(codes) <= MOST_COLUMNS else ():
            told = _certainty(given(index, other, some))
            if told > certainty:
                best, certainty = given(index, other, slice(None)), told
        chances *= best
        before.append(index)
    expected = 1 - np.exp(-rows * chances)
    return float((expected * np.bincount(groups)).sum())


def _code(traits: Traits, index: int) -> Whole:
    """Return the values of a column, marks first, as numbers from 0, (rows,)."""
    marks = traits.marks.shape[1]
    column = traits.marks[:, index] if index < marks else traits.numbers[:, index - marks]
    return np.unique(column, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _certainty(chances: Floats) -> float:
    return float(np.log(np.maximum(chances, LEAST_CHANCE)).sum())


def _given(code: Whole, other: Whole) -> Floats:
    """Return the chance of each row's value in a column, given its value in another one."""
    cells = other * (int(code.max()) + 1) + code
    given: Floats = np.bincount(cells)[cells] / np.bincount(other)[other]
    return given


def _given_others(code: Whole, other: Whole, alone: Floats) -> Floats:
    """Return the same by all rows but the row itself; `alone`: its chance if nothing is known."""
    width = int(code.max()) + 1
    cells = np.unique(other * width + code, return_inverse=True)[1].reshape(-1)
    same = np.bincount(cells)[cells] - 1
    given: Floats = (same + alone) / np.bincount(other)[other]
    return given


def _density(values: Floats, share: float | None, slack: float | None) -> Floats:
    """Return the chance that another value is the same or nearly so, (rows,)."""
    rows = len(values)
    known = np.sort(values[~np.isnan(values)])
    if len(known) < 2:
        return np.ones(rows)
    # A value is at least as coarse as the digits that it is written with.
    grain = _grain(known)
    wanted = np.abs(values) * share if share is not None else np.full(rows, slack)
    reach = np.maximum(wanted, grain / 2)
    reach = np.where(np.isnan(reach), 0.0, reach)
    filled = np.where(np.isnan(values), known[0], values)
    near = np.searchsorted(known, filled + reach, "right") - np.searchsorted(known, filled - reach)
    place = np.searchsorted(known, filled)
    low = known[np.maximum(place - NEIGHBORS, 0)]
    high = known[np.minimum(place + NEIGHBORS, len(known) - 1)]
    around = np.minimum(place + NEIGHBORS, len(known) - 1) - np.maximum(place - NEIGHBORS, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        smooth = np.minimum(2 * reach / (high - low), 1.0) * around / rows
    smooth = np.where(high > low, smooth, around / rows)
    chance: Floats = np.maximum((near - 1) / rows, smooth)
    return np.where(np.isnan(values), np.isnan(values).mean(), chance)


def _grain(known: Floats) -> float:
    """Return the unit of the last digit with which values are written; 0: there is none."""
    for digits in range(-3, 7):
        if np.allclose(np.round(known, digits), known, rtol=0, atol=10.0 ** (-digits - 6)):
            return 10.0**-digits
    return 0.0
