"""Contributions beside brute force: each part replaced in the data itself, on every kind of model.

The default network of each kind, trained on little. What is compared with is made here of raw
cells, words, pixels and values, not of the parts that the library takes a row apart into.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import misstep as ms
from misstep.errors import ArgumentError
from misstep.ir import make_literal
from misstep.modeling import Contributions, ForecastModel, Model, Seen

RANDOM = np.random.default_rng(0)


def odds_of(probability: float) -> float:
    return float(np.log(probability) - np.log1p(-probability))


def check_sums(found: Contributions) -> None:
    """The shares add up, and nothing is left out."""
    whole = found.score - found.baseline_score
    assert sum(found.shares.values()) == pytest.approx(whole, rel=1e-6, abs=1e-6)
    assert found.completeness_error < 0.01
    assert sum(found.contributions.values()) + found.interaction == pytest.approx(whole)
    sizes = [abs(each.contribution) for each in found.inputs]
    assert sizes == sorted(sizes, reverse=True)
    text = " ".join(str(found).split())
    assert "baseline" in text
    assert "completeness error 0.0%" in text
    assert len(found.contributions) == len(found.inputs)


def check_replaced(
    model: Model, found: Contributions, row: Any, replaced: Callable[[Any, Any], Any]
) -> None:
    """Each contribution is what `replaced(row, contribution)` measures, in sign and size."""
    if model.target.is_number:
        before = float(model.predict(row)[0])
        assert found.prediction == pytest.approx(before, rel=1e-6)
        for each in found.inputs:
            after = float(model.predict(replaced(row, each))[0])
            close = 2e-5 * max(abs(before), abs(after))
            assert each.contribution == pytest.approx(before - after, rel=1e-3, abs=close)
            assert each.replaced == pytest.approx(after, rel=1e-5)
        return
    place = [str(label) for label in model.target.classes].index(str(found.prediction))
    before = float(model.outputs(row)[0, place])
    for each in found.inputs:
        after = float(model.outputs(replaced(row, each))[0, place])
        assert each.replaced == pytest.approx(after, abs=1e-5)
        if min(before, after) > 0.001 and max(before, after) < 0.999:
            moved = odds_of(before) - odds_of(after)
            assert each.contribution == pytest.approx(moved, rel=2e-3, abs=2e-3)


@pytest.fixture(scope="module")
def houses() -> pd.DataFrame:
    rows = 300
    size, age = RANDOM.uniform(40, 200, rows), RANDOM.integers(0, 90, rows).astype(float)
    town = RANDOM.choice(["Bath", "Hull", "York"], rows, p=[0.2, 0.5, 0.3])
    built = pd.Timestamp("2001-03-01") + pd.to_timedelta(RANDOM.integers(0, 4000, rows), "D")
    price = 2000 * size + 9e4 * (town == "York") + 5e4 * np.sin(age / 10)
    return pd.DataFrame(
        {
            "size": size,
            "age": np.where(RANDOM.random(rows) < 0.1, np.nan, age),
            "town": town,
            "sold": built.astype(str),
            "agent": [" ".join(words) for words in RANDOM.choice(WORDS, (rows, 6))],
            "price": price,
        }
    )


WORDS = ("amber", "birch", "cedar", "dune", "ember", "fjord", "grove", "haven", "isle", "jade")


@pytest.mark.parametrize("task", ["number", "class"])
def test_columns_of_a_table(houses: pd.DataFrame, task: str) -> None:
    columns = houses.drop(columns=["price", "agent"])
    if task == "number":
        estimator: Any = ms.Regressor(epochs=3, random_state=0).fit(columns, houses["price"])
    else:
        classes = np.where(houses["price"] > houses["price"].median(), "dear", "cheap")
        estimator = ms.Classifier(epochs=3, random_state=0).fit(columns, classes)
    model = estimator.model_
    gap = int(np.flatnonzero(houses["age"].isna())[0])
    for row in (0, 7, gap):
        found = estimator.explain(columns, row)
        assert {each.name for each in found.inputs} == set(columns.columns)
        check_sums(found)

        def replaced(alone: Any, each: Any) -> Any:
            return alone.assign(**{each.name: each.replacement})

        check_replaced(model, found, columns.iloc[[row]], replaced)
        assert found.baseline["town"] == "Hull"
        assert found.baseline["size"] == pytest.approx(columns["size"].mean(), rel=0.1)
        assert found.seen in (Seen.TRAINING, Seen.VALIDATION)
    new = columns.iloc[[3]].assign(size=99.5)
    assert estimator.explain(new).seen is Seen.NEVER


def test_all_parts_replaced_are_the_baseline_row(houses: pd.DataFrame) -> None:
    columns = houses[["size", "age", "town"]]
    estimator = ms.Regressor(epochs=2, random_state=0).fit(columns, houses["price"])
    found = estimator.explain(columns, -1)
    row = pd.DataFrame({name: [value] for name, value in found.baseline.items()})[columns.columns]
    assert found.baseline_prediction == pytest.approx(float(estimator.predict(row)[0]), rel=1e-5)


def test_an_array_of_numbers() -> None:
    X = RANDOM.normal(5, 2, (200, 4))
    estimator = ms.Regressor(epochs=3, random_state=0).fit(X, 3 * X[:, 0] - X[:, 1] * X[:, 2])
    found = estimator.explain(X, 5)
    check_sums(found)
    for each in found.inputs:
        moved = X[5:6].copy()
        moved[0, int(each.name.removeprefix("column_")) - 1] = each.replacement
        lost = found.prediction - float(estimator.predict(moved)[0])
        assert each.contribution == pytest.approx(lost, rel=1e-3, abs=1e-4)
        assert each.cell == X[5, int(each.name[-1]) - 1]


def test_words_of_texts() -> None:
    texts = [
        f"{a} {b}, {'GREAT' if number % 2 else 'awful'} {a}!"
        for number, (a, b) in enumerate(RANDOM.choice(WORDS, (120, 2)))
    ]
    estimator = ms.Classifier(epochs=20, random_state=0)
    estimator.fit(texts, ["good" if "GREAT" in text else "bad" for text in texts])
    found = estimator.explain(texts, 3)
    check_sums(found)
    assert found.noun == "word"
    column = estimator.model_.preprocessing.column_names[0]
    assert found.inputs[0].name == f"{column}: 'great'"

    def replaced(alone: Any, each: Any) -> Any:
        word = each.name.split("'")[1]
        fewer = "".join(
            piece for piece in ms_pieces(alone[0]) if piece.strip().lower() != word
        ).lstrip()
        return pd.DataFrame({column: [fewer]})

    frame = pd.DataFrame({column: texts[3:4]})
    model = estimator.model_
    check_replaced(model, found, frame, lambda row, each: replaced([row[column].iloc[0]], each))
    assert estimator.explain(["nothing known"]).seen is Seen.NEVER
    # A text without a word has nothing that could be taken out of it.
    assert estimator.explain([texts[0], " "], 1).inputs == []


def ms_pieces(text: str) -> list[str]:
    import re

    return re.findall(r"\s*(?:\w+|[^\w\s])", text)


def test_a_column_of_texts_in_a_table(houses: pd.DataFrame) -> None:
    columns = houses[["size", "town", "agent"]]
    price = houses["price"] + 1e5 * houses["agent"].str.contains("amber")
    estimator = ms.Regressor(epochs=4, random_state=0).fit(columns, price)
    found = estimator.explain(columns, 2)
    check_sums(found)
    assert set(found.contributions) == set(columns.columns)

    def replaced(row: Any, each: Any) -> Any:
        empty = "" if each.replacement is None else each.replacement
        return row.assign(**{each.name: empty})

    check_replaced(estimator.model_, found, columns.iloc[[2]], replaced)
    if found.words["agent"]:
        shares = sum(each.share for each in found.words["agent"])
        assert shares == pytest.approx(found.contributions["agent"], rel=1e-5, abs=0.1)
        assert found.words["agent"][0].name.startswith("agent: '")


def images(rows: int, channels: int) -> tuple[Any, Any]:
    random = np.random.default_rng(3)
    labels = np.arange(rows) % 2
    pixels = random.integers(0, 60, (rows, 12, 12, channels))
    pixels[labels == 1, 2:5, 2:5] += 150
    pixels[labels == 0, 8:11, 8:11] += 150
    return pixels.astype("uint8"), labels


@pytest.mark.parametrize("channels", [1, 3])
def test_regions_of_images(channels: int) -> None:
    pixels, labels = images(60, channels)
    estimator = ms.Classifier("flatten-dense8-relu", epochs=6, random_state=0).fit(pixels, labels)
    found = estimator.explain(pixels, 1)
    check_sums(found)
    assert found.noun == "region"
    average = estimator.model_.training_rows.baseline.features.reshape(12, 12, channels) * 255
    size = 12 // len(found.lines)

    def replaced(image: Any, each: Any) -> Any:
        line, column = each.place
        moved = image.astype("float64")
        inside = np.s_[0, line * size : (line + 1) * size, column * size : (column + 1) * size]
        moved[inside] = average[inside[1:]]
        return moved

    check_replaced(estimator.model_, found, pixels[1:2], replaced)
    place = found.inputs[0].place
    assert place is not None
    assert 2 <= place[0] * size < 5 or 8 <= place[0] * size < 11
    assert "as a map" in str(found)
    assert "average of the" in found.replacements


def test_steps_of_sequences() -> None:
    random = np.random.default_rng(5)
    values = random.normal(2.0, 1.0, (60, 12, 2))
    values[::2, 4:8, 1] += 3.0
    values[5, 9:] = np.nan
    estimator = ms.Classifier("conv4-gap", epochs=6, random_state=0)
    estimator.fit(values, ["up" if row % 2 == 0 else "flat" for row in range(60)])
    model = estimator.model_
    assert isinstance(model, Model)
    for row in (0, 5):
        found = estimator.explain(values, row)
        check_sums(found)
        length = 12 if row == 0 else 9
        edges = [length * block // len(found.columns) for block in range(len(found.columns) + 1)]

        def replaced(whole: Any, each: Any, edges: Any = edges) -> Any:
            channel, block = each.place
            moved = whole.copy()
            moved[0, edges[block] : edges[block + 1], channel] = each.replacement
            return moved

        check_replaced(model, found, values[row : row + 1], replaced)
    assert found.inputs[0].name.startswith("channel_")


@pytest.mark.parametrize("dated", [True, False])
def test_lags_of_a_forecast(dated: bool) -> None:
    months = np.arange(96)
    sales = 100 + months + 20 * np.sin(months * 2 * np.pi / 12) + RANDOM.normal(0, 2, 96)
    frame = pd.DataFrame({"sales": sales, "price": 10 + RANDOM.normal(0, 1, 96)})
    if dated:
        frame.insert(0, "month", pd.date_range("2010-01-01", periods=96, freq="MS"))
    forecaster = ms.Forecaster(horizon=3, epochs=3, random_state=0).fit(frame, "sales")
    model = forecaster.model_
    assert isinstance(model, ForecastModel)
    found = forecaster.explain(step=2)
    check_sums(found)
    assert found.prediction == pytest.approx(forecaster.predict()["prediction"][1], rel=1e-6)
    assert [each.step for each in found.steps] == [1, 2, 3]
    assert found.steps[1].contributions == found.contributions
    window = model.learned_from().values[-model.preprocessing.window :].copy()
    mean = window[:, 0].mean()
    for each in found.inputs:
        if not each.name.startswith("sales"):
            continue
        back = 0 if "last" in each.name else int(each.name.split()[1])
        moved = model.learned_from()
        moved.values[len(moved) - 1 - back, 0] = mean
        after = model.forecast(moved)["prediction"][1]
        assert each.replacement == pytest.approx(mean)
        assert each.contribution == pytest.approx(found.prediction - after, rel=1e-3, abs=1e-3)
    assert found.seen is Seen.TRAINING
    assert forecaster.explain(frame, -1, 2).contributions == found.contributions
    with pytest.raises(ArgumentError, match="a step from 1 to 3"):
        forecaster.explain(step=4)
    with pytest.raises(ArgumentError, match="looks back on"):
        forecaster.explain(frame, 0)


def test_a_saved_model_explains_alike(houses: pd.DataFrame, tmp_path: Path) -> None:
    columns = houses[["size", "age", "town", "sold"]]
    estimator = ms.Regressor(epochs=1, random_state=0).fit(columns, houses["price"])
    estimator.save(tmp_path / "model.misstep")
    loaded = ms.load_model(tmp_path / "model.misstep")
    assert isinstance(loaded, Model)
    first, second = estimator.explain(columns, 4), loaded.explain(columns, 4)
    assert first.contributions == second.contributions
    assert first.shares == second.shares
    assert first.seen is second.seen
    loaded.training_rows = None
    older = loaded.explain(columns, 4)
    assert older.seen is Seen.UNKNOWN
    assert "earlier version" in older.replacements
    assert older.completeness_error < 0.01


def test_rows_in_parts_have_a_baseline(houses: pd.DataFrame) -> None:
    X, y = houses[["size"]].to_numpy(), houses["price"].to_numpy()
    estimator = ms.Regressor(random_state=0).partial_fit(X[:150], y[:150])
    estimator.partial_fit(X[150:], y[150:])
    found = estimator.explain(X, 200)
    assert found.seen is Seen.UNKNOWN
    assert found.baseline["column_1"] == pytest.approx(X[:150].mean())


FOLDER = Path(__file__).parents[1] / "fixtures" / "models-2026-11"


@pytest.mark.parametrize("name", ["images", "iris", "sequences", "table", "texts", "airline"])
def test_former_models_explain(name: str) -> None:
    import json

    model = ms.load_model(FOLDER / f"{name}.misstep")
    if isinstance(model, ForecastModel):
        check_sums(model.explain())
        return
    assert isinstance(model, Model)
    answer = json.loads((FOLDER / "predictions.json").read_text(encoding="utf-8"))[name]
    rows = answer["rows"]
    data: Any = (
        pd.DataFrame({answer["column"]: rows})
        if name == "texts"
        else pd.DataFrame(rows)
        if name in ("table", "iris")
        else np.array(rows, "uint8" if name == "images" else "float64")
    )
    found = model.explain(data)
    check_sums(found)
    assert found.seen is Seen.UNKNOWN


def test_the_error_is_what_is_said_of_it() -> None:
    from misstep.modeling.attribution_text import error_words

    assert error_words(ms.losses.CrossEntropy()) == (
        "the negative logarithm of the probability given to the answer"
    )
    smooth = ms.losses.CrossEntropy(smoothing=0.1)
    assert error_words(smooth).startswith("0.9 × the negative logarithm")
    shares = np.array([0.7, 0.2, 0.1])
    loss = smooth(ms.parameter(np.log(shares)[None]), make_literal(np.array([0]), "int64"))
    said = -0.9 * np.log(shares[0]) - 0.1 * np.log(shares).mean()
    assert float(np.asarray(loss.numpy())) == pytest.approx(said)
    assert "square" not in error_words(ms.losses.AbsoluteError())
    assert error_words(ms.losses.SquaredError(half=True)).startswith("half the square")
