"""Each activation against formulas written here in NumPy and SciPy, and at the far ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from misstep import ops
from misstep.autodiff import gradient
from misstep.ir import Array, evaluate, make_literal, make_parameter
from misstep.nn import ELU, Activation, LeakyReLU, Module, Network, registered_layers

Function = Callable[[Array], Array]

SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772


def normal_density(x: Array) -> Array:
    return np.asarray(np.exp(-x * x / 2) / np.sqrt(2 * np.pi))


def mish_slope(x: Array) -> Array:
    bent = np.tanh(np.logaddexp(0, x))
    return np.asarray(bent + x * (1 - bent) * (1 + bent) * special.expit(x))


# For each kind: the function and its derivative, from their definitions.
ORACLES: dict[str, tuple[Function, Function]] = {
    "Sigmoid": (special.expit, lambda x: special.expit(x) * special.expit(-x)),
    "Tanh": (np.tanh, lambda x: 1 / np.cosh(np.clip(x, -300, 300)) ** 2),
    "ReLU": (lambda x: np.maximum(x, 0), lambda x: np.where(x > 0, 1.0, 0.0)),
    "LeakyReLU": (lambda x: np.where(x > 0, x, 0.01 * x), lambda x: np.where(x > 0, 1.0, 0.01)),
    "ELU": (
        lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
        lambda x: np.exp(np.minimum(x, 0)),
    ),
    "SELU": (
        lambda x: SCALE * np.where(x > 0, x, ALPHA * np.expm1(np.minimum(x, 0))),
        lambda x: SCALE * np.where(x > 0, 1.0, ALPHA * np.exp(np.minimum(x, 0))),
    ),
    "GELU": (lambda x: x * special.ndtr(x), lambda x: special.ndtr(x) + x * normal_density(x)),
    "SiLU": (
        lambda x: x * special.expit(x),
        lambda x: special.expit(x) * (1 + x * special.expit(-x)),
    ),
    "Softplus": (lambda x: np.logaddexp(0, x), special.expit),
    "HardSigmoid": (
        lambda x: np.clip(x, -3, 3) / 6 + 0.5,
        lambda x: np.where(np.abs(x) <= 3, 1 / 6, 0.0),
    ),
    "HardSwish": (
        lambda x: x * (np.clip(x, -3, 3) / 6 + 0.5),
        lambda x: np.clip(x, -3, 3) / 6 + 0.5 + np.where(np.abs(x) <= 3, x / 6, 0.0),
    ),
    "HardTanh": (lambda x: np.clip(x, -1, 1), lambda x: np.where(np.abs(x) <= 1, 1.0, 0.0)),
    "Softsign": (lambda x: x / (1 + np.abs(x)), lambda x: 1 / (1 + np.abs(x)) ** 2),
    "ThresholdedReLU": (lambda x: np.where(x > 1, x, 0.0), lambda x: np.where(x > 1, 1.0, 0.0)),
    "CELU": (
        lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
        lambda x: np.exp(np.minimum(x, 0)),
    ),
    "Mish": (lambda x: x * np.tanh(np.logaddexp(0, x)), mish_slope),
}
# Numbers from tables and papers, at x = −1, 0, 1.
KNOWN = {
    "Sigmoid": (0.2689414213699951, 0.5, 0.7310585786300049),
    "Tanh": (-0.7615941559557649, 0.0, 0.7615941559557649),
    "ReLU": (0.0, 0.0, 1.0),
    "LeakyReLU": (-0.01, 0.0, 1.0),
    "ELU": (-0.6321205588285577, 0.0, 1.0),
    "SELU": (-1.1113307378125625, 0.0, 1.0507009873554805),
    "GELU": (-0.15865525393145707, 0.0, 0.8413447460685429),
    "SiLU": (-0.2689414213699951, 0.0, 0.7310585786300049),
    "Softplus": (0.3132616875182228, 0.6931471805599453, 1.3132616875182228),
    "HardSigmoid": (1 / 3, 0.5, 2 / 3),
    "HardSwish": (-1 / 3, 0.0, 2 / 3),
    "HardTanh": (-1.0, 0.0, 1.0),
    "Softsign": (-0.5, 0.0, 0.5),
    "ThresholdedReLU": (0.0, 0.0, 0.0),
    "CELU": (-0.6321205588285577, 0.0, 1.0),
    "Mish": (-0.30340146137410895, 0.0, 0.8650983882673103),
}
KINDS = {name: kind for name, kind in registered_layers().items() if issubclass(kind, Activation)}
EXTREME = np.array([-1e4, -1e3, -104.0, -88.8, -20, -1e-4, 0, 1e-4, 20, 88.8, 104.0, 1e3, 1e4])


def run(layer: Module, x: Array) -> tuple[Array, Array]:
    """Return the layer's output for `x` and the slope of the sum of its entries by `x`."""
    dtype = x.dtype.name
    network = Network(layer, x.shape[1:], dtype=dtype)
    given_x = make_parameter(x, "x")
    y, _ = network.apply(given_x, make_literal(np.zeros(0), dtype))
    found, slope = evaluate([y, gradient(ops.sum(y), given_x)])
    return found, slope


