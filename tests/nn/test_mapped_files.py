"""Rows in a file that becomes too short while they are read end in words, not in a signal."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import misstep as ms
from misstep.errors import StorageError
from misstep.storage import check_mapped


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rows = np.memmap(tmp_path / "rows.bin", "float32", "w+", shape=(20_000, 10))
    rows[:] = 1
    rows.flush()
    return tmp_path / "rows.bin"


def test_views_are_known_as_parts_of_their_file(path: Path) -> None:
    rows = np.memmap(path, "float32", "r", shape=(20_000, 10))
    views = [rows, rows[5:], np.ascontiguousarray(rows), rows.reshape(-1), rows.view("int32")]
    check_mapped(*views, np.ones(3), None)
    os.truncate(path, 4096)
    for view in views:
        with pytest.raises(StorageError, match=r"rows\.bin"):
            check_mapped(view)
    check_mapped(np.ones(3), None)


def test_training_and_predicting_say_which_file_was_cut(path: Path) -> None:
    rows = np.memmap(path, "float32", "r", shape=(20_000, 10))

    class Cut(ms.Callback):
        def on_epoch_end(self, training: object) -> None:
            os.truncate(path, 4096)

    trainer = ms.Trainer(ms.Dense(2), loss=ms.CrossEntropy(), batch_size=2_000)
    with pytest.raises(StorageError, match=r"rows\.bin"):
        trainer.fit(rows, np.arange(20_000) % 2, epochs=3, callbacks=[Cut()])
    with pytest.raises(StorageError, match=r"rows\.bin"):
        trainer.predict(rows)
