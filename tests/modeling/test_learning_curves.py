"""What a network got wrong as it learned: which rows are shown, and that they are the file's."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misstep.data import read_table
from misstep.modeling import Options, train
from misstep.modeling.learning_curve import (
    MOST_TURNED,
    MOST_WRONG,
    CurveExample,
    LearningCurve,
    _classes_to_show,
    _numbers_to_show,
    in_order,
)
from misstep.train import Run

TABLES = st.integers(1, 5).flatmap(
    lambda stages: st.lists(
        st.lists(st.booleans(), min_size=stages, max_size=stages), min_size=1, max_size=12
    )
)


@given(TABLES)
def test_rows_that_turned_right_come_first_and_then_those_still_wrong(rows):
    right = np.array(rows).T
    shown = _classes_to_show(right)
    turned = [row for row in shown if right[-1, row]]
    wrong = [row for row in shown if not right[-1, row]]
    assert shown == turned + wrong
    assert len(set(shown)) == len(shown)
    assert len(turned) == min(MOST_TURNED, int((right[-1] & ~right.all(axis=0)).sum()))
    assert len(wrong) == min(MOST_WRONG, int((~right[-1]).sum()))
    assert all(not right[:, row].all() for row in turned)


def test_rows_that_turned_at_different_stages_are_shown():
    right = np.array([[0, 0, 0, 0, 1], [1, 1, 1, 0, 1], [1, 1, 1, 0, 1], [1, 1, 1, 1, 1]], bool)
    assert 3 in _classes_to_show(right)
    assert 4 not in _classes_to_show(right)


def test_numbers_that_got_better_and_those_farthest_off():
    errors = np.array([[9.0, 1.0, 5.0, 4.0], [0.2, 1.5, 5.0, 0.5]])
    assert _numbers_to_show(errors) == [0, 3, 2, 1]


@pytest.fixture
def table():
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(300, 2))
    frame = pd.DataFrame(x, columns=["a", "b"])
    frame["c"] = 1000 + 50 * (x[:, 0] - x[:, 1])
    frame["d"] = np.where(x[:, 0] > x[:, 1], "more", "less")
    frame.loc[[3, 40], ["c", "d"]] = None
    return frame


@pytest.mark.parametrize(("target", "left"), [("c", "d"), ("d", "c")])
def test_the_last_stage_is_the_model_and_names_are_rows_of_the_file(table, target, left):
    frame = table.drop(columns=left)
    trained = train(read_table(frame), Options(target=target, epochs=8, threads=1))
    report = trained.learning_curve
    score = trained.scores["validation"]
    wanted = 1 - score["accuracy"] if target == "d" else score["rmse"]
    assert report.scores[-1] == pytest.approx(wanted, rel=1e-5)
    assert report.updates[:3] == (1, 10, 100)
    assert report.scores[-1] < report.scores[0]
    assert report.rows == 30
    for one in report.examples:
        number = int(one.name.removeprefix("row "))
        assert one.answer == pytest.approx(frame[target][number - 1])
        said = trained.model.predict(frame.iloc[[number - 1]])[0]
        assert (
            one.predictions[-1] == pytest.approx(said)
            if target == "c"
            else one.predictions[-1] == said
        )
    assert report.plain()["stages"][-1]["kept"]


def test_no_validation_rows_no_learning_curve(table):
    options = Options(target="d", epochs=1, threads=1, validation_fraction=0.0)
    assert train(read_table(table), options).learning_curve is None


def test_weights_of_an_earlier_epoch_stand_where_they_were_learned():
    example = CurveExample("row 1", 5, (1, 2, 3, 4))
    curve = LearningCurve(9, (1, 10, 100, 351), "error", (0.9, 0.5, 0.2, 0.1), (example,))
    run = Run([{"training_loss": 1.0}] * 9, None, 351, 1.0, best_epoch=1)
    ordered = in_order(curve, run)
    assert ordered.updates == (1, 10, 39, 100)
    assert ordered.scores == (0.9, 0.5, 0.1, 0.2)
    assert ordered.examples[0].predictions == (1, 2, 4, 3)
    assert [stage["kept"] for stage in ordered.plain()["stages"]] == [False, False, True, False]
    # The same weights are shown once.
    same = in_order(replace(curve, updates=(1, 10, 39, 351)), run)
    assert same.updates == (1, 10, 39)
    assert same.scores == (0.9, 0.5, 0.1)
    last = replace(run, best_epoch=None)
    assert in_order(curve, last) is curve
    # A training that ends at a power of ten was looked at twice.
    twice = in_order(replace(curve, updates=(1, 10, 100, 100)), last)
    assert twice.updates == (1, 10, 100)
    assert twice.scores == (0.9, 0.5, 0.1)
    assert twice.kept == 2
    assert not twice.of_earlier_epoch


def test_an_epoch_that_was_broken_off_does_not_move_the_best_one():
    epochs = [{"epoch": at, "step": 40 * at, "training_loss": 1.0} for at in (1, 2)]
    epochs.append({"epoch": 3, "step": 95, "training_loss": 1.0, "partial": True})
    record = SimpleNamespace(epochs=epochs)
    run = Run([{"training_loss": 1.0}] * 2, None, 95, 1.0, best_epoch=1, record=record)
    curve = LearningCurve(9, (1, 10, 95), "error", (0.9, 0.5, 0.1))
    assert in_order(curve, run).updates == (1, 10, 40)
