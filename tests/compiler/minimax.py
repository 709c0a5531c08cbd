"""Makes the polynomials of misstep/compiler/vector_math anew. Run by hand; needs mpmath.

    pip install mpmath && python tests/compiler/minimax.py

For each it prints the largest error on its interval as a power of two, before and after rounding
the coefficients to doubles, and whether they are the ones in the source.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath as mp

from misstep.compiler.language.vector_math import (
    error_function,
    exponentials,
    logarithms,
    powers,
    powers_of_e,
    sigmoids,
    trigonometry,
)

mp.mp.dps = 60
Real = Any
Function = Callable[[Real], Real]


@dataclass(frozen=True)
class Wanted:
    """What a polynomial is to come near: `function` from `low` to `high`, errors times `weight`."""

    made: tuple[float, ...]
    function: Function
    weight: Function
    low: Real
    high: Real

    def exchange(self) -> tuple[list[Real], Real]:
        """Return coefficients whose largest error is least, and that error (E. Remez, 1934)."""
        count = len(self.made)
        grid = 40 * (count + 1)
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        xs = [middle - half * mp.cos(mp.pi * k / (grid - 1)) for k in range(grid)]
        values, weights = [self.function(x) for x in xs], [self.weight(x) for x in xs]
        chosen = [round(k * (grid - 1) / count) for k in range(count + 1)]
        for _ in range(40):
            # The error is the same at all chosen points, its sign changes from each to the next.
            system, right = mp.matrix(count + 1, count + 1), mp.matrix(count + 1, 1)
            for row, k in enumerate(chosen):
                for power in range(count):
                    system[row, power] = xs[k] ** power * weights[k]
                system[row, count] = (-1) ** row
                right[row] = values[k] * weights[k]
            solved = list(mp.lu_solve(system, right))
            coefficients, level = solved[:count], abs(solved[count])
            errors = [
                weight * (value - mp.polyval(coefficients[::-1], x))
                for x, value, weight in zip(xs, values, weights, strict=True)
            ]
            worst = max(map(abs, errors))
            extreme_points = extremes(errors, count + 1)
            if worst <= level * mp.mpf("1.001") or len(extreme_points) <= count:
                break
            chosen = extreme_points
        return coefficients, worst

    def error(self, coefficients: list[float]) -> Real:
        """Return the largest error of given coefficients, on a fine grid."""
        exact = [mp.mpf(coefficient) for coefficient in coefficients[::-1]]
        xs = (self.low + (self.high - self.low) * k / 2000 for k in range(2001))
        return max(abs(self.weight(x) * (self.function(x) - mp.polyval(exact, x))) for x in xs)


def extremes(errors: list[Real], count: int) -> list[int]:
    """Return the places of the largest errors of alternating sign, `count` of them."""
    places, largest = [], 0
    for k in range(1, len(errors)):
        if (errors[k] > 0) != (errors[largest] > 0):
            places.append(largest)
            largest = k
        elif abs(errors[k]) > abs(errors[largest]):
            largest = k
    places.append(largest)
    while len(places) > count:
        places.pop(0 if abs(errors[places[0]]) < abs(errors[places[-1]]) else -1)
    return places


def series(function: Function, limit: Real) -> Function:
    """Return a function that is `limit` where it can't be worked out, at 0."""
    return lambda x: function(x) if abs(x) > mp.mpf("1e-18") else mp.mpf(limit)


def of_root(function: Function) -> Function:
    """Return the function of x that is given as a function of √x."""
    return lambda x: function(mp.sqrt(x))


LN2_HALF = mp.log(2) / 2 * mp.mpf("1.0001")
ROOT_HALF = mp.sqrt(mp.mpf("0.5"))
RATIO = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1) * mp.mpf("1.0001")) ** 2
EIGHTH_TURN = (mp.pi / 4 * mp.mpf("1.001")) ** 2
ERF_SLOPE = 2 / mp.sqrt(mp.pi)

exp_slope = series(lambda r: mp.expm1(r) / r, 1)
log_slope = series(lambda f: mp.log1p(f) / f, 1)
erf_slope = series(lambda x: mp.erf(x) / x, ERF_SLOPE)
center = mp.mpf(error_function.FAR_CENTER)
seam = mp.mpf(error_function.NEAR_END)

