"""Made-up programs, compiled, against the interpreter: every class of kernel, any roles of inputs.

Sums are taken in another order than NumPy's and functions are the compiler's own, so float64
results may differ in their last digits; nothing else may. On any number of threads, and for any
width of vectors, a program gives the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_runs import RandomGraph, random_feeds
from program_maker import MadeUp, interpreted_steps

from misstep import ops
from misstep.compiler import NativeProgram, Roles
from misstep.compiler.runtime.targets import avx2_target, avx512_target, host_target
from misstep.errors import ArgumentError, NotYetError, ShapeError
from misstep.ir import Array, Graph, Interpreter, Value, make_input, make_literal

try:
    HOST = host_target()
except NotYetError as reason:
    pytest.skip(str(reason), allow_module_level=True)

THREADS = (1, 2, 3)
# The largest error seen is 1e-14, relative to the largest entry; casts to float32 on the way may
# round to the other side.
CLOSE = {"float64": 2e-7, "float32": 2e-3}
HUGE = 1e8

seeds = st.integers(0, 2**32 - 1)
lengths = st.integers(1, 10)


def check(actual: Mapping[str, Array], expected: Mapping[str, Array], close: float) -> None:
    assert actual.keys() == expected.keys()
    for name, array in expected.items():
        other = actual[name]
        assert (other.dtype, other.shape) == (array.dtype, array.shape), name
        if array.dtype.kind != "f":
            np.testing.assert_array_equal(other, array, name)
            continue
        np.testing.assert_array_equal(np.isnan(other), np.isnan(array), name)
        largest = float(np.abs(array).max(initial=1.0))
        if largest < HUGE:
            np.testing.assert_allclose(other, array, 0, close * largest, err_msg=name)


def same_bits(one: Mapping[str, Array], other: Mapping[str, Array]) -> None:
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert array.tobytes() == other[name].tobytes(), name


def copies(feeds: Mapping[str, Array]) -> dict[str, Array]:
    return {name: np.array(array, order="C") for name, array in feeds.items()}


def run_alike(
    program: NativeProgram, feeds: Mapping[str, Array], steps: int = 1, rows: Array | None = None
) -> dict[str, Array]:
    """Return the outputs, the same on one, two and three threads."""
    first: dict[str, Array] | None = None
    for threads in THREADS:
        program.threads = threads
        out, done = program.run(copies(feeds), steps, row_numbers=rows)
        assert done == steps
        results = copies(out)
        if first is not None:
            same_bits(results, first)
        first = results
    assert first is not None
    return first


@given(seed=seeds, steps=lengths, dtype=st.sampled_from(["float64", "float64", "float32"]))
@settings(max_examples=90, deadline=None, derandomize=True)
def test_made_up_programs(seed: int, steps: int, dtype: str) -> None:
    maker = MadeUp(seed, steps, dtype=dtype)
    graph = maker.graph()
    expected = Interpreter(graph).run(maker.feeds)
    check(run_alike(NativeProgram(graph), maker.feeds), expected, CLOSE[dtype])


@given(seed=seeds, steps=lengths)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_made_up_programs_with_empty_values(seed: int, steps: int) -> None:
    maker = MadeUp(seed, steps, empty=True)
    graph = maker.graph()
    expected = Interpreter(graph).run(maker.feeds)
    check(run_alike(NativeProgram(graph), maker.feeds), expected, CLOSE["float64"])


@given(seed=seeds, steps=st.integers(1, 30))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_small_programs_of_many_ops(seed: int, steps: int) -> None:
    graph = RandomGraph(seed, steps, "float64").graph()
    feeds = random_feeds(graph, np.random.default_rng(seed))
    expected = Interpreter(graph).run(feeds)
    check(run_alike(NativeProgram(graph), feeds), expected, CLOSE["float64"])


@given(seed=seeds, steps=lengths)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_many_steps_at_once(seed: int, steps: int) -> None:
    """States change in place, inputs have their steps or are gathered, logs keep every step."""
    maker = MadeUp(seed, steps, empty=seed % 7 == 0)
    graph, roles = maker.steps()
    random = np.random.default_rng(seed)
    feeds = dict(maker.feeds)
    count, batch = 3, 0
    for name in roles.stepped:
        flat = [random.permutation(feeds[name].reshape(-1)) for _ in range(count)]
        feeds[name] = np.stack([part.reshape(feeds[name].shape) for part in flat])
    for name in roles.gathered:
        batch = len(feeds[name])
        feeds[name] = np.concatenate([feeds[name], feeds[name][::-1], feeds[name]])
    rows = random.integers(0, max(3 * batch, 1), count * batch)
    expected = interpreted_steps(graph, roles, copies(feeds), rows, count)
    actual = run_alike(NativeProgram(graph, roles), feeds, count, rows)
    check(actual, expected, CLOSE["float64"])


def has(target: Any) -> bool:
    needed = {"avx2": 32, "avx512": 64}[target.name]
    return HOST.machine == "x86_64" and HOST.vector_bytes >= needed


@pytest.mark.skipif(not has(avx512_target()), reason="this processor has no AVX-512")
@given(seed=seeds, steps=lengths, dtype=st.sampled_from(["float64", "float32"]))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_narrow_and_wide_vectors_give_the_same_bits(seed: int, steps: int, dtype: str) -> None:
    maker = MadeUp(seed, steps, dtype=dtype)
    graph = maker.graph()
    outputs = []
    for target in (avx2_target(), avx512_target()):
        program = NativeProgram(graph, target=target)
        program.threads = 2
        outputs.append(program.run(maker.feeds)[0])
    same_bits(*outputs)


# --- matrix products ----------------------------------------------------------------------------

SIZES = [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100]


@given(
    shapes=st.lists(st.tuples(*[st.sampled_from(SIZES)] * 3), min_size=5, max_size=5),
    turned=st.lists(st.integers(0, 3), min_size=5, max_size=5),
    batches=st.lists(
        st.sampled_from([((), ()), ((3,), (3,)), ((2, 1), (3,)), ((), (2,)), ((2, 3), ())]),
        min_size=5,
        max_size=5,
    ),
    dtype=st.sampled_from(["float32", "float64"]),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_matrix_products_of_every_shape(
    shapes: list[tuple[int, int, int]],
    turned: list[int],
    batches: list[tuple[tuple[int, ...], tuple[int, ...]]],
    dtype: str,
) -> None:
    random = np.random.default_rng(0)
    outputs: dict[str, Value] = {}
    feeds: dict[str, Array] = {}
    for index, (rows, summed, columns) in enumerate(shapes):
        fronts = batches[index] if rows * summed * columns < 20_000 else ((), ())
        pair = []
        for side, (front, shape) in enumerate(
            zip(fronts, ((rows, summed), (summed, columns)), strict=True)
        ):
            turn = turned[index] >> side & 1
            name = f"{'ab'[side]}{index}"
            whole = (*front, *(shape[::-1] if turn else shape))
            feeds[name] = random.normal(0, 1, whole).astype(dtype)
            value = make_input(name, whole, dtype)
            pair.append(ops.contraction.swap_last(value) if turn else value)
        product = pair[0] @ pair[1]
        outputs[f"plain{index}"] = product
        outputs[f"more{index}"] = ops.tanh(product * 0.1 + 0.2)
    graph = Graph(outputs)
    expected = Interpreter(graph).run(feeds)
    check(run_alike(NativeProgram(graph), feeds), expected, 1e-13 if dtype == "float64" else 3e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("turned", range(4))
def test_matrix_products_whose_operands_are_packed(turned: int, dtype: str) -> None:
    """Rows so far apart that panels are copied together first, with tails in every dimension."""
    random = np.random.default_rng(turned)
    outputs: dict[str, Value] = {}
    feeds: dict[str, Array] = {}
    shapes = [(33, 70, 531), (531, 67, 37), (9, 300, 600), (131, 1030, 70), (512, 40, 300)]
    for index, (rows, summed, columns) in enumerate(shapes):
        pair = []
        for side, shape in enumerate(((rows, summed), (summed, columns))):
            turn = turned >> side & 1
            name = f"{'ab'[side]}{index}"
            feeds[name] = random.normal(0, 1, shape[::-1] if turn else shape).astype(dtype)
            value = make_input(name, feeds[name].shape, dtype)
            pair.append(value.T if turn else value)
        outputs[f"out{index}"] = pair[0] @ pair[1] + 1.0
    graph = Graph(outputs)
    expected = Interpreter(graph).run(feeds)
    check(run_alike(NativeProgram(graph), feeds), expected, 1e-13 if dtype == "float64" else 3e-5)


def test_operands_that_no_strides_can_show_are_copied() -> None:
    x, w = make_input("x", (6, 10), "float64"), make_input("w", (4, 5), "float64")
    again = ops.reshape(ops.exp(x).T, (15, 4))
    outputs = {
        "turned": ops.reshape(x.T, (15, 4)) @ w,
        "repeated": ops.reshape(ops.broadcast_to(x[:1, :4], (3, 4)), (4, 3)) @ w[:3],
        "made": again @ w,
        "both": again @ ops.reshape(ops.tanh(w).T, (4, 5)) + ops.sum(again),
    }
    random = np.random.default_rng(0)
    outputs_of(Graph(outputs), {"x": random.normal(0, 1, (6, 10)), "w": random.random((4, 5))})


# --- odd outputs --------------------------------------------------------------------------------


def outputs_of(graph: Graph, feeds: Mapping[str, Array]) -> dict[str, Array]:
    results = run_alike(NativeProgram(graph), feeds)
    check(results, Interpreter(graph).run(feeds), CLOSE["float64"])
    return results


def test_outputs_may_be_inputs_literals_and_each_other() -> None:
    x = make_input("x", (20, 3), "float64")
    y = ops.exp(x)
    literal = make_literal(np.arange(6.0).reshape(2, 3))
    one = make_literal(np.float64(0.5))
    outputs = {
        "given": x,
        "y": y,
        "again": y,
        "literal": literal,
        "repeated": ops.broadcast_to(one, (4,)),
        "one": one,
        "turned": x.T,
        "part": x[3:5, 1],
        "sum": ops.sum(y),
        "same": ops.sum(y),
        "joined": ops.concatenate([y, y, x]),
        "flat": ops.reshape(y, (60,)),
    }
    results = outputs_of(Graph(outputs), {"x": np.random.default_rng(0).normal(0, 1, (20, 3))})
    same_bits({"a": results["y"]}, {"a": results["again"]})


def test_a_program_of_nothing_but_an_input() -> None:
    x = make_input("x", (5,), "float64")
    outputs_of(Graph({"x": x}), {"x": np.arange(5.0)})


def test_special_numbers_go_through() -> None:
    odd = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 1e308, 1.0])
    x = make_input("x", (8,), "float64")
    graph = Graph(
        {
            "max": ops.max(x),
            "sum": ops.sum(x[3:]),
            "place": ops.argmax(x),
            "lost": ops.log_sum_exp(x[3:7]),
            "root": ops.sqrt(x),
            "is": ops.equal(x, x),
            "share": ops.softmax(ops.reshape(x, (2, 4))),
        }
    )
    outputs_of(graph, {"x": odd})


def test_whole_numbers_and_truths_in_sums() -> None:
    random = np.random.default_rng(0)
    outputs: dict[str, Value] = {}
    feeds: dict[str, Array] = {}
    for dtype in ("bool", "uint32", "int32", "int64"):
        x = make_input(dtype, (19, 37), dtype)
        whole = random.integers(0, 2**32, x.shape)
        feeds[dtype] = (whole % 2 == 0) if dtype == "bool" else whole.astype(dtype)
        for axes in ((), (0,), (1,), (0, 1)):
            outputs[f"sum {dtype} {axes}"] = ops.sum(x, axes)
            outputs[f"max {dtype} {axes}"] = ops.max(x, axes, True)
    outputs_of(Graph(outputs), feeds)


# --- what must fit --------------------------------------------------------------------------------


def test_inputs_and_states_must_fit() -> None:
    x, w = make_input("x", (4, 2)), make_input("w", (2,))
    graph = Graph({"w": w + ops.sum(x, 0)}, [x, w])
    program = NativeProgram(graph, Roles(states={"w": "w"}, gathered=("x",)))
    rows, data = np.zeros(4, np.int64), np.ones((9, 2), "float32")
    w_now = np.zeros(2, "float32")
    program.run({"x": data, "w": w_now}, row_numbers=rows)
    np.testing.assert_array_equal(w_now, [4.0, 4.0])
    with pytest.raises(ShapeError):
        program.run({"x": data[:, :1], "w": w_now}, row_numbers=rows)
    with pytest.raises(ShapeError):
        program.run({"x": data, "w": np.zeros(3, "float32")}, row_numbers=rows)
    with pytest.raises(ShapeError):
        program.run({"x": data, "w": np.zeros(2)}, row_numbers=rows)
    frozen = np.zeros(2, "float32")
    frozen.flags.writeable = False
    with pytest.raises(ShapeError):
        program.run({"x": data, "w": frozen}, row_numbers=rows)
    for wrong in (rows[:3], np.array([0, 1, 2, 9]), np.array([0, 0, -1, 0])):
        with pytest.raises((ShapeError, ArgumentError)):
            program.run({"x": data, "w": w_now}, row_numbers=wrong)
    np.testing.assert_array_equal(w_now, [4.0, 4.0])
