"""Every elementwise op, by being registered: what is compiled from `lower` against `run`.

An op is tried on its own examples, on numbers at the ends of their kinds, and on all kinds of
number that its `type` lets in. What is arithmetic must agree in every bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from native_functions import instructions, native

from misstep.compiler.codegen.target import Target
from misstep.compiler.language import vector_math
from misstep.compiler.language.code import LLVM_TYPES, Number
from misstep.compiler.language.element_code import ElementCode
from misstep.compiler.passes.facts import flushed
from misstep.compiler.runtime.targets import avx2_target, host_target
from misstep.errors import MisstepError, NotYetError
from misstep.ir import DTYPES, Array, Op, Type, registered_ops
from misstep.ops.comparison import Cast

try:
    HOST = host_target()
except NotYetError as reason:
    pytest.skip(str(reason), allow_module_level=True)

OPS = {name: kind for name, kind in registered_ops().items() if kind.elementwise}
# Which zero is the larger one is open.
SIGN_OF_ZERO_OPEN = {"maximum", "minimum", "relu"}
# NumPy's own functions are off by up to 4 ulp, and sigmoid and softplus are put together of them;
# tests/compiler/test_vector_math.py holds ours to less.
NUMPY_ULP = 6

FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.7, np.inf, -np.inf, np.nan, 1e-310, 3e38, -700, 90.25]
FLOATS += [1e-40, -1e-40, -1e-310, 1.2e-38, -3e-308, 1e-20, 1e-160]
WHOLE = [0, 1, -1, 2, 3, 2**31 - 1, -(2**31), 7, 2**31, -7]
WAYS: list[tuple[int, Target]] = [(16, HOST), (0, HOST)]
if HOST.machine == "x86_64":
    WAYS.append((16, avx2_target()))

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def numbers(dtype: str) -> Array:
    with np.errstate(all="ignore"):
        return np.array(FLOATS if dtype.startswith("float") else WHOLE).astype(dtype)


@cache
def compiled(op: Op, dtypes: tuple[str, ...], lanes: int, target: Target) -> Callable[..., Array]:
    types = [Type((), dtype) for dtype in dtypes]

    def body(code: ElementCode, *entries: Number) -> Number:
        made: Number = op.lower(code, types, *entries)
        return made

    return native(body, [LLVM_TYPES[dtype] for dtype in dtypes], lanes, target)


# Ops that call functions of vector_math and go on with what these give.
MADE_OF_FUNCTIONS = {"binary_cross_entropy"}


def check(op: Op, arrays: list[Array], lanes: int = 16, target: Target = HOST) -> None:
    """Compare what is compiled with what the op says of itself, where subnormal numbers are 0."""
    dtypes = tuple(array.dtype.name for array in arrays)
    expected = flushed(np.asarray(op.run(*map(flushed, arrays)))).reshape(-1)
    assert (
        op.type(*(Type(array.shape, array.dtype.name) for array in arrays)).dtype
        == expected.dtype.name
    )
    flat = [np.ascontiguousarray(array).reshape(-1) for array in np.broadcast_arrays(*arrays)]
    actual = compiled(op, dtypes, lanes, target)(*flat)
    actual = actual.view(expected.dtype) if actual.dtype.kind == "i" else actual
    assert actual.dtype == expected.dtype
    actual = flushed(actual)  # an op that only chooses may hand them on
    if op.name in vector_math.__all__:
        np.testing.assert_array_max_ulp(actual, expected, NUMPY_ULP)
        return
    if op.name in MADE_OF_FUNCTIONS:
        room = 4 * np.finfo(expected.dtype).eps
        np.testing.assert_allclose(actual, expected, rtol=room, atol=room)
        return
    np.testing.assert_array_equal(actual, expected, err_msg=f"{op} {dtypes}")
    if expected.dtype.kind == "f" and op.name not in SIGN_OF_ZERO_OPEN:
        number = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(actual[number]), np.signbit(expected[number]))


def instances(name: str, rounds: int = 3) -> Iterator[tuple[Op, list[Array]]]:
    random = np.random.default_rng(0)
    for _ in range(rounds):
        for op, arrays in OPS[name].examples(random):
            yield op, [np.asarray(array) for array in arrays]


def signatures(name: str) -> set[tuple[str, ...]]:
    """Return the kinds of number that an op takes: in the example's place of numbers, any that fit.

    Truth values in the example are there by the op's nature (the condition of where).
    """
    op, arrays = next(instances(name))
    signatures_found = set()
    for dtype in DTYPES:
        dtypes = tuple(array.dtype.name if array.dtype == bool else dtype for array in arrays)
        try:
            op.type(*(Type((), dtype) for dtype in dtypes))
        except MisstepError:
            continue
        signatures_found.add(dtypes)
    return signatures_found


CASES = [(name, dtypes) for name in OPS if name != "cast" for dtypes in sorted(signatures(name))]


def test_kinds_of_number_are_found() -> None:
    assert ("where", ("bool", "uint32", "uint32")) in CASES
    assert ("less", ("int64", "int64")) in CASES
    assert {("exp", ("float32",)), ("exp", ("float64",))} <= set(CASES)
    assert {name for name, _ in CASES} == set(OPS) - {"cast"}


@pytest.mark.parametrize("name", OPS)
def test_examples(name: str) -> None:
    for op, arrays in instances(name):
        check(op, arrays)
        check(
            op, [array.astype("float32") if array.dtype == "float64" else array for array in arrays]
        )


@pytest.mark.parametrize(("name", "dtypes"), CASES)
def test_ends_of_all_kinds_of_number(name: str, dtypes: tuple[str, ...]) -> None:
    op, _ = next(instances(name))
    grids = np.meshgrid(*map(numbers, dtypes))
    for lanes, target in WAYS:
        check(op, [grid.reshape(-1) for grid in grids], lanes, target)


@pytest.mark.parametrize("given", DTYPES)
@pytest.mark.parametrize("wanted", DTYPES)
def test_conversions(given: str, wanted: str) -> None:
    x = np.concatenate([numbers(given), np.arange(-40, 40).astype(given)])
    if given.startswith("float"):
        x = np.concatenate([x, (np.arange(-40, 40) / 4).astype(given), edges(given)])
        if wanted == "uint32":
            x = x[(x > -1) & (x < 2.0**32)]  # beyond, NumPy differs from entry to entry
        elif HOST.machine != "x86_64":
            x = x[np.abs(x) < 2.0**31]  # beyond, C and with it NumPy leaves it open
    for lanes, target in WAYS:
        check(Cast(wanted), [x], lanes, target)


def edges(dtype: str) -> Array:
    """Return numbers around the ends of int32, uint32 and int64."""
    ends = np.array([sign * 2.0**power for power in (31, 32, 63) for sign in (1, -1)], dtype)
    further = np.nextafter(ends, np.copysign(np.inf, ends))
    return np.concatenate([ends, np.nextafter(ends, 0), further])


def test_conversions_beyond_their_kind() -> None:
    """What ElementCode.cast promises where NumPy promises nothing."""
    x = np.array([np.nan, np.inf, -np.inf, 3e9, -3e9, -1.5, 2.0**32 + 5, 1e30])

    def converted(dtype: str) -> Array:
        return compiled(Cast(dtype), ("float64",), 16, HOST)(x).view(dtype)

    least = -(2**31)
    np.testing.assert_array_equal(converted("int32"), [*[least] * 5, -1, least, least])
    least = -(2**63)
    whole = [3 * 10**9, -3 * 10**9, -1, 2**32 + 5]
    np.testing.assert_array_equal(converted("int64"), [*[least] * 3, *whole, least])
    lower = [0, 0, 0, *(number % 2**32 for number in whole), 0]
    np.testing.assert_array_equal(converted("uint32"), np.array(lower, np.uint32))


@pytest.mark.skipif(HOST.machine != "x86_64", reason="says what instructions of x86-64 it becomes")
def test_relu_is_one_instruction() -> None:
    relu: Any = OPS["relu"]()
    types = [Type((), "float32")]
    text = instructions(lambda code, x: relu.lower(code, types, x), ["float"])
    assert text.count("vmaxps") == 64 // HOST.vector_bytes
    assert "vcmp" not in text
    assert "vblend" not in text
