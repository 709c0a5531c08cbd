"""Columns gone through in strips of one width, and narrower ones at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from misstep.compiler.language.code import Number


def over_strips(
    code: Any,
    count: int,
    width: int,
    write: Callable[[Number, int], None],
    hint: str = "strips",
    lanes: int = 0,
) -> None:
    """Write what is done for each strip of `count` columns.

    `write`: gets its first column and how many it has. `lanes`: of a vector, for strips that are
    tiles' columns: where the last one would be one vector alone behind one of three, which has too
    few sums to keep a processor busy, both are made of two.
    """
    whole = count // width * width
    shared = bool(lanes) and width == 3 * lanes and whole and 0 < count - whole <= lanes
    if shared:
        whole -= width
    if whole == width:
        write(code.index(0), width)
    elif whole:
        with code.loop(0, whole, width, hint=hint) as loop:
            write(loop.index, width)
    if shared:
        write(code.index(whole), 2 * lanes)
        whole += 2 * lanes
    if count > whole:
        write(code.index(whole), count - whole)
