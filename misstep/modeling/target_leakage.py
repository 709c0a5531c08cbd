"""Columns that tell the answer nearly all by themselves: often they are known only afterwards.

A rating beside a review, the amount paid back beside whether a loan was. What such a column is good
for only its owner can say, so it is used, and a note asks. Knows tables and answers, no networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from misstep.data import Column, ColumnType, Preprocessor, drawn_rows
from misstep.errors import DataError
from misstep.ir import Array, one_blas_thread

if TYPE_CHECKING:
    import pandas

# A column tells all when a few questions about it alone answer so many of the rows it was not
# fitted on. Honest measurements rarely come near: petals tell 96% of irises.
ALL, QUESTIONS = 0.995, 8
# For numbers: so much of the variance, which a column in another unit has, and few others.
ALL_OF_VARIANCE = 0.999
# Fewer rows could be told apart by chance; more are not needed.
FEWEST_ROWS, MOST_ROWS = 50, 2_000


def leaking_columns(
    columns: Sequence[Column], train: pandas.DataFrame, answers: Array
) -> dict[str, str]:
    """Return the columns that alone tell the answers, each with how much of them, in words.

    `train`: training rows; `answers`: theirs, encoded, (rows,).
    """
    used = [column for column in columns if column.used]
    if len(train) < FEWEST_ROWS or len(used) < 2:
        return {}
    drawn = drawn_rows(len(train), MOST_ROWS)
    rows, truth = train.iloc[drawn], answers[drawn]
    number = truth.dtype.kind == "f"
    if not number and np.bincount(truth.astype(int)).max() >= ALL * len(truth):
        return {}
    leaks = {}
    for column in used:
        if column.column_type is ColumnType.TEXT:
            continue
        try:
            x = Preprocessor.fit(rows, [column]).transform(rows)
        except DataError:
            continue
        with one_blas_thread():
            share = _share_told(x, truth, number)
        if share >= (ALL_OF_VARIANCE if number else ALL):
            what = "the variance" if number else "rows"
            leaks[column.name] = (
                f"all {what}" if share == 1 else f"{_rounded_down(share)} of {what}"
            )
    return leaks


def _share_told(x: Array, y: Array, number: bool) -> float:
    """Return which share of other rows a small tree on x tells, or of their variance a line."""
    from sklearn.linear_model import LinearRegression
    from sklearn.tree import DecisionTreeClassifier

    # Neighbors in a file may belong together, so rows are dealt out by chance, always the same one.
    order = np.random.default_rng(0).permutation(len(y))
    half = len(y) // 2
    shares = []
    for train, test in ((order[:half], order[half:]), (order[half:], order[:half])):
        if number:
            # A straight line; a tree would need a leaf for each value.
            predicted = LinearRegression().fit(x[train], y[train]).predict(x[test])
            error = np.square(y[test] - predicted).mean()
            shares.append(1 - float(error / max(float(y[test].var()), 1e-12)))
        else:
            tree = DecisionTreeClassifier(max_leaf_nodes=QUESTIONS + 1, random_state=0)
            shares.append(float(tree.fit(x[train], y[train]).score(x[test], y[test])))
    return float(np.mean(shares))


def _rounded_down(share: float) -> str:
    return f"{np.floor(share * 1000) / 10:.1f}%"
