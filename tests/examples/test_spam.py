"""The example of spam runs, on a small part of the data."""

import importlib.util
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "spam.py"


def test_spam(capsys):
    spec = importlib.util.spec_from_file_location("spam", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not module.DEFAULT.is_file():
        pytest.skip("the real data sets (shared/data beside the repository) are not there")
    assert module.main(most=1200) > 0.85
    said = capsys.readouterr().out
    assert "on 240 messages that training never saw" in said
    shares = [float(line.split("%")[0]) for line in said.splitlines() if "% spam: " in line]
    assert shares[0] < 10 < 90 < shares[1]
