"""Axes that are not there, or are named twice, are refused by every op that takes some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from misstep import ops
from misstep.errors import ArgumentError, ShapeError
from misstep.ir import make_parameter
from misstep.ops.shape import Flip

X = make_parameter(np.arange(6.0).reshape(2, 3))

SEVERAL: dict[str, Callable[[Any], Any]] = {
    "sum": lambda axes: ops.sum(X, axes),
    "mean": lambda axes: ops.mean(X, axes),
    "max": lambda axes: ops.max(X, axes),
    "min": lambda axes: ops.min(X, axes),
    "variance": lambda axes: ops.variance(X, axes),
    "centered": lambda axes: ops.centered(X, axes),
    "norm": lambda axes: ops.norm(X, axes),
    "log_sum_exp": lambda axes: ops.log_sum_exp(X, axes),
    "flip": lambda axes: ops.flip(X, axes),
    "transpose": lambda axes: ops.transpose(X, axes),
    "normalize": lambda axes: ops.normalize(X, 1.0, 0.0, axes, 0.1),
}
ONE: dict[str, Callable[[Any], Any]] = {
    "softmax": lambda axis: ops.softmax(X, axis),
    "log_softmax": lambda axis: ops.log_softmax(X, axis),
    "argmax": lambda axis: ops.argmax(X, axis),
    "concatenate": lambda axis: ops.concatenate([X, X], axis),
    "slice_axis": lambda axis: ops.slice_axis(X, axis, 0, 1),
}


@pytest.mark.parametrize("axes", [(0, 0), (1, -1), (-2, 0), (1, 1, 1), (0, 1, -2)])
@pytest.mark.parametrize("name", SEVERAL)
def test_an_axis_named_twice_is_refused(name: str, axes: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"twice|once"):
        SEVERAL[name](axes)


def test_the_message_says_which_axis_and_how_it_was_named() -> None:
    with pytest.raises(ShapeError, match=r"flip along the axes \(0, 0\).*axis 0 twice"):
        ops.flip(X, (0, 0))
    with pytest.raises(ShapeError, match="axis 1 twice"):
        ops.sum(X, (1, -1))
    with pytest.raises(ShapeError, match="axis 1 twice, as 1 and as -1"):
        Flip((1, -1))(X)


@pytest.mark.parametrize("axis", [2, -3, 7])
@pytest.mark.parametrize("name", [*SEVERAL, *ONE])
def test_an_axis_that_is_not_there_is_refused(name: str, axis: int) -> None:
    with pytest.raises(ShapeError):
        {**SEVERAL, **ONE}[name](axis)


@pytest.mark.parametrize("axis", [1.5, "0", True, (0.5,), (0, "1"), (False,)])
@pytest.mark.parametrize("name", [*SEVERAL, *ONE])
def test_what_is_no_axis_is_refused(name: str, axis: Any) -> None:
    with pytest.raises((ShapeError, ArgumentError)):
        {**SEVERAL, **ONE}[name](axis)


def test_axes_counted_from_either_end_and_numpy_numbers_are_taken() -> None:
    numbers = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(ops.flip(X, (0, -1)).numpy(), np.flip(numbers))
    np.testing.assert_array_equal(ops.sum(X, np.int64(-1)).numpy(), numbers.sum(-1))
    np.testing.assert_array_equal(ops.transpose(X, (-1, 0)).numpy(), numbers.T)
    np.testing.assert_array_equal(ops.slice_axis(X, -1, 1, 3).numpy(), numbers[:, 1:3])
