"""Columns gone through in strips of one width, and a narrower one at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from misstep.compiler.language.code import Number


def over_strips(
    code: Any, count: int, width: int, write: Callable[[Number, int], None], hint: str = "strips"
) -> None:
    """Write what is done for each strip of `count` columns.

    `write`: gets its first column and how many it has.
    """
    whole = count // width * width
    if whole == width:
        write(code.index(0), width)
    elif whole:
        with code.loop(0, whole, width, hint=hint) as loop:
            write(loop.index, width)
    if count > whole:
        write(code.index(whole), count - whole)
