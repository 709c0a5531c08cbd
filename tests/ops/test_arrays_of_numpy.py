"""Functions that go by NumPy's names do what NumPy's do, compiled and interpreted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from misstep import ops
from misstep.autodiff import check_gradient, gradient
from misstep.compiler import NativeProgram
from misstep.errors import ArgumentError, MisstepError, NotYetError, ShapeError
from misstep.ir import Array, Graph, Value, evaluate, make_input, make_parameter

RANDOM = np.random.default_rng(11)
X = RANDOM.permutation(24).reshape(2, 3, 4) * 0.3 - 3.0


def check(made: Callable[[Value], Value], wanted: Array, x: Array = X) -> None:
    """Compare a function's numbers, interpreted and compiled, and its slope with differences."""
    leaf = make_input("x", x.shape, x.dtype.name)
    graph = Graph({"out": made(leaf)}, [leaf])
    interpreted = evaluate([made(make_parameter(x))])[0]
    assert interpreted.shape == np.shape(wanted)
    np.testing.assert_allclose(interpreted, wanted, rtol=1e-12, atol=1e-12)
    try:
        compiled, _ = NativeProgram(graph).run({"x": x})
    except NotYetError as reason:
        pytest.skip(str(reason))
    np.testing.assert_allclose(compiled["out"], wanted, rtol=1e-12, atol=1e-12)
    if graph.outputs["out"].type.is_float and x.dtype.kind == "f":
        assert check_gradient(made, [x], directions=1, tolerance=1e-6).passed


