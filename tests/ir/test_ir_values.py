"""Values: concrete ones compute themselves, abstract ones refuse in clear words, none changes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from misstep import ops as ms
from misstep.autodiff import gradient
from misstep.errors import AbstractValueError, DtypeError, MisstepError, ShapeError
from misstep.ir import (
    Location,
    Type,
    Value,
    current_location,
    located_at,
    make_input,
    make_literal,
    make_parameter,
)


def here() -> int:
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


# Concrete values


def test_a_concrete_value_computes_itself_when_printed() -> None:
    w = make_parameter(0.4, "w")
    loss = 0.5 * (1 - ms.sigmoid(w * 0.5 + 0.1)) ** 2
    # σ(0.3) = 0.574442…, by hand.
    assert float(str(loss)) == pytest.approx(0.5 * (1 - 0.574442516811659) ** 2, rel=1e-7)
    assert float(loss) == pytest.approx(0.0905495857, rel=1e-8)
    assert str(make_parameter([1.0, 2.0]) * 2) == "[2., 4.]"
    assert repr(make_literal(3)) == "3"
    assert str(make_literal(3) == 3) == "True"


def test_a_concrete_value_becomes_numbers() -> None:
    v = make_parameter([[1.0, 2.0]], "v")
    np.testing.assert_array_equal(np.asarray(v + 1), [[2.0, 3.0]])
    assert np.asarray(v, dtype="float32").dtype == np.float32
    assert bool(ms.sum(v) > 2)
    assert int(ms.sum(v)) == 3
    assert [10, 20, 30][make_literal(2)] == 30
    assert len(v.T) == 2
    assert [float(one) for one in v[0]] == [1.0, 2.0]
    assert [k * 2 for k in range(make_literal(3))] == [0, 2, 4]
    with pytest.raises(ShapeError, match="one entry"):
        v.item()
    with pytest.raises(TypeError, match="can't be an index"):
        [1, 2][make_literal(1.0)]


def test_arrays_and_numpy_numbers_may_stand_on_the_left() -> None:
    v = make_parameter([1.0, 2.0], "v")
    for left in (np.array([3.0, 4.0]), np.float64(3), 3, [3.0, 4.0]):
        out = left * v
        assert isinstance(out, Value)
        np.testing.assert_array_equal(out.numpy(), np.asarray(left) * [1.0, 2.0])
    assert (2 ** make_parameter([3.0])).numpy() == 8.0
    assert isinstance(np.eye(2) @ v, Value)


def test_a_single_number_is_formatted_as_people_ask() -> None:
    w = make_parameter(0.4)
    assert f"{w * 2:.3f} {w} {w:>6}" == f"0.800 {w} {0.4:>6}"
    with pytest.raises(AbstractValueError):
        format(make_input("x", ()), ".2f")


@pytest.mark.parametrize("concrete", [True, False])
def test_functions_of_numpy_are_ours_where_we_have_them(concrete: bool) -> None:
    numbers = np.array([0.5, 2.0, 3.0])
    x = make_parameter(numbers) if concrete else make_input("x", (3,), "float64")
    for name in ("exp", "sqrt", "tanh", "negative", "absolute", "log1p", "sign"):
        made = getattr(np, name)(x)
        assert isinstance(made, Value)
        if concrete:
            np.testing.assert_array_equal(made.numpy(), getattr(np, name)(numbers))
    for name in ("add", "subtract", "divide", "maximum", "power", "greater", "not_equal", "less"):
        made = getattr(np, name)(np.array([1.0, 2.0, 2.5]), x)
        assert isinstance(made, Value)
        if concrete:
            wanted = getattr(np, name)(np.array([1.0, 2.0, 2.5]), numbers)
            np.testing.assert_array_equal(made.numpy(), wanted)


@pytest.mark.parametrize("concrete", [True, False])
@pytest.mark.parametrize(
    ("use", "called"),
    [
        (lambda x: np.cbrt(x), "np.cbrt"),
        (lambda x: np.add.reduce(x), "np.add.reduce"),
        (lambda x: np.add(np.ones(3), x, out=np.ones(3)), "np.add with out"),
    ],
)
def test_other_functions_of_numpy_are_refused_in_our_words(
    use: Callable[[Value], Any], called: str, concrete: bool
) -> None:
    x = make_parameter(np.ones(3)) if concrete else make_input("x", (3,), "float64")
    with pytest.raises(DtypeError, match=f"{called}.*misstep's own"):
        use(x)


def test_new_numbers_give_new_results() -> None:
    w = make_parameter(2.0, "w")
    square = w * w
    assert float(square) == 4.0
    w.assign(3.0)
    assert float(square) == 9.0
    with pytest.raises(ShapeError, match=r"shape \(\)"):
        w.assign([1.0, 2.0])
    with pytest.raises(AbstractValueError, match="an input or a parameter"):
        square.assign(1.0)
    with pytest.raises(AbstractValueError, match="an input or a parameter"):
        make_literal(1.0).assign(2.0)


# Abstract values


REFUSED: list[Callable[[Value], Any]] = [
    float,
    int,
    bool,
    np.asarray,
    np.array,
    lambda x: x.numpy(),
    lambda x: x.item(),
    lambda x: float(ms.sum(x * 2)),
    lambda x: 1 if ms.sum(x) > 0 else 2,
    lambda x: 0 < ms.sum(x) < 1,
    lambda x: max(x[0], x[1]),
    lambda x: np.ones(2) + np.asarray(x),
]


@pytest.mark.parametrize("use", REFUSED)
def test_an_abstract_value_refuses_to_be_numbers(use: Callable[[Value], Any]) -> None:
    with pytest.raises(AbstractValueError) as caught:
        use(make_input("batch", (2,)))
    message = str(caught.value)
    assert "batch" in message
    assert "made at test_ir_values.py:" in message
    assert "ms.where instead of if" in message


def test_an_abstract_value_has_a_length_and_parts() -> None:
    x = make_input("x", (2, 3))
    assert len(x) == 2
    first, second = x
    assert first.shape == second.shape == (3,)
    with pytest.raises(TypeError, match="no length"):
        len(ms.sum(x))
    with pytest.raises(TypeError, match="no length"):
        list(ms.sum(x))


def test_an_abstract_value_can_be_shown() -> None:
    x = make_input("x", (2, 3))
    assert repr(x) == "<x: float32[2, 3], numbers not given yet: x>"
    assert "exp of numbers not given yet: x" in repr(ms.exp(x))


@pytest.mark.parametrize("concrete", [True, False])
def test_entries_can_not_be_assigned(concrete: bool) -> None:
    value = make_parameter([1.0, 2.0], "v") if concrete else make_input("v", (2,))
    with pytest.raises(AbstractValueError, match=r"ms\.where.*ms\.ops\.scatter_add"):
        value[0] = 1.0


def test_indexing_is_refused_in_clear_words() -> None:
    x = make_input("x", (2, 3))
    with pytest.raises(ShapeError, match="at most 2"):
        x[0, 0, 0]
    with pytest.raises(IndexError, match="outside axis 0"):
        x[5]
    with pytest.raises(MisstepError, match=r"ms\.ops\.gather"):
        x["a"]


# Nothing changes behind anybody's back


def test_the_array_that_a_value_was_made_of_may_change_later() -> None:
    array = np.ones(3)
    for value in (make_parameter(array), make_literal(array)):
        array[0] = 5.0
        np.testing.assert_array_equal(value.numpy(), np.ones(3))
        array[0] = 1.0
    w = make_parameter(np.zeros(3)).assign(array)
    array[0] = 5.0
    np.testing.assert_array_equal(w.numpy(), np.ones(3))


@pytest.mark.parametrize(
    "view", [lambda w: w, lambda w: ms.reshape(w, (4,)), lambda w: w.T, lambda w: w[1], ms.exp]
)
def test_what_numpy_returns_may_be_changed(view: Callable[[Value], Value]) -> None:
    for w in (make_parameter(np.ones((2, 2))), make_literal(np.ones((2, 2)))):
        result = view(w).numpy()
        result[...] = 7.0
        np.testing.assert_array_equal(w.numpy(), np.ones((2, 2)))


def test_types_ops_and_locations_are_frozen() -> None:
    value = ms.sum(make_input("x", (2, 3)), 1)
    for thing, name in [(value.type, "shape"), (value.op, "axes"), (Location("a.py", 1), "line")]:
        with pytest.raises(FrozenInstanceError):
            setattr(thing, name, None)
    with pytest.raises(AttributeError):
        value.anything = 1  # type: ignore[attr-defined]


def test_values_are_different_even_if_equal() -> None:
    a, b = make_literal(1.0), make_literal(1.0)
    assert len({a, b}) == 2
    assert a in {a: 1}


# Types and kinds of number


def test_a_type_is_checked() -> None:
    assert str(Type((2, 3), "float32")) == "float32[2, 3]"
    assert Type((), "int64").size == 1
    assert Type((0, 3), "bool").size == 0
    with pytest.raises(DtypeError, match="float16"):
        Type((2,), "float16")
    with pytest.raises(ShapeError, match="0 or more"):
        Type((-1,), "float32")


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1, "float64"),
        (1.5, "float64"),
        (np.float32(1), "float32"),
        (np.ones(2, "float16"), "float32"),
        (np.ones(2, "int8"), "float64"),
        ([1, 2], "float64"),
    ],
)
def test_a_parameter_is_a_floating_point_number(data: Any, dtype: str) -> None:
    assert make_parameter(data).dtype == dtype


@pytest.mark.parametrize("data", ["text", ["a"], [[1], [2, 3]], None, object(), 1j])
def test_what_is_no_number_is_refused(data: Any) -> None:
    with pytest.raises(DtypeError, match="needed numbers"):
        make_parameter(data)


def test_raw_numbers_take_the_kind_of_the_value_beside_them() -> None:
    x = make_input("x", (2,), "float32")
    k = make_input("k", (2,), "int32")
    assert (x * 2).dtype == (x + 0.1).dtype == (np.ones(2) - x).dtype == "float32"
    assert (k * 2).dtype == (k + 2.0).dtype == "int32"
    with pytest.raises(DtypeError, match="fractions"):
        k * 0.5
    with pytest.raises(DtypeError, match=r"ms\.ops\.cast"):
        x + k


# Locations


def test_a_value_knows_the_line_that_made_it() -> None:
    x = make_input("x", (2,)); line = here()  # fmt: skip # noqa: E702
    y = ms.mean(ms.exp(x)); other = here()  # fmt: skip # noqa: E702
    assert x.location == Location(__file__, line)
    assert y.location == Location(__file__, other)
    assert str(y.location) == f"{Path(__file__).name}:{other}"


def test_the_way_back_carries_the_line_that_went_forward() -> None:
    w = make_parameter([1.0, 2.0], "w")
    squares = w * w; line = here()  # fmt: skip # noqa: E702
    loss = ms.sum(squares)
    slope = gradient(loss, w)
    assert slope.location == Location(__file__, line, backward=True)
    assert str(slope.location).endswith(f":{line} (backward)")


def test_a_place_can_be_given() -> None:
    place = Location("model.py", 7)
    with located_at(place):
        assert ms.exp(make_input("x", ())).location == place
        with located_at(None):
            assert current_location() == place
        with located_at(Location("b.py", 1)):
            assert current_location() == Location("b.py", 1)
        assert current_location() == place
    found = current_location()
    assert found is not None
    assert found.file == __file__


def test_a_place_ends_with_an_error() -> None:
    with pytest.raises(KeyError), located_at(Location("model.py", 7)):
        raise KeyError
    found = current_location()
    assert found is not None
    assert found.file == __file__
