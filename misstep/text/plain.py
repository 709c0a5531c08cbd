"""Texts that come from data made fit to be shown, and results as one line of JSON.

Column names and labels may hold anything, also what would steer a terminal. Knows texts and
numbers only.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

__all__ = ["json_line", "printable"]

# C0 and C1 control characters but the newline, and those that turn the direction of writing.
_STEERING = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    r"""Return `text` with characters that steer a terminal written out.

    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return _STEERING.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def json_line(result: Any) -> str:
    """Return `result` as one line of strict JSON; numbers that JSON lacks become null.

    >>> json_line({"rmse": float("nan"), "rows": 3})
    '{"rmse": null, "rows": 3}'
    """
    return json.dumps(_plain(result), allow_nan=False)


def _plain(part: Any) -> Any:
    if isinstance(part, dict):
        return {str(key): _plain(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_plain(value) for value in part]
    if hasattr(part, "tolist"):
        return _plain(part.tolist())
    if isinstance(part, float) and not math.isfinite(part):
        return None
    if part is None or isinstance(part, bool | int | float | str):
        return part
    return str(part)
