"""Texts that come from data made fit to be shown, and results as one line of JSON.

Column names and labels may hold anything, also what would steer a terminal. Knows texts and
numbers only.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

# C0 and C1 control characters but the newline, and those that turn the direction of writing.
_STEERING = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

_SETTING = re.compile(r"\b(task|network)='([\w.-]+)'")


def printable(text: str) -> str:
    r"""Return `text` with characters that steer a terminal written out.

    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def in_options(text: str) -> str:
    """Return `text` with what a person would write in Python as it is written on a command line.

    >>> in_options("task='regression' would do")
    '--task regression would do'
    """
    return _SETTING.sub(r"--\1 \2", text)


def json_line(thing: Any) -> str:
    """Return `thing` as one line of strict JSON; numbers that JSON lacks become null.

    >>> json_line({"rmse": float("nan"), "rows": 3})
    '{"rmse": null, "rows": 3}'
    """
    return json.dumps(_plain(thing), allow_nan=False)


def _plain(thing: Any) -> Any:
    if isinstance(thing, dict):
        return {str(key): _plain(one) for key, one in thing.items()}
    if isinstance(thing, list | tuple):
        return [_plain(one) for one in thing]
    if hasattr(thing, "tolist"):
        return _plain(thing.tolist())
    if isinstance(thing, float) and not math.isfinite(thing):
        return None
    if thing is None or isinstance(thing, bool | int | float | str):
        return thing
    return str(thing)