PLACES = RANDOM.integers(-3, 3, (2, 2, 4))
FUNCTIONS: dict[str, tuple[Callable[[Value], Value], Array]] = {
    "roll": (lambda x: ops.roll(x, 5, 1), np.roll(X, 5, 1)),
    "roll back": (lambda x: ops.roll(x, -1, -1), np.roll(X, -1, -1)),
    "repeat": (lambda x: ops.repeat(x, 3, 1), np.repeat(X, 3, 1)),
    "tile": (lambda x: ops.tile(x, (2, 1, 1, 3)), np.tile(X, (2, 1, 1, 3))),
    "tile the last": (lambda x: ops.tile(x, 2), np.tile(X, 2)),
    "tril": (lambda x: ops.tril(x, -1), np.tril(X, -1)),
    "triu": (lambda x: ops.triu(x, 1), np.triu(X, 1)),
    "prod": (lambda x: ops.prod(x, (0, 2)), np.prod(X, (0, 2))),
    "cumsum": (lambda x: ops.cumsum(x, 1), np.cumsum(X, 1)),
    "cumprod": (lambda x: ops.cumprod(x, -1), np.cumprod(X, -1)),
    "sort": (lambda x: ops.sort(x, 1), np.sort(X, 1)),
    "top-k": (lambda x: ops.top_k(x, 2, 1)[0], -np.sort(-X, 1)[:, :2]),
    "the smallest k": (lambda x: ops.top_k(x, 2, -1, largest=False)[0], np.sort(X, -1)[..., :2]),
    "argmin": (lambda x: ops.argmin(x, 1), np.argmin(X, 1)),
    "gather": (lambda x: ops.gather(x, [[2, 0], [-1, 1]], 1), np.take(X, [[2, 0], [-1, 1]], 1)),
    "take along": (lambda x: ops.take_along_axis(x, PLACES, 1), np.take_along_axis(X, PLACES, 1)),
    "gather_nd": (lambda x: ops.gather_nd(x, [[1, 2], [0, -1], [1, 2]]), X[[1, 0, 1], [2, -1, 2]]),
    "gather_nd of a batch": (
        lambda x: ops.gather_nd(x, [[[1, 2]], [[0, -1]]], batch=1),
        np.stack([X[0, 1:2, 2], X[1, 0:1, -1]]),
    ),
    "one hot": (
        lambda x: ops.one_hot([1, -1, 7], 3, dtype="float64") + 0 * ops.sum(x),
        np.eye(4)[[1, 2, 3], :3],
    ),
    "clip": (lambda x: ops.clip(x, -1.05, 2.05), np.clip(X, -1.05, 2.05)),
    "greater": (lambda x: ops.greater(x, 0.0), X > 0),
    "not equal": (lambda x: ops.not_equal(x, X.reshape(-1)[0]), X.reshape(-1)[0] != X),
    "any": (lambda x: ops.any(x > 3.0, 1), (X > 3).any(1)),
    "all": (lambda x: ops.all(x > -3.0, (0, 1), keep=True), (X > -3).all((0, 1), keepdims=True)),
    "xor": (lambda x: ops.logical_xor(x > 0.0, x < 2.0), (X > 0) ^ (X < 2)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_as_numpy(name: str) -> None:
    made, wanted = FUNCTIONS[name]
    check(made, wanted)


@pytest.mark.parametrize("widths", [((1, 0), (2, 3), (0, 1)), ((5, 4), (7, 0), (0, 9))])
@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap"])
def test_padding_as_numpy(mode: Any, widths: Any) -> None:
    check(lambda x: ops.pad(x, widths, mode=mode), np.pad(X, widths, mode=mode))


def test_padding_with_a_number_and_cutting_off() -> None:
    wanted = np.pad(X[:, 1:, :-2], ((0, 1), (0, 0), (3, 0)), constant_values=-2.5)
    check(lambda x: ops.pad(x, ((0, 1), (-1, 0), (3, -2)), value=-2.5), wanted)


@pytest.mark.parametrize("length", [1, 2, 3, 7, 16, 33])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("exclusive", [False, True])
def test_cumulated(length: int, reverse: bool, exclusive: bool) -> None:
    x = RANDOM.uniform(0.5, 1.5, (2, length)) * RANDOM.choice([-1.0, 1.0], (2, length))
    turned = x[:, ::-1] if reverse else x
    for function, whole, neutral in ((ops.cumsum, np.cumsum, 0.0), (ops.cumprod, np.cumprod, 1.0)):
        wanted = whole(turned, 1)
        if exclusive:
            wanted = np.concatenate([np.full((2, 1), neutral), wanted[:, :-1]], 1)
        wanted = wanted[:, ::-1] if reverse else wanted
        check(
            lambda v, made=function: made(v, -1, reverse=reverse, exclusive=exclusive),  # type: ignore[misc]
            wanted,
            x,
        )


@pytest.mark.parametrize("zeros", [(), (1,), (1, 3), (0, 2, 4)])
def test_slopes_of_products_are_exact_where_entries_are_0(zeros: tuple[int, ...]) -> None:
    x = np.array([2.0, -3.0, 0.5, 7.0, 11.0])
    x[list(zeros)] = 0.0
    leaf = make_parameter(x)
    others = [np.prod(np.delete(x, k)) for k in range(5)]
    np.testing.assert_allclose(gradient(ops.prod(leaf), leaf).numpy(), others, rtol=1e-15)
    weights = np.array([1.0, 10.0, 100.0, 1e3, 1e4])
    wanted = [
        sum(weights[j] * np.prod(np.delete(x[: j + 1], k)) for j in range(k, 5)) for k in range(5)
    ]
    found = gradient(ops.sum(ops.cumprod(leaf) * weights), leaf).numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-14)


EQUATIONS = [
    ("ij,jk->ik", (3, 4), (4, 2)),
    ("ij,jk", (3, 4), (4, 2)),
    ("bij,bkj->bik", (2, 3, 4), (2, 5, 4)),
    ("...ij,...jk->...ik", (5, 1, 2, 3), (4, 3, 2)),
    ("...ij,...jk", (2, 3), (4, 3, 2)),
    ("ii->i", (4, 4)),
    ("ii", (4, 4)),
    ("iij->j", (3, 3, 2)),
    ("i,j->ij", (3,), (4,)),
    ("ij->ji", (3, 4)),
    ("ij->", (3, 4)),
    ("ij,ij->ij", (3, 4), (3, 4)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    ("bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 5, 4)),
    ("a...,a...->...", (3, 2, 4), (3, 2, 4)),
    ("ba,cab", (2, 3), (4, 3, 2)),
    (",ij->ij", (), (2, 3)),
    ("ij,j->j", (3, 4), (4,)),
]


@pytest.mark.parametrize("case", EQUATIONS, ids=lambda case: case[0])
def test_sums_of_products_as_numpy(case: Any) -> None:
    equation, *shapes = case
    arrays = [RANDOM.normal(size=shape) for shape in shapes]
    first, *others = arrays
    check(lambda x: ops.einsum(equation, x, *others), np.einsum(equation, *arrays), first)


def test_sums_of_products_of_whole_numbers() -> None:
    a, b = RANDOM.integers(-9, 9, (3, 4)), RANDOM.integers(-9, 9, (4, 2))
    np.testing.assert_array_equal(
        ops.einsum(
            "ij,jk->ki", make_parameter(a, dtype="int64"), make_parameter(b, dtype="int64")
        ).numpy(),
        np.einsum("ij,jk->ki", a, b),
    )


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk->ik", ((2, 3), (4, 2))),
        ("ij->ik", ((2, 3),)),
        ("ij->ii", ((2, 3),)),
        ("ijk->i", ((2, 3),)),
        ("i,j->ij", ((2,),)),
        ("i1->i", ((2, 3),)),
    ],
)
def test_equations_that_do_not_fit_are_refused(equation: str, shapes: Any) -> None:
    with pytest.raises((ShapeError, ArgumentError)):
        ops.einsum(equation, *map(np.zeros, shapes))


@pytest.mark.parametrize("how", ["set", "add", "multiply", "minimum", "maximum"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_putting_along_an_axis(how: str, axis: int) -> None:
    counts = (*X.shape[:axis], 5, *X.shape[axis + 1 :])
    places = RANDOM.integers(-X.shape[axis], X.shape[axis], counts)
    put = RANDOM.permutation(np.prod(counts)).reshape(counts) * 0.17 + 0.0513
    wanted = X.copy()
    for entry in np.ndindex(*counts):
        where = list(entry)
        where[axis] = places[entry]
        there = tuple(where)
        wanted[there] = {
            "set": put[entry],
            "add": wanted[there] + put[entry],
            "multiply": wanted[there] * put[entry],
            "minimum": min(wanted[there], put[entry]),
            "maximum": max(wanted[there], put[entry]),
        }[how]
    check(lambda x: ops.put_along_axis(x, places, put, axis, how=how), wanted)
    check(lambda u: ops.put_along_axis(X, places, u, axis, how=how), wanted, put)


@pytest.mark.parametrize("how", ["set", "add", "multiply", "minimum", "maximum"])
def test_putting_parts(how: str) -> None:
    places = np.array([[1, 2], [0, -1], [1, 2]])
    put = RANDOM.permutation(12).reshape(3, 4) * 0.17 + 0.0513
    wanted = X.copy()
    for (row, column), part in zip(places, put, strict=True):
        there = wanted[row, column].copy()
        wanted[row, column] = {
            "set": part,
            "add": there + part,
            "multiply": there * part,
            "minimum": np.minimum(there, part),
            "maximum": np.maximum(there, part),
        }[how]
    check(lambda x: ops.scatter_nd(x, places, put, how=how), wanted)
    check(lambda u: ops.scatter_nd(X, places, u, how=how), wanted, put)


@pytest.mark.parametrize(
    "numbers", [[2.0, np.nan, 1.0, np.nan, -np.inf, np.inf, 2.0, -0.0, 0.0], [1.0], [3.0, 3.0, 3.0]]
)
@pytest.mark.parametrize("descending", [False, True])
def test_an_order_of_ties_and_of_what_is_no_number(numbers: list[float], descending: bool) -> None:
    x = np.array(numbers)
    keyed = [(int(np.isnan(one)), 0.0 if np.isnan(one) else one) for one in x]
    wanted = sorted(
        range(len(x)), key=lambda k: (-keyed[k][0], -keyed[k][1]) if descending else keyed[k]
    )
    leaf = make_input("x", x.shape, "float64")
    order = ops.argsort(leaf, descending=descending)
    compiled, _ = NativeProgram(Graph({"out": order}, [leaf])).run({"x": x})
    np.testing.assert_array_equal(compiled["out"], wanted)
    np.testing.assert_array_equal(
        ops.argsort(make_parameter(x), descending=descending).numpy(), wanted
    )


def test_a_long_order_runs_on_the_interpreter() -> None:
    leaf = make_input("x", (5000,))
    with pytest.raises(NotYetError, match="argsort"):
        NativeProgram(Graph({"out": ops.argsort(leaf)}, [leaf]))


def test_the_least_of_whole_numbers() -> None:
    for dtype in ("int32", "int64", "uint32"):
        kind = np.iinfo(dtype)
        x = np.array([[kind.max, kind.min], [3, 4]], dtype)
        leaf = make_parameter(x, dtype=dtype)
        np.testing.assert_array_equal(ops.min(leaf, 1).numpy(), x.min(1))
        np.testing.assert_array_equal(ops.argmin(leaf, 1).numpy(), x.argmin(1))
    truths = make_parameter(np.array([[True, False], [True, True]]), dtype="bool")
    np.testing.assert_array_equal(ops.min(truths, 1).numpy(), [False, True])


def test_nothing_of_none_holds() -> None:
    none = make_parameter(np.zeros((2, 0), bool), dtype="bool")
    np.testing.assert_array_equal(ops.any(none, 1).numpy(), [False, False])
    np.testing.assert_array_equal(ops.all(none, 1).numpy(), [True, True])


@pytest.mark.parametrize(
    "function",
    [
        lambda: ops.pad(X, [(1, 1)]),
        lambda: ops.pad(X, [(0, 0)] * 3, mode="mirror"),
        lambda: ops.pad(X, [(0, -5), (0, 0), (0, 0)]),
        lambda: ops.pad(np.zeros((0, 2)), [(1, 0), (0, 0)], mode="edge"),
        lambda: ops.roll(X, 0.5, 0),  # type: ignore[arg-type]
        lambda: ops.repeat(X, -1, 0),
        lambda: ops.tile(X, (-1,)),
        lambda: ops.tril([1.0, 2.0]),
        lambda: ops.top_k(X, 9),
        lambda: ops.any(X),
        lambda: ops.gather(X, [3], 1),
        lambda: ops.put_along_axis(X, [[[9]]], [[[1.0]]]),
        lambda: ops.gather_nd(X, [[0, 0, 0, 0]]),
        lambda: ops.scatter_nd(X, [[0, 1]], [[1.0]]),
        lambda: ops.take_along_axis(X, [1, 0], axis=0),
    ],
)
def test_what_does_not_fit_is_refused(function: Callable[[], Value]) -> None:
    with pytest.raises(MisstepError):
        function()


def test_indices_that_lie_outside_are_not_taken_for_others() -> None:
    """Of computed ones this is seen when they are there: the interpreter says so."""
    indices = make_parameter(np.array([[0, 3]]), dtype="int64")
    with pytest.raises(IndexError):
        ops.gather_nd(X, indices).numpy()
    with pytest.raises(IndexError):
        ops.scatter_nd(X, indices, np.zeros((1, 4)), how="add").numpy()
