"""Columns that tell the answer nearly all by themselves: often they are known only afterwards.

A rating beside a review, the amount paid back beside whether a loan was, the number of the lifeboat
beside who survived, two parts beside their sum. What such columns are good for only their owner can
say, so they are used, and a note asks. Knows tables and answers, no networks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from misstep.data import Column, ColumnType, Preprocessor, Target, drawn_rows, read_table
from misstep.data.table.column_transformers import DateTransformer, as_numbers
from misstep.errors import DataError
from misstep.ir import Array, one_blas_thread
from misstep.text.lists import joined

if TYPE_CHECKING:
    import pandas

# A column tells all when a few questions about it alone answer so many of the rows it was not
# fitted on. Honest measurements rarely come near: petals tell 96% of irises.
ALL, QUESTIONS = 0.995, 8
# For numbers: so much of the variance, which a column in another unit has, and few others.
ALL_OF_VARIANCE = 0.999
# Several columns add up to the answer, or make it when multiplied: rounding may cost so much of its
# variance, honest measurements cost more.
ALL_TOGETHER = 0.99999
# Sums of more parts are rare; any answer is a weighted sum of as many columns as there are rows.
MOST_PARTS, MOST_NUMBERS = 6, 50
# Weights this near to 1 or -1 make a sum or a difference.
NEAR_ONE = 0.01
# That a cell is filled, or empty, tells too much where so many of these rows have one answer ...
ALL_FILLED = 0.97
# ... which would come about by chance in less than one column of a million.
CHANCE = 1e-6
# Fewer rows could be told apart by chance; more are not needed.
FEWEST_ROWS, MOST_ROWS = 50, 2_000
# Of two columns compared, each must be the larger in such a share of the rows.
LEAST_SIDE = 0.05
MOST_COMPARED = 12


@dataclass(frozen=True)
class Leak:
    """Columns that tell the answer, and how, in words: "boat alone tells survived for all rows"."""

    columns: tuple[str, ...]
    words: str


def find_leaks(
    columns: Sequence[Column],
    train: pandas.DataFrame,
    answers: Array,
    target: Target,
    answer: str = "the answer",
) -> list[Leak]:
    """Return the columns that tell the answers: alone, by being filled, or several together.

    `train`: training rows; `answers`: theirs, as `target` encodes them, (rows,). `answer`: what
    they are called.
    """
    used = [column for column in columns if column.used]
    if len(train) < FEWEST_ROWS or len(used) < 2:
        return []
    drawn = drawn_rows(len(train), MOST_ROWS)
    rows, truth = train.iloc[drawn], answers[drawn]
    if not target.is_number and np.bincount(truth.astype(int)).max() >= ALL * len(truth):
        return []
    with one_blas_thread():
        alone = _leaks_alone(used, rows, truth, target.is_number, answer)
        told = {name for leak in alone for name in leak.columns}
        rest = [column for column in used if column.name not in told]
        filled = _leaks_by_gaps(rest, train, answers, target, answer)
        told |= {name for leak in filled for name in leak.columns}
        numbers = _numbers(
            [column for column in rest if column.name not in told], rows, as_dates=target.is_number
        )
        if target.is_number:
            together = _leaks_together(numbers, target.decode(truth), answer)
        else:
            together = _leaks_compared(numbers, truth.astype(int), answer)
    return [*alone, *filled, *together]


def _leaks_alone(
    used: Sequence[Column], rows: pandas.DataFrame, truth: Array, of_number: bool, answer: str
) -> list[Leak]:
    leaks = []
    # Read once: a wide table would be read anew for each of its columns.
    table = read_table(rows)
    for column in used:
        if column.column_type is ColumnType.TEXT:
            continue
        try:
            x = Preprocessor.fit(table, [column]).transform(table)
        except DataError:
            continue
        if not of_number and x.shape[1] == 1 and _too_mixed(x[:, 0], truth):
            continue
        share = _share_told(x, truth, of_number)
        if share >= (ALL_OF_VARIANCE if of_number else ALL):
            what = "the variance" if of_number else "rows"
            much = f"all {what}" if share == 1 else f"{_rounded_down(share)} of {what}"
            leaks.append(Leak((column.name,), f"{column.name} alone tells {answer} for {much}"))
    return leaks


def _leaks_by_gaps(
    columns: Sequence[Column], train: pandas.DataFrame, answers: Array, target: Target, answer: str
) -> list[Leak]:
    """Return columns that are filled, or empty, in rows of one answer alone."""
    leaks = []
    for column in columns:
        gaps = train[column.name].isna().to_numpy()
        for which, state in ((~gaps, "filled"), (gaps, "empty")):
            here, elsewhere = int(which.sum()), int((~which).sum())
            if not here or not elsewhere:
                continue
            value, count = _commonest(answers[which])
            base = float((answers == value).mean())
            if count < ALL_FILLED * here or not _beyond_chance(count, here, base):
                continue
            said = target.decode(np.asarray([value]))[0]
            figure = f"{said:.6g}" if target.is_number else f"{said}"
            leaks.append(
                Leak(
                    (column.name,),
                    f"{column.name} is {state} in {here:,} training rows, and {answer} is "
                    f"{figure} in {'all' if count == here else f'{count:,}'} of them "
                    f"({100 * base:.1f}% of all rows)",
                )
            )
            break
    return leaks


def _commonest(values: Array) -> tuple[float, int]:
    distinct, counts = np.unique(values, return_counts=True)
    most = int(counts.argmax())
    return distinct[most], int(counts[most])


def _beyond_chance(count: int, rows: int, base: float) -> bool:
    """Tell whether `count` of `rows` rows is more than rows of the share `base` have by chance.

    Chernoff's bound: the chance is at most exp(-n · KL(count/n, base)).
    """
    share = count / rows
    if share <= base:
        return False
    divergence = share * math.log(share / base)
    if share < 1:
        divergence += (1 - share) * math.log((1 - share) / (1 - base))
    return rows * divergence > -math.log(CHANCE)


def _numbers(
    columns: Sequence[Column], rows: pandas.DataFrame, *, as_dates: bool
) -> dict[str, Array]:
    """Return the columns of numbers, and of dates in days, that have a value in all these rows."""
    found: dict[str, Array] = {}
    for column in columns:
        if column.column_type is ColumnType.NUMBER:
            values = as_numbers(rows[column.name], column.name, column.form)
        elif column.column_type is ColumnType.DATE and as_dates:
            transformer = DateTransformer.fit(column, rows[column.name], np.ones(len(rows)))
            values = transformer.days(rows[column.name])
        else:
            continue
        if np.isfinite(values).all() and np.ptp(values) > 0:
            found[column.name] = values
    return found if len(found) <= MOST_NUMBERS else {}


def _leaks_together(numbers: dict[str, Array], truth: Array, answer: str) -> list[Leak]:
    """Return the few columns whose sum or product is the answer; `truth`: in its own unit."""
    if len(numbers) < 2:
        return []
    names = list(numbers)
    parts = _parts(np.column_stack([numbers[name] for name in names]), truth)
    if parts is not None:
        return [_together([names[index] for index in parts[0]], parts[1], answer, "+", "−")]
    positive = [name for name in names if numbers[name].min() > 0]
    if len(positive) < 2 or truth.min() <= 0:
        return []
    parts = _parts(np.log(np.column_stack([numbers[name] for name in positive])), np.log(truth))
    if parts is None:
        return []
    return [_together([positive[index] for index in parts[0]], parts[1], answer, "×", "/")]


def _parts(x: Array, y: Array) -> tuple[list[int], Array] | None:
    """Return the fewest columns that y is a weighted sum of, and the weights; None if it is none.

    Columns are left out as long as the others do as well, those that move y least first.
    """
    left = list(range(x.shape[1]))
    if _share_of_line(x, y)[0] < ALL_TOGETHER:
        return None
    _, weights = _share_of_line(x, y)
    for index in np.argsort(np.abs(weights) * x.std(axis=0), kind="stable"):
        fewer = [each for each in left if each != index]
        if fewer and _share_of_line(x[:, fewer], y)[0] >= ALL_TOGETHER:
            left = fewer
    if not 2 <= len(left) <= MOST_PARTS:
        return None
    return left, _share_of_line(x[:, left], y)[1]


def _share_of_line(x: Array, y: Array) -> tuple[float, Array]:
    """Return which share of the variance of other rows a line on x tells, and its weights."""
    order = np.random.default_rng(0).permutation(len(y))
    learned, other = order[: len(y) // 2], order[len(y) // 2 :]
    center, scale = x.mean(axis=0), x.std(axis=0)
    scale[scale == 0] = 1.0  # of numbers near 1e-300, whose squares are 0
    z = np.column_stack([(x - center) / scale, np.ones(len(x))])
    weights = np.linalg.lstsq(z[learned], y[learned], rcond=None)[0]
    error = np.square(y[other] - z[other] @ weights).mean()
    return 1 - float(error / max(float(y[other].var()), 1e-300)), weights[:-1] / scale


def _together(names: list[str], weights: Array, answer: str, add: str, subtract: str) -> Leak:
    plain = np.abs(np.abs(weights) - 1).max() <= NEAR_ONE
    if not plain:
        words = f"{joined(names)} together make up {answer}, a weighted sum of them"
        if add == "×":
            words = f"{joined(names)} together make up {answer}, a product of powers"
        return Leak(tuple(names), words)
    ordered = sorted(zip(names, weights, strict=True), key=lambda each: each[1] < 0)
    words = ordered[0][0] if ordered[0][1] > 0 else f"{subtract}{ordered[0][0]}"
    for name, weight in ordered[1:]:
        words += f" {add if weight > 0 else subtract} {name}"
    return Leak(tuple(names), f"{words} is {answer}")


def _leaks_compared(numbers: dict[str, Array], truth: Array, answer: str) -> list[Leak]:
    """Return pairs of columns of which the larger one tells the class, as goals of teams do."""
    if len(numbers) > MOST_COMPARED:
        return []
    names, leaks = list(numbers), []
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            sign = np.sign(numbers[one] - numbers[other])
            sides = [truth[sign == each] for each in (-1, 0, 1)]
            if min(len(sides[0]), len(sides[2])) < LEAST_SIDE * len(truth):
                continue
            right = sum(int(np.bincount(side).max()) for side in sides if len(side))
            least = max(ALL * len(truth), np.bincount(truth).max() + 1)
            if right >= least and np.bincount(sides[0]).argmax() != np.bincount(sides[2]).argmax():
                share = right / len(truth)
                much = "all rows" if share == 1 else f"{_rounded_down(share)} of rows"
                words = f"which of {one} and {other} is larger tells {answer} for {much}"
                leaks.append(Leak((one, other), words))
    return leaks


def _share_told(x: Array, y: Array, number: bool) -> float:
    """Return which share of other rows a small tree on x tells, or of their variance a line."""
    from sklearn.tree import DecisionTreeClassifier

    # Neighbors in a file may belong together, so rows are dealt out by chance, always the same one.
    order = np.random.default_rng(0).permutation(len(y))
    half = len(y) // 2
    shares = []
    for train, test in ((order[:half], order[half:]), (order[half:], order[:half])):
        if number:
            # A straight line; a tree would need a leaf for each value.
            predicted = _line(x[train], y[train], x[test])
            error = np.square(y[test] - predicted).mean()
            shares.append(1 - float(error / max(float(y[test].var()), 1e-12)))
        else:
            tree = DecisionTreeClassifier(max_leaf_nodes=QUESTIONS + 1, random_state=0)
            shares.append(float(tree.fit(x[train], y[train]).score(x[test], y[test])))
    return float(np.mean(shares))


def _line(x: Array, y: Array, further: Array) -> Array:
    """Return what the least squares of y on x, (rows, features), predict for further rows."""
    means, mean = x.mean(axis=0, dtype=np.float64), float(y.mean())
    slopes = np.linalg.lstsq(x - means, y - mean, rcond=None)[0]
    return np.asarray((further - means) @ slopes + mean)


def _too_mixed(x: Array, y: Array) -> bool:
    """Tell whether no tree of so few questions about x, (rows,), can tell ALL of the classes y.

    Sorted by x, each change of the class beyond the leaves costs half an error at least.
    """
    labels = y[np.lexsort((y, x))]
    runs = 1 + int((labels[1:] != labels[:-1]).sum())
    # Both halves of the rows have their own leaves.
    return (runs - 2 * (QUESTIONS + 1)) / 2 > 2 * (1 - ALL) * len(y) + 2


def _rounded_down(share: float) -> str:
    return f"{np.floor(share * 1000) / 10:.1f}%"
