"""Zero, kinks, saturation, NaN and infinity, names, wrong arguments."""

from __future__ import annotations

import dataclasses
import json
import sys

import numpy as np
import pytest

from misstep import ops as ms
from misstep.errors import AbstractValueError, ArgumentError, DtypeError, ShapeError
from misstep.explain import Explanation, explain, names_in_frame
from misstep.ir import Op, Type, Value, make_input, make_parameter


def remarks(one: Explanation) -> str:
    assert one.gradient == 0
    assert one.text()
    assert one.latex()
    return "\n".join(one.remarks)


# Zero


def test_a_relu_that_is_off() -> None:
    w = make_parameter(-1.0)
    z = w * 2.0
    h = ms.relu(z)
    loss = h * 3.0
    told = remarks(explain(loss, w))
    assert "∂loss/∂w is 0 because every path has a factor 0" in told
    assert "the ReLU of z = −2 is off" in told


def test_a_sigmoid_saturated_beyond_float64() -> None:
    w = make_parameter(900.0)
    loss = ms.sigmoid(w)
    assert "the sigmoid of w = 900 is saturated" in remarks(explain(loss, w))


def test_a_sigmoid_that_is_nearly_saturated() -> None:
    w = make_parameter(9.0)
    loss = ms.sigmoid(w)
    assert "is saturated: its slope is only 1.234×10⁻⁴" in "".join(explain(loss, w).remarks)


def test_a_factor_of_zero() -> None:
    w, x = make_parameter(2.0), make_parameter(0.0)
    loss = w * x + 1.0
    assert "w is multiplied by zero (x is 0 there)" in remarks(explain(loss, w))


def test_weights_of_zero_behind() -> None:
    w, v = make_parameter(np.ones((2, 2))), make_parameter(np.zeros((2, 1)))
    h = ms.tanh(np.ones((3, 2)) @ w)
    loss = ms.mean(h @ v)
    assert "is multiplied by zero (v is 0 there)" in remarks(explain(loss, w))


def test_no_path_at_all() -> None:
    w, v = make_parameter(2.0), make_parameter(3.0)
    loss = v * v
    assert "There is no path from w to loss: loss isn't computed from it." in remarks(
        explain(loss, w)
    )
    assert explain(loss, w).number_of_paths == 0


def test_a_path_along_which_nothing_flows() -> None:
    w, v = make_parameter(2.0), make_parameter(3.0)
    loss = ms.where(w > 0, v, 0.0)
    assert "no path from w to loss along which blame can flow" in remarks(explain(loss, w))


def test_paths_that_cancel() -> None:
    w = make_parameter(2.0)
    loss = w - w
    assert "cancels out" in remarks(explain(loss, w))


def test_the_side_not_chosen() -> None:
    w, v = make_parameter(2.0), make_parameter(3.0)
    loss = ms.where(v > 0, v, w)
    assert "the condition chooses the other side" in remarks(explain(loss, w))
    peak = ms.maximum(w, v)
    assert "isn't the larger one" in remarks(explain(peak, w))


# Kinks and numbers that are not finite


def test_a_kink_is_told() -> None:
    w = make_parameter(0.0)
    loss = ms.relu(w)
    one = explain(loss, w)
    assert not one.difference.agrees
    assert "the two sides differ: left slope 0, right slope 1" in one.text()


def test_a_kink_whose_middle_is_the_gradient_is_told_too() -> None:
    w = make_parameter(0.0)
    one = explain(abs(w), w)
    assert one.difference.agrees
    assert one.difference.kink
    assert "the two sides differ, though: left slope −1, right slope 1" in one.text()


@pytest.mark.parametrize("start", [0.0, 1e-3, 0.3, 5.0, -200.0])
def test_a_smooth_function_has_no_kink(start: float) -> None:
    w = make_parameter(start)
    for loss in (w * w, ms.sigmoid(w), ms.exp(0.01 * w), ms.sin(w) ** 3 + 100.0):
        assert not explain(loss, w).difference.kink


# A difference, and what rounding hides of it


