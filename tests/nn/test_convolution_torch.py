"""Convolution and pooling beside PyTorch's own, in float64: outputs and all gradients.

Made-up shapes, strides, paddings, dilations and groups, in one and two dimensions. PyTorch is no
dependency of this project; `tests/optim/test_optimizers_torch.py` says how to run these where it
is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from misstep import ops
from misstep.autodiff import gradient
from misstep.compiler import NativeProgram
from misstep.ir import Array, Graph, Interpreter, make_input
from misstep.nn import (
    AveragePool1D,
    AveragePool2D,
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    MaxPool1D,
    MaxPool2D,
    Module,
    Network,
)

torch: Any = pytest.importorskip(
    "torch", reason="PyTorch is no dependency; tests/optim/test_optimizers_torch.py says more"
)

CLOSE = {"rtol": 1e-9, "atol": 1e-9}
CASES = 40


def channels_first(array: Array) -> Any:
    return torch.tensor(np.moveaxis(array, -1, 1).copy(), dtype=torch.float64, requires_grad=True)


def channels_last(tensor: Any) -> Array:
    return np.moveaxis(tensor.detach().numpy(), 1, -1)


def check(layer: Module, x: Array, theirs: Any, weights: dict[str, Any]) -> None:
    """Compare outputs and gradients, interpreted and compiled.

    `theirs`: PyTorch's function of x and of `weights`, which are tensors of our arrays, each with
    how its gradient becomes ours.
    """
    network = Network(layer, x.shape[1:], dtype="float64", seed=1)
    network.parameters[:] = np.random.default_rng(2).normal(0, 0.5, network.parameter_count)
    rows = channels_first(x)
    tensors = {}
    for name, array in network.arrays().items():
        to, _ = weights[name]
        tensors[name] = torch.tensor(to(array).copy(), dtype=torch.float64, requires_grad=True)
    y = theirs(rows, **tensors)
    upstream = np.random.default_rng(3).normal(0, 1, channels_last(y).shape)
    (y * channels_first(upstream).detach()).sum().backward()

    value, flat = (
        make_input("x", x.shape, "float64"),
        make_input("flat", (network.parameter_count,), "float64"),
    )
    out, _ = network.apply(value, flat, training=True)
    weighed = ops.sum(out * upstream)
    outputs = {"y": out, "x": gradient(weighed, value)}
    if network.parameter_count:
        outputs["flat"] = gradient(weighed, flat)
    graph = Graph(outputs, [value, flat])
    feeds = {"x": x, "flat": network.parameters}
    compiled, _ = NativeProgram(graph).run(feeds)
    for found in (Interpreter(graph).run(feeds), compiled):
        np.testing.assert_allclose(found["y"], channels_last(y), **CLOSE)
        np.testing.assert_allclose(found["x"], channels_last(rows.grad), **CLOSE)
        if network.parameter_count:
            for name, array in network.arrays(found["flat"]).items():
                _, back = weights[name]
                np.testing.assert_allclose(array, back(tensors[name].grad.numpy()), **CLOSE)


def sizes(random: np.random.Generator, most: int, axes: int) -> tuple[int, ...]:
    return tuple(int(one) for one in random.integers(1, most + 1, axes))


def to_front(axes: int) -> tuple[Any, Any]:
    """Return how (*kernel, a, b) becomes PyTorch's (b, a, *kernel), and the way back."""
    there = (axes + 1, axes, *range(axes))
    return (lambda one: one.transpose(there)), (lambda one: one.transpose(np.argsort(there)))


@pytest.mark.parametrize("seed", range(CASES))
@pytest.mark.parametrize("axes", [1, 2])
def test_convolution(axes: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    kernel, stride, dilation = (sizes(random, most, axes) for most in (4, 3, 2))
    padding = tuple(int(one) for one in random.integers(0, 3, axes))
    groups = int(random.choice([1, 1, 2, 3]))
    channels, filters = groups * int(random.integers(1, 4)), groups * int(random.integers(1, 4))
    if seed % 8 == 7:  # depthwise
        groups, filters = channels, channels * int(random.integers(1, 3))
    bias = bool(random.integers(0, 2))
    space = tuple(
        max((size - 1) * apart + 1 - 2 * around, 1) + int(random.integers(0, 6))
        for size, apart, around in zip(kernel, dilation, padding, strict=True)
    )
    kind, their = ((Conv1D, "conv1d"), (Conv2D, "conv2d"))[axes - 1]
    layer = kind(
        filters, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups, bias=bias
    )
    x = random.normal(0, 1, (int(random.integers(1, 12)), *space, channels))

    def theirs(rows: Any, weight: Any, bias: Any = None) -> Any:
        call = getattr(torch.nn.functional, their)
        return call(rows, weight, bias, stride, padding, dilation, groups)

    same = (lambda one: one), (lambda one: one)
    check(layer, x, theirs, {"weight": to_front(axes), "bias": same})


@pytest.mark.parametrize("seed", range(CASES // 2))
@pytest.mark.parametrize("axes", [1, 2])
def test_transposed_convolution(axes: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    kernel, stride, dilation = (sizes(random, most, axes) for most in (4, 3, 2))
    more = tuple(int(random.integers(0, max(a, b))) for a, b in zip(stride, dilation, strict=True))
    space = tuple(int(one) for one in random.integers(2, 6, axes))
    padding = tuple(
        int(random.integers(0, min(3, ((length - 1) * step + (size - 1) * apart) // 2 + 1)))
        for length, step, size, apart in zip(space, stride, kernel, dilation, strict=True)
    )
    channels, filters = (int(one) for one in random.integers(1, 5, 2))
    kind, their = ((Conv1DTranspose, "conv_transpose1d"), (Conv2DTranspose, "conv_transpose2d"))[
        axes - 1
    ]
    layer = kind(filters, kernel, stride=stride, padding=padding, more=more, dilation=dilation)
    x = random.normal(0, 1, (int(random.integers(1, 5)), *space, channels))

    def theirs(rows: Any, weight: Any, bias: Any) -> Any:
        call = getattr(torch.nn.functional, their)
        return call(rows, weight, bias, stride, padding, more, 1, dilation)

    same = (lambda one: one), (lambda one: one)
    check(layer, x, theirs, {"weight": to_front(axes), "bias": same})


@pytest.mark.parametrize("seed", range(CASES // 2))
@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("kind", ["max", "average"])
def test_pooling(kind: str, axes: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    window = sizes(random, 3, axes)
    stride = None if random.integers(0, 2) else sizes(random, 3, axes)
    padding = tuple(int(random.integers(0, size // 2 + 1)) for size in window)
    space = tuple(size + int(random.integers(0, 6)) for size in window)
    layers = {"max": (MaxPool1D, MaxPool2D), "average": (AveragePool1D, AveragePool2D)}
    layer = layers[kind][axes - 1](window, stride=stride, padding=padding)
    their = {"max": "max_pool", "average": "avg_pool"}[kind] + f"{axes}d"
    x = random.normal(0, 1, (int(random.integers(1, 10)), *space, int(random.integers(1, 20))))

    def theirs(rows: Any) -> Any:
        return getattr(torch.nn.functional, their)(rows, window, stride, padding)

    check(layer, x, theirs, {})