def test_every_activation_has_an_oracle() -> None:
    assert set(ORACLES) | {"Softmax"} == set(KINDS)
    assert set(KNOWN) == set(ORACLES)


@pytest.mark.parametrize("name", ORACLES)
def test_values_and_slopes_are_the_oracles(name: str) -> None:
    x = np.random.default_rng(0).normal(0, 4, (40, 5))
    found, slope = run(KINDS[name](), x)
    function, derivative = ORACLES[name]
    np.testing.assert_allclose(found, function(x), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(slope, derivative(x), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("name", ORACLES)
@settings(deadline=None, max_examples=40)
@given(x=st.floats(-700, 700))
def test_values_and_slopes_are_the_oracles_anywhere(name: str, x: float) -> None:
    found, slope = run(KINDS[name](), np.array([[x]]))
    function, derivative = ORACLES[name]
    np.testing.assert_allclose(found, function(np.array([[x]])), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(slope, derivative(np.array([[x]])), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", KNOWN)
def test_known_numbers(name: str) -> None:
    found, _ = run(KINDS[name](), np.array([[-1.0], [0.0], [1.0]]))
    np.testing.assert_allclose(found[:, 0], KNOWN[name], rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_far_out_all_stays_finite(name: str, dtype: str) -> None:
    x = EXTREME.astype(dtype)[:, None] * np.ones((1, 2), dtype)
    found, slope = run(KINDS[name](), x)
    assert found.dtype == slope.dtype == dtype
    assert np.isfinite(found).all()
    assert np.isfinite(slope).all()
    if name in ORACLES:
        function, derivative = ORACLES[name]
        wide = x.astype("float64")
        exact = 1e-6 if dtype == "float32" else 1e-12
        np.testing.assert_allclose(found, function(wide), rtol=2 * exact, atol=exact)
        np.testing.assert_allclose(slope, derivative(wide), rtol=5 * exact, atol=exact)


def test_the_slope_of_smooth_activations_at_0_is_that_of_their_curve() -> None:
    # ELU's was ½ instead of 1: the tie of minimum(x, 0) shared it. Zeros are common: empty rows.
    for name in ("ELU", "SELU", "Sigmoid", "Tanh", "GELU", "SiLU", "Softplus"):
        _, slope = run(KINDS[name](), np.zeros((2, 2)))
        np.testing.assert_allclose(slope, ORACLES[name][1](np.zeros((2, 2))), rtol=1e-15)
    assert run(KINDS["ReLU"](), np.zeros((1, 1)))[1] == 0.0
    assert run(ELU(2.0), np.zeros((1, 1)))[1] == 2.0


@pytest.mark.parametrize("shift", [0.0, 1e4, -1e4])
def test_softmax_gives_shares_that_know_no_shift(shift: float) -> None:
    x = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [-5.0, 5.0, 0.0]])
    found, slope = run(KINDS["Softmax"](), x + shift)
    np.testing.assert_allclose(found, special.softmax(x, axis=1), rtol=1e-11)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-14)
    # The shares always add up to 1, so their sum has no slope.
    np.testing.assert_allclose(slope, 0.0, atol=1e-15)


def test_softmax_of_numbers_far_apart() -> None:
    found, slope = run(KINDS["Softmax"](), np.array([[1e4, -1e4, 0.0]], "float32"))
    np.testing.assert_array_equal(found, [[1.0, 0.0, 0.0]])
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("setting", [float("nan"), float("inf"), "0.1", None, [1.0]])
def test_slopes_and_heights_are_finite_numbers(setting: Any) -> None:
    for kind in (LeakyReLU, ELU):
        with pytest.raises(ValueError, match=f"of {kind.__name__}: needed a number"):
            kind(setting)


def test_settings_change_the_curve() -> None:
    x = np.array([[-2.0, 3.0]])
    np.testing.assert_allclose(run(LeakyReLU(0.2), x)[0], [[-0.4, 3.0]])
    np.testing.assert_allclose(run(ELU(0.5), x)[0], [[0.5 * np.expm1(-2.0), 3.0]])


def test_which_can_die_and_which_have_bounds() -> None:
    assert {name for name, kind in KINDS.items() if kind.can_die} == {"ReLU", "ThresholdedReLU"}
    assert {name for name, kind in KINDS.items() if kind.bounds} == {
        *("Sigmoid", "Tanh", "Softmax", "HardSigmoid", "HardTanh", "Softsign")
    }
