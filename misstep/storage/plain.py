"""Plain JSON that keeps every number's bits: inf and nan have a spelling that JSON allows.

A number that is not finite is written {"float": "inf"}; an object that could be taken for one is
written {"object": {...}}.
"""

from __future__ import annotations

import json
import math
from typing import Any

from misstep.errors import FileFormatError


def to_plain(value: Any) -> Any:
    """Return `value` (numbers, strings, lists, dictionaries …) as JSON can hold it."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if isinstance(value, dict):
        held = {str(key): to_plain(one) for key, one in value.items()}
        return {"object": held} if set(held) in ({"float"}, {"object"}) else held
    if isinstance(value, list | tuple):
        return [to_plain(one) for one in value]
    return value


def from_plain(value: Any) -> Any:
    """Return what `to_plain` was given (tuples as lists)."""
    if isinstance(value, dict):
        if set(value) == {"float"} and value["float"] in ("inf", "-inf", "nan"):
            return float(value["float"])
        inner = value["object"] if set(value) == {"object"} else value
        if not isinstance(inner, dict):
            return value
        return {key: from_plain(one) for key, one in inner.items()}
    if isinstance(value, list):
        return [from_plain(one) for one in value]
    return value


def json_text(value: Any) -> str:
    """Return `value` as JSON text, the same for the same value."""
    return json.dumps(to_plain(value), sort_keys=True, allow_nan=False, separators=(",", ":"))


def read_json(text: str | bytes, what: str) -> Any:
    """Return what JSON `text` says; the same key twice and NaN are refused.

    Raises FileFormatError for `what`.
    """
    try:
        return from_plain(json.loads(text, object_pairs_hook=_once, parse_constant=_refuse))
    except (ValueError, RecursionError, MemoryError) as error:
        words = "too deeply nested" if isinstance(error, RecursionError) else str(error)[:200]
        raise FileFormatError(what, needed="readable JSON", got=words) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("the same key twice")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
