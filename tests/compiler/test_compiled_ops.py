"""Every op, by being registered: a program of this one op, compiled, against what the op says.

An op is tried on its own examples, in both floating-point kinds and in whole numbers, on one, two
and three threads. What only moves, compares or counts must agree in every bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from misstep.compiler import NativeProgram
from misstep.compiler.runtime.targets import host_target
from misstep.errors import MisstepError, NotYetError
from misstep.ir import DTYPES, Array, Graph, Op, Type, make_input, registered_ops
from misstep.ops.elementwise import Gradients

try:
    HOST = host_target()
except NotYetError as reason:
    pytest.skip(str(reason), allow_module_level=True)

OPS = registered_ops()
ROUNDS = 3
WHOLE = [0, 1, -1, 2, 3, 2**31 - 1, -(2**31), 7]
# Sums are taken in another order than NumPy's, functions are within 2 ulp where NumPy's are within
# 4, and a division by few numbers is a product: together at most so many times the distance from 1
# to the next number, relative to the largest entry.
ULP = 16
# Which zero is the larger one is open, and the zero of a sum of nothing but negative ones.
SIGN_OF_ZERO_OPEN = {
    "max",
    "maximum",
    "minimum",
    "relu",
    "sum",
    "matrix_product",
    "convolution",
    "window_products",
    "window_max",
}


def examples(name: str, rounds: int = ROUNDS, seed: int = 0) -> Iterator[tuple[Op, list[Array]]]:
    random = np.random.default_rng(seed)
    for _ in range(rounds):
        for op, arrays in OPS[name].examples(random):
            yield op, [np.asarray(array) for array in arrays]


def check(op: Op, arrays: list[Array]) -> None:
    leaves = [make_input(f"v{k}", array.shape, array.dtype.name) for k, array in enumerate(arrays)]
    program = NativeProgram(Graph({"out": op(*leaves)}, leaves))
    with np.errstate(all="ignore"):
        expected = np.asarray(op.run(*arrays))
    feeds = {f"v{index}": array for index, array in enumerate(arrays)}
    first: Array | None = None
    for threads in (1, 2, 3):
        program.threads = threads
        outputs, steps = program.run(feeds)
        actual = outputs["out"]
        assert steps == 1
        assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape), op
        if first is not None:
            assert actual.tobytes() == first.tobytes(), f"{op} on {threads} threads"
        first = actual
    assert first is not None
    compare(op, first, expected)


def compare(op: Op, actual: Array, expected: Array) -> None:
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(actual, expected, str(op))
        return
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(actual[~finite], expected[~finite], str(op))
    close = ULP * float(np.finfo(expected.dtype).eps)
    largest = float(np.abs(expected[finite]).max(initial=0.0))
    np.testing.assert_allclose(actual[finite], expected[finite], close, close * largest, err_msg=op)
    if op.name not in SIGN_OF_ZERO_OPEN:
        zero = expected == 0
        np.testing.assert_array_equal(np.signbit(actual[zero]), np.signbit(expected[zero]), str(op))


def narrowed(arrays: list[Array]) -> list[Array]:
    return [array.astype("float32") if array.dtype == "float64" else array for array in arrays]


def must_compile(op: Op) -> bool:
    """Tell whether an op says how the compiler comes to its entries."""
    return op.by_entry or op.moves


@pytest.mark.parametrize("name", OPS)
def test_examples(name: str) -> None:
    tried = 0
    for op, arrays in examples(name):
        for given in (arrays, narrowed(arrays)):
            try:
                check(op, given)
            except NotYetError:
                assert not must_compile(op)
        tried += 1
    assert tried


def test_every_op_of_the_vocabulary_compiles() -> None:
    """Falling back is right, but slow: an op joins this list only with a reason beside it."""
    lacking = set()
    for name in OPS:
        for op, arrays in examples(name, 1):
            leaves = [
                make_input(f"v{k}", array.shape, array.dtype.name) for k, array in enumerate(arrays)
            ]
            try:
                NativeProgram(Graph({"out": op(*leaves)}, leaves))
            except NotYetError:
                lacking.add(name)
    assert lacking == set()


@pytest.mark.parametrize("dtype", [dtype for dtype in DTYPES if not dtype.startswith("float")])
@pytest.mark.parametrize("name", OPS)
def test_whole_numbers_and_truths(name: str, dtype: str) -> None:
    random = np.random.default_rng(4)
    choices = np.array(WHOLE).astype(dtype)
    for op, arrays in examples(name, 2):
        given = [
            np.asarray(random.choice(choices, array.shape)) if array.dtype.kind == "f" else array
            for array in arrays
        ]
        try:
            op.type(*(Type(array.shape, array.dtype.name) for array in given))
        except MisstepError:
            continue
        check(op, given)


@pytest.mark.parametrize(
    "name", [name for name in OPS if name in {"gather", "take_along_axis", "scatter"}]
)
@pytest.mark.parametrize("dtype", ["int32", "uint32"])
def test_positions_of_every_kind(name: str, dtype: str) -> None:
    for op, arrays in examples(name):
        check(op, [arrays[0], arrays[1].astype(dtype)])


@pytest.mark.parametrize("name", ["gather", "take_along_axis"])
@pytest.mark.parametrize("wrong", [-1, -(2**62), 5, 2**40])
def test_what_lies_outside_is_never_read(name: str, wrong: int) -> None:
    """The interpreter raises IndexError; a compiled program takes the last entry, and no harm."""
    for op, (x, positions) in examples(name):
        leaves = [make_input("x", x.shape, "float64"), make_input("n", positions.shape, "int64")]
        program = NativeProgram(Graph({"out": op(*leaves)}, leaves))
        outputs, _ = program.run({"x": x, "n": np.full(positions.shape, wrong)})
        last = (x.shape[0] if name == "gather" else x.shape[-1]) - 1
        np.testing.assert_array_equal(outputs["out"], op.run(x, np.full(positions.shape, last)))


def test_updates_outside_are_left_out() -> None:
    op = OPS["scatter_add"]()
    leaves = [make_input("x", (9, 3)), make_input("n", (4,), "int64"), make_input("u", (4, 3))]
    program = NativeProgram(Graph({"out": op(*leaves)}, leaves))
    program.threads = 2
    x, updates = np.ones((9, 3), "float32"), np.arange(12, dtype="float32").reshape(4, 3)
    outputs, _ = program.run({"x": x, "n": np.array([8, -1, 8, 9]), "u": updates})
    expected = x.copy()
    expected[8] += updates[0] + updates[2]
    np.testing.assert_array_equal(outputs["out"], expected)


@dataclass(frozen=True)
class Sorted(Op, abstract=True):
    """The entries in order of size: no matter of single entries, and nothing the compiler knows."""

    name = "sorted"
    words = "{0} in order"
    formula = "sorted({0})"
    local_derivatives = ("0",)
    smooth = False

    def type(self, *inputs: Type) -> Type:
        return inputs[0]

    def run(self, *inputs: Any, **none: Any) -> Array:
        return np.sort(inputs[0])

    def gradient(self, value: Any, upstream: Any) -> Gradients:
        return (None,)


def test_an_op_that_the_compiler_does_not_know_is_told_by_name() -> None:
    x = make_input("x", (3,))
    graph = Graph(Sorted()(x + 1.0) * 2.0)
    assert not must_compile(Sorted())
    with pytest.raises(NotYetError, match="sorted"):
        NativeProgram(graph)


@dataclass(frozen=True)
class Tripled(Op, abstract=True):
    """Entry by entry, but without a word to the compiler."""

    name = "tripled"
    words = "three times {0}"
    formula = "3 {0}"
    local_derivatives = ("3",)
    elementwise = True

    def type(self, *inputs: Type) -> Type:
        return inputs[0]

    def run(self, *inputs: Any, **none: Any) -> Array:
        return inputs[0] * 3


def test_an_op_without_its_lower_is_told_by_name() -> None:
    with pytest.raises(NotYetError, match="tripled"):
        NativeProgram(Graph(Tripled()(make_input("x", (3,)))))
