"""How much a paired comparison speaks for a cause, against hand-made courses."""

from __future__ import annotations

import math

import numpy as np
import pytest

from misstep.trials import Course
from misstep.trials.outcome import AGAINST, EARLY_SHARE, best_of, support_of


def course(*left: float, held_out: tuple[float, ...] | None = None) -> Course:
    outside = None if held_out is None else np.array(held_out)
    return Course(np.array(left), outside, updates=10)


RUN = course(0.8, 0.9, 1.0)


def test_support_grows_with_the_logarithm_of_the_gain() -> None:
    half = support_of(RUN, course(0.4, 0.45, 0.5), reached=0.8)
    assert half == pytest.approx(math.log(2) / math.log(20))
    tenth = support_of(RUN, course(0.08, 0.09, 0.1), reached=0.8)
    assert tenth == pytest.approx(math.log(10) / math.log(20))
    assert support_of(RUN, course(0.01, 0.01, 0.01), reached=0.8) == 1.0


def test_one_course_that_is_no_better_undoes_it() -> None:
    assert support_of(RUN, course(0.1, 0.1, 0.9), reached=0.8) == 0.0


def test_what_does_not_help_speaks_against_if_it_went_as_far_as_the_run() -> None:
    assert support_of(RUN, course(0.8, 0.9, 1.0), reached=0.8) == AGAINST
    assert support_of(RUN, course(0.8, 0.9, 1.0), reached=0.8, whole=False) == 0.0
    assert support_of(RUN, course(0.7, 0.7, 0.8), reached=0.8) == 0.0


def test_what_is_better_only_early_counts_for_less() -> None:
    early = support_of(RUN, course(0.4, 0.45, 0.5), reached=0.3)
    assert early == pytest.approx(EARLY_SHARE * math.log(2) / math.log(20))


def test_what_has_learned_almost_all_has_no_cause() -> None:
    assert support_of(course(0.02, 0.02, 0.02), course(0.01, 0.01, 0.01), reached=0.02) == 0.0
    small = support_of(course(0.05, 0.05, 0.05), course(0.01, 0.01, 0.01), reached=0.05)
    assert 0.0 < small < 0.15


def test_validation_rows_judge_where_they_are_asked() -> None:
    run = course(0.5, 0.5, 0.5, held_out=(0.8, 0.8, 0.8))
    arm = course(0.6, 0.6, 0.6, held_out=(0.4, 0.4, 0.4))
    assert support_of(run, arm, reached=0.5, held_out=True) > 0.2
    assert support_of(run, arm, reached=0.5) == AGAINST


def test_the_best_arm_is_the_one_that_left_least() -> None:
    arms = {"one": course(0.5, 0.6, 0.7), "other": course(0.1, 0.2, 0.9)}
    assert best_of(arms) == "other"
    same = {"first": course(0.5), "second": course(0.5)}
    assert best_of(same) == "first"
