"""Reverse mode: what is built, what is not, un-broadcasting, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from misstep import ops as ms
from misstep.autodiff import check_gradient, gradient
from misstep.errors import DtypeError, ShapeError
from misstep.ir import Graph, Value, ancestors, make_input, make_literal, make_parameter, verify


def op_names(value: Value) -> list[str]:
    return [one.op.name for one in ancestors([value]) if one.op is not None]


# Numbers


def test_the_chain_rule_with_numbers() -> None:
    """L = (σ(w x + b) − y)², by hand at w = 0.5, b = −0.2, x = 2, y = 1."""
    w, b = make_parameter(0.5, "w"), make_parameter(-0.2, "b")
    p = ms.sigmoid(w * 2.0 + b)
    slopes = gradient((p - 1.0) ** 2, [w, b])
    prediction = 1 / (1 + np.exp(-0.8))
    by_z = 2 * (prediction - 1) * prediction * (1 - prediction)
    np.testing.assert_allclose([float(one) for one in slopes], [by_z * 2, by_z], rtol=1e-14)


def test_a_value_used_often_gets_all_of_its_blame() -> None:
    x = make_parameter([1.0, 2.0, 3.0], "x")
    # The last part is one number, added to each of three.
    loss = ms.sum(x * x * x + x + ms.exp(x) * 0.0 + x[0] * x[2])
    np.testing.assert_allclose(
        gradient(loss, x).numpy(), [3 + 1 + 9, 12 + 1, 27 + 1 + 3], rtol=1e-15
    )
    # Many uses of an uneven kind: x + x + … 40 times.
    many = x
    for _ in range(39):
        many = many + x
    np.testing.assert_array_equal(gradient(ms.sum(many), x).numpy(), [40.0] * 3)


def test_any_value_on_the_way_may_be_asked_for() -> None:
    x = make_parameter(3.0, "x")
    middle = x * 2
    loss = middle * middle + x
    by_middle, by_x, by_loss = gradient(loss, [middle, x, loss])
    assert (float(by_middle), float(by_x), float(by_loss)) == (12.0, 25.0, 1.0)


def test_one_value_or_several() -> None:
    x = make_parameter(3.0, "x")
    assert isinstance(gradient(x * x, x), Value)
    assert len(gradient(x * x, [x])) == 1
    assert gradient(x * x, []) == []
    first, again = gradient(x * x, [x, x])
    assert first is again


def test_what_the_loss_does_not_depend_on_has_a_slope_of_zeros() -> None:
    x, other = make_parameter([1.0, 2.0], "x"), make_input("other", (2, 3))
    slope = gradient(ms.sum(x), other)
    assert slope.is_literal
    assert slope.type == other.type
    np.testing.assert_array_equal(slope.numpy(), np.zeros((2, 3)))


def test_upstream_weighs_each_entry() -> None:
    x = make_parameter([1.0, 2.0, 3.0], "x")
    slope = gradient(x * x, x, upstream=make_literal([1.0, 10.0, 0.0]))
    np.testing.assert_array_equal(slope.numpy(), [2.0, 40.0, 0.0])


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_a_loss_of_one_entry_may_have_axes(shape: tuple[int, ...]) -> None:
    x = make_parameter([1.0, 2.0], "x")
    slope = gradient(ms.reshape(ms.sum(x * x), shape), x)
    np.testing.assert_array_equal(slope.numpy(), [2.0, 4.0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_gradient_is_of_the_kind_of_what_it_is_the_gradient_of(dtype: str) -> None:
    x = make_input("x", (2, 3), dtype)
    slope = gradient(ms.mean(ms.softplus(x) ** 2), x)
    assert slope.type == x.type


def test_casting_brings_blame_back_in_the_first_kind() -> None:
    x = make_parameter(np.ones(2, "float32"), "x")
    slope = gradient(ms.sum(ms.cast(x, "float64") * 0.1), x)
    assert slope.dtype == "float32"
    np.testing.assert_array_equal(slope.numpy(), np.full(2, 0.1, "float32"))


# What is built


def test_nothing_is_built_for_inputs_that_nobody_asked_about() -> None:
    x, w = make_input("x", (4, 3)), make_input("w", (3, 2))
    slope = gradient(ms.sum(ms.exp(x @ w)), w)
    graph = Graph({"slope": slope})
    # Forward product and the one for w; x gets none.
    assert op_names(slope).count("matrix_product") == 2
    assert all(value.name != "gradient_x" for value in graph.values)


def test_a_branch_without_what_is_wanted_is_not_walked() -> None:
    a, b = make_input("a", ()), make_input("b", ())
    expensive = ms.tanh(ms.sin(b))
    loss = a * a + expensive * 3.0
    before = {value.serial for value in ancestors([loss])}
    slope = gradient(loss, a)
    made = [value for value in ancestors([slope]) if value.serial not in before]
    assert {value.op.name for value in made if value.op is not None} <= {"multiply", "add"}
    assert "cos" not in op_names(slope)
    assert b not in set(ancestors([slope]))


def test_the_walk_ends_at_a_wanted_value() -> None:
    x = make_input("x", ())
    middle = ms.sin(x)
    assert "cos" not in op_names(gradient(ms.exp(middle), middle))


def test_gradients_are_named_after_what_they_are_the_gradient_of() -> None:
    w = make_input("w", (3,))
    hidden = ms.tanh(w * 2.0)
    loss = ms.sum(hidden * hidden)
    slope = gradient(loss, w)
    assert slope.name == "gradient_w"
    names = [value.name for value in ancestors([slope]) if value.name]
    assert "gradient_hidden" in names
    # The whole blame has the name, not a part of it.
    assert names.count("gradient_hidden") == 1
    (whole,) = [one for one in ancestors([slope]) if one.name == "gradient_hidden"]
    assert whole.op is not None
    assert whole.op.name == "add"


def test_nobody_elses_value_is_renamed() -> None:
    x = make_parameter([1.0, 2.0], "x")
    upstream = ms.exp(make_parameter([0.0, 1.0]))
    gradient(x + 0.0, x, upstream=upstream)
    assert upstream.name is None


def test_the_result_is_a_well_formed_program() -> None:
    x, w = make_input("x", (4, 3)), make_input("w", (3, 2))
    loss = ms.mean(ms.log_softmax(x @ w) ** 2)
    verify(Graph({"loss": loss, "dx": gradient(loss, x), "dw": gradient(loss, w)}))


# Un-broadcasting


@given(
    shapes=arrays.mutually_broadcastable_shapes(num_shapes=3, max_dims=4, max_side=3, min_side=0)
)
def test_blame_is_summed_over_what_was_repeated(shapes: arrays.BroadcastableShapes) -> None:
    random = np.random.default_rng(0)
    given = [random.standard_normal(shape) for shape in shapes.input_shapes]
    a, b, c = leaves = [make_parameter(one, name) for one, name in zip(given, "abc", strict=True)]
    weights = random.standard_normal(shapes.result_shape)
    loss = ms.sum((a * b + c) * weights)
    found = gradient(loss, leaves)
    full = [np.broadcast_to(one, shapes.result_shape) for one in given]
    for slope, leaf, whole in zip(
        found, leaves, [weights * full[1], weights * full[0], weights], strict=True
    ):
        assert slope.type == leaf.type
        np.testing.assert_allclose(slope.numpy(), summed(whole, leaf.shape), atol=1e-12)


def summed(whole: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return `whole` summed down to `shape`, the plain way."""
    result = np.zeros(shape)
    extra = whole.ndim - len(shape)
    for place in np.ndindex(whole.shape):
        mine = [0 if shape[k] == 1 else index for k, index in enumerate(place[extra:])]
        result[tuple(mine)] += whole[place]
    return result


