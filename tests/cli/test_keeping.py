"""Where a model is that found no room in its place, whatever comes between."""

from __future__ import annotations

from pathlib import Path

import pytest

from misstep.cli.keeping import ModelFile
from misstep.cli.page import Page
from misstep.errors import StorageError


def test_who_interrupts_is_told_where_the_model_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, page = ModelFile(tmp_path / "model.misstep"), Page(silent=True)
    with pytest.raises(KeyboardInterrupt), file.told_when_interrupted(page):
        raise KeyboardInterrupt
    assert capsys.readouterr().out == ""
    file.trouble = StorageError("writing it", try_="moving the model, which is in elsewhere")
    with pytest.raises(KeyboardInterrupt), file.told_when_interrupted(page):
        raise KeyboardInterrupt
    assert "which is in elsewhere" in capsys.readouterr().out
    with pytest.raises(StorageError, match="which is in elsewhere"):
        file.check()
