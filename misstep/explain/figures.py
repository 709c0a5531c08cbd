"""How a number is written for a reader: four decimals as in a textbook, or all it has.

Knows numbers and nothing of graphs. `terms.py` uses it inside formulas.
"""

from __future__ import annotations

import math

# Sizes that four decimals serve well; outside of them a number is written with a power of ten.
SMALLEST, LARGEST = 1e-3, 1e6
DECIMALS = 4
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def figure(number: float) -> str:
    """Return `number` with a true minus sign: short ones as they are, others with four decimals.

    >>> figure(0.30000000000000004), figure(-0.0520123), figure(-3.1e-7)
    ('0.3', '−0.0520', '−3.1×10⁻⁷')
    """
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "∞" if number > 0 else "−∞"
    size = abs(number)
    if size == 0:
        return "0"
    if size.is_integer() and size < 1e9:
        text = str(int(size))
    elif SMALLEST <= size < LARGEST:
        text = f"{size:.{DECIMALS}f}"
        if math.isclose(float(text), size, rel_tol=1e-12):
            text = text.rstrip("0")
    else:
        digits, power = f"{size:.3e}".split("e")
        digits = digits.rstrip("0").rstrip(".")
        text = f"{digits}×10{str(int(power)).translate(_RAISED)}"
    return f"−{text}" if number < 0 else text


def in_full(number: float) -> str:
    """Return `number` with every digit that tells it from its neighbors, and a true minus sign."""
    if not math.isfinite(number):
        return figure(number)
    return repr(float(number)).replace("-", "−")


def counted(number: int, one: str, several: str | None = None) -> str:
    """Return a count with its noun: `1 path`, `3 paths`, `12,000 paths`."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"