@given(
    front=arrays.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3),
    lengths=st.tuples(*[st.integers(0, 3)] * 3),
)
def test_batched_products_sum_over_repeated_batches(
    front: arrays.BroadcastableShapes, lengths: tuple[int, int, int]
) -> None:
    rows, inner, columns = lengths
    first, second = front.input_shapes
    random = np.random.default_rng(1)
    a = make_parameter(random.standard_normal((*first, rows, inner)), "a")
    b = make_parameter(random.standard_normal((*second, inner, columns)), "b")
    product = a @ b
    upstream = random.standard_normal(product.shape)
    by_a, by_b = gradient(ms.sum(product * upstream), [a, b])
    whole_a = upstream @ np.swapaxes(b.numpy(), -1, -2)
    whole_b = np.swapaxes(a.numpy(), -1, -2) @ upstream
    np.testing.assert_allclose(by_a.numpy(), summed(whole_a, a.shape), atol=1e-12)
    np.testing.assert_allclose(by_b.numpy(), summed(whole_b, b.shape), atol=1e-12)


# Gradients of gradients


def test_derivatives_of_any_order() -> None:
    x = make_parameter(0.7, "x")
    value = ms.sin(x)
    for expected in [np.cos(0.7), -np.sin(0.7), -np.cos(0.7), np.sin(0.7)]:
        value = gradient(value, x)
        assert float(value) == pytest.approx(expected, rel=1e-14)


