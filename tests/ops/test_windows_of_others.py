"""Windows as other libraries lay them: with gaps, uneven padding, a last one beyond the end."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from misstep import ops
from misstep.autodiff import check_gradient
from misstep.compiler import NativeProgram
from misstep.errors import ArgumentError, MisstepError
from misstep.ir import Array, Graph, Value, make_input, make_parameter

RANDOM = np.random.default_rng(5)
X = RANDOM.permutation(2 * 7 * 6 * 3).reshape(2, 7, 6, 3) * 0.1 - 9.0

CASES = [
    {"window": (2, 3), "stride": (2, 2), "padding": ((1, 0), (0, 2))},
    {"window": 2, "stride": 1, "dilation": 2},
    {"window": (3, 2), "stride": 2, "dilation": (2, 1), "padding": 1},
    {"window": 3, "stride": 2, "to_the_end": True},
    {"window": 2, "stride": 3, "to_the_end": True, "padding": 1},
    {"window": 3, "stride": 3, "to_the_end": True, "padding": ((0, 1), (2, 0)), "dilation": 2},
]


def ends(case: dict[str, Any]) -> list[tuple[int, int]]:
    padding = case.get("padding", 0)
    return [(padding, padding)] * 2 if isinstance(padding, int) else list(padding)


def two(setting: Any) -> tuple[int, int]:
    return (setting, setting) if isinstance(setting, int) else setting


def pooled(x: Array, case: dict[str, Any], kind: str) -> Array:
    """Return what pooling gives, window by window and entry by entry."""
    window, stride, dilation = (two(case.get(name, 1)) for name in ("window", "stride", "dilation"))
    starts = []
    for axis, (before, after) in enumerate(ends(case)):
        length, reach = x.shape[1 + axis], (window[axis] - 1) * dilation[axis]
        last = length + before + after - reach - 1
        many = last // stride[axis] + 1
        if case.get("to_the_end") and last % stride[axis] and many * stride[axis] < length + before:
            many += 1
        starts.append([k * stride[axis] - before for k in range(many)])
    result = np.zeros((x.shape[0], len(starts[0]), len(starts[1]), x.shape[-1]))
    for (i, top), (j, left) in itertools.product(*map(enumerate, starts)):
        seen, padded = [], 0
        for a, b in itertools.product(range(window[0]), range(window[1])):
            row, column = top + a * dilation[0], left + b * dilation[1]
            if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
                seen.append(x[:, row, column])
            elif row < x.shape[1] + ends(case)[0][1] and column < x.shape[2] + ends(case)[1][1]:
                padded += 1
        if kind == "largest":
            result[:, i, j] = np.max(seen, 0) if seen else -np.inf
        else:
            result[:, i, j] = np.sum(seen, 0) / (len(seen) + (padded if kind == "all" else 0))
    return result


@pytest.mark.parametrize("kind", ["largest", "all", "some"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_pooling_window_by_window(case: dict[str, Any], kind: str) -> None:
    def pool(x: Value) -> Value:
        if kind == "largest":
            return ops.max_pool(x, **case)
        return ops.average_pool(x, **case, padding_counts=kind == "all")

    wanted = pooled(X, case, kind)
    np.testing.assert_allclose(pool(make_parameter(X)).numpy(), wanted, rtol=1e-13)
    leaf = make_input("x", X.shape, "float64")
    compiled, _ = NativeProgram(Graph({"out": pool(leaf)}, [leaf])).run({"x": X})
    np.testing.assert_allclose(compiled["out"], wanted, rtol=1e-13)
    if np.isfinite(wanted).all():
        assert check_gradient(pool, [X], directions=1, tolerance=1e-6).passed


def spread(x: Array, weight: Array, stride: int, dilation: int, groups: int) -> Array:
    """Return a transposed convolution along one axis, product by product."""
    (batch, length, channels), (size, filters, _) = x.shape, weight.shape
    whole = (length - 1) * stride + (size - 1) * dilation + 1
    result = np.zeros((batch, whole, filters * groups))
    each = channels // groups
    for at, tap, channel, made in itertools.product(
        range(length), range(size), range(channels), range(filters)
    ):
        group = channel // each
        result[:, at * stride + tap * dilation, group * filters + made] += (
            x[:, at, channel] * weight[tap, made, channel]
        )
    return result


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (3, 2)])
def test_transposed_convolution_in_groups(groups: int, stride: int, dilation: int) -> None:
    x, weight = RANDOM.normal(size=(2, 5, 4)), RANDOM.normal(size=(3, 2, 4))
    wanted = spread(x, weight, stride, dilation, groups)[:, 1:-2]

    def made(seen: Value, taps: Value) -> Value:
        return ops.transposed_convolution(
            seen, taps, stride=stride, dilation=dilation, groups=groups, padding=((1, 2),)
        )

    np.testing.assert_allclose(made(make_parameter(x), make_parameter(weight)).numpy(), wanted)
    assert check_gradient(made, [x, weight], directions=1, tolerance=1e-6).passed


def test_convolution_with_other_padding_at_either_end() -> None:
    weight = RANDOM.normal(size=(3, 2, 3, 4))
    wide = np.pad(X, ((0, 0), (2, 0), (1, 3), (0, 0)))
    np.testing.assert_allclose(
        ops.convolution(X, weight, padding=((2, 0), (1, 3))).numpy(),
        ops.convolution(wide, weight).numpy(),
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"padding": ((1, 0),)},
        {"padding": ((1,), (0, 0))},
        {"padding": ((-1, 0), (0, 0))},
        {"padding": ((2, 0), (0, 0))},
        {"dilation": 0},
        {"dilation": (1, 9)},
    ],
)
def test_windows_that_do_not_fit_are_refused(settings: dict[str, Any]) -> None:
    for pool in (ops.max_pool, ops.average_pool):
        with pytest.raises(MisstepError):
            pool(X, 2, **settings)


def test_groups_that_do_not_fit_are_refused() -> None:
    with pytest.raises(MisstepError, match="3 groups"):
        ops.transposed_convolution(np.zeros((1, 5, 4)), np.zeros((3, 2, 4)), groups=3)
    with pytest.raises(ArgumentError):
        ops.transposed_convolution(np.zeros((1, 5, 4)), np.zeros((3, 2, 4)), padding="same")  # type: ignore[arg-type]
