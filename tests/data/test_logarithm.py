"""Answers on the logarithm: every number has its place there, and comes back from it."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from misstep.data import Logarithm, Target, recognize_target

numbers = st.floats(-1e6, 1e9, allow_nan=False)


@given(st.lists(st.floats(0, 1e9), min_size=2, max_size=20), numbers)
@example([0.0, 5e-324], 0.0)
def test_every_number_comes_back(values: list[float], other: float) -> None:
    learned = np.array([*values, 1.0])
    scale = Logarithm.fit(learned)
    every = np.array([*learned, other])
    back = scale.invert(scale.apply(every))
    np.testing.assert_allclose(back, every, rtol=1e-9, atol=1e-9 * (1 + scale.offset))
    assert scale.highest == pytest.approx(np.log(learned.max() + scale.offset))


def test_it_is_the_logarithm_of_positive_answers() -> None:
    values = np.array([1e-6, 3.0, 4e5])
    np.testing.assert_allclose(Logarithm.fit(values).apply(values), np.log(values))


def test_the_scale_rises_at_its_knee_and_below() -> None:
    scale = Logarithm.fit(np.array([0.0, 2.0, 900.0]))
    assert scale.offset == 2.0
    there = scale.apply(np.linspace(-10, 10, 1001))
    assert (np.diff(there) > 0).all()


def test_a_target_on_the_logarithm_is_stored_and_ends_above_its_answers() -> None:
    answers = pandas.Series([0.0, 1.0, 10.0, 1e3, 1e5, 2e6])
    target = recognize_target(answers, "y", "regression").fit_logarithm(answers)
    again = Target.from_json(target.to_json())
    encoded = again.encode(answers)
    assert abs(encoded.mean()) < 1e-6
    np.testing.assert_allclose(again.decode(encoded), answers, rtol=1e-5, atol=1e-5)
    # One half of a deviation above the largest answer, whatever a network says.
    highest = again.decode_outputs(np.array([50.0]))[0]
    assert highest == pytest.approx(again.decode(np.array([encoded.max() + 0.5]))[0], rel=1e-5)
    assert again.decode(np.array([50.0]))[0] > 1e30


def test_targets_of_former_files_have_none() -> None:
    plain = recognize_target([1.5, 2.5, 4.0], "y").to_json()
    del plain["logarithm"]
    assert Target.from_json(plain).logarithm is None
