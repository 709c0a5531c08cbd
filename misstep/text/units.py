"""What has a unit: times, bytes, large counts in thousands and millions, lengths beside each other.

Knows numbers only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from misstep.text.figures import three_figures

__all__ = ["bytes_from_words", "bytes_in_words", "duration", "in_thousands", "shape_in_words"]

_LARGE = ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k"))
_BYTES = ((1e9, " GB"), (1e6, " MB"), (1e3, " kB"))


def duration(seconds: float) -> str:
    """Return a time as people say it.

    >>> duration(8), duration(125), duration(12_000)
    ('8 s', '2 min 5 s', '3 h 20 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def in_thousands(number: float) -> str:
    """Return a large number in thousands, millions …

    >>> in_thousands(999), in_thousands(25_690_112), in_thousands(32768)
    ('999', '25.7 M', '32.8 k')
    """
    return _in_units(number, _LARGE, "")


def bytes_in_words(number: float) -> str:
    """Return a number of bytes in the unit that fits.

    >>> bytes_in_words(512), bytes_in_words(401408)
    ('512 B', '401 kB')
    """
    return _in_units(number, _BYTES, " B")


def _in_units(number: float, units: Sequence[tuple[float, str]], small: str) -> str:
    for size, unit in units:
        # So that 999,999 is a million and not 1,000 k.
        if number >= 0.9995 * size:
            return three_figures(number / size) + unit
    return f"{number:.0f}{small}"


def shape_in_words(shape: Sequence[int]) -> str:
    """Return lengths with a sign between them.

    >>> shape_in_words((128, 10)), shape_in_words(())
    ('128 × 10', 'one number')
    """
    return " × ".join(map(str, shape)) if shape else "one number"


_WRITTEN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(|[kmgt]i?)b?\s*", re.IGNORECASE)
_THOUSANDS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def bytes_from_words(words: str) -> int | None:
    """Return a number of bytes that somebody wrote; None where it is none.

    >>> bytes_from_words("4GB"), bytes_from_words("1.5 MiB"), bytes_from_words("much")
    (4000000000, 1572864, None)
    """
    found = _WRITTEN.fullmatch(words)
    if found is None:
        return None
    unit = found[2].lower()
    return int(float(found[1]) * (1024 if unit.endswith("i") else 1000) ** _THOUSANDS[unit[:1]])
