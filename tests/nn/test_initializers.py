"""Every registered initializer draws what its paper says, and the same for the same seed."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misstep.errors import ArgumentError, FileFormatError, MisstepError
from misstep.nn.building import build_initializer
from misstep.nn.initializers import (
    Constant,
    Fans,
    Initializer,
    Normal,
    Orthogonal,
    Uniform,
    XavierNormal,
    XavierUniform,
    Zeros,
    registered_initializers,
)

KINDS = registered_initializers()
# For each kind: the variance of its entries as a function of the fans, and whether it has bounds.
SPREAD: dict[str, tuple[Any, bool]] = {
    "GlorotNormal": (lambda i, o: 2 / (i + o), False),
    "GlorotUniform": (lambda i, o: 2 / (i + o), True),
    "HeNormal": (lambda i, o: 2 / i, False),
    "HeUniform": (lambda i, o: 2 / i, True),
    "LeCunNormal": (lambda i, o: 1 / i, False),
    "LeCunUniform": (lambda i, o: 1 / i, True),
    "Normal": (lambda i, o: 0.05**2, False),
    "Uniform": (lambda i, o: 0.05**2 / 3, True),
}
FIXED = {"Zeros", "Constant", "ForgetGateBias", "Orthogonal"}


def test_every_initializer_is_tested_here() -> None:
    assert set(SPREAD) | FIXED == set(KINDS)
    assert (XavierUniform.__name__, XavierNormal.__name__) == ("GlorotUniform", "GlorotNormal")
    for kind in KINDS.values():
        assert kind.__doc__
        assert kind.words


@pytest.mark.parametrize("name", SPREAD)
@pytest.mark.parametrize("fans", [Fans(300, 200), Fans(50, 1000)], ids=str)
def test_mean_variance_and_bounds(name: str, fans: Fans) -> None:
    variance_of, bounded = SPREAD[name]
    variance = variance_of(fans.inputs, fans.outputs)
    drawn = KINDS[name]().draw((fans.inputs, fans.outputs), fans, 7, 2)
    assert drawn.shape == (fans.inputs, fans.outputs)
    assert drawn.dtype == np.float64
    # Five standard errors: of a mean σ/√n, of a variance at most σ²·√(2/n).
    count = drawn.size
    assert abs(drawn.mean()) < 5 * math.sqrt(variance / count)
    assert abs(drawn.var() / variance - 1) < 5 * math.sqrt(2 / count)
    bound = math.sqrt(3 * variance)
    if bounded:
        assert np.abs(drawn).max() <= bound
        assert np.abs(drawn).max() > 0.99 * bound
    else:
        # A normal distribution: its share within one deviation, and kurtosis 3.
        within = (np.abs(drawn) < math.sqrt(variance)).mean()
        assert within == pytest.approx(0.6827, abs=5 * 0.5 / math.sqrt(count))
        assert (drawn**4).mean() / variance**2 == pytest.approx(3, abs=5 * math.sqrt(96 / count))


@pytest.mark.parametrize("name", sorted(set(KINDS) - {"Zeros", "Constant", "ForgetGateBias"}))
def test_seed_and_stream_and_nothing_else_decide(name: str) -> None:
    one, shape, fans = KINDS[name](), (4, 6), Fans(4, 6)
    drawn = one.draw(shape, fans, 3, 1)
    np.testing.assert_array_equal(drawn, one.draw(shape, fans, 3, 1))
    assert (drawn != one.draw(shape, fans, 4, 1)).any()
    assert (drawn != one.draw(shape, fans, 3, 2)).any()
    assert len(np.unique(drawn)) == drawn.size


@pytest.mark.parametrize("name", KINDS)
def test_any_shape_of_two_axes_or_more_works(name: str) -> None:
    for shape in ((1, 1), (5, 1), (1, 5), (3, 3, 2, 4)):
        drawn = KINDS[name]().draw(shape, Fans(math.prod(shape[:-1]), shape[-1]), 0, 0)
        assert drawn.shape == shape
        assert np.isfinite(drawn).all()


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 12), st.integers(1, 12), st.floats(0.1, 3), st.integers(0, 99))
def test_orthogonal_rows_or_columns(rows: int, columns: int, gain: float, seed: int) -> None:
    drawn = Orthogonal(gain).draw((rows, columns), Fans(rows, columns), seed, 0) / gain
    short = drawn.T @ drawn if rows >= columns else drawn @ drawn.T
    np.testing.assert_allclose(short, np.eye(min(rows, columns)), atol=1e-12)


def test_orthogonal_directions_are_evenly_spread() -> None:
    # Without the signs of the triangle's diagonal the first entry would always be negative.
    signs = [Orthogonal().draw((3, 3), Fans(3, 3), seed, 0)[0, 0] > 0 for seed in range(200)]
    assert 60 < sum(signs) < 140


def test_only_the_forget_gate_starts_from_a_number() -> None:
    drawn = KINDS["ForgetGateBias"](2.0).draw((8,), Fans(1, 1), 0, 0)  # type: ignore[call-arg]
    np.testing.assert_array_equal(drawn, [0, 0, 2, 2, 0, 0, 0, 0])


def test_orthogonal_needs_two_axes() -> None:
    with pytest.raises(ArgumentError, match="two or more axes"):
        Orthogonal().draw((4,), Fans(4, 4), 0, 0)


def test_fixed_numbers() -> None:
    assert (Zeros().draw((2, 3), Fans(2, 3), 0, 0) == 0).all()
    assert (Constant(0.25).draw((2, 3), Fans(2, 3), 0, 0) == 0.25).all()
    assert np.abs(Uniform(2.0).draw((99,), Fans(1, 1), 0, 0)).max() > 1.5
    assert Normal(3.0).draw((999,), Fans(1, 1), 0, 0).std() == pytest.approx(3.0, rel=0.1)


@pytest.mark.parametrize("name", KINDS)
def test_settings_round_trip(name: str) -> None:
    kind = KINDS[name]
    settings_of = {one.name: 0.75 for one in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for made in (kind(), kind(**settings_of)):
        again = build_initializer(json.loads(json.dumps(made.configuration())))
        assert again == made
        assert isinstance(again, Initializer)


@pytest.mark.parametrize("setting", [float("nan"), float("inf"), "0.1", None])
@pytest.mark.parametrize("name", KINDS)
def test_settings_are_finite_numbers(name: str, setting: Any) -> None:
    for one in dataclasses.fields(KINDS[name]):  # type: ignore[arg-type]
        with pytest.raises(ArgumentError, match=f"{one.name} of {name}"):
            KINDS[name](**{one.name: setting})


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        "HeNormal",
        {},
        {"kind": 3},
        {"kind": "os.system"},
        {"kind": "Normal", "x": 1},
        {"kind": "Normal", "deviation": "1"},
        {"kind": "Normal", "deviation": {"kind": "Normal"}},
    ],
)
def test_wrong_configurations_are_refused(wrong: Any) -> None:
    with pytest.raises(FileFormatError) as caught:
        build_initializer(wrong)
    assert isinstance(caught.value, MisstepError)
