"""Sums of many entries to one number: in parts that threads share out, the same on any number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from misstep import ops
from misstep.compiler import NativeProgram
from misstep.compiler.passes import simplify
from misstep.compiler.passes.long_sums import MOST_AT_ONCE, PART
from misstep.compiler.runtime.targets import host_target
from misstep.errors import NotYetError
from misstep.ir import Array, Graph, Interpreter, Value, make_input
from misstep.ops.reduction import Sum

try:
    host_target()
except NotYetError as reason:
    pytest.skip(str(reason), allow_module_level=True)

SHAPES: list[tuple[int, ...]] = [
    (MOST_AT_ONCE,),
    (MOST_AT_ONCE + 1,),
    (5 * PART,),
    (30_001,),
    (1, 20_000, 1),
    (200, 100),
    (3, 40, 170),
    (20_000, 2),
    (100_000,),
    (2, 10_000),
]
SUMS: dict[str, Callable[[Value], Value]] = {
    "plain": ops.sum,
    "squares": lambda x: ops.sum(x * x),
    "kept": lambda x: ops.sum(ops.tanh(x), keep=True),
    "wide": lambda x: ops.sum(ops.cast(x, "float64")),
    "truths": lambda x: ops.sum(x < 0.25),
    "shared": lambda x: ops.sum((x + ops.sum(x, 0)) * 0.5),
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_are_right_and_the_same_on_any_number_of_threads(shape: tuple[int, ...]) -> None:
    x = make_input("x", shape)
    graph = Graph({name: make(x) for name, make in SUMS.items()}, [x])
    feeds: dict[str, Array] = {
        "x": np.random.default_rng(0).normal(0.1, 1, shape).astype("float32")
    }
    wide = Graph({name: make(ops.cast(x, "float64")) for name, make in SUMS.items()}, [x])
    expected = Interpreter(wide).run(feeds)
    program = NativeProgram(graph)
    bits = set()
    for threads in (1, 2, 3, 4, 8):
        program.threads = threads
        actual, _ = program.run(feeds)
        bits.add(b"".join(result.tobytes() for result in actual.values()))
    assert len(bits) == 1
    for name, array in actual.items():
        scale = 1.0 if name == "truths" else float(np.sqrt(x.size))
        close = 0.0 if name == "truths" else 3e-5 * scale
        np.testing.assert_allclose(array, expected[name], 1e-6, close, err_msg=name)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_what_is_long_becomes_a_short_sum_of_parts(shape: tuple[int, ...]) -> None:
    x = make_input("x", shape)
    best = simplify(Graph(ops.sum(x * x), [x]))
    sums = [value for value in best.computed if isinstance(value.op, Sum)]
    to_one_number = [total for total in sums if total.size == 1]
    if shape == (2, 10_000):  # two parts are not worth it
        assert [total.inputs[0].size for total in to_one_number] == [20_000]
        return
    assert all(total.inputs[0].size <= MOST_AT_ONCE for total in to_one_number)
    assert (len(sums) > 1) == (x.size > MOST_AT_ONCE)
    assert simplify(best) is best


def test_nothing_large_is_stored() -> None:
    x = make_input("x", (100_000,))
    schedule = NativeProgram(Graph(ops.sum(ops.tanh(x) * x))).schedule
    assert schedule.arena.size < 1024
    parts = [kernel for kernel in schedule.fused.kernels if not kernel.scalar]
    assert [part.shape for part in parts] == [(100_000 // PART,)]


def test_rounding_errors_are_small() -> None:
    """One chain of 16 lanes would be off by 1e-5: each lane's sum is that much larger than 1."""
    x = make_input("x", (4_000_000,))
    numbers = np.random.default_rng(1).random(4_000_000, np.float32)
    results, _ = NativeProgram(Graph(ops.sum(x))).run({"x": numbers})
    assert abs(float(results["out"]) / numbers.astype("float64").sum() - 1) < 1e-6
