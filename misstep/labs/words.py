"""How labs write numbers of any size: in few figures, so that they stand in sentences and tables.

Knows numbers only.
"""

from __future__ import annotations

import math

from misstep.text.figures import figure, power_of_ten, true_minus

__all__ = ["four_decimals", "times", "two_figures"]

# From a thousand on there are commas, from a million on powers of ten.
THOUSAND, MILLION = 1e3, 1e6


def two_figures(number: float) -> str:
    """Return a number of any size in two figures.

    >>> two_figures(1.93e-06), two_figures(0.5651), two_figures(38412.0), two_figures(2.49e9)
    ('1.9×10⁻⁶', '0.57', '38,000', '2.5×10⁹')
    """
    if not math.isfinite(number):
        return figure(number)
    rounded = float(f"{number:.1e}")
    if abs(rounded) < THOUSAND:
        return figure(rounded)
    if abs(rounded) < MILLION:
        return true_minus(f"{rounded:,.0f}")
    power = math.floor(math.log10(abs(rounded)))
    return true_minus(f"{rounded / 10.0**power:.2g}×{power_of_ten(power)}")


def four_decimals(number: float) -> str:
    """Return a share with four decimals.

    >>> four_decimals(0.00106)
    '0.0011'
    """
    return f"{number:.4f}"


def times(factor: float) -> str:
    """Return a large factor as a whole number, with its thousands apart.

    >>> times(170_859.4), times(2.06)
    ('170,859', '2.1')
    """
    return f"{factor:,.0f}" if factor >= 100 else f"{factor:.1f}"