ALL = {
    "exponentials.SHORT": Wanted(
        exponentials.SHORT, exp_slope, lambda r: 1 / exp_slope(r), -LN2_HALF, LN2_HALF
    ),
    "exponentials.LONG": Wanted(
        exponentials.LONG,
        series(lambda r: (mp.expm1(r) - r) / r**2, 0.5),
        series(lambda r: r**2 / mp.expm1(r), 0),
        -LN2_HALF,
        LN2_HALF,
    ),
    "powers_of_e.RISE": Wanted(
        powers_of_e.RISE,
        series(lambda r: (mp.expm1(r) - r) / r**2, 0.5),
        lambda r: r**2 / mp.exp(r),
        -LN2_HALF,
        LN2_HALF,
    ),
    "logarithms.SHORT": Wanted(
        logarithms.SHORT, log_slope, lambda f: 1 / log_slope(f), ROOT_HALF - 1, 2 * ROOT_HALF - 1
    ),
    "logarithms.LONG": Wanted(
        logarithms.LONG,
        of_root(series(lambda s: (2 * mp.atanh(s) / s - 2) / s**2, mp.mpf(2) / 3)),
        lambda z: z / 2,
        mp.mpf(0),
        RATIO,
    ),
    "sigmoids.SOFTPLUS_SHORT": Wanted(
        sigmoids.SOFTPLUS_SHORT, log_slope, lambda y: 1 / log_slope(y), mp.mpf(0), mp.mpf(1)
    ),
    "sigmoids.TANH_SHORT": Wanted(
        sigmoids.TANH_SHORT,
        of_root(series(lambda x: (mp.tanh(x) - x) / x**3, -mp.mpf(1) / 3)),
        of_root(series(lambda x: x**3 / mp.tanh(x), 0)),
        mp.mpf(0),
        mp.mpf("0.5502") ** 2,
    ),
    "sigmoids.TANH_LONG": Wanted(
        sigmoids.TANH_LONG,
        of_root(series(lambda x: (mp.tanh(x) - x) / x**3, -mp.mpf(1) / 3)),
        of_root(series(lambda x: x**3 / mp.tanh(x), 0)),
        mp.mpf(0),
        mp.mpf("0.5502") ** 2,
    ),
    "error_function.NEAR_SHORT": Wanted(
        error_function.NEAR_SHORT,
        of_root(lambda x: erf_slope(x) - 1),
        of_root(lambda x: 1 / erf_slope(x)),
        mp.mpf(0),
        seam**2,
    ),
    "error_function.FAR_SHORT": Wanted(
        error_function.FAR_SHORT,
        lambda t: mp.log(mp.erfc(t + center)),
        lambda t: mp.erfc(t + center) / mp.erf(t + center),
        seam - center,
        mp.mpf(error_function.FLOAT_END) - center,
    ),
    "error_function.NEAR": Wanted(
        error_function.NEAR,
        of_root(lambda x: erf_slope(x) - 1),
        of_root(lambda x: 1 / erf_slope(x)),
        mp.mpf(0),
        seam**2,
    ),
    "error_function.FAR": Wanted(
        error_function.FAR,
        lambda t: mp.log(mp.erfc(t + center)),
        lambda t: mp.erfc(t + center) / mp.erf(t + center),
        seam - center,
        mp.mpf("5.95") - center,
    ),
    "powers.ARTANH": Wanted(
        powers.ARTANH,
        of_root(series(lambda s: (mp.atanh(s) / s - 1 - s**2 / 3) / s**4, mp.mpf(1) / 5)),
        lambda z: z * z,
        mp.mpf(0),
        RATIO,
    ),
    "trigonometry.SIN_SHORT": Wanted(
        trigonometry.SIN_SHORT,
        of_root(series(lambda r: (mp.sin(r) - r) / r**3, -mp.mpf(1) / 6)),
        lambda z: z,
        mp.mpf(0),
        EIGHTH_TURN,
    ),
    "trigonometry.COS_SHORT": Wanted(
        trigonometry.COS_SHORT,
        of_root(series(lambda r: (mp.cos(r) - 1) / r**2, -mp.mpf(1) / 2)),
        lambda z: z,
        mp.mpf(0),
        EIGHTH_TURN,
    ),
    "trigonometry.SIN_LONG": Wanted(
        trigonometry.SIN_LONG,
        of_root(series(lambda r: (mp.sin(r) - r) / r**3, -mp.mpf(1) / 6)),
        lambda z: z,
        mp.mpf(0),
        EIGHTH_TURN,
    ),
    "trigonometry.COS_LONG": Wanted(
        trigonometry.COS_LONG,
        of_root(series(lambda r: (mp.cos(r) - 1 + r**2 / 2) / r**4, mp.mpf(1) / 24)),
        lambda z: z * z,
        mp.mpf(0),
        EIGHTH_TURN,
    ),
}


def main() -> None:
    for name, approximation in ALL.items():
        coefficients, least = approximation.exchange()
        rounded = [float(coefficient) for coefficient in coefficients]
        error = approximation.error(rounded)
        verdict = (
            "as in the source" if tuple(rounded) == approximation.made else "NOT in the source"
        )
        in_source = approximation.error(list(approximation.made))
        least, error, in_source = (
            f"2^{float(mp.log(one, 2)):.1f}" for one in (least, error, in_source)
        )
        print(f"{name}: {least}, rounded {error}, in the source {in_source}: {verdict}")
        if tuple(rounded) != approximation.made:
            print(*map(repr, rounded), sep=",\n")


if __name__ == "__main__":
    main()
