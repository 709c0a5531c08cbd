"""Rows of a table as JSON: what each field may be, by what its column was in training.

Knows the transformers of columns and values of JSON. A field that can't be what training had is an
error here, where a file of many rows would only get a note: who sends one row does not read notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from misstep.data.json_rows import columns_of
from misstep.data.table.cell_values import is_missing_word
from misstep.data.table.column_transformers import (
    CategoryTransformer,
    DateTransformer,
    NumberTransformer,
)
from misstep.data.table.dates import spoken_form
from misstep.data.table.number_forms import NUMBER_GAPS, number_in_form
from misstep.data.text.text_transformer import TextTransformer
from misstep.errors import DataError
from misstep.text.figures import figure

__all__ = ["columns_of_json", "table_schema"]

ColumnTransformer = NumberTransformer | CategoryTransformer | DateTransformer | TextTransformer

# Categories that a schema names.
MOST_NAMED = 64
TYPES_OF_CATEGORY = ["string", "number", "boolean", "null"]


def columns_of_json(
    rows: Sequence[Any], transformers: Sequence[ColumnTransformer]
) -> dict[str, list[Any]]:
    """Return rows that came as JSON as columns, (rows,) each. Raises DataError with the place."""
    columns = columns_of(rows, [transformer.column for transformer in transformers])
    for transformer in transformers:
        name = transformer.column
        if isinstance(transformer, NumberTransformer):
            for number, cell in enumerate(columns[name]):
                if type(cell) is str and not _is_number(cell, transformer.form):
                    raise DataError(
                        f"rows[{number}].{name}",
                        needed="a number, or null where it is not known",
                        got=repr(cell)[:60],
                    )
        elif isinstance(transformer, TextTransformer):
            for number, cell in enumerate(columns[name]):
                if cell is not None and type(cell) is not str:
                    raise DataError(
                        f"rows[{number}].{name}", needed="a text or null", got=repr(cell)[:60]
                    )
    return columns


def table_schema(transformers: Sequence[ColumnTransformer]) -> dict[str, Any]:
    """Return the JSON schema of a row."""
    fields = {transformer.column: _field(transformer) for transformer in transformers}
    return {
        "type": "object",
        "properties": {name: field for name, (field, _) in fields.items()},
        "required": list(fields),
        "additionalProperties": True,
        "example": {name: example for name, (_, example) in fields.items()},
    }


def _field(transformer: ColumnTransformer) -> tuple[dict[str, Any], Any]:
    """Return the schema of a field, and a value that it may have."""
    if isinstance(transformer, NumberTransformer):
        typical = float(figure(transformer.fill).replace(",", "").replace("−", "-"))
        words = "a number; null where it is not known"
        if transformer.form != "plain":
            words += f"; as a text in the form of training ({transformer.form}) as well"
        whole = int(typical) if typical.is_integer() else typical
        return {"type": ["number", "string", "null"], "description": words}, whole
    if isinstance(transformer, CategoryTransformer):
        named = list(transformer.values[:MOST_NAMED])
        words = "a category; null where it is not known"
        if len(named) < len(transformer.values):
            words += f"; {len(transformer.values):,} are known, of which the first are named"
        field = {"type": TYPES_OF_CATEGORY, "description": words, "examples": named}
        return field, named[0] if named else None
    if isinstance(transformer, DateTransformer):
        words = f"a date ({spoken_form(transformer.form)}); null where it is not known"
        if transformer.form == "stored":
            words = "a date, such as 2024-05-31; null where it is not known"
        return {"type": ["string", "number", "null"], "description": words}, None
    return {"type": ["string", "null"], "description": "a text"}, "some words"


def _is_number(word: str, form: str) -> bool:
    plain = word.strip()
    if is_missing_word(plain) or plain.lower() in NUMBER_GAPS:
        return True
    return number_in_form(plain, form) is not None
