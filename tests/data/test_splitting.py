"""Every row in exactly one part, the same rows for the same seed, classes in proportion."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misstep.data import Split, drawn_rows, split_rows
from misstep.errors import ArgumentError, DataError


def whole(split: Split) -> list[int]:
    return sorted([*split.train.tolist(), *split.validation.tolist(), *split.test.tolist()])


@settings(max_examples=80, deadline=None)
@given(
    rows=st.integers(2, 60),
    classes=st.integers(0, 8),
    validation=st.sampled_from([0.0, 0.1, 0.2, 0.4]),
    test=st.sampled_from([0.0, 0.1, 0.2, 0.4]),
    seed=st.integers(0, 5),
)
def test_each_row_once(rows: int, classes: int, validation: float, test: float, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, classes, rows) if classes else None
    first = split_rows(rows, labels, validation, test, seed)
    assert whole(first) == list(range(rows))
    assert len(first.train) >= 1
    assert (len(first.validation) > 0) == (validation > 0)
    assert len(first.test) > 0 or test == 0 or first.notes
    again = split_rows(rows, labels, validation, test, seed)
    assert all(
        np.array_equal(a, b)
        for a, b in (
            (first.train, again.train),
            (first.validation, again.validation),
            (first.test, again.test),
        )
    )


@settings(max_examples=80, deadline=None)
@given(
    rows=st.integers(2, 40),
    groups=st.integers(1, 30),
    classes=st.integers(0, 4),
    validation=st.sampled_from([0.0, 0.1, 0.4]),
    test=st.sampled_from([0.0, 0.2, 0.4]),
    seed=st.integers(0, 5),
)
def test_no_group_is_on_two_sides(
    rows: int, groups: int, classes: int, validation: float, test: float, seed: int
) -> None:
    numbers = np.random.default_rng(seed)
    labels = numbers.integers(0, classes, rows) if classes else None
    of = numbers.integers(0, groups, rows)
    split = split_rows(rows, labels, validation, test, seed, of)
    assert whole(split) == list(range(rows))
    assert len(split.train) >= 1
    sides = [set(of[part].tolist()) for part in (split.train, split.validation, split.test)]
    assert sum(map(len, sides)) == len(set(of.tolist()))


def test_rows_that_are_alone_may_all_be_set_aside() -> None:
    # One pair of copies to learn from, and as many rows by themselves as are to be validated on.
    split = split_rows(4, None, 0.5, 0.0, 0, np.array([0, 0, 1, 2]))
    assert split.train.tolist() == [0, 1]
    assert split.validation.tolist() == [2, 3]


def test_classes_in_proportion() -> None:
    labels = np.array(["a"] * 80 + ["b"] * 19 + ["c"], dtype=object)
    split = split_rows(100, labels, 0.2, 0.2, seed=3)
    assert np.unique(labels[split.test], return_counts=True)[1].tolist() == [16, 4]
    assert "c" in labels[split.train]
    assert split.notes == []
    assert not np.array_equal(split.test, split_rows(100, labels, 0.2, 0.2, seed=4).test)


def test_two_and_three_rows() -> None:
    split = split_rows(2, None, 0.2, 0.2)
    assert (len(split.train), len(split.validation), len(split.test)) == (1, 1, 0)
    assert "only 2 rows" in split.notes[0]
    split = split_rows(3, [0, 1, 1], 0.2, 0.2)
    assert (len(split.train), len(split.validation), len(split.test)) == (1, 1, 1)


def test_wrong_fractions() -> None:
    with pytest.raises(DataError, match="at least 2 rows"):
        split_rows(1)
    with pytest.raises(DataError, match="at least 2 rows"):
        split_rows(0)
    with pytest.raises(DataError, match="one class per row"):
        split_rows(3, [0, 1])
    for fraction in (1.0, -0.1, float("nan"), "x"):
        with pytest.raises(ArgumentError, match="validation_fraction"):
            split_rows(10, None, fraction)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="together"):
        split_rows(10, None, 0.5, 0.5)
    with pytest.raises(ArgumentError, match="seed"):
        split_rows(10, seed=-1)


@pytest.mark.parametrize(("rows", "most"), [(0, 5), (5, 5), (7, 3)])
def test_rows_drawn_are_always_the_same(rows: int, most: int) -> None:
    drawn = drawn_rows(rows, most)
    assert len(set(drawn)) == len(drawn) == min(rows, most)
    assert (np.diff(drawn) > 0).all()
    assert drawn.tolist() == drawn_rows(rows, most).tolist()
