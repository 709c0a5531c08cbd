"""Scans: what a body does along time, what it may use, and how blame flows back through it.

The sweep tries the op's own examples; here stand worked cases, refusals, and bodies that use their
constants in ways for which reverse mode has no short cut.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from misstep import ops as ms
from misstep.autodiff import check_gradient, gradient, remembering
from misstep.compiler import NativeProgram
from misstep.errors import GraphError, MisstepError, NotYetError, ShapeError
from misstep.inspection import emit_python
from misstep.ir import (
    Array,
    Graph,
    Interpreter,
    Value,
    evaluate,
    in_float64,
    make_input,
    make_literal,
    read_graph,
    write_graph,
)
from misstep.ops.scan import Scan


def growing(sum_: Value, entry: Value) -> list[Value]:
    return [sum_ + entry, sum_ * 10.0]


def test_steps_are_handed_on_and_columns_stand_beside() -> None:
    x = np.array([[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]])
    first = np.array([[100.0], [0.0]])
    forwards = ms.scan(growing, first, [x]).numpy()
    np.testing.assert_array_equal(forwards[0], [[101, 1000], [103, 1010], [106, 1030]])
    np.testing.assert_array_equal(forwards[1], [[4, 0], [9, 40], [15, 90]])
    backwards = ms.scan(growing, first, [x], reverse=True).numpy()
    np.testing.assert_array_equal(backwards[0], [[106, 1050], [105, 1030], [103, 1000]])


@pytest.mark.parametrize("reverse", [False, True])
def test_the_whole_result_begins_with_the_initial_carry(reverse: bool) -> None:
    x, first = np.ones((2, 3, 1)), np.array([[7.0], [8.0]])
    whole = ms.scan(growing, first, [x], reverse=reverse).inputs[0]
    assert isinstance(whole.op, Scan)
    start = whole.numpy()[:, 3 if reverse else 0]
    np.testing.assert_array_equal(start, [[7, 0], [8, 0]])


def test_no_time_at_all() -> None:
    first = make_input("first", (2, 3), "float64")
    empty = make_literal(np.zeros((2, 0, 3)))
    y = ms.scan(lambda h, e: h * 2.0 + e, first, [empty])
    assert y.shape == (2, 0, 3)
    slope = gradient(ms.sum(y), first)
    found = evaluate([y, slope], {"first": np.ones((2, 3))})
    np.testing.assert_array_equal(found[1], np.zeros((2, 3)))


# Bodies of all sorts


def mixing(h: Value, e: Value, w: Value, k: Value) -> list[Value]:
    """Rows meet in a mean, a constant is summed and turned."""
    return [h * ms.sum(w * w) + (e @ ms.transpose(k)) * ms.mean(e @ k, 0), e @ w + k[0:1, :2]]


def square(h: Value, e: Value, w: Value, k: Value) -> list[Value]:
    """A constant on the left of a product."""
    left = (w @ ms.transpose(w))[:3, :3]
    return [h * 0.5 * ms.mean(left @ h) + e @ (k * k)]


def twice(h: Value, e: Value, w: Value, k: Value) -> list[Value]:
    """The same output twice, a constant as an output, a mask of each row's own."""
    new = ms.tanh(h @ k + e)
    return [new, new, ms.where(new > 0.0, new, h) @ w]


def rows(h: Value, e: Value, w: Value, k: Value) -> list[Value]:
    """A constant with a number for each row of the batch."""
    return [ms.tanh(h * k[:3] + e), h @ w]


BODIES: list[Callable[..., list[Value]]] = [mixing, square, twice, rows]


def arrays(seed: int) -> list[Array]:
    random = np.random.default_rng(seed)
    return [random.normal(size=shape) for shape in ((3, 4), (3, 5, 4), (4, 2), (4, 4))]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("remember", [False, True])
@pytest.mark.parametrize("body", BODIES, ids=lambda one: one.__name__)
def test_slopes_of_any_body_are_the_measured_ones(
    body: Callable[..., list[Value]], remember: bool, reverse: bool
) -> None:
    def function(h: Value, x: Value, w: Value, k: Value) -> Value:
        y = ms.scan(body, h, [x], [w, k], reverse=reverse)
        return remembering(y) if remember else y

    for seed in range(3):
        check = check_gradient(function, arrays(seed), seed=seed, tolerance=1e-6)
        assert check, str(check)


