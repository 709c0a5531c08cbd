"""Inner loops of products and convolutions on every kind of processor: sums stay in registers."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import pytest

from misstep import ops
from misstep.compiler.codegen.kernels.strips import over_strips
from misstep.compiler.codegen.kernels.tiles import choose_tile
from misstep.compiler.codegen.lower import lower
from misstep.compiler.language.code import Code
from misstep.compiler.passes import simplify
from misstep.compiler.runtime.native import assembly
from misstep.compiler.runtime.targets import aarch64_target, avx2_target, avx512_target
from misstep.compiler.schedule.roles import Roles
from misstep.compiler.schedule.scheduling import schedule_graph
from misstep.ir import Graph, make_input

X86 = replace(avx2_target(), l1_bytes=2**15, l2_bytes=2**20, multiply_adds=2)
WIDE = replace(avx512_target(), l1_bytes=2**15, l2_bytes=2**20, multiply_adds=2)
TARGETS = {
    "avx2": X86,
    "avx2, one unit": replace(X86, multiply_adds=1),
    "avx512": WIDE,
    "avx512, one unit": replace(WIDE, multiply_adds=1),
    "aarch64": aarch64_target(),
}
# A multiply-add of whole vectors, and what is kept on the stack for want of registers.
MULTIPLY_ADD = re.compile(r"\s(vfn?madd\w+p[sd]|fml[as])\s")
ON_STACK = re.compile(r"\(%rsp\)|\[sp[,\]]")


def product(rows: int, summed: int, columns: int) -> Graph:
    a, b = make_input("a", (rows, summed), "float32"), make_input("b", (summed, columns), "float32")
    return Graph({"out": a @ b}, [a, b])


def gradient(rows: int, summed: int, columns: int) -> Graph:
    a, b = make_input("a", (summed, rows), "float32"), make_input("b", (summed, columns), "float32")
    return Graph({"out": ops.contraction.swap_last(a) @ b}, [a, b])


def convolution(filters: int) -> Graph:
    x = make_input("x", (4, 14, 14, 16), "float32")
    weights = make_input("weights", (3, 3, 16, filters), "float32")
    out = ops.convolution(x, weights)
    return Graph({"out": out}, [x, weights])


GRAPHS = {
    "product 256": product(256, 256, 256),
    "long product": product(64, 8192, 96),
    "dense 784-10": product(128, 784, 10),
    "gradient 784-128": gradient(784, 128, 128),
    "convolution 16-32": convolution(32),
    "convolution 16-8": convolution(8),
}


@cache
def inner_loops(name: str, kind: str) -> list[list[str]]:
    """Return the lines of the innermost loops that multiply and add."""
    target = TARGETS[kind]
    lowered = lower(schedule_graph(simplify(GRAPHS[name]), Roles()), target)
    lines = assembly(lowered.text, target).splitlines()
    labels = {match[1]: at for at, line in enumerate(lines) if (match := re.match(r"(\S+):", line))}
    loops = []
    for at, line in enumerate(lines):
        jump = re.match(r"\s+(?:j\w+|b(?:\.\w+)?|cbn?z\s+\w+,|tbn?z\s.*,)\s+(\.\S+)", line)
        first = labels.get(jump[1]) if jump else None
        if first is not None and first < at:
            body = lines[first : at + 1]
            if not any(re.match(r"\S+:", inner) for inner in body[1:]) and any(
                MULTIPLY_ADD.search(inner) for inner in body
            ):
                loops.append(body)
    return loops


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("name", GRAPHS)
def test_sums_stay_in_registers(name: str, kind: str) -> None:
    loops = inner_loops(name, kind)
    assert loops
    for body in loops:
        assert not [line for line in body if ON_STACK.search(line)], "\n".join(body)


@pytest.mark.parametrize("kind", TARGETS)
def test_the_widest_loop_has_the_sums_that_units_need(kind: str) -> None:
    """At least as many under way as hide the time of one, and no more loads than multiply-adds."""
    target = TARGETS[kind]
    body = max(inner_loops("product 256", kind), key=len)
    sums = sum(1 for line in body if MULTIPLY_ADD.search(line))
    tile = choose_tile(target, "float", 256, 256)
    assert sums == tile.rows * tile.vectors
    assert sums >= target.chains
    assert tile.rows + tile.vectors < sums


def widths(count: int, vectors: int, lanes: int) -> list[int]:
    """Return how wide the strips are that a loop over strips is written for, in order."""
    found: list[int] = []
    code = Code()
    over_strips(code, count, vectors * lanes, lambda _, many: found.append(many), lanes=lanes)
    return found


@pytest.mark.parametrize(
    ("count", "vectors", "expected"),
    [
        (56, 3, [24, 16, 16]),  # 7 vectors: 3, 2, 2
        (128, 3, [24, 16, 16]),  # 16: four times 3, 2, 2
        (27, 3, [16, 11]),  # 3 and a part: 2, and 2 of which one is not full
        (24, 3, [24]),
        (40, 3, [24, 16]),
        (8, 3, [8]),
        (24, 2, [16, 8]),
        (72, 3, [24]),
    ],
)
def test_no_vector_is_left_alone_behind_three(
    count: int, vectors: int, expected: list[int]
) -> None:
    assert widths(count, vectors, 8) == expected
