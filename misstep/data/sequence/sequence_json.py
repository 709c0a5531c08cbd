"""Recorded sequences as JSON: for each step a list of numbers, one for each channel.

Knows values of JSON; a step that is longer or a channel too many is an error with its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from misstep.data.json_rows import checked_number, json_kind
from misstep.data.sequence.sequences import Sequences
from misstep.errors import DataError

__all__ = ["sequence_schema", "sequences_of_json"]

STEPS = "steps"
# Numbers of all sequences together, each filled up to the longest (256 MB): without an end, one
# long sequence among thousands of short ones would take all memory.
MOST_NUMBERS = 2**25


def sequences_of_json(rows: Sequence[Any], names: Sequence[str]) -> Sequences:
    """Return sequences of the channels `names`. Raises DataError with the place."""
    lists: list[list[list[float]]] = []
    for number, row in enumerate(rows):
        steps = row.get(STEPS) if isinstance(row, dict) and len(row) == 1 else None
        if not isinstance(steps, list) or not steps:
            needed = f'{{"{STEPS}": a list for each step}}, at least one'
            raise DataError(f"rows[{number}]", needed=needed, got=json_kind(row))
        place = f"rows[{number}].{STEPS}"
        lists.append([_step(one, f"{place}[{i}]", names) for i, one in enumerate(steps)])
    lengths = np.array([len(steps) for steps in lists], np.int64)
    longest = int(lengths.max(initial=1))
    if len(lists) * longest * len(names) > MOST_NUMBERS:
        raise DataError(
            "rows",
            needed=f"at most {MOST_NUMBERS:,} numbers, each sequence as long as the longest",
            got=f"{len(lists):,} sequences, the longest of {longest:,} steps",
            try_="sequences of one length in a question",
        )
    values = np.full((len(lists), longest, len(names)), np.nan)
    for number, steps in enumerate(lists):
        values[number, : len(steps)] = steps
    return Sequences.of(values, lengths, names=list(names), name="the rows")


def sequence_schema(names: Sequence[str]) -> dict[str, Any]:
    """Return the JSON schema of a sequence."""
    step = {
        "type": "array",
        "items": {"type": ["number", "null"]},
        "minItems": len(names),
        "maxItems": len(names),
        "description": f"one number for each of {', '.join(names)}; null for a gap",
    }
    return {
        "type": "object",
        "properties": {STEPS: {"type": "array", "items": step, "minItems": 1}},
        "required": [STEPS],
        "example": {STEPS: [[0.0] * len(names)] * 2},
    }


def _step(step: object, place: str, names: Sequence[str]) -> list[float]:
    if len(names) == 1 and not isinstance(step, list):
        step = [step]
    if not isinstance(step, list) or len(step) != len(names):
        got = f"{len(step)}" if isinstance(step, list) else json_kind(step)
        raise DataError(place, needed=f"a list of {len(names)} numbers", got=got)
    return [checked_number(one, f"{place}[{i}]", gaps=True) for i, one in enumerate(step)]
