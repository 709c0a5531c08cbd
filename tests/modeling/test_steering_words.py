"""Labels and columns of a stranger's file steer no terminal, whatever of a model is shown."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas
import pytest

import misstep as ms
from misstep.errors import DataError

# Sets a window's title, clears it, turns the direction of writing, and begins with C1.
STEERING = "\x1b]0;title\x07\x1b[2J\u202e\x9b31m"


@pytest.fixture(scope="module")
def fitted() -> ms.Classifier:
    rows = np.arange(40)
    frame = pandas.DataFrame({f"a{STEERING}": np.sin(rows), f"b{STEERING}": ["x", "y"] * 20})
    answers = pandas.Series([f"yes{STEERING}", "no"] * 20, name=f"y{STEERING}")
    return ms.Classifier(network="dense2", epochs=1, threads=1).fit(frame, answers)


def is_clean(text: str) -> bool:
    return not set(STEERING) & set("\x1b\x07\u202e\x9b") & set(text)


def test_what_is_shown_of_a_model(fitted: ms.Classifier, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model.misstep")
    model = ms.load_model(tmp_path / "model.misstep")
    assert "yes\\x1b]0;title" in model.summary()
    frame = pandas.DataFrame({f"a{STEERING}": [0.5], f"b{STEERING}": ["x"]})
    for shown in (
        repr(model),
        model.summary(),
        repr(fitted.explain(frame)),
        str(fitted.diagnose()),
    ):
        assert is_clean(shown)


def test_what_an_error_says(fitted: ms.Classifier) -> None:
    with pytest.raises(DataError) as caught:
        fitted.predict(pandas.DataFrame({f"a{STEERING}": [0.5]}))
    assert is_clean(str(caught.value))
    error = DataError(STEERING, needed=STEERING, got=STEERING, try_=STEERING)
    assert is_clean(str(error))
    assert is_clean(error.message())
    # The parts stay as they are, for programs.
    assert error.which == STEERING
    assert pickle.loads(pickle.dumps(error)).which == STEERING
