"""How many threads a run gets: the faster number, tried again now and then; bits are no matter."""

import numpy as np
import pytest

from misstep.compiler.runtime.thread_count_tuning import (
    COST_OF_TRYING,
    MOST_BETWEEN,
    ThreadCountTuner,
)


def runs(tuner, count, times):
    """Let `tuner` choose `count` times; `times` says what a step takes."""
    chosen = []
    for _ in range(count):
        threads = tuner.choose()
        tuner.record(threads, times[threads])
        chosen.append(threads)
    return chosen


@pytest.mark.parametrize("times", [{4: 1.0, 1: 2.0}, {4: 3.0, 1: 1.0}, {4: 1.1, 1: 1.0}])
def test_the_faster_count_is_kept_and_trying_the_other_costs_little(times):
    chosen = runs(ThreadCountTuner(4), 3000, times)
    best = min(times, key=times.get)
    others = np.flatnonzero(np.array(chosen) != best)
    assert np.diff(others).max() <= MOST_BETWEEN + 1
    spent = sum(times[threads] for threads in chosen[8:])
    assert spent < 2992 * times[best] * (1 + 1.3 * COST_OF_TRYING)


def test_one_run_that_was_disturbed_does_not_change_the_count():
    tuner = ThreadCountTuner(2)
    runs(tuner, 20, {1: 2.0, 2: 1.0})
    tuner.record(2, 9.0)
    assert runs(tuner, 3, {1: 2.0, 2: 1.0}) == [2, 2, 2]


def test_another_count_is_taken_when_times_change():
    tuner = ThreadCountTuner(2)
    runs(tuner, 50, {1: 2.0, 2: 1.0})
    assert np.mean(runs(tuner, 50, {1: 2.0, 2: 5.0})[-30:]) < 1.05
    assert np.mean(runs(tuner, 250, {1: 2.0, 2: 1.0})[-100:]) > 1.95


def test_a_count_set_from_outside_teaches_nothing():
    tuner = ThreadCountTuner(2)
    tuner.record(7, 1e-9)
    assert set(runs(tuner, 20, {1: 2.0, 2: 1.0})[8:]) == {2}


def test_one_thread_is_no_choice():
    assert set(runs(ThreadCountTuner(1), 20, {1: 1.0})) == {1}
