"""The slopes at kinks that docs/subgradients.md promises are those that the code takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from misstep import ops as ms
from misstep.autodiff import gradient
from misstep.compiler import NativeProgram
from misstep.errors import NotYetError
from misstep.ir import Array, Graph, Value, evaluate, make_input, make_parameter, registered_ops
from misstep.ir.value import ancestors

PAGE = Path(__file__).resolve().parents[2] / "docs" / "subgradients.md"

# What each expression of the page means; the page's text is never run.
EXPRESSIONS: dict[str, Callable[..., Value]] = {
    "relu(x)": ms.relu,
    "absolute(x)": ms.absolute,
    "sign(x)": ms.sign,
    "maximum(x, y)": ms.maximum,
    "minimum(x, y)": ms.minimum,
    "maximum(x, x)": lambda x: ms.maximum(x, x),
    "max(x)": ms.max,
    "min(x)": ms.min,
    "maximum(minimum(x, 1), -1)": lambda x: ms.maximum(ms.minimum(x, 1), -1),
    "where(x > 0, x, 0)": lambda x: ms.where(x > 0, x, 0),
    "norm(x)": ms.norm,
    "sqrt(x)": ms.sqrt,
    "log(x)": ms.log,
    "log1p(x)": ms.log1p,
    "x / y": lambda x, y: x / y,
    "sqrt(variance(x))": lambda x: ms.sqrt(ms.variance(x)),
    "x ** 2": lambda x: x**2,
    "x ** 1": lambda x: x**1,
    "x ** 0": lambda x: x**0,
    "x ** 0.5": lambda x: x**0.5,
    "x ** -1": lambda x: x**-1,
    "x ** 3": lambda x: x**3,
    "x ** y": lambda x, y: x**y,
    "sigmoid(x)": ms.sigmoid,
    "exp(x)": ms.exp,
    "expm1(x)": ms.expm1,
    "sin(x)": ms.sin,
    "cos(x)": ms.cos,
    "erf(x)": ms.erf,
    "tan(x)": ms.tan,
    "asin(x)": ms.asin,
    "acos(x)": ms.acos,
    "atan(x)": ms.atan,
    "sinh(x)": ms.sinh,
    "cosh(x)": ms.cosh,
    "asinh(x)": ms.asinh,
    "acosh(x)": ms.acosh,
    "atanh(x)": ms.atanh,
    "mod(x, y)": ms.mod,
    "fmod(x, y)": ms.fmod,
    "floor(x)": ms.floor,
    "round(x)": ms.round,
    "clip(x, -1, 1)": lambda x: ms.clip(x, -1, 1),
    "-x": lambda x: -x,
    "x + y": lambda x, y: x + y,
    "x - y": lambda x, y: x - y,
    "x * y": lambda x, y: x * y,
    "binary_cross_entropy(x, y)": ms.binary_cross_entropy,
    "variance(x)": ms.variance,
    "take_along_axis(log_softmax(x), 0)": lambda x: ms.take_along_axis(ms.log_softmax(x), 0),
    "take_along_axis(normalize(x), 0)": lambda x: ms.take_along_axis(
        ms.normalize(x, 1.0, 0.0, (0,), 0.25), 0
    ),
    "max_pool(x)": lambda x: ms.max_pool(ms.reshape(x, (1, 4, 1)), 2),
    "tanh(x)": ms.tanh,
    "softplus(x)": ms.softplus,
    "softplus(x) - x": lambda x: ms.softplus(x) - x,
    "log_sum_exp(x)": ms.log_sum_exp,
    "log_sum_exp(x) - take_along_axis(x, 0)": lambda x: (
        ms.log_sum_exp(x) - ms.take_along_axis(x, 0)
    ),
    "take_along_axis(softmax(x), 0)": lambda x: ms.take_along_axis(ms.softmax(x), 0),
    "where(x > 0, log(x), 0)": lambda x: ms.where(x > 0, ms.log(x), 0),
    "where(x > 0, sqrt(x), 0)": lambda x: ms.where(x > 0, ms.sqrt(x), 0),
    "where(x > 0, log(where(x > 0, x, 1)), 0)": lambda x: ms.where(
        x > 0, ms.log(ms.where(x > 0, x, 1)), 0
    ),
    "where(x > 0, sqrt(where(x > 0, x, 1)), 0)": lambda x: ms.where(
        x > 0, ms.sqrt(ms.where(x > 0, x, 1)), 0
    ),
    'cast(cast(x, "int64"), "float64")': lambda x: ms.cast(ms.cast(x, "int64"), "float64"),
    "gather(x, [0, 0, 1])": lambda x: ms.gather(x, [0, 0, 1]),
    "x * 0": lambda x: x * 0,
}

ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|[^|]*\|$")


def rows() -> Iterator[tuple[str, list[Array], list[Array]]]:
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            found = ROW.match(line)
            assert found, line
            yield found[1], numbers(found[2]), numbers(found[3])


def numbers(text: str) -> list[Array]:
    arrays = [np.array([float(word) for word in part.split()]) for part in text.split(";")]
    return [array if array.size > 1 else array.reshape(()) for array in arrays]


def slopes(name: str, inputs: list[Array], dtype: str) -> list[Array]:
    leaves = [
        make_parameter(array.astype(dtype), letter)
        for array, letter in zip(inputs, "xy", strict=False)
    ]
    return evaluate(gradient(ms.sum(EXPRESSIONS[name](*leaves)), leaves))


@pytest.mark.parametrize(("name", "inputs", "wanted"), list(rows()))
def test_the_slope_is_the_documented_one(
    name: str, inputs: list[Array], wanted: list[Array]
) -> None:
    for found, slope in zip(slopes(name, inputs, "float64"), wanted, strict=True):
        np.testing.assert_allclose(found, slope, rtol=1e-15)


@pytest.mark.parametrize(
    ("name", "inputs", "wanted"), [row for row in rows() if "float64" not in row[0]]
)
def test_the_slope_is_the_same_in_float32(
    name: str, inputs: list[Array], wanted: list[Array]
) -> None:
    for found, slope in zip(slopes(name, inputs, "float32"), wanted, strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, slope, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_slope_is_the_same_where_it_is_compiled(dtype: str) -> None:
    # All in one program: what is taken apart and compiled is the sum of all of them.
    outputs: dict[str, Value] = {}
    feeds: dict[str, Array] = {}
    wanted: dict[str, Array] = {}
    leaves: list[Value] = []
    for place, (name, inputs, slopes_) in enumerate(rows()):
        if dtype == "float32" and "float64" in name:
            continue
        own = [
            make_input(f"{letter}{place}", one.shape, dtype)
            for letter, one in zip("xy", inputs, strict=False)
        ]
        leaves += own
        feeds |= {leaf.name or "": one.astype(dtype) for leaf, one in zip(own, inputs, strict=True)}
        found = gradient(ms.sum(EXPRESSIONS[name](*own)), own)
        for slot, (slope, right) in enumerate(zip(found, slopes_, strict=True)):
            outputs[f"{place} {name} {slot}"] = slope
            wanted[f"{place} {name} {slot}"] = right
    try:
        actual, _ = NativeProgram(Graph(outputs, leaves)).run(feeds)
    except NotYetError as reason:
        pytest.skip(str(reason))
    for key, right in wanted.items():
        np.testing.assert_allclose(actual[key], right, rtol=1e-6, err_msg=key)


def test_every_op_with_a_slope_has_a_row_at_0_and_at_nan() -> None:
    # These have no kink that a gradient sees: they round or widen, or give back what they get.
    without_kinks = {"cast", "round_slope", "round_to_bfloat16", "sum_over_shards"}
    smooth = {name for name, kind in registered_ops().items() if kind.smooth and kind.elementwise}
    for number in (0.0, np.nan):
        told: set[str] = set()
        for name, inputs, _ in rows():
            if any((np.isnan(one) if np.isnan(number) else one == 0).any() for one in inputs):
                leaves = [make_parameter(one) for one in inputs]
                values = ancestors([EXPRESSIONS[name](*leaves)])
                told |= {value.op.name for value in values if value.op is not None}
        assert smooth - told <= without_kinks, number


def test_no_expression_is_without_a_row() -> None:
    assert {name for name, _, _ in rows()} == set(EXPRESSIONS)
