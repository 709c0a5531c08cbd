"""Predictions as a table: its columns, and the text or bytes of each kind of file.

CSV, JSON lines or Parquet, by the suffix of the file. Knows models and rows, no options.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from misstep.data import Dataset, JointTarget
from misstep.errors import ArgumentError, MisstepError
from misstep.ir import Array
from misstep.modeling import Model
from misstep.storage import write_text
from misstep.storage.atomic import write_bytes

__all__ = ["Columns", "check_out", "csv_of", "prediction_columns", "write_columns"]

# Networks compute in float32, whose numbers 9 digits tell apart; of probabilities nobody needs more
# than 6.
DIGITS, DIGITS_OF_SHARES = 9, 6
SHARE = "probability"
CSV, PARQUET, LINES = (".csv", ".txt"), (".parquet", ".pq"), (".jsonl", ".ndjson")

# Cells by the name of their column, in order.
Columns = Mapping[str, Sequence[Any]]


def check_out(out: Path | None) -> None:
    """Raise MisstepError where a file of this suffix can't be written, before anything is done."""
    if out is not None and out.suffix.lower() in PARQUET:
        _pyarrow(out)


def prediction_columns(
    model: Model, outputs: Array, rows: Dataset, coverage: float | None = None
) -> dict[str, list[Any]]:
    """Return row, prediction and, of classes, its probability and that of each class.

    Of several answers a column for each, and of labels that hold or not their probabilities.
    outputs: as `Model.outputs` gives them; rows are counted from 1, but those of a long table are
    called as its column of ids calls them, and those that are files by their names. `coverage`: of
    intervals, lower and upper, or None. Raises ArgumentError or DataError for intervals that the
    model can't give.
    """
    head, called = rows.row_names()
    columns: dict[str, list[Any]] = {head: list(called)}
    target, said = model.target, model.decide(outputs)
    ends = None if coverage is None else model.interval_of(outputs, coverage)
    if isinstance(target, JointTarget):
        for place, name in enumerate(target.names):
            columns[f"prediction_{name}"] = said[:, place].tolist()
            if not target.is_number:
                columns[f"{SHARE}_{name}"] = outputs[:, place].tolist()
            elif ends is not None:
                columns[f"lower_{name}"] = ends[:, place, 0].tolist()
                columns[f"upper_{name}"] = ends[:, place, 1].tolist()
        return columns
    columns["prediction"] = said.tolist()
    if target.is_number:
        if ends is not None:
            columns["lower"], columns["upper"] = ends[:, 0].tolist(), ends[:, 1].tolist()
        return columns
    columns[SHARE] = outputs.max(axis=1).tolist()
    for label, shares in zip(target.classes, outputs.T, strict=True):
        columns[f"{SHARE}_{label}"] = shares.tolist()
    return columns


def csv_of(columns: Columns) -> str:
    """Return columns as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    digits = [
        DIGITS_OF_SHARES if name == SHARE or name.startswith(f"{SHARE}_") else DIGITS
        for name in columns
    ]
    for row in zip(*columns.values(), strict=True):
        writer.writerow(_written(cell, places) for cell, places in zip(row, digits, strict=True))
    return text.getvalue()


def _written(cell: Any, digits: int) -> Any:
    """Return a cell as CSV has it: empty where a number is not known."""
    if type(cell) is not float:
        return cell
    return "" if math.isnan(cell) else f"{cell:.{digits}g}"


def write_columns(out: Path, columns: Columns) -> None:
    """Write columns into a file: Parquet, JSON lines or, of any other suffix, CSV.

    Raises StorageError, or MisstepError without pyarrow.
    """
    suffix = out.suffix.lower()
    if suffix in PARQUET:
        write_bytes(out, _parquet(out, columns))
    elif suffix in LINES:
        rows = zip(*columns.values(), strict=True)
        lines = [
            json.dumps(dict(zip(columns, map(_plain, row), strict=True)), ensure_ascii=False)
            for row in rows
        ]
        write_text(out, "".join(f"{line}\n" for line in lines))
    else:
        write_text(out, csv_of(columns))


def _parquet(out: Path, columns: Columns) -> bytes:
    arrow, parquet = _pyarrow(out)
    kinds = {name: {type(cell) for cell in cells} for name, cells in columns.items()}
    alike = {
        name: list(cells) if len(kinds[name]) <= 1 else [str(cell) for cell in cells]
        for name, cells in columns.items()
    }
    sink = io.BytesIO()
    parquet.write_table(arrow.table(alike), sink)
    return sink.getvalue()


def _pyarrow(out: Path) -> tuple[Any, Any]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise MisstepError(
            f"--out {out}",
            needed="pyarrow, which writes Parquet",
            got="none installed",
            try_="pip install pyarrow, or a file that ends in .csv or .jsonl",
        ) from error


def _plain(cell: Any) -> Any:
    """Return a cell as JSON has it, numbers with the digits that float32 has."""
    if isinstance(cell, float):
        return float(f"{cell:.{DIGITS}g}") if np.isfinite(cell) else None
    return cell


def check_coverage(coverage: float | None) -> None:
    """Raise ArgumentError for a coverage that there is not."""
    if coverage is not None and not 0 < coverage < 1:
        raise ArgumentError(
            f"--interval {coverage:g}",
            needed="above 0 and below 1",
            got=f"{coverage:g}",
            try_="0.9",
        )
