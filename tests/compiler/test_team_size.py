"""How many threads a run gets: the faster number, tried again now and then; bits are no matter."""

import numpy as np
import pytest

from misstep.compiler.team_size import MOST_PATIENCE, TeamSize


def runs(team, count, times):
    """Let `team` choose `count` times; `times` says what a step takes with each size."""
    chosen = []
    for _ in range(count):
        size = team.choose()
        team.tell(size, times[size])
        chosen.append(size)
    return chosen


@pytest.mark.parametrize(("times", "better"), [({1: 2.0, 4: 1.0}, 4), ({1: 1.0, 4: 3.0}, 1)])
def test_the_faster_size_is_kept_and_the_other_tried_ever_more_seldom(times, better):
    team = TeamSize(4)
    chosen = runs(team, 3000, times)
    others = np.flatnonzero(np.array(chosen) != better)
    assert len(others) < 40
    assert np.diff(others).max() <= MOST_PATIENCE + 1
    assert np.diff(others)[-1] == MOST_PATIENCE + 1


def test_another_size_is_taken_when_times_change():
    team = TeamSize(2)
    runs(team, 50, {1: 2.0, 2: 1.0})
    assert set(runs(team, 600, {1: 2.0, 2: 5.0})[300:]) == {1, 2}
    assert np.mean(runs(team, 300, {1: 2.0, 2: 5.0})) < 1.05


def test_one_thread_is_no_choice():
    assert set(runs(TeamSize(1), 20, {1: 1.0})) == {1}
