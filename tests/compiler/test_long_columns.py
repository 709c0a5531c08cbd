"""Statistics of many rows for few columns: in parts, exact, the same on any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

from misstep import ops
from misstep.compiler import NativeProgram
from misstep.compiler.passes import simplify
from misstep.compiler.runtime.targets import host_target
from misstep.errors import NotYetError
from misstep.ir import Graph, Interpreter, make_input
from misstep.ops import cast, mean
from misstep.ops.reduction import Sum

try:
    host_target()
except NotYetError as reason:
    pytest.skip(str(reason), allow_module_level=True)

SHAPES = [
    (64, 32, 32, 16),
    (70, 9, 8, 3),
    (32, 20, 20, 40),
    (4096, 5),
    (3 * 1000, 2, 17),
    (4099, 3),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_statistics_are_right_and_the_same_on_any_number_of_threads(shape: tuple[int, ...]) -> None:
    x = make_input("x", shape)
    axes = tuple(range(len(shape) - 1))
    center = mean(x, axes, keep=True)
    far = x - center
    graph = Graph(
        {"mean": center, "variance": mean(far * far, axes), "sum": ops.sum(far * x, axes)}
    )
    given = {"x": np.random.default_rng(0).normal(3, 2, shape).astype("f")}
    wide = make_input("x", shape, "float64")
    away = wide - mean(wide, axes, keep=True)
    expected = Interpreter(
        Graph({"mean": wide - away, "variance": mean(away * away, axes)}, [wide])
    ).run({"x": given["x"].astype("d")})
    program = NativeProgram(graph)
    bits = set()
    for threads in (1, 2, 3, 8):
        program.threads = threads
        actual, _ = program.run(given)
        bits.add(b"".join(result.tobytes() for result in actual.values()))
    assert len(bits) == 1
    np.testing.assert_allclose(
        actual["mean"].ravel(), expected["mean"].reshape(-1, shape[-1])[0], rtol=1e-6
    )
    np.testing.assert_allclose(actual["variance"], expected["variance"], rtol=1e-6)
    np.testing.assert_allclose(actual["sum"], actual["variance"] * (x.size // shape[-1]), rtol=1e-5)


def test_examples_are_summed_by_the_thread_that_made_them() -> None:
    x = make_input("x", (64, 32, 32, 16))
    program = NativeProgram(Graph(ops.sum(cast(x * 2.0, "float32"), (0, 1, 2)), [x]))
    first, second = program.schedule.fused.kernels
    assert first.shape == (64, 16)
    assert second.shape == (16,)
    # One number for each example and channel is all that is stored.
    assert program.schedule.arena.size == 64 * 16 * 4


def test_what_is_short_or_wide_or_of_one_length_of_prime_stays() -> None:
    for shape in ((2048, 16), (8192, 512), (4099, 3)):
        best = simplify(Graph(ops.sum(make_input("x", shape), (0,))))
        assert sum(isinstance(value.op, Sum) for value in best.values) == 1
    best = simplify(Graph(ops.sum(make_input("x", (8192, 511)), (0,))))
    assert sum(isinstance(value.op, Sum) for value in best.values) == 2
    assert simplify(best) is best
