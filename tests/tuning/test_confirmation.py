"""The best is compared with the default on other rows, and kept where it gains beyond noise."""

from __future__ import annotations

import numpy as np
import pytest
from tuning_world import OPTIONS, small_table

from misstep.data import Table
from misstep.errors import ShapeError
from misstep.modeling import Options, recognize
from misstep.nn import Dense
from misstep.nn.losses import SquaredError
from misstep.optim import Adam
from misstep.train import Trainer
from misstep.tuning.confirmation import (
    MOST_FOLDS,
    Confirmation,
    confirm,
    contenders,
    folds_for,
    is_worthwhile,
)
from misstep.tuning.problem import ModalityProblem
from misstep.tuning.result import Comparison, State, TrialResult
from misstep.tuning.trainers import TrainerProblem, split_off, tune_trainer


def test_differences_pair_and_a_row_counts_once() -> None:
    numbers = np.random.default_rng(0)
    first, second = numbers.normal(size=(2, 6))
    found = Confirmation({3: [first, second]}, [np.arange(6), np.arange(3, 9)])
    one = found.comparison(3)
    each = [*first[:3], *((first[3:] + second[:3]) / 2), *second[3:]]
    assert one.rows == 9
    assert one.gain == pytest.approx(np.concatenate([first, second]).mean())
    assert one.error == pytest.approx(np.std(each, ddof=1) / 3)
    assert one.better == sum(part.mean() > 0 for part in (first, second))


def test_a_gain_within_noise_is_none() -> None:
    assert is_worthwhile(Comparison(1, 0.05, 0.01, 300, 4, 4))
    assert not is_worthwhile(Comparison(1, 0.05, 0.06, 300, 4, 4))
    assert not is_worthwhile(Comparison(1, 0.05, 0.01, 300, 4, 2))
    assert not is_worthwhile(Comparison(1, 0.05, 0.01, 10, 4, 4))
    assert not is_worthwhile(Comparison(1, 1e-6, 0.0, 300, 4, 4))


def test_contenders_are_complete_and_better_than_the_default() -> None:
    losses = [0.5, 0.4, 0.6, 0.3, 0.45, 0.44]
    results = [
        TrialResult(number, {}, loss, {}, State.PRUNED if number == 3 else State.COMPLETE)
        for number, loss in enumerate(losses)
    ]
    assert [one.number for one in contenders(results)] == [1, 5, 4]
    assert contenders(results[:1]) == []


def test_few_rows_are_dealt_out_more_often() -> None:
    assert folds_for(50) == MOST_FOLDS
    assert folds_for(400) == 3  # of 1,000 rows that are wanted
    assert folds_for(20_000) == 1


def problem_of(table: Table, options: Options) -> ModalityProblem:
    modality = recognize(table, options)
    split = modality.split()
    return ModalityProblem(modality, modality.prepare(split), split)


def test_folds_hold_no_test_row_and_each_other_row_once() -> None:
    modality = recognize(small_table(), OPTIONS)
    split = modality.split()
    drawn = []
    for number in (1, 2, 3):
        other = modality.resplit(split, number)
        assert other is not None
        learned = np.concatenate([other.split.train, other.split.validation])
        assert sorted(learned) == sorted([*split.train, *split.validation])
        assert not len(other.split.test)
        assert len(other.split.validation) == len(split.validation)
        drawn.append(list(other.validation))
        # Those chose among the trials.
        assert not set(other.validation) & set(split.validation)
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize("weighted", [True, False])
def test_folds_of_a_trainer_learn_from_the_rows_that_judged(*, weighted: bool) -> None:
    x = np.arange(40.0)[:, None]
    weights = 1 + x[:, 0] if weighted else None
    rows, validation, _ = split_off(x, 2 * x, weights, seed=0)
    trainer = Trainer(Dense(1), loss=SquaredError(), optimizer=Adam(1e-3))
    problem = TrainerProblem(
        trainer, *rows[:2], sample_weight=rows[2], validation=validation, drawn=True
    )
    fold = problem.fold(1)
    assert fold is not None
    assert isinstance(fold.problem, TrainerProblem)
    learned, judged = fold.problem.rows, fold.problem.validation
    assert len(fold.names) == len(judged[0])
    assert not set(judged[0].ravel()) & set(validation[0].ravel())
    assert sorted([*learned[0].ravel(), *judged[0].ravel()]) == list(range(40))
    for x, y, weights in (learned, (*judged, None)[:3]):
        assert np.array_equal(y, 2 * x)
        assert (weights is None) != weighted
        assert weights is None or np.array_equal(weights, 1 + x[:, 0])


def test_a_trainer_with_one_row_to_learn_from_has_no_folds() -> None:
    x = np.ones((2, 1))
    trainer = Trainer(Dense(1), loss=SquaredError(), optimizer=Adam(1e-3))
    problem = TrainerProblem(trainer, x[:1], x[:1], validation=(x[1:], x[1:]), drawn=True)
    assert problem.fold(1) is None
    with pytest.raises(ShapeError, match="as many rows as x"):
        tune_trainer(trainer, x, x[:1])
    with pytest.raises(ShapeError, match="sample_weight"):
        tune_trainer(trainer, x, x, sample_weight=np.ones(3))


def test_the_default_gains_nothing_on_itself_and_a_broken_trial_is_worse() -> None:
    problem = problem_of(small_table(), OPTIONS)
    default = {name: one.value for name, one in problem.space_at({}).items()}
    told: list[tuple[int, int]] = []
    comparisons, whole = confirm(
        problem,
        default,
        {1: default, 2: {**default, "learning_rate": 1e-9}},
        on_fold=lambda number, count: told.append((number, count)),
    )
    assert whole
    assert [one.number for one in comparisons] == [1, 2]
    assert (comparisons[0].gain, comparisons[0].error) == (0.0, 0.0)
    assert comparisons[1].gain < 0
    assert told[0] == (1, folds_for(problem.judged_rows))


def test_without_time_one_is_compared_once() -> None:
    problem = problem_of(small_table(), OPTIONS)
    default = {name: one.value for name, one in problem.space_at({}).items()}
    comparisons, whole = confirm(problem, default, {1: default, 2: default}, deadline=0.0)
    assert not whole
    assert [(one.number, one.trainings) for one in comparisons] == [(1, 1)]