@pytest.mark.parametrize("body", BODIES, ids=lambda one: one.__name__)
def test_any_body_is_compiled_or_said_not_to_be(body: Callable[..., list[Value]]) -> None:
    given = arrays(1)
    leaves = [make_input(f"v{k}", one.shape, "float64") for k, one in enumerate(given)]
    y = ms.scan(body, leaves[0], [leaves[1]], leaves[2:])
    slopes = gradient(ms.sum(y * y), leaves)
    graph = Graph({"y": y} | {f"slope{k}": one for k, one in enumerate(slopes)}, leaves)
    feeds = {f"v{k}": one for k, one in enumerate(given)}
    wanted = Interpreter(graph).run(feeds)
    if body in (mixing, square):  # rows meet
        with pytest.raises(NotYetError, match="scan"):
            NativeProgram(graph)
        return
    found, _ = NativeProgram(graph).run(feeds)
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, 1e-12, 1e-12)


def test_blame_of_what_stands_before_the_first_step() -> None:
    def function(h: Value, x: Value) -> Value:
        whole = ms.scan(lambda h, e: ms.tanh(h) * e, h, [x]).inputs[0]
        return ms.sum(whole * whole) + ms.sum(ms.exp(whole[:, 0]))

    random = np.random.default_rng(0)
    check = check_gradient(function, [random.normal(size=(2, 3)), random.normal(size=(2, 4, 3))])
    assert check, str(check)


def test_a_scan_in_a_scan() -> None:
    def outer(h: Value, e: Value, u: Value) -> Value:
        inner = ms.scan(
            lambda s, part, u: ms.tanh(s @ u + part), h, [ms.reshape(e, (2, 3, 2))], [u]
        )
        return inner[:, -1]

    random = np.random.default_rng(0)
    given = [random.normal(size=shape) for shape in ((2, 2), (2, 4, 6), (2, 2))]
    check = check_gradient(lambda h, x, u: ms.scan(outer, h, [x], [u]), given, tolerance=1e-6)
    assert check, str(check)


# Forms


def test_text_float64_and_source_keep_the_body() -> None:
    h, x, u = make_input("h", (2, 3)), make_input("x", (2, 4, 3)), make_input("u", (3, 3))
    y = ms.scan(lambda h, e, u: ms.tanh(h @ u + e) * 0.1, h, [x], [u])
    graph = Graph({"y": y, "slope": gradient(ms.sum(y), u)}, [h, x, u])
    random = np.random.default_rng(0)
    feeds = {one.name or "": random.normal(size=one.shape) for one in graph.inputs}
    narrow = {name: one.astype("float32") for name, one in feeds.items()}
    wanted = Interpreter(graph).run(narrow)
    again = Interpreter(read_graph(write_graph(graph))).run(narrow)
    space: dict[str, object] = {"__name__": "emitted"}
    exec(compile(emit_python(graph), "emitted.py", "exec"), space)
    source = space["program"](**narrow)  # type: ignore[operator]
    for name, array in wanted.items():
        assert again[name].tobytes() == array.tobytes()
        assert source[name].tobytes() == array.tobytes()
        assert array.dtype == "float32"
    wide = Interpreter(in_float64(graph)[0]).run(feeds)
    assert wide["y"].dtype == "float64"
    # 0.1 is 0.1 there, and not the number nearest to it in float32.
    step = np.tanh(feeds["h"] @ feeds["u"] + feeds["x"][:, 0]) * 0.1
    np.testing.assert_allclose(wide["y"][:, 0], step, rtol=1e-14)


def test_equal_bodies_are_one_op() -> None:
    h, x = make_input("h", (2, 3)), make_input("x", (2, 4, 3))
    first, second = (ms.scan(lambda h, e: h + e, h, [x]).inputs[0].op for _ in "12")
    assert first == second
    assert hash(first) == hash(second)


# Refusals


def test_a_step_uses_only_what_it_is_given() -> None:
    h, x, u = make_input("h", (2, 3)), make_input("x", (2, 4, 3)), make_input("u", (3, 3))
    with pytest.raises(GraphError, match="constants"):
        ms.scan(lambda h, e: h @ u + e, h, [x])


@pytest.mark.parametrize(
    ("step", "shape"),
    [
        (lambda h, e: h[:, :1] + e[:, :1], (2, 4, 3)),
        (lambda h, e: ms.sum(h + e), (2, 4, 3)),
        (lambda h, e: h, (3, 4, 3)),
        (lambda h, e: h, (2, 3)),
        (lambda h, e: ms.cast(h + e, "int64"), (2, 4, 3)),
    ],
)
def test_parts_that_do_not_fit_are_refused(
    step: Callable[..., Value], shape: tuple[int, ...]
) -> None:
    with pytest.raises(MisstepError):
        ms.scan(step, make_input("h", (2, 3)), [make_input("x", shape)])


def test_sequences_of_two_lengths_are_refused() -> None:
    x, y = make_input("x", (2, 4, 3)), make_input("y", (2, 5, 3))
    with pytest.raises(ShapeError, match="one length"):
        ms.scan(lambda h, a, b: h + a + b, make_input("h", (2, 3)), [x, y])
