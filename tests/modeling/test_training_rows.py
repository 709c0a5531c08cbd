"""What a model keeps of its rows: found again, stored, and read with suspicion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.errors import FileFormatError
from misstep.modeling.training_rows import FEATURES, Seen, TrainingRows, known_rows
from misstep.storage import read_container, write_container


def test_rows_are_found_in_the_split_they_stood_in() -> None:
    random = np.random.default_rng(0)
    train, validation, test = (random.normal(size=(50, 3)).astype("float32") for _ in range(3))
    rows = TrainingRows(
        ms.data.BaselineRow(50),
        known_rows({Seen.TRAINING: train, Seen.VALIDATION: validation, Seen.TEST: test}),
    )
    assert {rows.seen(row) for row in train} == {Seen.TRAINING}
    assert {rows.seen(row) for row in validation} == {Seen.VALIDATION}
    assert {rows.seen(row) for row in test} == {Seen.TEST}
    assert rows.seen(train[0] + np.float32(0.5)) is Seen.NEVER
    assert rows.seen(np.where(train[1] == 0, -0.0, train[1])) is Seen.TRAINING
    assert TrainingRows(ms.data.BaselineRow(50)).seen(train[0]) is Seen.UNKNOWN


def test_of_too_many_rows_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("misstep.modeling.training_rows.MOST_HASHED", 9)
    assert known_rows({"training": np.zeros((10, 2), "float32")}) == {}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    X = np.random.default_rng(0).integers(0, 255, (20, 4, 4)).astype("uint8")
    file = tmp_path / "model.misstep"
    ms.Classifier("flatten-dense2", epochs=1).fit(X, np.arange(20) % 2).save(file)
    return file


def change_cells(document: dict[str, Any], arrays: dict[str, Any]) -> None:
    document["training_rows"]["cells"] = {"a": [1]}


def change_rows(document: dict[str, Any], arrays: dict[str, Any]) -> None:
    document["training_rows"] = {"rows": -1}


def change_features(document: dict[str, Any], arrays: dict[str, Any]) -> None:
    arrays[FEATURES] = np.zeros(3, "float32")


def change_numbers(document: dict[str, Any], arrays: dict[str, Any]) -> None:
    arrays[FEATURES] = np.full(16, np.nan, "float32")


def change_order(document: dict[str, Any], arrays: dict[str, Any]) -> None:
    arrays["rows:training"] = arrays["rows:training"][::-1].copy()


def change_kind(document: dict[str, Any], arrays: dict[str, Any]) -> None:
    arrays["rows:training"] = np.zeros((2, 2))


@pytest.mark.parametrize(
    "change",
    [change_cells, change_rows, change_features, change_numbers, change_order, change_kind],
)
def test_a_file_that_was_tampered_with_is_refused(change: Any, path: Path) -> None:
    held = read_container(path, kind="model", newest=1)
    change(held.document, held.arrays)
    write_container(path, held.document, held.arrays, kind="model", version=1)
    with pytest.raises(FileFormatError):
        ms.load_model(path)
