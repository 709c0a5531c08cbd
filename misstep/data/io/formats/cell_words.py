"""How typed cells are written in words, as pandas writes them in a CSV file.

Knows single values and columns of them; what words mean is decided elsewhere.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Sequence
from typing import Any

from misstep.errors import DataError

__all__ = ["column_in_words", "duration_in_words"]

MIDNIGHT = datetime.time()


def column_in_words(values: Sequence[Any], which: str, advice: str) -> list[str]:
    """Return the words of a column's cells, "" where nothing stands.

    Texts as they are; numbers in the shortest words that give them back; dates in the form of
    ISO 8601, without a time of day where all are midnight. `which`: the column, in errors;
    `advice`: what to try for cells that are none of these. Raises DataError.
    """
    times = any(
        isinstance(value, datetime.datetime) and value.timetz() != MIDNIGHT for value in values
    )
    words = []
    for row, value in enumerate(values):
        if value is None:
            words.append("")
        elif isinstance(value, str):
            words.append(value)
        elif isinstance(value, bool | int | float):
            words.append(repr(value))
        elif isinstance(value, datetime.datetime):
            words.append(str(value) if times else str(value.date()))
        elif isinstance(value, datetime.date | datetime.time | decimal.Decimal):
            words.append(f"{value:f}" if isinstance(value, decimal.Decimal) else str(value))
        elif isinstance(value, datetime.timedelta):
            words.append(duration_in_words(value))
        else:
            raise DataError(
                f"row {row + 1} of {which}",
                needed="a number, text, date or nothing",
                got=_kind(value),
                try_=advice,
            )
    return words


def duration_in_words(duration: datetime.timedelta) -> str:
    """Return a duration in hours, minutes and seconds.

    >>> import datetime
    >>> duration_in_words(datetime.timedelta(days=1, minutes=2))
    '24:02:00'
    """
    whole = abs(duration) // datetime.timedelta(seconds=1)
    sign = "-" if duration < datetime.timedelta() else ""
    return f"{sign}{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _kind(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return f"{len(value):,} bytes of binary data"
    if isinstance(value, dict):
        return "values within a value (an object)"
    if isinstance(value, list | tuple):
        return "values within a value (a list)"
    return f"a {type(value).__name__}"
