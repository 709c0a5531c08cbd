"""The example of movements runs, on a small part of the data."""

import importlib.util
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "activity.py"


def test_activity(capsys):
    spec = importlib.util.spec_from_file_location("activity", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not module.DEFAULT.is_file():
        pytest.skip("the real data sets (shared/data beside the repository) are not there")
    # The file has its classes one after the other: all are needed.
    right = module.main(epochs=12)
    assert right > 0.8
    said = capsys.readouterr().out
    assert "40 sequences right that training never saw" in said
    assert "least sure of sequence" in said
