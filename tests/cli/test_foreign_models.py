"""A run's folder whose model.misstep is somebody's other file is refused; a model is replaced."""

from pathlib import Path

import numpy as np
import pytest

from misstep.cli.run_folder import check_folder
from misstep.errors import StorageError
from misstep.storage import is_container, write_container


@pytest.mark.parametrize("content", [b"years of work", b"PK\x03\x04" + bytes(100), b"\x00" * 40])
def test_a_file_that_is_no_model_stays(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.misstep").write_bytes(content)
    with pytest.raises(StorageError, match="not a model"):
        check_folder(tmp_path)
    (tmp_path / "kept.txt").write_bytes(content)
    (tmp_path / "model.misstep").unlink()
    (tmp_path / "model.misstep").symlink_to("kept.txt")
    with pytest.raises(StorageError, match="not a model"):
        check_folder(tmp_path)


def test_a_model_may_be_replaced_whole_or_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "model.misstep"
    write_container(path, {"a": 1}, {"w": np.zeros(3)}, kind="model", version=1)
    check_folder(tmp_path)
    path.write_bytes(path.read_bytes()[:60])
    assert is_container(path)
    check_folder(tmp_path)
    path.write_bytes(b"")
    check_folder(tmp_path)
