"""Reading, splitting and preprocessing; knows arrays, not models.

Start at `tables.read_table`; then `columns.recognize_columns` says what each column is,
`preprocessing.Preprocessor` turns rows into numbers, `targets.recognize_target` does the same for
the answers and `splitting.split_rows` sets rows aside. pandas and scikit-learn are imported inside
functions only, so that importing this room stays quick.
"""

from __future__ import annotations

from misstep.data.columns import Column, ColumnKind, recognize_columns
from misstep.data.preprocessing import Preprocessor, preprocessing_from_json
from misstep.data.scaling import MatrixScaling, PixelScaling
from misstep.data.tables import Table, read_table

__all__ = [
    "Column",
    "ColumnKind",
    "MatrixScaling",
    "PixelScaling",
    "Preprocessor",
    "Table",
    "preprocessing_from_json",
    "read_table",
    "recognize_columns",
]
