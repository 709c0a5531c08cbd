"""Sums that share their parts: two for the gradients of a normalization, and none for what is 0."""

from __future__ import annotations

import numpy as np
import pytest

from misstep import ops
from misstep.autodiff import gradient
from misstep.compiler.passes import simplify
from misstep.compiler.passes.factor_sums import factor_sums, is_centered
from misstep.compiler.runtime.program import NativeProgram
from misstep.ir import Graph, Interpreter, Value, make_input
from misstep.ops import broadcast_to, divide, mean, negative, reshape, sqrt, tanh
from misstep.ops.reduction import Sum

ROWS, WIDTH = 24, 10


def normalized(x: Value, scale: Value, shift: Value, axes: tuple[int, ...]) -> Value:
    far = x - mean(x, axes, keep=True)
    return far / sqrt(mean(far * far, axes, keep=True) + 1e-5) * scale + shift


def normalization_gradients(shape: tuple[int, ...], axes: tuple[int, ...]) -> Graph:
    x, up = make_input("x", shape, "float64"), make_input("up", shape, "float64")
    bias, scale, shift = (
        make_input(name, shape[-1:], "float64") for name in ("bias", "scale", "shift")
    )
    loss = ops.sum(tanh(normalized(x + bias, scale, shift, axes)) * up)
    sources = [x, bias, scale, shift]
    gradients = gradient(loss, sources)
    return Graph(
        {
            f"gradient_{value.name}": of_source
            for value, of_source in zip(sources, gradients, strict=True)
        },
        [x, up, bias, scale, shift],
    )


def feeds(graph: Graph) -> dict[str, np.ndarray]:
    random = np.random.default_rng(2)
    return {str(value.name): random.normal(1.0, 2.0, value.shape) for value in graph.inputs}


def sums(graph: Graph) -> list[Value]:
    return [value for value in graph.values if isinstance(value.op, Sum)]


CASES = [
    ((ROWS, WIDTH), (0,)),
    ((ROWS, WIDTH), (1,)),
    ((4, 3, 2, WIDTH), (0, 1, 2)),
    ((4, 6, WIDTH), (2,)),
]


@pytest.mark.parametrize(("shape", "axes"), CASES)
def test_slopes_of_a_normalization_stay(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    graph = normalization_gradients(shape, axes)
    given = feeds(graph)
    expected = Interpreter(graph).run(given)
    best = simplify(graph)
    assert len(sums(best)) <= len(sums(simplify(graph, [factor_sums])))
    base = None
    for threads in (1, 2, 3, 8):
        program = NativeProgram(graph, threads=threads)
        program.threads = threads
        actual, _ = program.run(given)
        for name, array in expected.items():
            np.testing.assert_allclose(actual[name], array, rtol=1e-10, atol=1e-10, err_msg=name)
        bits = {name: array.tobytes() for name, array in actual.items()}
        assert base is None or bits == base
        base = bits


def test_a_normalization_over_rows_needs_two_sums_for_its_gradients() -> None:
    graph = simplify(normalization_gradients((ROWS, WIDTH), (0,)))
    # The mean and the mean square, then the gradient that comes in and its product with the rest.
    assert len(sums(graph)) == 4
    # A bias that the mean takes away again has no gradient at all, not one of rounding errors.
    results, _ = NativeProgram(graph, threads=1).run(feeds(graph))
    assert not results["gradient_bias"].any()


def test_what_counts_as_less_its_mean() -> None:
    x = make_input("x", (4, 6))
    zero, one = frozenset([0]), frozenset([1])
    assert is_centered(x - mean(x, 0, keep=True), zero)
    assert not is_centered(x - mean(x, 0, keep=True), one)
    assert is_centered(x + reshape(mean(negative(x), 1), (4, 1)), one)
    assert is_centered(divide(negative(ops.sum(x, (0,))), 4.0) + x, zero)
    assert not is_centered(x - ops.sum(x, (0,)) / 5.0, zero)
    assert not is_centered(x + mean(x, 0, keep=True), zero)
    assert not is_centered(x - mean(x * 2.0, 0, keep=True), zero)
    assert not is_centered(x * 1.0, zero)


def test_sums_that_share_nothing_stay_as_they_are() -> None:
    x, y = make_input("x", (4, 6)), make_input("y", (4, 6))
    for graph in (
        Graph(ops.sum(x + y, (0,))),
        Graph({"a": ops.sum(x * 2.0, (0,)), "b": ops.sum(y * 2.0, (0,))}),
        Graph({"a": ops.sum(x + y, (0,)), "b": ops.sum(x, (0,))}),
        Graph({"a": ops.sum(x / y, (0,)), "b": ops.sum(x, (0,))}),
    ):
        assert factor_sums(graph) is graph


def test_a_sum_of_sums_that_others_need_is_no_sum_of_its_own() -> None:
    x, y = make_input("x", (4, 6)), make_input("y", (4, 6))
    graph = Graph(
        {"a": ops.sum(x - y * 0.5, (0,)), "b": ops.sum(x, (0,), keep=True), "c": ops.sum(y, (0,))}
    )
    assert len(sums(factor_sums(graph))) == 2
    given = {name: np.random.default_rng(3).normal(size=(4, 6)).astype("f") for name in "xy"}
    actual, expected = Interpreter(factor_sums(graph)).run(given), Interpreter(graph).run(given)
    for name, array in expected.items():
        assert actual[name].shape == array.shape
        np.testing.assert_allclose(actual[name], array, rtol=1e-5, atol=1e-6)


def test_axes_count_from_the_end() -> None:
    a, b = make_input("a", (4, 4)), make_input("b", (3, 4, 4))
    graph = Graph(
        {
            "a": ops.sum(a * a, (1,)),
            "b": ops.sum(a * a * (b * 0.0 + 1.0), (1,)),
            "c": ops.sum(broadcast_to(a * a, (3, 4, 4)) * 1.0, (1,)),
            "d": ops.sum(a * a * 2.0, (1,), keep=True),
        }
    )
    given = {"a": np.arange(16.0).reshape(4, 4), "b": np.ones((3, 4, 4))}
    actual, expected = Interpreter(simplify(graph)).run(given), Interpreter(graph).run(given)
    for name, array in expected.items():
        np.testing.assert_allclose(actual[name], array, rtol=1e-6)


def test_what_is_repeated_along_an_axis_counts_as_often() -> None:
    x, each = make_input("x", (4, 5, 3)), make_input("each", (4, 1, 3))
    far = x - mean(x, (0, 1), keep=True)
    graph = Graph({"a": ops.sum(each * far, (0, 1)), "b": ops.sum(each * 2.0 + far, (0, 1))})
    assert len(sums(factor_sums(graph))) == 3
    random = np.random.default_rng(5)
    given = {value.name: random.normal(size=value.shape) for value in (x, each)}
    actual, expected = Interpreter(simplify(graph)).run(given), Interpreter(graph).run(given)
    for name, array in expected.items():
        np.testing.assert_allclose(actual[name], array, rtol=1e-5, atol=1e-5)