def cross_entropy(scale: float, steeper: float = 0.0) -> Explanation:
    """Explain ln Σ exp(z) − z₀ for a row of which the network is surer the larger `scale` is.

    `steeper`: by how much the gradient rule of an op on the way is wrong.
    """

    @dataclasses.dataclass(frozen=True)
    class Same(Op, abstract=True):
        name = "same"
        words = formula = "{0}"
        local_derivatives = ("1",)
        elementwise = True

        def type(self, *inputs: Type) -> Type:
            return inputs[0]

        def run(self, x: np.ndarray) -> np.ndarray:  # type: ignore[override]
            return x

        def gradient(self, value: Value, upstream: Value) -> tuple[Value, ...]:
            return (upstream * (1.0 + steeper),)

    random = np.random.default_rng(0)
    w = make_parameter(random.normal(size=(6, 4)), "w")
    z = ms.matmul(random.normal(size=(1, 6)), w) * scale + np.array([[3.0, 0.0, -1.0, 0.5]]) * scale
    z = Same()(z)
    return explain(ms.sum(ms.log_sum_exp(z, axis=-1) - z[:, 0]), w)


@pytest.mark.parametrize("scale", [1.0, 2.0, 3.0, 4.0, 5.0, 10.0])
def test_what_cancels_on_the_way_is_rounding_and_no_wrong_gradient(scale: float) -> None:
    one = cross_entropy(scale)
    assert one.difference.agrees, one.text()
    assert "wrong" not in one.text()


@pytest.mark.parametrize(
    ("scale", "steeper"), [(1.0, 1e-4), (1.0, -1e-3), (2.0, 0.01), (3.0, -0.5)]
)
def test_a_wrong_gradient_rule_is_still_noticed(scale: float, steeper: float) -> None:
    one = cross_entropy(scale, steeper)
    assert not one.difference.agrees
    assert "a gradient rule is wrong" in one.text()


def test_a_slope_too_small_to_measure_says_how_far_rounding_goes() -> None:
    one = cross_entropy(10.0)
    assert abs(one.gradient) < one.difference.rounding
    assert "equal as far as rounding lets it show (it may be off by ±" in one.text()


def test_where_a_nan_arises() -> None:
    w = make_parameter(-1.0)
    z = w * 2.0
    a = ms.log(z)
    loss = a * a
    one = explain(loss, w)
    assert np.isnan(one.gradient) or np.isnan(one.loss)
    assert "isn't finite: a = ln z = ln(−2) = NaN" in one.text()
    json.dumps(one.to_dict(), allow_nan=False)
    assert one.latex().isascii()


def test_where_an_infinity_arises_among_many() -> None:
    w = make_parameter([1.0, 0.0, 2.0])
    p = w * 1.0
    loss = ms.sum(ms.log(p))
    one = explain(loss, w)
    assert "ln p[1] = ln 0 = −∞" in one.text()


def test_a_slope_that_is_infinite_while_all_numbers_are_finite() -> None:
    w = make_parameter(0.0)
    loss = ms.sqrt(w)
    one = explain(loss, w)
    assert "forward are finite, but the slope of loss (sqrt) at w = 0 is ∞" in one.text()


def test_numbers_not_finite_to_begin_with() -> None:
    w = make_parameter(float("nan"))
    loss = w * w
    assert "w is NaN to begin with" in explain(loss, w).text()


# Names


def test_a_name_may_be_anything() -> None:
    p = make_parameter(np.ones((1, 5)), "{0} weird_name\\ 50%")
    loss = ms.sum(ms.tanh(p @ make_parameter(np.ones((5, 1)), "ŵ η")))
    one = explain(loss, p)
    assert "{0} weird_name" in one.text()
    assert one.latex().isascii()


def test_names_given_win() -> None:
    p = make_parameter(0.4, "p")
    s = ms.sigmoid(p)
    loss = s * s
    text = explain(loss, p, names={s: "hidden.0", p: "weight", loss: "error"}).text()
    assert "How weight moves error" in text
    assert "hidden.0 = σ(weight)" in text


