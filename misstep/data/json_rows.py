"""Rows that programs send as JSON: where each thing stands, and what is wrong there.

A place is called as programs write it: rows[3].age. Knows values of JSON and no kinds of data;
those are in `table/json_columns.py`, `image/image_json.py` and the like.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from misstep.errors import DataError
from misstep.text.lists import and_so_on
from misstep.text.names import did_you_mean

__all__ = [
    "checked_number",
    "columns_of",
    "json_kind",
    "matrix_rows",
    "numbers_schema",
    "object_row",
]

# Names that an error lists.
MOST_NAMED = 8


def json_kind(value: object) -> str:
    """Return what a value is called in JSON, such as "a list"."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    names = {str: "a text", dict: "an object", list: "a list", int: "a number", float: "a number"}
    return names.get(type(value), f"a {type(value).__name__}")


def object_row(row: object, place: str, needed: Sequence[str]) -> Mapping[str, Any]:
    """Return a row that is an object with the fields `needed`. Raises DataError."""
    if not isinstance(row, dict):
        fields = and_so_on(list(needed), MOST_NAMED)
        raise DataError(place, needed=f"an object with {fields}", got=json_kind(row))
    for name in needed:
        if name not in row:
            given = [one for one in row if one not in needed]
            near = did_you_mean(name, given) if given else None
            raise DataError(
                f"{place}.{name}",
                needed="a value, or null where it is not known",
                got="nothing of that name",
                try_=near,
            )
    return row


def columns_of(rows: Sequence[Any], needed: Sequence[str]) -> dict[str, list[Any]]:
    """Return rows, each an object of plain values, as columns by name; others only by name.

    Raises DataError for a row without a field that is `needed`, and for lists and objects in one.
    """
    columns: dict[str, list[Any]] = {name: [] for name in needed}
    further: dict[str, None] = {}
    for number, row in enumerate(rows):
        place = f"rows[{number}]"
        fields = object_row(row, place, needed)
        if len(fields) > len(needed):
            further |= dict.fromkeys(name for name in fields if name not in columns)
        for name, cells in columns.items():
            cell = fields[name]
            if isinstance(cell, list | dict):
                raise DataError(
                    f"{place}.{name}",
                    needed="a number, a text, true, false or null",
                    got=json_kind(cell),
                )
            cells.append(cell)
    # Their names are all that is said of them.
    return columns | {name: [None] * len(rows) for name in further}


def checked_number(value: object, place: str, *, gaps: bool = False) -> float:
    """Return a finite number; NaN for null where `gaps` may be. Raises DataError."""
    if value is None and gaps:
        return math.nan
    if isinstance(value, bool | int | float):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    needed = "a finite number or null" if gaps else "a finite number"
    got = repr(value)[:60] if isinstance(value, str | float | int) else json_kind(value)
    raise DataError(place, needed=needed, got=got)


def matrix_rows(rows: Sequence[Any], names: Sequence[str]) -> NDArray[np.float64]:
    """Return rows, each a list of numbers or an object with one for each name, (rows, names).

    Raises DataError.
    """
    matrix = np.empty((len(rows), len(names)))
    for number, row in enumerate(rows):
        place = f"rows[{number}]"
        if isinstance(row, list):
            if len(row) != len(names):
                raise DataError(place, needed=f"{len(names)} numbers", got=str(len(row)))
            matrix[number] = [checked_number(one, f"{place}[{i}]") for i, one in enumerate(row)]
            continue
        fields = object_row(row, place, names)
        matrix[number] = [checked_number(fields[name], f"{place}.{name}") for name in names]
    return matrix


def numbers_schema(names: Sequence[str]) -> dict[str, Any]:
    """Return the schema of such a row."""
    number = {"type": "number"}
    return {
        "oneOf": [
            {
                "type": "array",
                "items": number,
                "minItems": len(names),
                "maxItems": len(names),
                "description": "the numbers in the order of training",
            },
            {"type": "object", "properties": dict.fromkeys(names, number), "required": list(names)},
        ],
        "example": dict.fromkeys(names, 0.0),
    }
