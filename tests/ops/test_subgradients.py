"""The slopes at kinks that docs/subgradients.md promises are those that the code takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from misstep import ops as ms
from misstep.autodiff import gradient
from misstep.ir import Array, Value, evaluate, make_parameter

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


def test_no_expression_is_without_a_row() -> None:
    assert {name for name, _, _ in rows()} == set(EXPRESSIONS)
