"""What every kind of data says for itself: the contract of Dataset and of Preprocessing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misstep.data import (
    Dataset,
    Images,
    ImageScaling,
    MatrixScaling,
    Preprocessing,
    Preprocessor,
    Sequences,
    SequenceScaling,
    Table,
    preprocessing_from_json,
    recognize_columns,
)
from misstep.errors import DataError

ROWS = 6
NUMBERS = np.arange(ROWS)
FILES = tuple(f"{row}.png" for row in NUMBERS)


def table() -> Table:
    frame = pd.DataFrame({"size": NUMBERS * 1.5, "kind": list("ababba"), "y": NUMBERS})
    return Table(frame, files=[f"{row}.txt" for row in NUMBERS])


def images(channels: int = 3) -> Images:
    pixels = np.random.default_rng(0).integers(0, 256, (ROWS, 4, 5, channels), "uint8")
    found = Images.alone(pixels, NUMBERS.copy())
    return Images(
        found.train_images,
        found.train_labels,
        found.test_images,
        found.test_labels,
        train_files=FILES,
    )


def sequences() -> Sequences:
    values = np.random.default_rng(0).normal(size=(ROWS, 4, 2))
    return Sequences.of(values, labels=NUMBERS.copy())


KINDS = (table, images, sequences)


def prepared(data: Dataset) -> Preprocessing:
    if isinstance(data, Table):
        return Preprocessor.fit(data.frame, recognize_columns(data, "y"))
    if isinstance(data, Images):
        return ImageScaling.of(data)
    assert isinstance(data, Sequences)
    return SequenceScaling.fit(data)


@pytest.mark.parametrize("make", KINDS)
@given(rows=st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=9))
def test_picked_rows_keep_their_answers_names_and_features(make: Any, rows: list[int]) -> None:
    data = make()
    picked = data.take(np.array(rows))
    assert len(picked) == len(rows)
    assert np.asarray(picked.answers("y")).tolist() == rows
    head, names = data.row_names()
    again, kept = picked.row_names()
    assert again == head
    if head == "file":
        assert list(kept) == [names[row] for row in rows]
    preprocessing = prepared(data)
    whole, _ = preprocessing.encode(data, "y")
    part, _ = preprocessing.encode(picked, "y")
    assert np.array_equal(part, whole[rows])


@pytest.mark.parametrize("make", KINDS)
def test_each_entry_of_a_row_has_a_name_and_a_cell(make: Any) -> None:
    data = make()
    preprocessing = prepared(data)
    one = data.take(np.array([2]))
    features, _ = preprocessing.encode(one, "y")
    width = preprocessing.number_of_features
    assert features.shape == (1, width)
    assert len(set(preprocessing.names_in_row(features[0]))) == width
    assert len(preprocessing.cells_of(one, "y")) == width


@pytest.mark.parametrize("make", KINDS)
def test_another_kind_is_refused_in_words(make: Any) -> None:
    data = make()
    preprocessing = prepared(data)
    assert preprocessing.accept(data, "rows", "y") is data
    for other in (one() for one in KINDS if one is not make):
        with pytest.raises(DataError, match=other.description):
            preprocessing.accept(other, "rows", "y")


def test_cells_are_those_that_features_were_made_of() -> None:
    data = table()
    preprocessing = prepared(data)
    assert isinstance(preprocessing, Preprocessor)
    cells = dict(zip(preprocessing.feature_names, preprocessing.cells_of(data, "y"), strict=True))
    assert cells["size"] == 0.0
    assert {cells[name] for name in cells if name.startswith("kind=")} == {"a"}


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pixels_have_names_whatever_the_channels(channels: int) -> None:
    scaling = ImageScaling(2, 3, channels)
    names = scaling.names_in_row(np.zeros(scaling.number_of_features))
    assert len(set(names)) == scaling.number_of_features
    assert names[-1].endswith("pixel at row 2, column 3")


def test_the_test_part_is_what_is_judged() -> None:
    data = images()
    assert data.test_split is data
    assert data.split_name == ""
    other = images().take(np.array([4, 1]))
    both = Images(
        data.train_images,
        data.train_labels,
        other.train_images,
        other.train_labels,
        train_files=FILES,
        test_files=other.train_files,
    )
    assert len(both) == ROWS + 2
    assert len(both.test_split) == 2
    assert both.test_split.split_name == "the test part"
    assert both.test_split.row_names() == ("file", ("4.png", "1.png"))
    assert both.answers("class").tolist() == [4, 1]
    found, _ = ImageScaling.of(both).encode(both, "class")
    assert np.array_equal(found, ImageScaling.of(both).encode(other, "class")[0])


def test_a_matrix_takes_a_table_by_the_order_of_its_columns() -> None:
    scaling = MatrixScaling.fit(np.arange(12.0).reshape(6, 2))
    frame = pd.DataFrame({"b": [0.0, 2.0], "y": [1, 1], "a": [1.0, 3.0]})
    found, notes = scaling.encode(Table(frame), "y")
    assert notes == []
    assert np.array_equal(found, scaling.transform(np.array([[0.0, 1.0], [2.0, 3.0]])))
    with pytest.raises(DataError, match="sequences"):
        scaling.encode(sequences(), "y")


def test_a_preprocessing_is_known_by_being_written() -> None:
    @dataclass(frozen=True)
    class Doubling(MatrixScaling):
        factor: float = 2.0

        stored_as: ClassVar[str] = "doubling"

        def transform(self, X: object) -> Any:
            return super().transform(X) * np.float32(self.factor)

    known = Doubling(("a",), (1.0,), (4.0,))
    stored = json.loads(json.dumps(known.to_json()))
    assert stored["kind"] == "doubling"
    assert preprocessing_from_json(stored) == known
    assert known.transform([[3.0]]).tolist() == [[1.0]]
    with pytest.raises(TypeError, match="is stored as Doubling is"):
        type("Halving", (MatrixScaling,), {"stored_as": "doubling"})
