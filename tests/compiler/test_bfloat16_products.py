"""Products of rounded operands: pairs of bfloat16 give the bits of float32 chains."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from misstep import ops
from misstep.compiler import NativeProgram
from misstep.compiler.codegen.target import Target
from misstep.compiler.runtime.targets import avx2_target, host_target
from misstep.errors import NotYetError
from misstep.ir import Array, Graph, Value, make_input
from misstep.ops.contraction import swap_last

try:
    HOST = host_target()
except NotYetError as reason:
    pytest.skip(str(reason), allow_module_level=True)

needs_pairs = pytest.mark.skipif(not HOST.bfloat16, reason="a processor with avx512bf16")
RANDOM = np.random.default_rng(0)

# Rows, summed, columns; which operands are turned; batch.
SHAPES = [
    ((16, 32, 16), "", ()),
    ((17, 33, 17), "", ()),
    ((1, 65, 40), "", ()),
    ((40, 1, 40), "", ()),
    ((33, 71, 100), "a", ()),
    ((50, 37, 65), "b", ()),
    ((64, 129, 47), "ab", ()),
    ((130, 300, 70), "b", ()),
    ((20, 35, 33), "", (3,)),
    ((24, 40, 31), "b", (2,)),
]


def graph_of(shape: tuple[int, int, int], turned: str, batch: tuple[int, ...]) -> Graph:
    rows, summed, columns = shape

    def operand(name: str, first: int, second: int) -> tuple[Value, Value]:
        lengths = (second, first) if name in turned else (first, second)
        leaf = make_input(name, (*batch, *lengths), "float32")
        rounded = ops.round_to_bfloat16(leaf)
        return leaf, swap_last(rounded) if name in turned else rounded

    (a, left), (b, right) = operand("a", rows, summed), operand("b", summed, columns)
    beside = make_input("beside", (*batch, rows, columns), "float32")
    outputs = {"out": ops.relu(left @ right) + beside, "plain": left @ right}
    return Graph(outputs, [a, b, beside])


def numbers(shape: tuple[int, ...]) -> Array:
    scale = 2.0 ** RANDOM.integers(-30, 30, shape)
    x = RANDOM.normal(size=shape) * scale * (RANDOM.random(shape) > 0.1)
    return np.asarray(np.where(RANDOM.random(shape) < 0.01, -0.0, x), "float32")


def run(graph: Graph, feeds: dict[str, Array], target: Target, threads: int) -> bytes:
    program = NativeProgram(graph, target=target, threads=threads)
    outputs, _ = program.run({name: np.array(array) for name, array in feeds.items()})
    return outputs["out"].tobytes() + outputs["plain"].tobytes()


@needs_pairs
@pytest.mark.parametrize(("shape", "turned", "batch"), SHAPES)
def test_pairs_give_the_bits_of_float32_products(
    shape: tuple[int, int, int], turned: str, batch: tuple[int, ...]
) -> None:
    graph = graph_of(shape, turned, batch)
    feeds = {str(leaf.name): numbers(leaf.shape) for leaf in graph.inputs}
    wanted = run(graph, feeds, avx2_target(), 1)
    assert run(graph, feeds, replace(HOST, bfloat16=False), 1) == wanted
    # With caches so small, what a tile needs beside is asked for, and columns go strip by strip.
    for target in (HOST, replace(HOST, l2_bytes=4096)):
        for threads in (1, 2):
            assert run(graph, feeds, target, threads) == wanted


@needs_pairs
def test_what_is_no_number_or_without_end_stays_so() -> None:
    graph = graph_of((20, 45, 33), "b", ())
    feeds = {str(leaf.name): numbers(leaf.shape) for leaf in graph.inputs}
    feeds["a"].view(np.uint32)[3, 44] = 0x7F800001  # a NaN whose upper half is infinity's
    feeds["a"][5, 7] = np.inf
    feeds["b"][4, 8] = -np.inf
    feeds["b"][6, 9] = np.finfo("float32").max  # rounded up
    wanted, found = (
        np.frombuffer(run(graph, feeds, target, 1), "float32") for target in (avx2_target(), HOST)
    )
    np.testing.assert_array_equal(found, wanted)
    assert np.isnan(found).sum() >= 33


@needs_pairs
def test_the_instruction_is_there() -> None:
    graph = graph_of((32, 64, 32), "", ())
    assert "dpbf16ps" in NativeProgram(graph, target=HOST).lowered.text
    assert "dpbf16ps" not in NativeProgram(graph, target=avx2_target()).lowered.text
