"""Model files of November 2026 open and answer as they did then, whatever things are called now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from misstep.modeling import ForecastModel, load_model

FOLDER = Path(__file__).parents[1] / "fixtures" / "models-2026-11"
ANSWERS = json.loads((FOLDER / "predictions.json").read_text(encoding="utf-8"))
# Their outputs were written by the interpreter or by another processor's machine code.
CLOSE = 1e-5


def rows_of(answer: dict[str, Any], name: str) -> Any:
    """Return the rows of a file as the model takes them."""
    rows = answer["rows"]
    if name == "texts":
        return pd.DataFrame({answer["column"]: rows})
    if name in ("table", "iris"):
        return pd.DataFrame(rows)
    return np.array(rows, "uint8" if name == "images" else "float64")


@pytest.mark.parametrize("name", ["images", "iris", "sequences", "table", "texts"])
def test_a_former_model_answers_as_it_did(name: str) -> None:
    model, answer = load_model(FOLDER / f"{name}.misstep"), ANSWERS[name]
    found = model.outputs(rows_of(answer, name))
    np.testing.assert_allclose(found, answer["outputs"], CLOSE, CLOSE)
    predictions = model.predict(rows_of(answer, name))
    if model.target.classes:
        assert list(map(str, predictions)) == list(map(str, answer["predictions"]))
    else:
        np.testing.assert_allclose(np.asarray(predictions, "float64"), answer["predictions"], CLOSE)


def test_a_former_forecast_is_the_same() -> None:
    model = load_model(FOLDER / "airline.misstep")
    assert isinstance(model, ForecastModel)
    answer = ANSWERS["airline"]["predictions"]
    np.testing.assert_allclose(model.forecast()["prediction"], answer, CLOSE)
