"""The newest rows of a series as JSON, from which a forecast goes on.

Knows the plan of a series and values of JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from misstep.data.json_rows import columns_of
from misstep.data.series.series import SeriesPlan

__all__ = ["series_rows", "series_schema"]


def series_rows(rows: Sequence[Any], plan: SeriesPlan) -> dict[str, list[Any]]:
    """Return rows as columns, the oldest row first. Raises DataError with the place."""
    return columns_of(rows, _names(plan))


def series_schema(plan: SeriesPlan) -> dict[str, Any]:
    """Return the JSON schema of a row of a series."""
    fields: dict[str, Any] = {
        name: {"type": ["string", "number"], "description": "when the row was"}
        for name in _names(plan)
    }
    fields |= {
        name: {"type": ["number", "string", "null"], "description": "a number; null for a gap"}
        for name in plan.columns
    }
    return {"type": "object", "properties": fields, "required": list(fields)}


def _names(plan: SeriesPlan) -> list[str]:
    times = list(plan.times.columns) if plan.date else []
    return [*(name for name in times if name not in plan.columns), *plan.columns]
