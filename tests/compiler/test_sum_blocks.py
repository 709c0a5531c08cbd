"""Products whose operands are packed and whose sums are cut: the same bits as in one piece."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from misstep import ops
from misstep.compiler import NativeProgram
from misstep.compiler.codegen.kernels.blocking import choose_blocks, stays_near
from misstep.compiler.codegen.kernels.tiles import choose_tile
from misstep.compiler.codegen.target import Target
from misstep.compiler.runtime.targets import aarch64_target, avx2_target, avx512_target, host_target
from misstep.errors import NotYetError
from misstep.ir import Array, Graph, make_input

try:
    HOST = host_target()
except NotYetError as reason:
    pytest.skip(str(reason), allow_module_level=True)

# Caches so large that nothing is packed or cut, and so small that all is.
WHOLE = replace(HOST, l1_bytes=2**24, l2_bytes=2**26, multiply_adds=2)
CUT = replace(HOST, l1_bytes=2048, l2_bytes=2**15, multiply_adds=2)


def product(left: tuple[int, ...], right: tuple[int, ...], turned: str, dtype: str) -> Graph:
    """Return a product with a bias, ReLU and more; `turned`: which operands are transposed."""
    a, b = make_input("a", left, dtype), make_input("b", right, dtype)
    x, y = (
        ops.contraction.swap_last(value) if name in turned else value
        for name, value in (("a", a), ("b", b))
    )
    bias = make_input("bias", (y.shape[-1],), dtype)
    out = ops.relu(x @ y + bias)
    return Graph({"out": out, "more": out * 2.0 + x @ y}, [a, b, bias])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("rows", "summed", "columns", "turned"),
    [
        (64, 512, 96, ""),
        (67, 301, 45, ""),
        (130, 257, 33, "a"),
        (35, 300, 70, "b"),
        (33, 129, 40, "ab"),
        (40, 1024, 520, ""),
    ],
)
def test_blocks_change_no_bit(
    rows: int, summed: int, columns: int, turned: str, dtype: str
) -> None:
    left = (summed, rows) if "a" in turned else (rows, summed)
    right = (columns, summed) if "b" in turned else (summed, columns)
    check(product(left, right, turned, dtype))


def test_blocks_in_batches_of_products() -> None:
    check(product((3, 40, 300), (3, 300, 37), "", "float32"))


@pytest.mark.skipif(HOST.machine != "x86_64", reason="needs AVX2")
@pytest.mark.parametrize("columns", [49, 56, 272])
def test_shared_last_strips_change_no_bit(columns: int) -> None:
    """With AVX2, 7 vectors are strips of 3, 2 and 2: packed (b turned) and in place."""
    for turned, right in (("", (40, columns)), ("b", (columns, 40))):
        graph = product((67, 40), right, turned, "float32")
        random = np.random.default_rng(0)
        feeds = {
            str(leaf.name): random.normal(size=leaf.shape).astype(leaf.dtype)
            for leaf in graph.inputs
        }
        found = [
            NativeProgram(graph, target=replace(avx2_target(), multiply_adds=units), threads=1)
            for units in (1, 2)
        ]
        one, two = (program.run(feeds)[0] for program in found)
        assert all(one[name].tobytes() == two[name].tobytes() for name in one)


def check(graph: Graph) -> None:
    """Run a graph whole and in blocks, on one thread and on three, and compare bits."""
    random = np.random.default_rng(0)
    feeds = {
        str(leaf.name): random.normal(size=leaf.shape).astype(leaf.dtype) for leaf in graph.inputs
    }
    found: dict[str, list[Array]] = {}
    cut = []
    for target in (WHOLE, CUT):
        program = NativeProgram(graph, target=target)
        cut.append("sumblocks" in program.lowered.text)
        for threads in (1, 3):
            program.threads = threads
            outputs, _ = program.run(feeds)
            for name, array in outputs.items():
                found.setdefault(name, []).append(np.array(array))
    assert cut == [False, True]
    for name, (first, *others) in found.items():
        assert all(other.tobytes() == first.tobytes() for other in others), name


def test_what_stays_in_the_first_cache() -> None:
    """32 KiB are 64 sets of 8 lines; a strip of two lines a row may take two thirds of them."""
    target = replace(HOST, l1_bytes=32 * 1024)
    assert stays_near(target, apart=128, wide=128, summed=160)  # lies together: 20 KiB
    assert not stays_near(target, apart=128, wide=128, summed=180)
    # Rows 512 bytes apart begin in 8 sets: 5 lines in each are 40 rows.
    assert stays_near(target, apart=512, wide=128, summed=40)
    assert not stays_near(target, apart=512, wide=128, summed=48)
    # One more entry in a row, and they are spread over all sets.
    assert stays_near(target, apart=516, wide=128, summed=150)


KINDS = [
    replace(avx2_target(), l1_bytes=32 * 1024, l2_bytes=2**18),
    replace(avx2_target(), l1_bytes=48 * 1024, l2_bytes=2**21),
    replace(avx512_target(), l1_bytes=32 * 1024, l2_bytes=2**20),
    replace(avx512_target(), l1_bytes=48 * 1024, l2_bytes=2**21),
    aarch64_target(),
]


@pytest.mark.parametrize("target", KINDS, ids=lambda target: f"{target.name}-{target.l1_bytes}")
def test_blocks_fit_the_caches_of_every_kind_of_processor(target: Target) -> None:
    lanes = target.lanes("float")
    tile = choose_tile(target, "float", 1024, 1024)
    width = 4 * lanes * tile.vectors
    blocks = choose_blocks(target, tile, "float", 8192)
    assert blocks is not None
    assert target.l1_bytes / 2 <= blocks.steps * width <= target.l1_bytes * 2 / 3 + width
    assert blocks.rows % tile.rows == 0
    assert blocks.rows * 256 * 4 <= target.l2_bytes / 8
    assert choose_blocks(target, tile, "float", 4 * target.l1_bytes // width) is None
