"""How a number is written for a reader: with so many figures as serve the place where it stands.

Knows numbers only. What has a unit is in `units.py`.
"""

from __future__ import annotations

import math
import re

__all__ = [
    "amount",
    "beside_itself",
    "figure",
    "four_figures",
    "in_full",
    "percent",
    "power_of_ten",
    "some_figures",
    "three_figures",
    "true_minus",
]

# Sizes that four decimals serve well; outside of them a number is written with a power of ten.
SMALLEST, LARGEST = 1e-3, 1e6
DECIMALS = 4
# Beyond these nobody counts digits.
VAST, FINE = 1e12, 1e-4
# Below this three decimals are all 0.
LEAST = 5e-4
_NOTHING = re.compile(r"^-(0(?:\.0*)?)$")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def true_minus(text: str) -> str:
    """Return a number that is written already, with a true minus sign for a hyphen.

    What is rounded to 0 has none.

    >>> true_minus(f"{-0.25:.3f}"), true_minus(f"{-0.0001:.3f}")
    ('−0.250', '0.000')
    """
    return _NOTHING.sub(r"\1", text).replace("-", "−")


def figure(number: float) -> str:
    """Return `number` as in a textbook: short ones as they are, others with four decimals.

    >>> figure(0.30000000000000004), figure(-0.0520123), figure(-3.1e-7), figure(2e5 - 3e-11)
    ('0.3', '−0.0520', '−3.1×10⁻⁷', '200000')
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
            text = text.rstrip("0").rstrip(".")
    else:
        text = _with_power(size, DECIMALS)
    return f"−{text}" if number < 0 else text


def _with_power(size: float, figures: int) -> str:
    """Return a size with a power of ten, in so many figures at most."""
    digits, power = f"{size:.{figures - 1}e}".split("e")
    digits = digits.rstrip("0").rstrip(".")
    return f"{digits}×{power_of_ten(int(power))}"


def power_of_ten(power: int) -> str:
    """Return a power of ten as people write it.

    >>> power_of_ten(-4)
    '10⁻⁴'
    """
    return f"10{str(power).translate(_RAISED)}"


def in_full(number: float) -> str:
    """Return `number` with every digit that tells it from its neighbors.

    >>> in_full(-0.1), in_full(0.30000000000000004)
    ('−0.1', '0.30000000000000004')
    """
    if not math.isfinite(number):
        return figure(number)
    return true_minus(repr(float(number)))


def amount(number: float) -> str:
    """Return a number for a column of them: four decimals, or none where it is large.

    >>> amount(-0.25), amount(-452600.4)
    ('−0.25', '−452,600')
    """
    if not 1000 <= abs(number) < 1e9:
        return figure(number)
    return true_minus(f"{number:,.0f}")


def three_figures(number: float) -> str:
    """Return a number with three figures, whole ones with all of theirs.

    What three decimals would make 0 has a power of ten.

    >>> three_figures(0.12345), three_figures(23.456), three_figures(12345.6), three_figures(0)
    ('0.123', '23.5', '12,346', '0')
    >>> three_figures(-2.4711e-06)
    '−2.47×10⁻⁶'
    """
    if number == 0:
        return "0"
    size = abs(number)
    if VAST <= size < math.inf or size < LEAST:
        return ("−" if number < 0 else "") + _with_power(size, 3)
    if size < 10:
        return true_minus(f"{number:.{2 if size >= 1 else 3}f}")
    return true_minus(f"{number:.1f}" if size < 100 else f"{number:,.0f}")


def four_figures(number: float) -> str:
    """Return a number of any size with four figures or, from a thousand on, all whole ones.

    >>> four_figures(51353.2), four_figures(0.123456), four_figures(2), four_figures(6e20)
    ('51,353', '0.1235', '2.000', '6×10²⁰')
    """
    size = abs(number)
    if VAST <= size < math.inf or 0 < size < FINE:
        return ("−" if number < 0 else "") + _with_power(size, 4)
    return true_minus(f"{number:,.0f}" if 1e3 <= abs(number) < 1e15 else f"{number:#.4g}")


def some_figures(number: float, count: int, *, signed: bool = False) -> str:
    """Return a number with at most `count` figures or, before the point, all whole ones.

    `signed`: with a + before what is above 0.

    >>> some_figures(2208.134, 6), some_figures(1513246.3, 4), some_figures(-4.28116e-06, 6)
    ('2,208.13', '1,513,246', '−4.28116×10⁻⁶')
    """
    size = abs(number)
    plus = "+" if signed and number > 0 else ""
    if VAST <= size < math.inf or 0 < size < FINE:
        return ("−" if number < 0 else plus) + _with_power(size, count)
    text = f"{number:,.{count}g}"
    return plus + true_minus(f"{number:,.0f}" if "e" in text else text)


def beside_itself(ratio: float) -> str:
    """Return how large a change is beside the thing itself.

    >>> beside_itself(0.443), beside_itself(1.0), beside_itself(21.62)
    ('44.3% of itself', '100.0% of itself', '21.6 times its own size')
    """
    if ratio <= 1.0:
        return f"{percent(ratio)} of itself"
    return f"{three_figures(ratio)} times its own size"


def percent(share: float) -> str:
    """Return a share of 1 as people write it.

    >>> percent(0.97222), percent(0.5), percent(10.167)
    ('97.2%', '50.0%', '1,017%')
    """
    return true_minus(f"{share:.1%}" if abs(share) < 10 else f"{share:,.0%}")
