"""Sources by name, each read by the first reader that recognizes it; a new reader is one class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from misstep.data import Dataset, Images, Preprocessor, Table, read_rows, read_source
from misstep.data.io import readers
from misstep.data.io.readers import Reader, read_images, unknown_source
from misstep.data.table.column_types import recognize_columns
from misstep.errors import DataError, StorageError


def test_a_reader_is_known_by_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "_READERS", list(readers._READERS))

    class LengthsReader(Reader):
        priority = 35

        def recognizes(self, source: str) -> bool:
            return source.endswith(".lengths")

        def read(self, source: str) -> Dataset:
            words = Path(source).read_text().split()
            return Table(pd.DataFrame({"length": [len(word) for word in words]}))

    path = tmp_path / "some.lengths"
    path.write_text("one three")
    read = read_source(path)
    assert isinstance(read, Table)
    assert read.frame["length"].tolist() == [3, 5]


def test_files_go_before_examples_and_folders_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(read_source("digits"), Images)
    Path("iris").mkdir()
    assert len(read_source("iris")) == 150
    with pytest.raises(StorageError, match="folder"):
        read_source("./iris")
    Path("wine").write_text("a,b\n1,2\n")
    assert len(read_source("wine")) == 1
    assert unknown_source("irs") == "iris"
    assert unknown_source("wine") is None


def test_rows_to_predict_for_are_of_the_kind_that_was_learned_from(tmp_path: Path) -> None:
    table = Table(pd.DataFrame({"x": np.arange(9.0), "y": np.arange(9.0)}))
    preprocessing = Preprocessor.fit(table, recognize_columns(table, "y"))
    table.frame.to_csv(tmp_path / "rows.csv", index=False)
    assert len(read_rows(tmp_path / "rows.csv", preprocessing, "y")) == 9
    with pytest.raises(DataError, match="columns of training"):
        read_rows("digits", preprocessing, "y")


def test_a_name_that_no_file_can_have_is_told() -> None:
    for read in (read_source, read_images):
        with pytest.raises(StorageError, match="a name that a file can have, but got 5000 letters"):
            read("x" * 5000)