def test_variables_of_the_caller_are_found_without_source() -> None:
    session: dict[str, object] = {"ms": ms, "explain": explain, "parameter": make_parameter}
    for line in (
        "w = parameter(0.4); b = parameter(0.1)",
        "z = w * 0.5 + b",
        "a = ms.sigmoid(z)",
        "L = 0.5 * (1 - a) ** 2",
        "told = str(explain(L, w, learning_rate=0.1))",
    ):
        exec(compile(line, "<stdin>", "single"), session)
    told = str(session["told"])
    assert "z = w · 0.5 + b = 0.4 · 0.5 + 0.1 = 0.3" in told
    assert "∂L/∂w = ∂L/∂a · ∂a/∂z · ∂z/∂w = −0.4256 · 0.2445 · 0.5 = −0.0520" in told


def test_other_variables_of_the_caller_do_no_harm() -> None:
    w, waiting = make_parameter([1.0, 2.0]), make_input("later", ())
    lists = [w, waiting]
    ragged = [[1.0], [1.0, 2.0]]
    texts = ["a", "b"]
    x = [3.0, 4.0]
    loss = ms.sum(w * x)
    assert "loss = w[0] · x[0] + w[1] · x[1] = 1 · 3 + 2 · 4 = 11" in explain(loss, w).text()
    del lists, ragged, texts


def test_names_in_frame() -> None:
    speed = make_parameter(1.0)
    assert names_in_frame(sys._getframe())[speed] == "speed"
    assert names_in_frame(None) == {}


def test_everything_is_in_float64() -> None:
    w = make_parameter(np.float32(0.1), "w")
    loss = ms.sigmoid(w * 3.0) ** 2
    one = explain(loss, w)
    assert one.difference.agrees
    assert one.difference.relative_difference < 1e-8


# Arguments


def test_a_loss_of_several_numbers() -> None:
    w = make_parameter([1.0, 2.0])
    with pytest.raises(ShapeError, match="one number, but got 2 entries"):
        explain(w * 2.0, w)


@pytest.mark.parametrize("index", [(2, 0), (0,), 5, (0, 0, 0)])
def test_an_index_outside(index: tuple[int, ...] | int) -> None:
    w = make_parameter(np.ones((2, 3)), "w")
    with pytest.raises(ShapeError, match=r"from \(0, 0\) to \(1, 2\)"):
        explain(ms.sum(w), w, index)


def test_an_index_of_a_single_number() -> None:
    w = make_parameter(1.0, "w")
    assert explain(w * 2.0, w, ()).index == ()
    with pytest.raises(ShapeError, match="single number"):
        explain(w * 2.0, w, 0)


def test_other_arguments() -> None:
    w = make_parameter([1.0, 2.0], "w")
    loss = ms.sum(w)
    with pytest.raises(ArgumentError, match="a Value of a graph"):
        explain(1.0, w)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="whole numbers"):
        explain(loss, w, "a")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="1 or more"):
        explain(loss, w, paths=0)
    with pytest.raises(ArgumentError, match="learning_rate"):
        explain(loss, w, learning_rate=float("nan"))
    with pytest.raises(ArgumentError, match="a name for each Value"):
        explain(loss, w, names={w: ""})
    whole = make_parameter([1, 2], "n", "int64")
    with pytest.raises(DtypeError):
        explain(loss, whole)


def test_inputs_without_numbers_are_fed() -> None:
    x = make_input("x", (3, 2))
    w = make_parameter(np.ones((2, 1), "float32"), "w")
    loss = ms.mean((x @ w) ** 2)
    with pytest.raises(AbstractValueError, match="feeds="):
        explain(loss, w)
    with pytest.raises(ArgumentError, match="'x', the nearest name"):
        explain(loss, w, feeds={"xx": np.ones((3, 2))})
    with pytest.raises(ShapeError, match="fed to 'x'"):
        explain(loss, w, feeds={"x": np.ones((2, 2))})
    one = explain(loss, w, feeds={"x": np.ones((3, 2))})
    assert one.gradient == pytest.approx(4.0)
    assert one.number_of_paths == 3
    assert explain(loss, x, feeds={x: np.ones((3, 2))}).gradient == pytest.approx(4 / 3)
