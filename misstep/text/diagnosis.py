"""What was found wrong, in words: how bad it is, where it shows, how sure it is, what it comes to.

Knows texts and plain facts; what a finding is, `doctor` knows, and how it is laid out, a face.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from misstep.text.counts import counted
from misstep.text.lists import joined, listed

__all__ = ["certainty", "outcome", "place", "together"]

# From here on a cause is called so. Confidences are judgments, not frequencies: words say as much
# of them as they hold.
_CERTAINTIES = ((0.97, "certain"), (0.85, "very likely"), (0.6, "likely"), (0.3, "possible"))
LEAST = "a guess"
# Rows named at most where a person reads; a machine gets all of them.
MOST_ROWS = 10


def certainty(confidence: float) -> str:
    """Return in words how sure somebody is.

    >>> certainty(1.0), certainty(0.9), certainty(0.4), certainty(0.1)
    ('certain', 'very likely', 'possible', 'a guess')
    """
    return next((words for least, words in _CERTAINTIES if confidence >= least), LEAST)


def place(facts: Mapping[str, Any], said: str = "") -> str:
    """Return where something shows, of the facts `layer`, `parameter`, `column`, `step`, `rows` …

    `said`: what was said before; what stands there already is left out.

    >>> place({"layer": "dense1", "step": 1200, "rows": [3, 7], "rows_counted_from": 1})
    'layer dense1, after update 1,200, rows 3 and 7'
    >>> place({"layer": "dense1", "step": 0}, said="The layer dense1 is dead.")
    'before the first update'
    """
    parts = []
    for name in ("layer", "parameter", "column"):
        value = facts.get(name)
        if isinstance(value, str) and value and value not in said:
            parts.append(f"{name} {value}")
    step, epoch = _whole(facts.get("step")), _whole(facts.get("epoch"))
    if step == 0:
        parts.append("before the first update")
    elif step is not None and not re.search(rf"\b(update|step) ({step}|{step:,})\b", said):
        parts.append(f"after update {step:,}")
    elif step is None and epoch is not None and f"epoch {epoch:,}" not in said:
        parts.append(f"epoch {epoch:,}")
    rows = facts.get("rows")
    if isinstance(rows, list | tuple) and rows and not _names_rows(said, rows[0]):
        parts.append(_rows(list(rows), facts.get("rows_counted_from")))
    return ", ".join(part for part in parts if part not in said)


def _names_rows(said: str, row: Any) -> bool:
    return re.search(rf"\brows? {re.escape(str(row))}\b", said) is not None


def _rows(rows: list[Any], first: Any) -> str:
    names = [str(row) for row in rows]
    shown = joined(names) if len(names) <= MOST_ROWS else listed(names, MOST_ROWS)
    counting = "" if first == 1 else " (counted from 0)"
    return f"{'row' if len(names) == 1 else 'rows'} {shown}{counting}"


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def outcome(
    criticals: int,
    warnings: int,
    notes: int,
    examined: int,
    not_examined: int,
    names: Sequence[str] = (),
) -> str:
    """Return in a sentence what an examination came to, by how many there are of each.

    `names`: of what could not be examined.

    >>> outcome(0, 0, 0, 28, 2)
    'Nothing wrong was found; 28 causes were looked for, and 2 could not be examined.'
    >>> outcome(1, 2, 0, 30, 0)
    'Found: 1 critical and 2 warnings; 30 causes were looked for.'
    """
    if not examined and not (criticals or warnings or notes):
        return "Nothing could be examined, so nothing can be said."
    looked = f"{counted(examined, 'cause')} {'was' if examined == 1 else 'were'} looked for"
    looked += f", and {not_examined:,} could not be examined" if not_examined else ""
    looked += f" ({', '.join(names)})" if names else ""
    found = [f"{criticals:,} critical"] if criticals else []
    found += [counted(warnings, "warning")] if warnings else []
    found += [counted(notes, "note")] if notes else []
    if not found:
        return f"Nothing wrong was found; {looked}."
    if not criticals and not warnings:
        return f"Nothing that harms was found, {joined(found)}; {looked}."
    return f"Found: {joined(found)}; {looked}."


def together(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """Return each reason once, with all that it holds for; the reason for most comes first.

    >>> together([("a", "no data"), ("b", "no layers"), ("c", "no data")])
    [('no data', ['a', 'c']), ('no layers', ['b'])]
    """
    grouped: dict[str, list[str]] = {}
    for name, reason in pairs:
        grouped.setdefault(reason, []).append(name)
    return sorted(grouped.items(), key=lambda pair: -len(pair[1]))
