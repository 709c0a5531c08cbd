"""A batch of no rows, and lengths of 0 in general, work or are refused when the graph is made."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from misstep import ops as ms
from misstep.autodiff import gradient
from misstep.errors import ShapeError
from misstep.ir import Value, make_parameter

NONE = np.zeros((0, 3))

WORKS: list[tuple[Callable[[Value], Value], tuple[int, ...]]] = [
    (lambda x: x @ np.ones((3, 2)), (0, 2)),
    (lambda x: x.T @ np.ones((0, 2)), (3, 2)),
    (lambda x: ms.gather(x, np.zeros(0, "int64")), (0, 3)),
    (lambda x: ms.take_along_axis(x, np.zeros(0, "int64")), (0,)),
    (lambda x: ms.scatter_add(np.zeros((4, 3)), np.zeros(0, "int64"), x), (4, 3)),
    (lambda x: ms.reshape(x, (3, 0)), (3, 0)),
    (lambda x: ms.reshape(x, (-1,)), (0,)),
    (lambda x: ms.broadcast_to(x, (2, 0, 3)), (2, 0, 3)),
    (lambda x: ms.sum(x), ()),
    (lambda x: ms.sum(x, 0), (3,)),
    (lambda x: ms.mean(x, 1), (0,)),
    (lambda x: ms.max(x, 1), (0,)),
    (lambda x: ms.log_sum_exp(x, 1), (0,)),
    (lambda x: ms.softmax(x), (0, 3)),
    (lambda x: ms.norm(x), ()),
    (lambda x: ms.concatenate([x, np.ones((2, 3))]), (2, 3)),
    (lambda x: ms.pad(x, [(1, 1), (0, 0)]), (2, 3)),
    (lambda x: x[::2, 1:], (0, 2)),
    (lambda x: x + np.ones((1, 3)), (0, 3)),
    (lambda x: x * np.ones((2, 1, 1)), (2, 0, 3)),
    (lambda x: ms.scan(lambda h, e, u: h @ u + e, x, [np.ones((0, 4, 3))], [np.eye(3)]), (0, 4, 3)),
]


@pytest.mark.parametrize(("function", "shape"), WORKS)
def test_an_op_of_no_rows(function: Callable[[Value], Value], shape: tuple[int, ...]) -> None:
    x = make_parameter(NONE, "x")
    out = function(x)
    assert out.shape == shape
    assert out.numpy().shape == shape
    assert gradient(ms.sum(out * 2.0), x).numpy().shape == (0, 3)


@pytest.mark.parametrize(
    "function",
    [
        ms.mean,
        ms.max,
        ms.log_sum_exp,
        lambda x: ms.min(x, 0),
        lambda x: ms.softmax(x, 0),
        lambda x: ms.argmax(x, 0),
        lambda x: ms.log_sum_exp(x, 0),
        lambda x: ms.variance(x, 0),
    ],
)
def test_nothing_has_no_largest_and_no_mean(function: Callable[[Value], Value]) -> None:
    with pytest.raises(ShapeError, match="at least one entry"):
        function(make_parameter(NONE, "x"))


def test_the_sum_of_nothing_is_zero() -> None:
    assert ms.sum(make_parameter(NONE)).item() == 0.0
