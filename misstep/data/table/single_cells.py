"""A single row given by name, as programs send it: its cells become features without a frame.

Making a frame of one row takes longer than all else that a prediction does. What is not plain here
(a word among numbers, a date that came as a number, …) gives None, and the row goes the way of all
tables; where it gives features, they are the very bits that a table of this one row would give.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.table.cell_values import MOST_EXACT, is_missing_word, sound_text
from misstep.data.table.column_transformers import (
    CategoryTransformer,
    DateTransformer,
    NumberTransformer,
)
from misstep.data.table.dates import parse_dates
from misstep.data.table.number_dates import NUMBER_DATE_FORMATS
from misstep.data.text.text_transformer import TextTransformer

__all__ = ["cell_features", "single_cells"]

Cell = str | float | int | bool | None
Tell = Callable[[str], None]

# Numbers that nobody can read in two ways: no sign, zero or blank before, few enough digits.
_PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?")
_CLASSES = (str, float, int, bool, type(None))


def single_cells(data: Mapping[Any, Any]) -> dict[str, Cell] | None:
    """Return the cells of the one row that lists by name hold; None for everything else."""
    cells: dict[str, Cell] = {}
    for name, values in data.items():
        if type(name) is not str or type(values) not in (list, tuple) or len(values) != 1:
            return None
        cell = values[0]
        if type(cell) not in _CLASSES or sound_text(name) != name:
            return None
        cells[name] = cell
    return cells


def cell_features(
    transformer: NumberTransformer | CategoryTransformer | DateTransformer | TextTransformer,
    cells: Mapping[str, Cell],
    tell: Tell,
) -> NDArray[np.float64] | None:
    """Return the features of the cell that a transformer takes, (1, features).

    None where only a table can say what the cell is, or what is wrong with it.
    """
    if transformer.column not in cells:
        return None
    cell = cells[transformer.column]
    if isinstance(transformer, NumberTransformer):
        number = _number(cell, transformer.form)
        return None if number is None else transformer.of_numbers(np.array([number]), tell)
    if isinstance(transformer, CategoryTransformer):
        if type(cell) is str:
            cell = _word(cell)
        elif type(cell) is not bool and _number(cell, "") is None:
            return None
        return transformer.of_cells([cell], tell)
    if cell is not None and type(cell) is not str:
        return None
    word = None if cell is None else _word(cell)
    if word is not None and is_missing_word(word):
        word = None
    if isinstance(transformer, TextTransformer):
        return transformer.of_cells([word], tell)
    dates = _date(word, transformer.form)
    return None if dates is None else transformer.of_dates(dates, tell)


def _word(word: str) -> str | None:
    """Return a cell's text as tables keep it: without blanks around it, None where nothing is."""
    return (word.strip() if word.isascii() else sound_text(word.strip())) or None


def _number(cell: Cell, form: str) -> float | None:
    """Return a cell as a number, NaN where missing; None where that takes more than a look."""
    if cell is None:
        return math.nan
    if isinstance(cell, str):
        plain = form == "plain" and _PLAIN_NUMBER.fullmatch(cell)
        return float(cell) if plain else None
    number = float(cell) if abs(cell) <= MOST_EXACT else math.inf
    return None if math.isinf(number) else number


def _date(word: str | None, form: str) -> NDArray[Any] | None:
    """Return a date of a format, datetime64 (1,); None where it does not fit."""
    if form == "stored" or form in NUMBER_DATE_FORMATS:
        return None
    if word is None:
        return np.array(["NaT"], "datetime64[s]")
    dates = parse_dates([word], form)
    return None if dates is None else dates.to_numpy().astype("datetime64[s]")
