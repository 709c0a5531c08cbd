"""Clipping keeps gradients within limits, and regularizers pull weights, as their formulas say."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from misstep.autodiff import check_gradient, gradient
from misstep.errors import ArgumentError
from misstep.ir import Array, evaluate, make_parameter
from misstep.optim import L1, L2, ClipNorm, Clipping, ClipValue, Regularizer

KINDS = [*Clipping.__subclasses__(), *Regularizer.__subclasses__()]
flat = arrays("float64", st.integers(1, 20), elements=st.floats(-1e6, 1e6))


def clipped(clipping: Clipping, numbers: Any, dtype: str = "float64") -> Array:
    return evaluate([clipping.clip(make_parameter(np.array(numbers, dtype), "g"))])[0]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_settings_round_trip_and_wrong_ones_are_refused(kind: Any) -> None:
    one = kind(0.25)
    settings = json.loads(json.dumps(one.configuration(), allow_nan=False))
    assert settings.pop("kind") == kind.__name__
    assert kind(**settings) == one
    assert kind.__doc__
    wrong = [float("nan"), float("inf"), -1.0, "1", None]
    for setting in [*wrong, 0.0] if issubclass(kind, Clipping) else wrong:
        with pytest.raises(ArgumentError, match=kind.__name__) as caught:
            kind(setting)
        assert repr(setting) in str(caught.value)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_worked_example(dtype: str) -> None:
    # The norm of [12, −8, 15] is √433 = 20.81; 5 / 20.81 of it is [2.88, −1.92, 3.60].
    assert np.linalg.norm([12, -8, 15]) == pytest.approx(20.81, abs=0.005)
    found = clipped(ClipNorm(5.0), [12, -8, 15], dtype)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, [2.88, -1.92, 3.60], atol=0.005)
    np.testing.assert_allclose(found, np.array([12, -8, 15]) * 5 / np.sqrt(433), rtol=1e-6)
    np.testing.assert_array_equal(clipped(ClipValue(10.0), [12, -8, 15], dtype), [10, -8, 10])


@settings(deadline=None)
@given(flat, st.floats(1e-3, 1e3))
def test_clipping_by_norm_keeps_the_direction_and_the_limit(g: Array, limit: float) -> None:
    found = clipped(ClipNorm(limit), g)
    length = float(np.linalg.norm(g))
    if length <= limit * (1 - 1e-12):
        np.testing.assert_array_equal(found, g)
    else:
        assert np.linalg.norm(found) <= limit * (1 + 1e-12)
        np.testing.assert_allclose(found * length, g * min(limit, length), rtol=1e-9, atol=1e-300)


@settings(deadline=None)
@given(flat, st.floats(1e-3, 1e3))
def test_clipping_by_value_is_numpys_clip(g: Array, limit: float) -> None:
    np.testing.assert_array_equal(clipped(ClipValue(limit), g), np.clip(g, -limit, limit))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("clipping", [ClipNorm(1.0), ClipValue(1.0)], ids=repr)
def test_a_zero_gradient_stays_zero(clipping: Clipping, dtype: str) -> None:
    np.testing.assert_array_equal(clipped(clipping, np.zeros(4), dtype), np.zeros(4))


@pytest.mark.parametrize("size", [1e20, 1e30, 3e38])
def test_an_exploding_gradient_is_shortened_not_lost(size: float) -> None:
    # The squares overflow float32; the clipped gradient was 0, and training stood still silently.
    found = clipped(ClipNorm(5.0), [0.6 * size, -0.8 * size], "float32")
    np.testing.assert_allclose(found, [3.0, -4.0], rtol=1e-6)


def test_what_is_not_finite_is_never_hidden_by_a_norm() -> None:
    for bad in (float("nan"), float("inf"), -float("inf")):
        assert not np.isfinite(clipped(ClipNorm(1.0), [1.0, bad, 2.0])).all()
    found = clipped(ClipValue(1.0), [float("nan"), float("inf"), -float("inf"), 0.5])
    np.testing.assert_array_equal(found, [np.nan, 1.0, -1.0, 0.5])


# --- regularizers --------------------------------------------------------------------------------


@pytest.mark.parametrize("regularizer", [L1(0.3), L2(0.3)], ids=repr)
def test_the_slope_of_a_penalty_is_measured(regularizer: Regularizer) -> None:
    weights = np.random.default_rng(0).uniform(0.2, 2.0, (3, 4)) * np.array([1, -1, 1, -1])
    assert check_gradient(regularizer.penalty, [weights])


def test_penalties_by_hand() -> None:
    w = make_parameter(np.array([[3.0, -4.0], [0.0, 1.0]]), "w")
    of_l1, of_l2 = L1(0.1).penalty(w), L2(0.1).penalty(w)
    assert float(of_l1) == pytest.approx(0.1 * 8)
    assert float(of_l2) == pytest.approx(0.05 * 26)
    np.testing.assert_allclose(gradient(of_l1, w).numpy(), [[0.1, -0.1], [0.0, 0.1]])
    np.testing.assert_allclose(gradient(of_l2, w).numpy(), [[0.3, -0.4], [0.0, 0.1]])
    assert float(L1(0.0).penalty(w)) == float(L2(0.0).penalty(w)) == 0.0
