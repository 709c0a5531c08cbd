"""The checker of gradients passes what is right and catches what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from misstep import ops as ms
from misstep.autodiff import check_gradient
from misstep.errors import ArgumentError, DtypeError, GraphError
from misstep.ir import Array, Op, Type, Value, make_parameter, registered_ops
from misstep.ir import op as contract


@pytest.fixture
def wrong() -> Iterator[type[Op]]:
    """Register an op for one test: x³ that says its slope is 2 x² · factor."""
    before = dict(contract._registry)

    @dataclass(frozen=True)
    class WrongCube(Op):
        """x³ with a wrong slope."""

        factor: float
        name = "wrong_cube"
        words = "the cube of {0}"
        formula = "{0}³"
        local_derivatives = ("3 · {0}²",)

        def type(self, *inputs: Type) -> Type:
            return inputs[0]

        def run(self, x: Array) -> Array:
            return x * x * x

        def gradient(self, value: Value, upstream: Value) -> tuple[Value | None, ...]:
            (x,) = value.inputs
            return (upstream * x * x * 3.0 * self.factor,)

        def python(self, *names: str) -> str:
            return "{0} * {0} * {0}".format(*names)

    try:
        yield WrongCube
    finally:
        contract._registry.clear()
        contract._registry.update(before)


def test_a_wrong_gradient_is_caught(wrong: type[Op]) -> None:
    x = np.array([0.5, -1.5, 2.0])
    assert check_gradient(wrong(1.0), [x])  # type: ignore[call-arg]
    for factor in (2 / 3, 1.0001, 0.0, -1.0, float("nan"), float("inf")):
        found = check_gradient(wrong(factor), [x])  # type: ignore[call-arg]
        assert not found
        assert not found.passed
        assert "DISAGREES" in str(found)


def test_one_wrong_entry_of_many_is_caught(wrong: type[Op]) -> None:
    def mostly_right(x: Value) -> Value:
        cubes = wrong(1.0)(x[1:])  # type: ignore[call-arg]
        return ms.concatenate([wrong(1.01)(x[:1]), cubes])  # type: ignore[call-arg]

    assert not check_gradient(mostly_right, [np.linspace(0.5, 1.5, 50)])


def test_the_op_of_a_test_is_gone_afterwards(wrong: type[Op]) -> None:
    assert registered_ops()["wrong_cube"] is wrong
    with pytest.raises(GraphError, match="a name of its own"):
        type("Again", (Op,), {"name": "wrong_cube", "words": "a", "formula": "b"})


def test_it_is_gone() -> None:
    assert "wrong_cube" not in registered_ops()


def test_an_op_without_words_is_refused() -> None:
    with pytest.raises(GraphError, match="name, words and formula"):
        type("Mute", (Op,), {"name": "mute"})
    assert "mute" not in registered_ops()


def test_right_gradients_pass() -> None:
    random = np.random.default_rng(0)
    x, w = random.standard_normal((5, 3)), random.standard_normal((3, 4))
    found = check_gradient(lambda x, w: ms.log_softmax(ms.tanh(x @ w)), [x, w])
    assert found
    assert found.error < found.tolerance
    assert "agrees with" in str(found)


def test_numbers_may_be_plain_and_float32_is_widened() -> None:
    assert check_gradient(lambda a, b: a**b, [2, 3])
    assert check_gradient(lambda a: ms.exp(a), [np.ones(3, "float32")])


def test_whole_numbers_are_passed_on() -> None:
    table, places = np.ones((3, 2)), np.array([0, 2, 2])
    assert check_gradient(lambda table, places: table[places] ** 2, [table, places])
    with pytest.raises(DtypeError, match="at least one floating-point value"):
        check_gradient(lambda places: ms.cast(places, "float64"), [places])


def test_a_kink_is_no_agreement() -> None:
    # Differences across the corner see the middle; a slope that isn't finite is no slope.
    assert not check_gradient(ms.sqrt, [0.0])
    assert not check_gradient(lambda x: ms.maximum(x, 0.0) + x * 0.0 + ms.relu(x), [0.0])


def test_the_same_seed_gives_the_same_answer() -> None:
    first = check_gradient(ms.sin, [np.ones(4)], seed=3)
    assert first == check_gradient(ms.sin, [np.ones(4)], seed=3)
    assert first != check_gradient(ms.sin, [np.ones(4)], seed=4)


def test_a_program_in_float32_is_checked_in_float64() -> None:
    def narrow(x: Value) -> Value:
        return ms.cast(ms.cast(x, "float32") * 0.1, "float64") ** 2

    assert check_gradient(narrow, [np.array([1.0, 2.0])])


def test_what_is_no_function_of_values_is_refused_in_words() -> None:
    w = make_parameter([1.0, 2.0])
    for given, values in (
        (ms.sum(w * w), w),
        (ms.sum(w * w), [w]),
        (3.0, [1.0]),
        (lambda w: 3.0, [1.0]),
        (lambda w: ms.sum(w * w), None),
        (lambda w: ms.sum(w * w), "w"),
    ):
        with pytest.raises(ArgumentError, match="check_gradient"):
            check_gradient(given, values)  # type: ignore[arg-type]


def test_a_single_value_stands_for_a_list_of_it() -> None:
    w = make_parameter([1.0, 2.0])
    for values in (w, [w], [[1.0, 2.0]]):
        assert check_gradient(lambda v: ms.sum(v * v), values)
    assert check_gradient(lambda v: ms.tanh(v), 0.3)  # type: ignore[arg-type]
