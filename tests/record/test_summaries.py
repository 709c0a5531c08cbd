"""Summaries of inputs and answers against plain NumPy on the whole."""

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misstep.record import Task, overlap, summaries, summarize_answers, summarize_inputs
from misstep.record.summaries import MOST_FEATURES, NORMAL, row_numbers
from misstep.storage import MappedRows, mapped_rows

RANDOM = np.random.default_rng(3)


def test_columns_are_summarized_one_by_one():
    x = RANDOM.normal([0.0, 100.0, 5.0], [1.0, 20.0, 0.0], (500, 3)).astype("float32")
    x[7, 0] = 1e6
    summary = summarize_inputs(x)
    assert (summary.rows, summary.columns, summary.axis) == (500, 3, "column")
    assert summary.constant_count == 1
    for number, feature in enumerate(summary.features):
        column = x[:, number].astype("float64")
        assert feature.mean == pytest.approx(column.mean())
        assert feature.deviation == pytest.approx(column.std())
        assert (feature.smallest, feature.largest) == (column.min(), column.max())
        median = np.median(column)
        assert feature.median == pytest.approx(median)
        assert feature.spread == pytest.approx(NORMAL * np.median(np.abs(column - median)))
    assert [feature.constant for feature in summary.features] == [False, False, True]
    assert (summary.features[0].outliers, summary.features[0].outlier_rows) == (1, (7,))
    assert summary.features[1].outliers == 0
    assert summary.whole.largest == 1e6


def test_images_are_summarized_by_channel_and_an_outlier_by_its_row():
    x = RANDOM.normal(0, 1, (40, 6, 6, 3))
    x[11, 2, 3, 1] = -1e5
    summary = summarize_inputs(x)
    assert summary.axis == "channel"
    assert [feature.name for feature in summary.features] == ["0", "1", "2"]
    assert summary.features[1].outlier_rows == (11,)
    assert summary.features[1].smallest == -1e5


def test_of_many_columns_the_extreme_ones_are_told():
    x = RANDOM.normal(0, 1, (50, 500))
    x[:, 123] *= 1e4
    x[:, 321] = 0.0
    summary = summarize_inputs(x)
    names = {feature.name for feature in summary.features}
    assert len(names) == MOST_FEATURES
    assert {"123", "321"} <= names
    assert summary.constant_count == 1


def test_missing_numbers_count_and_do_not_spoil_the_rest():
    x = np.array([[1.0], [np.nan], [3.0], [np.inf]])
    feature = summarize_inputs(x).features[0]
    assert feature.missing_share == 0.5
    assert feature.mean == 2.0


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 5), st.integers(0, 2**32))
def test_equal_rows_are_counted_exactly(rows, columns, seed):
    random = np.random.default_rng(seed)
    x = random.integers(-1, 2, (rows, columns)).astype("float32")
    other = random.integers(-1, 2, (20, columns)).astype("float32")
    x[x == 0] *= random.choice([-1.0, 1.0])  # −0 is 0
    unique = {tuple(row) for row in x.tolist()}
    assert summarize_inputs(x).duplicates == rows - len(unique)
    expected = np.mean([tuple(row) in unique for row in other.tolist()])
    assert overlap(x, other) == pytest.approx(expected)


def test_rows_that_differ_in_two_entries_by_the_same_have_other_numbers():
    x = np.zeros((3, 4), "float32")
    x[1, 0] = x[2, 1] = 1.0
    assert len(set(row_numbers(x).tolist())) == 3


def test_the_order_of_classes():
    shuffled = RANDOM.permutation(np.repeat(np.arange(4), 100))
    assert summarize_answers(np.sort(shuffled), Task.CLASSES, 4).order_share > 0.98
    assert summarize_answers(shuffled, Task.CLASSES, 4).order_share < 0.15
    summary = summarize_answers(shuffled, Task.CLASSES, 5)
    assert summary.counts == (100, 100, 100, 100, 0)
    binary = summarize_answers(np.array([[0.0], [1.0], [1.0]]), Task.BINARY)
    assert binary.counts == (1, 2)


def test_the_order_of_numbers():
    numbers = RANDOM.normal(1000, 50, 300)
    assert summarize_answers(np.sort(numbers), Task.NUMBERS).order_share > 0.95
    summary = summarize_answers(numbers[:, None], Task.NUMBERS, chance_loss=2500.0)
    assert summary.order_share < 0.2
    assert summary.numbers.mean == pytest.approx(numbers.mean())
    assert summary.chance_loss == 2500.0
    assert summarize_answers(np.full(9, 4.0), Task.NUMBERS).order_share == 0.0


def test_levels_are_told_with_their_counts_where_there_are_few():
    summary = summarize_answers(np.array([[2.0], [0.0], [2.0], [1.0]]), Task.NUMBERS)
    assert summary.levels == (0.0, 1.0, 2.0)
    assert summary.level_counts == (1, 1, 2)
    many = summarize_answers(np.arange(21.0)[:, None], Task.NUMBERS)
    assert many.levels == many.level_counts == ()


def test_one_hot_answers_are_one_1_among_zeros_in_each_row():
    assert summarize_answers(np.eye(4), Task.NUMBERS).one_hot
    for other in (np.eye(4) * 2, np.eye(4)[:, :1], np.ones((4, 2)), np.zeros((4, 2))):
        assert not summarize_answers(other, Task.NUMBERS).one_hot


@given(
    st.lists(st.sampled_from([0.0, 1.0, -3.0, 40.0, -41.0, np.nan, np.inf, -np.inf]), max_size=60),
    st.integers(1, 9),
)
def test_the_farthest_in_pieces_are_those_of_a_whole_order(numbers, at_once):
    entries = np.array(numbers, "float32")
    distance = np.abs(entries.astype("float64") - 0.5)
    beyond = [place for place in range(len(entries)) if distance[place] > 2.0]
    whole = sorted(beyond, key=lambda place: (-distance[place], place))[:4]
    with patch.object(summaries, "ENTRIES_AT_ONCE", at_once):
        count, farthest = summaries._farthest(entries, 0.5, 2.0, 4)
    assert (count, farthest.tolist()) == (len(beyond), whole)


@given(st.integers(0, 9))
@settings(max_examples=5)
def test_answers_and_copies_in_pieces_are_those_of_all_at_once(seed):
    random = np.random.default_rng(seed)
    numbers = np.cumsum(random.integers(-1, 2, 300)).astype("float32")
    classes = np.sort(random.integers(0, 4, 300))
    x = random.integers(0, 6, (300, 3)).astype("float32")
    others = random.integers(0, 6, (40, 3)).astype("float32")
    whole = [
        summarize_answers(numbers, Task.NUMBERS),
        summarize_answers(classes, Task.CLASSES, 5),
        overlap(x, others),
    ]
    with patch.object(summaries, "ANSWERS_AT_ONCE", 7), patch.object(mapped_rows, "PIECE", 24 * 9):
        pieces = [
            summarize_answers(numbers, Task.NUMBERS),
            summarize_answers(classes, Task.CLASSES, 5),
            overlap(MappedRows(x), others),
        ]
    assert pieces[0].order_share == pytest.approx(whole[0].order_share)
    assert replace(pieces[0], order_share=0) == replace(whole[0], order_share=0)
    assert pieces[1:] == whole[1:]
    same = {tuple(row) for row in x.tolist()}
    assert whole[2] == np.mean([tuple(row) in same for row in others.tolist()])