def test_a_hessian_is_symmetric_and_right() -> None:
    """x²y + exp(xy): by hand."""
    x, y = make_parameter(0.5, "x"), make_parameter(-1.2, "y")
    by_x, by_y = gradient(x * x * y + ms.exp(x * y), [x, y])
    e = np.exp(0.5 * -1.2)
    assert float(gradient(by_x, x)) == pytest.approx(2 * -1.2 + 1.44 * e)
    mixed = 2 * 0.5 + (1 + 0.5 * -1.2) * e
    assert float(gradient(by_x, y)) == pytest.approx(mixed)
    assert float(gradient(by_y, x)) == pytest.approx(mixed)
    assert float(gradient(by_y, y)) == pytest.approx(0.25 * e)


def test_a_penalty_on_the_gradient_can_be_learned() -> None:
    random = np.random.default_rng(2)
    x, w = random.standard_normal((4, 3)), random.standard_normal((3, 2))

    def penalty(x: Value, w: Value) -> Value:
        score = ms.sum(ms.tanh(x @ w) ** 2)
        return ms.norm(gradient(score, x))

    assert check_gradient(penalty, [x, w])


# What is refused


def test_a_loss_of_several_entries_is_refused() -> None:
    x = make_parameter([1.0, 2.0], "x")
    with pytest.raises(ShapeError, match=r"one number, but got 2 entries.*ms\.mean.*upstream="):
        gradient(x * x, x)
    with pytest.raises(ShapeError, match="one number, but got 0 entries"):
        gradient(x[:0], x)


def test_an_upstream_of_another_shape_is_refused() -> None:
    x = make_parameter([1.0, 2.0], "x")
    with pytest.raises(ShapeError, match=r"the shape of the loss, \(2,\)"):
        gradient(x * x, x, upstream=make_literal([1.0, 2.0, 3.0]))


@pytest.mark.parametrize(
    "ask",
    [
        lambda k, x: gradient(ms.sum(x), k),
        lambda k, x: gradient(ms.sum(k), x),
        lambda k, x: gradient(ms.sum(x), [x, k]),
    ],
)
def test_whole_numbers_have_no_gradient(ask: Callable[[Value, Value], Value]) -> None:
    k, x = make_input("k", (2,), "int64"), make_input("x", (2,))
    with pytest.raises(DtypeError, match=r"floating-point numbers, but got int64.*ms\.ops\.cast"):
        ask(k, x)


def test_nothing_flows_through_whole_numbers() -> None:
    x = make_parameter([1.5, 2.5], "x")
    places = ms.cast(x, "int64")
    loss = ms.sum(ms.cast(places, "float64") * x)
    np.testing.assert_array_equal(gradient(loss, x).numpy(), [1.0, 2.0])
    table = make_parameter([[1.0], [2.0], [3.0]], "table")
    slope = gradient(ms.sum(table[places]), table)
    np.testing.assert_array_equal(slope.numpy(), [[0.0], [1.0], [1.0]])


def test_a_deep_program_does_not_reach_the_limit_of_recursion() -> None:
    x = make_parameter(1.0, "x")
    value = x
    for _ in range(3000):
        value = value * 1.0
    assert float(gradient(value, x)) == 1.0
