"""Functions of mathematics in generated code: how exact they are, their limits, and their bits.

Oracles: for floats NumPy and SciPy in double, for doubles the system's library in long double (the
80-bit kind; where a system has none, these cases are left out). An error is counted in units in the
last place (ulp) of the exact result. Subnormal numbers, given and computed, are zeros.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
from native_functions import function_text, native
from scipy import special as scipy_special

from misstep.compiler.codegen.target import Target
from misstep.compiler.language import vector_math
from misstep.compiler.language.code import Number
from misstep.compiler.language.element_code import ElementCode
from misstep.compiler.language.vector_math import evaluation, large_angles
from misstep.compiler.passes.facts import flushed
from misstep.compiler.runtime.targets import avx2_target, host_target
from misstep.errors import NotYetError
from misstep.ir import Array

try:
    HOST = host_target()
except NotYetError as reason:
    pytest.skip(str(reason), allow_module_level=True)

NAMES = vector_math.__all__
UNARY = [name for name in NAMES if name != "power"]
DTYPES = {"float": np.float32, "double": np.float64}
LONG = np.longdouble
HAS_LONG = np.finfo(LONG).nmant >= 63
needs_long = pytest.mark.skipif(not HAS_LONG, reason="long double is no longer than double here")

# The largest errors found among 10^8 floats and 10^7 doubles, rounded up. Promised are 2.
WORST = {
    "acos": (0.501, 0.8),
    "acosh": (0.501, 0.85),
    "asin": (0.501, 0.85),
    "asinh": (0.501, 1.25),
    "atan": (0.501, 1.45),
    "atanh": (0.501, 0.85),
    "cosh": (0.501, 0.95),
    "sinh": (0.501, 0.95),
    "tan": (0.502, 1.05),
    "cos": (0.502, 0.85),
    "erf": (1.2, 1.15),
    "exp": (1.0, 0.8),
    "expm1": (0.505, 1.4),
    "log": (0.502, 0.85),
    "log1p": (0.503, 0.9),
    "power": (0.502, 1.25),
    "sigmoid": (1.5, 0.8),
    "sin": (0.502, 0.85),
    "softplus": (0.503, 1.45),
    "tanh": (1.35, 1.4),
}

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@cache
def compiled(name: str, kind: str, lanes: int = 16, target: Target = HOST) -> Callable[..., Array]:
    count = 2 if name == "power" else 1
    return native(written(name), (kind,) * count, lanes, target)


def written(name: str) -> Callable[..., Number]:
    def body(code: ElementCode, *x: Number) -> Number:
        made: Number = getattr(code, name)(*x)
        return made

    return body


def exact(name: str, *given: Array) -> Array:
    """Return the function in the precision of what is given."""
    (x, *_) = given
    if name == "sigmoid":
        small = np.exp(-np.abs(x))
        return np.asarray(np.where(x >= 0, 1, small) / (1 + small))
    if name == "softplus":
        return np.asarray(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))
    if name == "erf":
        return np.asarray(scipy_special.erf(x) if x.dtype != LONG else long_erf(x))
    return np.asarray(getattr(np, name)(*given))


def long_erf(x: Array) -> Array:
    """Return erf by 2/√π · exp(−x²) · Σ 2ᵏ x²ᵏ⁺¹ / (2k+1)!!, whose terms are all positive."""
    size = np.minimum(np.abs(x), 7)
    term = total = size
    for k in range(1, 250):
        term = term * (2 * size * size) / (2 * k + 1)
        total = total + term
    root = np.sqrt(LONG(4) * np.arctan(LONG(1)))
    return np.copysign(2 / root * np.exp(-size * size) * total, x)


def errors(actual: Array, expected: Array) -> Array:
    """Return errors in ulp; inf where one is NaN or infinite and the other isn't.

    What lies below the smallest normal number, or above by less than rounding may err, may be 0.
    """
    rounded = expected.astype(actual.dtype)
    with np.errstate(all="ignore"):
        error = np.abs(actual.astype(expected.dtype) - expected) / np.spacing(np.abs(rounded))
    least, near = np.finfo(actual.dtype).smallest_normal, 1 + 2 * np.finfo(actual.dtype).eps
    error = np.where((actual == 0) & (np.abs(expected) < least * near), 0, error)
    error = np.where((actual != 0) & (np.abs(actual) < least), np.inf, error)
    same = (actual == rounded) | (np.isnan(actual) & np.isnan(rounded))
    return np.where(np.isfinite(rounded) & np.isfinite(actual), error, np.where(same, 0, np.inf))


def check(name: str, kind: str, *given: Array) -> None:
    results = compiled(name, kind)(*given)
    wide = np.float64 if kind == "float" else LONG
    off = errors(results, exact(name, *(flushed(array).astype(wide) for array in given)))
    worst = int(np.argmax(off))
    bound = WORST[name][kind == "double"]
    inputs = [array[worst] for array in given]
    assert off[worst] <= bound, f"{name}{inputs} = {results[worst]!r} is {off[worst]} ulp off"


# How exact


def test_promises() -> None:
    assert set(WORST) == set(NAMES)
    assert all(short <= 2 and long <= 2 for short, long in WORST.values())


@pytest.mark.parametrize("name", UNARY)
def test_floats_of_every_size(name: str) -> None:
    """Bit patterns of floats at even distances: both signs, all exponents, NaNs too."""
    # What is worked out in double has no other errors than rounding: fewer say as much.
    step = 1999 if WORST[name][0] < 0.51 else 499
    check(name, "float", np.arange(0, 2**32, step, dtype=np.uint32).view(np.float32))


@pytest.mark.parametrize("name", UNARY)
def test_floats_of_middle_size(name: str) -> None:
    check(name, "float", np.linspace(-20, 20, 400_001).astype(np.float32))


def middle(random: np.random.Generator, count: int) -> Iterator[Array]:
    """Yield doubles where something happens: around 0 and 1, at limits, where formulas change."""
    yield random.integers(0, 2**64, count, dtype=np.uint64).view(np.float64)
    yield random.uniform(-1, 1, count)
    yield random.uniform(-10, 10, count)
    yield random.uniform(-750, 750, count)
    yield np.exp(random.uniform(-40, 3, count)) * random.choice([-1.0, 1.0], count)
    seams = np.array([*(np.arange(-30, 31) * np.log(2) / 2), np.sqrt(0.5), np.sqrt(2.0), 1.0, 0.25])
    seams = np.concatenate([seams, [0.5493061443340549, 1.25, 5.95, -1, -708.4, 709.78, -745.1]])
    yield random.choice(seams, count) * (1 + random.uniform(-1, 1, count) * 1e-3)
    yield random.choice(seams, count) * (1 + random.integers(-9, 9, count) * 2.0**-52)


@needs_long
@pytest.mark.parametrize("name", UNARY)
def test_doubles(name: str) -> None:
    for x in middle(np.random.default_rng(1), 20_000):
        check(name, "double", x)


@pytest.mark.parametrize("kind", ["float", pytest.param("double", marks=needs_long)])
def test_powers(kind: str) -> None:
    random, count, dtype = np.random.default_rng(2), 20_000, DTYPES[kind]
    most = 88.0 if kind == "float" else 709.0
    for spread in (1e-5, 0.4, 5.0, most):
        logarithm = random.uniform(-spread, spread, count)
        # Results of all sizes, down to those that have lost all bits.
        a, b = np.exp(logarithm), random.uniform(-1.07, 1.0, count) * most / logarithm
        check("power", kind, a.astype(dtype), b.astype(dtype))
    whole = random.integers(-30, 31, count)
    check("power", kind, random.uniform(-9, 9, count).astype(dtype), whole.astype(dtype))
    words = random.integers(0, 2**64, (2, count), dtype=np.uint64)
    a, b = words.view(np.float64) if kind == "double" else words.view(np.float32)[:, :count]
    check("power", kind, a, b)


# Angles


def near_quarter_turns() -> Array:
    """Return the doubles nearest to multiples of π/2, where a sine or a cosine almost vanishes."""
    random = np.random.default_rng(3)
    turns = np.concatenate([np.arange(1, 3000), np.exp(random.uniform(8, 40, 3000)).round()])
    x = (turns.astype(LONG) * (LONG(2) * np.arctan(LONG(1)))).astype(np.float64)
    around = [x, np.nextafter(x, 0), np.nextafter(x, np.inf), 2.0**27 + np.arange(-50, 50) * 2**-20]
    return np.concatenate([*around, -x])


def scaled_arctan_of_inverse(number: int, scale: int) -> int:
    """Return scale · arctan(1/number), cut off, by its series."""
    power = total = scale // number
    for k in range(3, 2000, 2):
        power //= -number * number
        total += power // k
    return total


def test_digits_of_pi() -> None:
    """Against π/4 = 4 arctan(1/5) − arctan(1/239) in whole numbers (J. Machin, 1706)."""
    scale = 1 << 1500
    fourth = 4 * scaled_arctan_of_inverse(5, scale) - scaled_arctan_of_inverse(239, scale)
    bits = 64 * (len(large_angles.TWO_OVER_PI_BITS) - 1)
    digits = (scale << bits) // (2 * fourth)
    for word in reversed(large_angles.TWO_OVER_PI_BITS):
        assert word == digits % 2**64
        digits >>= 64
    parts = sum(map(Fraction, large_angles.QUARTER_TURN))
    assert abs(parts - Fraction(2 * fourth, scale)) < Fraction(1, 2**162)


def test_digits_of_ln_2() -> None:
    """Against ln 2 = 18 artanh(1/26) − 2 artanh(1/4801) + 8 artanh(1/8749) in fractions."""

    def artanh_of_inverse(number: int) -> Fraction:
        return sum((Fraction(1, k * number**k) for k in range(1, 60, 2)), Fraction(0))

    exactly = 18 * artanh_of_inverse(26) - 2 * artanh_of_inverse(4801)
    exactly += 8 * artanh_of_inverse(8749)
    high, low = Fraction(evaluation.LN2_HIGH), Fraction(evaluation.LN2_LOW)
    assert abs(high + low - exactly) < Fraction(1, 2**98)
    assert (high * 2**42).denominator == 1
    assert float(exactly) == evaluation.LN2


@needs_long
@pytest.mark.parametrize("name", ["sin", "cos"])
def test_angles_near_whole_quarter_turns(name: str) -> None:
    x = near_quarter_turns()
    check(name, "double", x)
    check(name, "float", x.astype(np.float32))


@pytest.mark.parametrize("lanes", [0, 16])
def test_the_worst_angle_of_all(lanes: int) -> None:
    """Of all doubles, 6381956970095103 · 2^797 is nearest to a multiple of π/2.

    The cosine is from J.-M. Muller, "Elementary Functions", 3rd edition, chapter 11.
    """
    x = np.array([6381956970095103.0 * 2.0**797, 1.0, np.inf, -6381956970095103.0 * 2.0**797])
    cosine = compiled("cos", "double", lanes)(x)
    assert cosine[0] == cosine[3] == -4.687165924254627611122582801963884e-19
    assert cosine[1] == np.cos(1.0)
    assert np.isnan(cosine[2])
    np.testing.assert_array_equal(compiled("sin", "double", lanes)(x)[[0, 3]], [1.0, -1.0])


# Limits

SPECIAL = [
    *(0.0, 1.0, 0.5, 2.0, np.inf, np.nan, 5e-324, 3e-310, 2.2250738585072014e-308, 1e-300, 1e-45),
    *(1e-40, 1.2e-38, 2.0**-53, 2.0**-54, 2.0**-26, 0.999999, 1 - 2.0**-53, 1 + 2.0**-52, 4.0),
    *(9.0, 19.0, 20.0, 37.0, 40.0, 87.33, 88.72, 88.73, 103.97, 104.0, 708.0, 709.7827128933840),
    *(709.7827128933841, 745.1332191019411, 745.1332191019412, 746.0, 750.0, 1e10, 3.4e38, 1e300),
    *(1.7976931348623157e308, 2.0**53, 2.0**53 + 2, 2.0**1000, 3.0, 1.5, 2.5, 1023.0, 1074.0, 1075),
]


PLAIN = [0.0, 1.0, np.inf, np.nan]


def special(name: str, kind: str, numbers: list[float]) -> tuple[Array, ...]:
    one_sided = np.array(numbers).astype(DTYPES[kind])
    x = np.concatenate([one_sided, -one_sided])
    return (x,) if name != "power" else tuple(side.ravel() for side in np.meshgrid(x, x))


@pytest.mark.parametrize("kind", ["float", pytest.param("double", marks=needs_long)])
@pytest.mark.parametrize("name", NAMES)
def test_where_numbers_end(name: str, kind: str) -> None:
    """Overflow, underflow and the sign of what is left: as of the exact result, rounded."""
    given = special(name, kind, SPECIAL)
    check(name, kind, *given)
    actual = compiled(name, kind)(*given)
    wide = LONG if kind == "double" else np.float64
    exactly = exact(name, *(flushed(array).astype(wide) for array in given))
    expected = exactly.astype(DTYPES[kind])
    number = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(actual[number]), np.signbit(expected[number]))


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_limits_are_numpy_s(name: str, kind: str) -> None:
    given = special(name, kind, [*PLAIN, 2.0, 3.0, 0.5, -1.5] if name == "power" else PLAIN)
    actual, expected = compiled(name, kind)(*given), exact(name, *given)
    np.testing.assert_allclose(actual, expected, rtol=1e-6)
    number = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(actual[number]), np.signbit(expected[number]))


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("name", ["sin", "tanh", "erf"])
def test_odd_functions_are_odd_to_the_last_bit(name: str, kind: str) -> None:
    x = np.random.default_rng(4).uniform(-6, 6, 10_000).astype(DTYPES[kind])
    function = compiled(name, kind)
    np.testing.assert_array_equal(function(-x), -function(x))


# The same bits everywhere

WAYS: list[tuple[int, Target]] = [(0, HOST), (4, HOST), (8, HOST)]
if HOST.machine == "x86_64":
    WAYS += [(16, avx2_target()), (4, avx2_target())]


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_processor_and_lanes_change_no_bit(name: str, kind: str) -> None:
    random = np.random.default_rng(5)
    x = np.concatenate([random.uniform(-9, 9, 4000), random.uniform(-200, 200, 4000), SPECIAL])
    x = np.concatenate([x, -x, near_quarter_turns()]).astype(DTYPES[kind])
    given = (x,) if name != "power" else (np.abs(x), random.permutation(x))
    expected = as_bits(compiled(name, kind)(*given))
    for lanes, target in WAYS:
        actual = as_bits(native(written(name), (kind,) * len(given), lanes, target)(*given))
        np.testing.assert_array_equal(actual, expected, err_msg=f"{lanes} lanes, {target.name}")


def as_bits(x: Array) -> Array:
    """Return numbers as their bits; all NaNs count as one, since their bits mean nothing."""
    return np.where(np.isnan(x), np.nan, x).astype(x.dtype).view(f"u{x.dtype.itemsize}")


# IEEE 754 fixes what these give; everything else is moving bits about.
ALLOWED = {
    *("add", "sub", "and", "or", "xor", "shl", "lshr", "mul", "trunc", "zext", "sitofp", "icmp"),
    *("fadd", "fsub", "fmul", "fdiv", "fneg", "fcmp", "fpext", "fptrunc", "bitcast", "select"),
    *("load", "getelementptr", "phi", "extractelement", "insertelement", "extractvalue"),
    *("insertvalue", "call"),
}
ALLOWED_CALLS = {
    *("llvm.fma", "llvm.fabs", "llvm.copysign", "llvm.roundeven", "llvm.vector.reduce.or"),
    *("llvm.sqrt", "llvm.fshl", "llvm.ctlz", "misstep_large_angle", "llvm.canonicalize"),
}


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_only_operations_that_every_processor_does_alike(name: str, kind: str) -> None:
    text, _ = function_text(written(name), (kind,) * (2 if name == "power" else 1), 16, HOST)
    text = re.sub(r"define void @f\(.*?\n}\n", "", text, flags=re.S)  # what sets the arithmetic
    lines: list[Any] = re.findall(r"^ +%\w+ = (\w+) (.*)$", text, re.M)
    assert lines
    assert {word for word, _ in lines} <= ALLOWED
    called = {
        re.sub(r"\.[vif]\w*$", "", match) for match in re.findall(r"call [^@]*@([\w.]+)\(", text)
    }
    assert called <= ALLOWED_CALLS
    # No leave to reorder, to fuse or to approximate.
    assert not re.search(r"\b(fast|contract|reassoc|arcp|afn|nnan|ninf|nsz)\b", text)
    # One branch into the loop and one back; sine, cosine and tangent have theirs for large angles.
    assert (text.count("br ") == 2) == (name not in {"sin", "cos", "tan"})
