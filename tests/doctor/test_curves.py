import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misstep.doctor.curves import highest_rebound, late_fall, noise, running_means, smoothed

numbers = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=60).map(np.array)


@given(numbers)
def test_a_smoothed_curve_is_the_mean_of_neighbors(values):
    smooth = smoothed(values)
    assert len(smooth) == len(values)
    window = max(3, round(0.05 * len(values)))
    for at in range(len(values)):
        if len(values) <= 3:
            assert smooth[at] == values[at]
            continue
        half = min(at, len(values) - 1 - at, window // 2)
        mean = np.mean(values[at - half : at + half + 1])
        assert smooth[at] == pytest.approx(mean, abs=1e-9)


@given(numbers, st.integers(1, 8))
def test_running_means_are_means(values, window):
    means = running_means(values, window)
    expected = [values[at : at + window].mean() for at in range(len(values) - window + 1)]
    assert means == pytest.approx(np.array(expected), abs=1e-9)


def test_noise_is_told_in_spite_of_a_trend():
    random = np.random.default_rng(0)
    values = np.linspace(5.0, 1.0, 4000) + 0.1 * random.normal(size=4000)
    assert noise(values) == pytest.approx(0.1, rel=0.05)
    assert noise(np.ones(1)) == 0.0


@given(numbers)
def test_a_rebound_is_the_farthest_a_later_value_lies_above_an_earlier_one(values):
    pairs = [
        values[later] - values[earlier]
        for earlier in range(len(values))
        for later in range(earlier, len(values))
    ]
    assert highest_rebound(values) == pytest.approx(max(pairs), abs=1e-9)


def test_values_that_are_not_finite_are_no_rebound():
    assert highest_rebound(np.array([1.0, math.nan, 3.0, math.inf])) == 2.0
    assert highest_rebound(np.array([math.nan])) == 0.0


def test_the_fall_along_the_logarithm_of_time_is_found_exactly():
    steps = np.arange(1, 201)
    fall = late_fall(steps, 3.0 - 0.25 * np.log2(steps))
    assert fall.per_doubling == pytest.approx(0.25)
    assert fall.error == pytest.approx(0.0, abs=1e-9)
    assert fall.is_sure


def test_the_slope_is_that_of_least_squares_on_the_last_part():
    random = np.random.default_rng(1)
    steps = np.arange(1, 101)
    values = 2.0 - 0.1 * np.log2(steps) + 0.01 * random.normal(size=100)
    fall = late_fall(steps, values)
    late = steps > 40
    (slope, _), covariance = np.polyfit(np.log2(steps[late]), values[late], 1, cov=True)
    lately, more = np.polyfit(np.log2(steps[70:]), values[70:], 1, cov=True)
    most = -lately[0] + math.sqrt(more[0, 0])
    assert fall.per_doubling == pytest.approx(min(-slope, most))
    assert fall.error == pytest.approx(math.sqrt(covariance[0, 0]))


@given(st.integers(0, 200))
def test_noise_alone_falls_surely_hardly_ever(seed):
    random = np.random.default_rng(seed)
    assert not late_fall(np.arange(1, 101), 1.0 + 0.2 * random.normal(size=100)).is_sure


def test_a_curve_that_settles_promises_no_more():
    steps = np.arange(1, 101)
    settled = 0.5 + np.exp(-steps / 10.0)
    assert late_fall(steps, settled).per_doubling < 0.01


def test_a_curve_that_rises_does_not_fall():
    steps = np.arange(1, 51)
    fall = late_fall(steps, 0.01 * steps)
    assert fall.per_doubling < 0
    assert not fall.is_sure


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_short_curve_tells_nothing(count):
    fall = late_fall(np.arange(1, count + 1), np.ones(count))
    assert math.isnan(fall.per_doubling)
    assert not fall.is_sure
