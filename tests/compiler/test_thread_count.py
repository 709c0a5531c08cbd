"""How many threads a run gets: the faster number, tried again now and then; bits are no matter."""

import numpy as np
import pytest

from misstep.compiler.runtime.thread_count import COST_OF_TRYING, MOST_BETWEEN, TeamSize


def runs(team, count, times):
    """Let `team` choose `count` times; `times` says what a step takes with each size."""
    chosen = []
    for _ in range(count):
        size = team.choose()
        team.tell(size, times[size])
        chosen.append(size)
    return chosen


@pytest.mark.parametrize("times", [{4: 1.0, 1: 2.0}, {4: 3.0, 1: 1.0}, {4: 1.1, 1: 1.0}])
def test_the_faster_size_is_kept_and_trying_the_other_costs_little(times):
    chosen = runs(TeamSize(4), 3000, times)
    best = min(times, key=times.get)
    others = np.flatnonzero(np.array(chosen) != best)
    assert np.diff(others).max() <= MOST_BETWEEN + 1
    spent = sum(times[size] for size in chosen[8:])
    assert spent < 2992 * times[best] * (1 + 1.3 * COST_OF_TRYING)


def test_one_run_that_was_disturbed_does_not_change_the_size():
    team = TeamSize(2)
    runs(team, 20, {1: 2.0, 2: 1.0})
    team.tell(2, 9.0)
    assert runs(team, 3, {1: 2.0, 2: 1.0}) == [2, 2, 2]


def test_another_size_is_taken_when_times_change():
    team = TeamSize(2)
    runs(team, 50, {1: 2.0, 2: 1.0})
    assert np.mean(runs(team, 50, {1: 2.0, 2: 5.0})[-30:]) < 1.05
    assert np.mean(runs(team, 250, {1: 2.0, 2: 1.0})[-100:]) > 1.95


def test_a_size_set_from_outside_teaches_nothing():
    team = TeamSize(2)
    team.tell(7, 1e-9)
    assert set(runs(team, 20, {1: 2.0, 2: 1.0})[8:]) == {2}


def test_one_thread_is_no_choice():
    assert set(runs(TeamSize(1), 20, {1: 1.0})) == {1}
