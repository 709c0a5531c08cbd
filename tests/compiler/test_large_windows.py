"""Windows of a hundred entries and more, and three axes of space: compiled, values and slopes.

Against the interpreter, and on one, two and three threads in the same bits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from misstep import ops
from misstep.autodiff import gradient
from misstep.compiler import NativeProgram
from misstep.compiler.runtime.targets import host_target
from misstep.errors import NotYetError
from misstep.ir import Graph, Interpreter, Value, make_input

try:
    host_target()
except NotYetError as reason:
    pytest.skip(str(reason), allow_module_level=True)


def check(function: Callable[..., Value], *shapes: tuple[int, ...]) -> None:
    leaves = [make_input(f"v{place}", shape) for place, shape in enumerate(shapes)]
    value = function(*leaves)
    slopes = gradient(ops.sum(value * value), leaves)
    outputs = {"value": value, **{f"by {place}": slope for place, slope in enumerate(slopes)}}
    graph = Graph(outputs, leaves)
    random = np.random.default_rng(0)
    feeds = {f"v{k}": random.normal(size=shape).astype("float32") for k, shape in enumerate(shapes)}
    program, wanted = NativeProgram(graph), Interpreter(graph).run(feeds)
    bits = set()
    for threads in (1, 2, 3):
        program.threads = threads
        found, _ = program.run(feeds)
        for name, one in wanted.items():
            np.testing.assert_allclose(found[name], one, rtol=0, atol=1e-6 * np.abs(one).max())
        bits.add(b"".join(found[name].tobytes() for name in wanted))
    assert len(bits) == 1


@pytest.mark.parametrize("pool", [ops.average_pool, ops.max_pool])
@pytest.mark.parametrize(
    ("shape", "window", "stride"),
    [
        ((2, 12, 12, 3), 12, None),
        ((2, 26, 13, 2), 13, None),
        ((2, 16, 15, 3), 12, 2),
        ((3, 240, 2), 120, 40),
        ((2, 10, 10, 5, 2), 5, None),
    ],
)
def test_large_pools(
    pool: Callable[..., Value], shape: tuple[int, ...], window: int, stride: int | None
) -> None:
    check(lambda x: pool(x, window, stride=stride), shape)


def test_a_large_window_channel_by_channel() -> None:
    check(lambda x, w: ops.convolution(x, w, groups=3), (2, 13, 13, 3), (11, 11, 1, 3))


@pytest.mark.parametrize(
    "settings",
    [{}, {"stride": 2}, {"stride": (1, 2, 3)}, {"padding": "same"}, {"dilation": (2, 1, 2)}],
)
def test_three_axes_of_space(settings: dict[str, object]) -> None:
    check(lambda x, w: ops.convolution(x, w, **settings), (2, 6, 7, 5, 2), (3, 2, 2, 2, 4))


def test_three_axes_in_groups_transposed_and_four_axes() -> None:
    check(lambda x, w: ops.convolution(x, w, groups=2), (2, 4, 4, 4, 4), (2, 2, 2, 2, 6))
    check(lambda x, w: ops.transposed_convolution(x, w, stride=2), (2, 3, 3, 3, 2), (3, 3, 3, 4, 2))
    check(lambda x, w: ops.convolution(x, w), (2, 3, 4, 3, 3, 2), (2, 2, 2, 2, 2, 3))
