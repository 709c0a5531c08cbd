"""What a column of a table goes through while the rest of each row stays: numbers, levels, dates.

Knows one column and what encodes it; what a network says of the rows is not its business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.inputs import Sweep, grid_of, nearest_counts
from misstep.data.table.column_transformers import (
    DAYS_PER_YEAR,
    CategoryTransformer,
    DateTransformer,
    NumberTransformer,
    as_numbers,
)

if TYPE_CHECKING:
    import pandas

__all__ = ["column_sweep"]

Floats = NDArray[np.float32]


def column_sweep(
    transformer: Any, series: pandas.Series, slots: slice, features: Floats, points: int
) -> Sweep | None:
    """Return the values that a column goes through, at most `points`; None where it has none.

    `series`: its cells, (rows,); `slots`: where its features stand in `features`, (rows, width).
    """
    if isinstance(transformer, NumberTransformer):
        return _numbers(transformer, series, slots, points)
    if isinstance(transformer, CategoryTransformer):
        return _categories(transformer, slots, features, points)
    if isinstance(transformer, DateTransformer):
        return _dates(transformer, series, slots, points)
    return None


def _numbers(
    transformer: NumberTransformer, series: pandas.Series, slots: slice, points: int
) -> Sweep | None:
    import pandas

    cells = as_numbers(series, transformer.column, transformer.form, [])
    cells = cells[~np.isnan(cells)]
    grid = grid_of(cells, points)
    if len(grid) and (cells == np.round(cells)).all():
        grid = np.unique(np.round(grid))
    if len(grid) < 2:
        return None
    blocks = transformer.transform(pandas.Series(grid), _ignore)
    values = tuple(grid.tolist())
    counts = nearest_counts(grid, cells)
    return Sweep(transformer.column, "number", values, values, _at(slots), _floats(blocks), counts)


def _categories(
    transformer: CategoryTransformer, slots: slice, features: Floats, points: int
) -> Sweep | None:
    names = [*transformer.values, *["another"] * transformer.other]
    names += ["missing"] * transformer.indicator
    if len(names) < 2:
        return None
    counts = features[:, slots].sum(axis=0).round().astype(np.int64)
    order = np.argsort(-counts, kind="stable")[:points]
    blocks = np.eye(len(names))[order]
    return Sweep(
        transformer.column,
        "category",
        tuple(names[at] for at in order),
        tuple(map(float, range(len(order)))),
        _at(slots),
        _floats(blocks),
        tuple(counts[order].tolist()),
    )


def _dates(
    transformer: DateTransformer, series: pandas.Series, slots: slice, points: int
) -> Sweep | None:
    import pandas

    cells = transformer.days(series)
    grid = grid_of(cells[~np.isnan(cells)], points)
    if len(grid) < 2:
        return None
    dates = np.round(grid * 86_400).astype(np.int64).astype("datetime64[s]")
    blocks = transformer.transform(pandas.Series(dates), _ignore)
    midnight = bool((dates == dates.astype("datetime64[D]")).all())
    shown = dates.astype("datetime64[D]") if midnight else dates
    return Sweep(
        transformer.column,
        "date",
        tuple(str(each).replace("T", " ") for each in shown),
        tuple((1970 + grid / DAYS_PER_YEAR).tolist()),
        _at(slots),
        _floats(blocks),
        nearest_counts(grid, cells[~np.isnan(cells)]),
    )


def _at(slots: slice) -> NDArray[np.int64]:
    return np.arange(slots.start, slots.stop)


def _floats(blocks: NDArray[Any]) -> Floats:
    return np.asarray(blocks, np.float32)


def _ignore(note: str) -> None:
    """Hear what was noticed: the rows themselves were looked at before."""
