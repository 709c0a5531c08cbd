"""A score at prediction is said only of answers: never of a column that is one to predict from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import misstep as ms
from misstep.errors import DataError

Run = Callable[..., Any]
SEED = np.random.default_rng(0)
A = SEED.normal(size=60)


def saved(estimator: Any, x: Any, y: Any, name: str) -> None:
    estimator.fit(x, y).save(name)


def test_a_column_called_like_the_answers_is_no_answer(run: Run) -> None:
    number = pd.Series(A, name="price")
    state = pd.Series(np.where(A > 0, "up", "down"), name="state")
    before = pd.DataFrame({"a": A, "state": state.shift(1).fillna("up")})
    kinds: list[tuple[Any, Any, Any]] = [
        (ms.Regressor("dense4", epochs=1), pd.DataFrame({"price": A, "b": A**2}), -number),
        (ms.Classifier("dense4", epochs=1), before, state),
        # Left out as a column of one value, yet a column to predict from.
        (ms.Regressor("dense4", epochs=1), pd.DataFrame({"b": A, "price": 1.0}), number),
    ]
    for estimator, x, y in kinds:
        saved(estimator, x, y, "m.misstep")
        x.to_csv("x.csv", index=False)
        done = run("predict", "m.misstep", "x.csv", "--json")
        assert done.code == 0
        assert done.json["metrics"] is None
        assert f"no score: '{y.name}' is a column to predict from" in done.json["notes"][-1]
        assert "the error" not in run("explain", "m.misstep", "x.csv").out
        with pytest.raises(DataError, match="answers"):
            ms.load_model("m.misstep").evaluate(x)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([None] * 60, "no score: 'k' has no answer in any row"),
        (["x"] * 60, "no score: "),
        (["x"] * 2 + [1] * 58, "no score: "),
        (["1.0", "2.0"] * 30, None),
        ([" 1", "2 "] * 30, None),
    ],
)
def test_answers_that_are_none_or_others_get_no_score(
    answers: list[Any], words: str | None, run: Run
) -> None:
    x = pd.DataFrame({"a": A})
    saved(ms.Classifier("dense4", epochs=1), x, pd.Series(np.arange(60) % 2 + 1, name="k"), "m")
    x.assign(k=answers).to_csv("new.csv", index=False)
    done = run("predict", "m", "new.csv", "--json")
    assert (done.json["metrics"] is None) == (words is not None)
    assert words is None or any(note.startswith(words) for note in done.json["notes"])


def test_numbers_that_are_all_the_same_have_no_share_of_a_variance(run: Run) -> None:
    x = pd.DataFrame({"a": A})
    saved(ms.Regressor("dense4", epochs=1), x, pd.Series(3 * A, name="v"), "m")
    for rows in (1, 60):
        x.assign(v=0.1)[:rows].to_csv("new.csv", index=False)
        assert set(run("predict", "m", "new.csv", "--json").json["metrics"]) == {"rmse", "mae"}
    assert not Path("runs").exists()
