"""Judging is fair to rare classes, to wrong answers and to a few answers far out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.trials.benches import Benches
from misstep.trials.classes import alike_weights, classes_of
from misstep.trials.outlying import rows_far_out
from misstep.trials.setting import Setting
from misstep.trials.yardstick import NOT_FINITE, Yardstick

random = np.random.default_rng(1)


def test_classes_are_read_from_every_way_to_write_them() -> None:
    y = np.array([0, 2, 1])
    for answers in (y, np.eye(3)[y]):
        assert classes_of(ms.CrossEntropy(), answers) == pytest.approx(y)
    assert classes_of(ms.CrossEntropy(), np.full((2, 2), 0.5)) is None
    assert classes_of(ms.BinaryCrossEntropy(), np.array([[0.3]])) is None
    assert classes_of(ms.BinaryCrossEntropy(), np.zeros((3, 2))) is None
    assert classes_of(ms.SquaredError(), y) is None


def test_each_class_has_the_same_weight() -> None:
    classes = np.array([0] * 90 + [1] * 9 + [3])
    weights = alike_weights(classes)
    assert weights.mean() == pytest.approx(1.0)
    assert np.bincount(classes, weights) == pytest.approx([100 / 3, 100 / 3, 0, 100 / 3])
    half = alike_weights(classes, 0.5)
    assert half[0] < half[95] < weights[95]


@pytest.mark.parametrize("outputs", [1, 2])
def test_by_margin_wrong_answers_leave_the_order_as_it_is(outputs: int) -> None:
    """Of two classes, the mean over all answers is what right ones give, between two constants."""
    right = random.integers(0, 2, 400)
    loss: Any = ms.BinaryCrossEntropy() if outputs == 1 else ms.CrossEntropy()
    shape: Any = (-1, 1) if outputs == 1 else (-1,)
    yardstick = Yardstick.of(loss, right.reshape(shape), (outputs,), wrong_answers=True)
    assert yardstick.by_margin
    for _ in range(5):
        one = random.random((400, 1))
        predicted = one if outputs == 1 else np.concatenate([1 - one, one], axis=1)
        true = yardstick.penalties(predicted, right.reshape(shape))
        false = yardstick.penalties(predicted, (1 - right).reshape(shape))
        assert true + false == pytest.approx(1.0 / yardstick.unit)


def test_brier_rewards_who_is_unsure_of_wrong_answers_and_a_margin_does_not() -> None:
    right = random.integers(0, 3, 600)
    given = np.where(random.random(600) < 0.3, (right + random.integers(1, 3, 600)) % 3, right)
    certain, unsure = np.eye(3)[right], 0.25 + 0.25 * np.eye(3)[right]
    brier = Yardstick.of(ms.CrossEntropy(), given, (3,))
    assert brier.penalties(unsure, given).mean() < brier.penalties(certain, given).mean()
    margin = Yardstick.of(ms.CrossEntropy(), given, (3,), wrong_answers=True)
    assert margin.penalties(certain, given).mean() < margin.penalties(unsure, given).mean()


def test_an_answer_far_out_costs_no_more_than_what_is_far() -> None:
    y = random.normal(size=(300, 1))
    plain = Yardstick.of(ms.SquaredError(), y, (1,))
    y[5] = 1e6
    spoiled = Yardstick.of(ms.SquaredError(), y, (1,))
    assert plain.most == np.inf
    assert 5 < spoiled.most < 15
    zeros = np.zeros_like(y)
    assert spoiled.penalties(zeros, y)[5] == pytest.approx(spoiled.most**2 / spoiled.unit)
    assert 0.3 < spoiled.unit / plain.unit < 3
    zeros[7] = np.nan
    assert spoiled.penalties(zeros, y)[7] == NOT_FINITE


def test_rows_far_out_are_those_of_few_columns() -> None:
    x = random.normal(size=(200, 3))
    x[[3, 90], [0, 2]] = 500.0
    assert np.flatnonzero(rows_far_out(x)).tolist() == [3, 90]
    x[:40, 1] = 500.0  # so many that it is how the column is
    assert np.flatnonzero(rows_far_out(x)).tolist() == [3, 90]
    steps = random.normal(size=(100, 6, 2))
    steps[8, 3, 1] = 99.0
    assert np.flatnonzero(rows_far_out(steps)).tolist() == [8]


def setting(y: Any, validation: Any) -> Setting:
    x = random.normal(size=(len(y), 2)).astype("float32")
    held = (random.normal(size=(len(validation), 2)).astype("float32"), validation)
    trainer = ms.Trainer(ms.Dense(2), loss=ms.CrossEntropy())
    return Setting.of(trainer, x, y, validation=held, planned=10, taken=10)


def test_benches_weigh_classes_alike_where_asked() -> None:
    y = (np.arange(400) % 20 == 0).astype("int64")
    one = setting(y, y)
    plain, alike = Benches.of(one), Benches.of(one, classes_alike=True)
    assert not plain.classes_alike
    assert plain.choosing.weights is None
    assert alike.classes_alike
    trainer = one.start
    # Who answers with the large class alone is as bad as chance, where classes count alike.
    network = trainer.network
    network.parameters = np.array([0, 0, 0, 0, 50, -50], "float32")
    assert plain.judge(plain.proving)(trainer).mean() < 1.2
    assert alike.judge(alike.proving)(trainer).mean() == pytest.approx(2.0, rel=0.4)
    capped = alike.judge(alike.proving, most=0.5)(trainer)
    weights = alike.proving.weights
    assert weights is not None
    assert capped.max() == pytest.approx(0.5 * weights.max() * len(weights) / weights.sum())


def test_rows_set_aside_are_not_learned_from() -> None:
    y = np.arange(100) % 2
    one = replace(setting(y, y), validation=None)
    benches = Benches.of(one)
    assert benches.apart is not None
    left = benches.learned_of(one.rows, [0, 1, 2])
    gone = set(benches.apart.tolist()) | {0, 1, 2}
    assert len(left) == 100 - len(gone)
    assert benches.learned_of(one.rows).x.shape == benches.learned.x.shape
