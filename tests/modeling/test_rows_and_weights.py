"""What becomes of rows before training: their order, their weights, what is set apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import misstep as ms
from misstep.data import Dataset, Matrix, Rows, Target, TaskType, read_table
from misstep.modeling import Decisions, Options, Planner, train, weighted_examples
from misstep.modeling.examples import MOST_COPIES, in_portions, settle
from misstep.modeling.plans import plan_table

Array = np.ndarray[Any, Any]
NUMBER = Target("y", TaskType.NUMBER, "")


def rows(count: int, seed: int = 0) -> tuple[Matrix, Array]:
    x = np.random.default_rng(seed).normal(size=(count, 2)).round(1)
    return Matrix(x), x[:, 0]


def ordered(data: Dataset, answers: Array) -> Array:
    return settle(data, answers, None)[0]


# Order and copies


@settings(deadline=None)
@given(weights=st.lists(st.integers(0, 5), min_size=1, max_size=40).filter(any))
def test_whole_weights_are_copies(weights: list[int]) -> None:
    data, answers = rows(len(weights))
    order, left = settle(data, answers, weights)
    assert left is None
    assert np.bincount(order, minlength=len(weights)).tolist() == weights
    again = np.repeat(np.arange(len(weights)), weights)
    repeated = data.take(again)
    in_order = repeated.values[ordered(repeated, answers[again])]
    assert np.array_equal(data.values[order], in_order)


@settings(deadline=None)
@given(seed=st.integers(0, 1000), whole=st.booleans())
def test_the_order_depends_on_contents_only(seed: int, whole: bool) -> None:
    random = np.random.default_rng(seed)
    weights = random.integers(1, 3, 30) if whole else random.random(30)
    data, answers = rows(30)
    mixed = random.permutation(30)
    other = data.take(mixed)
    order, left = settle(data, answers, weights)
    other_order, other_left = settle(other, answers[mixed], weights[mixed])
    assert np.array_equal(data.values[order], other.values[other_order])
    assert np.array_equal(answers[order], answers[mixed][other_order])
    if not whole:
        assert np.array_equal(left, other_left)  # type: ignore[arg-type]


def test_rows_of_a_table_are_told_apart_by_all_their_cells() -> None:
    frame = pd.DataFrame({"a": [1.0, 1.0, np.nan, np.nan], "b": ["x", None, "x", None]})
    first = frame.iloc[ordered(read_table(frame), np.zeros(4))]
    second = frame[::-1].iloc[ordered(read_table(frame[::-1]), np.zeros(4))]
    assert first.reset_index(drop=True).equals(second.reset_index(drop=True))
    # The answer counts as well.
    same, forward, backward = Matrix(np.zeros((2, 1))), np.array([0, 1]), np.array([1, 0])
    in_order = forward[ordered(same, forward)].tolist()
    assert in_order == backward[ordered(same, backward)].tolist()


def test_weights_too_large_to_be_copies_stay_weights() -> None:
    chosen, left = settle(*rows(3), [1, 2, MOST_COPIES])
    assert len(chosen) == 3
    assert left is not None
    assert sorted(left / left.min()) == pytest.approx([1, 2, MOST_COPIES])
    # One that counts nothing is left out all the same.
    assert len(settle(*rows(3), [0, 2.5, 1])[0]) == 2


def test_equal_weights_are_none() -> None:
    for weight in (1, 0.3, 5e-324, 1e308):
        chosen, left = settle(*rows(4), [weight, 0, weight, weight])
        assert left is None
        assert sorted(chosen) == [0, 2, 3]


# Portions


@given(
    weights=st.lists(st.one_of(st.just(0.0), st.floats(1e-9, 1e9)), min_size=1, max_size=50).filter(
        any
    )
)
def test_portions_keep_the_weight_of_each_row_and_none_is_heavy(weights: list[float]) -> None:
    count = len(weights)
    whole = Rows(np.arange(count).reshape(-1, 1), np.arange(count), np.array(weights))
    dealt = in_portions(whole)
    assert np.array_equal(dealt.x[:, 0], dealt.y)
    assert len(dealt) <= 2 * count
    shares = np.array(weights) / np.mean(weights)
    if dealt.weights is None:
        counts = np.bincount(dealt.y, minlength=count)
        assert counts / counts.sum() == pytest.approx(shares / shares.sum(), rel=1e-6)
    else:
        assert dealt.weights.max() <= 1 + 1e-6
        kept = np.bincount(dealt.y, dealt.weights, minlength=count)
        assert kept == pytest.approx(shares, rel=1e-6, abs=1e-12)


def test_rows_that_all_weigh_nothing_are_refused() -> None:
    with pytest.raises(ms.DataError, match="needed one that weighs more than 0"):
        in_portions(Rows(np.zeros((2, 1)), np.zeros(2), np.zeros(2)))


# What is set apart, and for whom


def test_too_few_rows_are_all_learned_from() -> None:
    for count, apart in ((20, False), (60, True)):
        data, answers = rows(count)
        examples = weighted_examples(data, answers, NUMBER)
        result = train(data, Options(epochs=2), examples=examples)
        assert ("validation_loss" in result.run.history[0]) is apart


def test_classes_are_in_proportion_on_both_sides() -> None:
    data = Matrix(np.random.default_rng(0).normal(size=(100, 1)))
    target = Target("y", TaskType.BINARY, "", (0, 1))
    examples = weighted_examples(data, (np.arange(100) < 10).astype(int), target)
    options = Options(epochs=1, seed=3, validation_fraction=0.15)
    result = train(data, options, examples=examples)
    (split,) = [one for one in result.decisions if one.what == "split"]
    assert split.choice == "85 rows to learn from, 15 to validate on"


def test_a_column_that_numbers_the_rows_is_seen_although_rows_are_set_apart() -> None:
    # After the split no numbering was without gaps, so that it was learned from.
    x = np.random.default_rng(0).normal(size=80)
    frame = pd.DataFrame({"nr": np.arange(1, 81), "x": x, "y": 2 * x})
    trained = train(read_table(frame), Options(target="y", epochs=1))
    told = {one.what: one for one in trained.decisions}
    assert told["column nr"].choice == "left out"
    assert "it does not help" in told["column nr"].reason


def test_a_table_may_be_learned_without_rows_to_stop_by() -> None:
    x = np.random.default_rng(0).normal(size=80)
    table = read_table(pd.DataFrame({"x": x, "z": x**2, "y": 2 * x}))
    trained = train(table, Options(target="y", epochs=3, validation_fraction=0.0))
    assert trained.run.epochs == 3
    assert set(trained.scores) == {"test", "baseline", "linear"}
    (epochs,) = [one for one in trained.decisions if one.what == "epochs"]
    assert epochs.choice == "3"


@pytest.mark.parametrize(
    ("module", "got"),
    [(ms.Sequential(ms.Dense(2)), "got 2"), (ms.Sequential(ms.Dense(4), ms.ReLU()), "got 4")],
)
def test_a_network_with_other_outputs_is_refused(module: ms.Module, got: str) -> None:
    with pytest.raises(ms.errors.ShapeError, match=f"needed 1 output at its end, but {got}"):
        plan_table(Planner(10, 2, NUMBER, Options(network=module), Decisions()))


def test_a_network_of_ones_own_is_taken_as_it_is() -> None:
    module = ms.Sequential(ms.Dense(3), ms.Tanh(), ms.Dense(1))
    decisions = Decisions()
    plan = plan_table(Planner(10, 2, NUMBER, Options(network=module), decisions))
    assert plan.module is module
    assert [one.reason for one in decisions.made if one.what == "network"] == ["you chose it"]
