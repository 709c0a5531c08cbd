"""From rows to features: weights, gaps, unseen values, JSON and hostile JSON."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misstep.data import (
    ImageScaling,
    MatrixScaling,
    Preprocessor,
    preprocessing_from_json,
    read_table,
    recognize_columns,
)
from misstep.errors import DataError, FileFormatError

GENERATOR = np.random.default_rng(1)


def fitted(table: dict[str, Any], weights: object = None) -> Preprocessor:
    frame = read_table(table).frame
    return Preprocessor.fit(frame, recognize_columns(frame), weights)


def rounded(preprocessor: Any) -> Any:
    return preprocessing_from_json(json.loads(json.dumps(preprocessor.to_json())))


SMALL: dict[str, Any] = {
    "Age": [20.0, 40.0, None, 60.0, 40.0, 50.0],
    "Sex": ["male", "female", "female", None, "male", "male"],
    "When": ["2020-01-05", "2020-03-01", "2021-07-09", "2020-01-05", None, "2020-02-02"],
    "Rooms": [1, 2, 3, 4, 3, 1],
}


def test_small_table() -> None:
    preprocessor = fitted(SMALL)
    features = preprocessor.transform(SMALL)
    assert features.dtype == np.float32
    assert features.shape == (6, preprocessor.number_of_features)
    assert preprocessor.feature_names == [
        "Age",
        "Age is missing",
        "Sex=female",
        "Sex=male",
        "Sex is missing",
        "When: years",
        "When: season (sine)",
        "When: season (cosine)",
        "When: weekday (sine)",
        "When: weekday (cosine)",
        "When is missing",
        "Rooms",
    ]
    assert features[:, 1].tolist() == [0, 0, 1, 0, 0, 0]
    assert features[3, 2:5].tolist() == [0, 0, 1]
    assert features[2, 0] == features[1, 0]
    np.testing.assert_allclose(features[:, -1].mean(), 0, atol=1e-7)
    np.testing.assert_allclose(features[:, -1].std(), 1, rtol=1e-6)
    assert preprocessor.encode(SMALL)[1] == []
    assert preprocessor.column_names == ["Age", "Sex", "When", "Rooms"]
    assert len(preprocessor.decisions) == 4
    assert rounded(preprocessor).transform(SMALL).tobytes() == features.tobytes()


def test_fitted_on_training_rows_only() -> None:
    preprocessor = fitted({"x": [1.0, 3.0], "y": ["a", "b"]})
    later = {"x": [5.0, None], "y": ["c", None], "more": [1, 2]}
    features, notes = preprocessor.encode(later)
    assert features.tolist() == [[3, 0, 0], [-1, 0, 0]]
    assert len(notes) == 4
    assert "'more' was not there in training" in notes[0]
    assert "'c'" in notes[3]


@pytest.mark.parametrize("module", [pandas, polars])
def test_other_columns_may_hold_anything(module: Any) -> None:
    preprocessor = fitted({"x": [1.0, 3.0], "y": ["a", "b"]})
    frame = module.DataFrame({"odd": [[1], [2]], "y": ["b", "a"], "x": [1.0, 3.0]})
    assert preprocessor.transform(frame).tolist() == [[-1, 0, 1], [1, 1, 0]]
    assert preprocessor.transform({"x": [1], "y": ["a"], "odd": None}).tolist() == [[-1, 1, 0]]


def test_halves_of_characters_survive_storing() -> None:
    table = {"x\ud800": ["\ud83d", "b", "\ud83d", "b"], "z": [1.0, 2.0, 4.0, 8.0]}
    preprocessor = fitted(table)
    features = preprocessor.transform(table)
    assert rounded(preprocessor).transform(table).tobytes() == features.tobytes()


def test_rare_categories_share_a_place() -> None:
    values = [f"c{i:02d}" for i in range(30)] + ["common"] * 100
    preprocessor = fitted({"c": values, "x": GENERATOR.normal(size=130)})
    assert preprocessor.feature_names == ["c=common", "c is another", "x"]
    features, notes = preprocessor.encode({"c": ["never", "common"], "x": [0, 0]})
    assert features[:, :2].tolist() == [[0, 1], [1, 0]]
    assert notes == []


def test_whole_numbers_in_either_dress_are_one_category() -> None:
    preprocessor = fitted({"c": ["1", "2", "x"] * 4, "z": [1.0, 2.0, 4.0] * 4})
    block = preprocessor.transform({"c": [1.0, 2.0], "z": [1, 1]})
    assert block[:, :2].tolist() == [[1, 0], [0, 1]]


def test_logarithm_and_clipping_say_why() -> None:
    skewed = np.exp(GENERATOR.normal(size=500) * 2)
    far = np.append(GENERATOR.normal(size=499), 1e9)
    preprocessor = fitted({"skewed": skewed, "far": far})
    assert "logarithm because the skewness" in preprocessor.decisions[0].reason
    assert "clipped smoothly because" in preprocessor.decisions[1].reason
    features = preprocessor.transform({"skewed": skewed, "far": far})
    assert np.abs(features[:, 1]).max() <= 3
    assert features[:-1, 1].std() > 0.5
    assert (np.diff(features[np.argsort(far), 1]) >= 0).all()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (
            {"Agee": [1], "Sex": ["male"], "When": ["2020-01-01"], "Rooms": [1]},
            "'Age' is missing.*'Agee'",
        ),
        (SMALL | {"Age": [1, 2, 3, float("inf"), 5, 6]}, r"'Age', row 4.*inf"),
        (SMALL | {"When": ["2020-01-05", "tomorrow", None, None, None, None]}, r"row 2.*tomorrow"),
        (SMALL | {"Rooms": np.array(["2020-01-01"] * 6, dtype="datetime64[D]")}, "row 1"),
    ],
)
def test_wrong_later_rows(table: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        fitted(SMALL).transform(table)


def test_words_among_later_numbers_are_missing_and_said() -> None:
    preprocessor = fitted(SMALL)
    features, notes = preprocessor.encode(SMALL | {"Age": [1, 2, "old", "-", 5, "1,234"]})
    plain, _ = preprocessor.encode(SMALL | {"Age": [1, 2, None, None, 5, 1234]})
    assert features.tobytes() == plain.tobytes()
    assert any("Age: 1 cell is no number" in note and "'old' in row 3" in note for note in notes)


def test_infinite_training_values() -> None:
    with pytest.raises(DataError, match=r"row 2.*-inf"):
        fitted({"x": [1.0, float("-inf"), 2.0]})


@pytest.mark.parametrize(
    "weights", [[1, 2], [-1, 1, 1], [0, 0, 0], [np.nan, 1, 1], [np.inf, 1, 1], ["a", "b", "c"]]
)
def test_wrong_weights(weights: object) -> None:
    with pytest.raises(DataError, match="sample_weight"):
        fitted({"x": [1.0, 2.0, 4.0]}, weights)


NUMBERS = st.one_of(st.none(), st.floats(-1e6, 1e6, width=32), st.integers(-3, 3).map(float))
WORDS = st.one_of(st.none(), st.sampled_from(["a", "b", "c", "d e"]))
DATES = st.one_of(st.none(), st.dates())
ROW = st.tuples(NUMBERS, WORDS, DATES, st.integers(0, 3))


def tabled(rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    dates = [
        None if row[2] is None or not 1800 < row[2].year < 2200 else row[2].isoformat()
        for row in rows
    ]
    return {"x": [row[0] for row in rows], "c": [row[1] for row in rows], "d": dates}


def columns_of(table: dict[str, Any]) -> Any:
    try:
        return recognize_columns(read_table(table).frame)
    except DataError:
        return None


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=30))
def test_weights_equal_repeated_rows(rows: list[tuple[Any, ...]]) -> None:
    table, weights = tabled(rows), np.array([row[3] for row in rows])
    columns = columns_of(table)
    if columns is None or not weights.any():
        return
    repeated = tabled([row for row in rows for _ in range(row[3])])
    try:
        weighted = Preprocessor.fit(table, columns, weights)
    except DataError:
        return
    plain = Preprocessor.fit(repeated, columns)
    assert weighted.feature_names == plain.feature_names
    np.testing.assert_allclose(
        weighted.transform(table), plain.transform(table), rtol=1e-4, atol=1e-5
    )


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(ROW, min_size=2, max_size=30),
    later=st.lists(
        st.tuples(
            st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), WORDS, DATES
        ),
        min_size=1,
        max_size=10,
    ),
)
def test_round_trip_is_exact_and_never_nan(
    rows: list[tuple[Any, ...]], later: list[tuple[Any, ...]]
) -> None:
    table = tabled(rows)
    columns = columns_of(table)
    if columns is None:
        return
    preprocessor = Preprocessor.fit(table, columns)
    again = rounded(preprocessor)
    assert again.to_json() == preprocessor.to_json()
    for other in (table, tabled(later)):
        features, notes = preprocessor.encode(other)
        assert np.isfinite(features).all()
        features_again, notes_again = again.encode(other)
        assert features_again.tobytes() == features.tobytes()
        assert notes_again == notes


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(
        st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=20, unique=True
    )
)
def test_any_finite_numbers(values: list[float]) -> None:
    frame = pandas.DataFrame({"x": values, "beside": np.linspace(0, 1, len(values)) ** 2})
    preprocessor = Preprocessor.fit(frame, recognize_columns(frame))
    assert np.isfinite(preprocessor.transform(frame)).all()
    matrix = frame.to_numpy()
    assert np.isfinite(MatrixScaling.fit(matrix).transform(matrix)).all()


def changes() -> list[tuple[tuple[Any, ...], Any]]:
    return [
        (("version",), 2),
        (("version",), "1"),
        (("kind",), "matrix"),
        (("kind",), None),
        (("more",), 1),
        (("parts",), []),
        (("parts",), None),
        (("parts", 0), {}),
        (("parts", 0, "fill"), "1"),
        (("parts", 0, "fill"), 1e400),
        (("parts", 0, "fill"), float("nan")),
        (("parts", 0, "standard", "scale"), 0.0),
        (("parts", 0, "standard", "scale"), -1.0),
        (("parts", 0, "standard", "log"), 1),
        (("parts", 0, "form"), "__import__"),
        (("parts", 0, "column"), "other"),
        (("parts", 0, "column"), ["Age"]),
        (("parts", 0, "extra"), 1),
        (("parts", 1, "values"), ["a", "a"]),
        (("parts", 1, "values"), [1, 2]),
        (("parts", 2, "cycles"), ["moon"]),
        (("parts", 2, "cycles"), ["season", "season"]),
        (("columns",), []),
        (("columns", 0, "kind"), "date"),
        (("columns", 0, "kind"), "nonsense"),
        (("columns", 0, "name"), 5),
    ]


@pytest.mark.parametrize(("place", "value"), changes())
def test_changed_json_is_refused(place: tuple[Any, ...], value: object) -> None:
    plain = copy.deepcopy(fitted(SMALL).to_json())
    inside: Any = plain
    for step in place[:-1]:
        inside = inside[step]
    inside[place[-1]] = value
    with pytest.raises(FileFormatError, match="stored"):
        preprocessing_from_json(plain)


@pytest.mark.parametrize("plain", [None, [], {}, 5, "x", {"kind": "table"}, {"kind": object()}])
def test_other_things_are_refused(plain: Any) -> None:
    with pytest.raises(FileFormatError):
        preprocessing_from_json(plain)
    with pytest.raises(FileFormatError):
        Preprocessor.from_json(plain)


def test_matrix() -> None:
    X = GENERATOR.normal(5, 3, (40, 3))
    X[:, 2] = 0.1
    weights = GENERATOR.integers(0, 4, 40)
    scaling = MatrixScaling.fit(X, weights)
    repeated = MatrixScaling.fit(np.repeat(X, weights, axis=0))
    np.testing.assert_allclose(scaling.transform(X), repeated.transform(X), atol=1e-6)
    assert (scaling.transform(X)[:, 2] == 0).all()
    plain = MatrixScaling.fit(X).transform(X)
    np.testing.assert_allclose(plain[:, :2].std(axis=0), 1, rtol=1e-6)
    assert rounded(scaling).transform(X).tobytes() == scaling.transform(X).tobytes()
    assert scaling.number_of_features == 3
    assert scaling.feature_names == ["column_1", "column_2", "column_3"]
    assert scaling.decisions


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ([[1.0, np.nan]], r"NaN"),
        ([[1.0, np.inf]], r"inf"),
        ([1.0, 2.0], "reshape"),
        ([["a", "b"]], "numbers"),
        ([[1j, 2]], "complex"),
        (np.ones((0, 2)), "row"),
        ([[1, 2], [3]], "array"),
    ],
)
def test_wrong_matrices(X: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        MatrixScaling.fit(X)


def test_matrix_of_another_width() -> None:
    with pytest.raises(DataError, match="2 columns"):
        MatrixScaling.fit([[1, 2], [3, 4]]).transform([[1, 2, 3]])


def test_pixels() -> None:
    images = GENERATOR.integers(0, 256, (5, 4, 4)).astype(np.uint8)
    scaling = ImageScaling(4, 4)
    features = scaling.transform(images)
    assert features.shape == (5, 16)
    np.testing.assert_array_equal(features, images.reshape(5, 16).astype(np.float32) / 255)
    assert rounded(scaling) == scaling
    assert isinstance(rounded(scaling), ImageScaling)
    for wrong in (np.full((2, 16), 256), np.full((2, 16), -1), np.ones((2, 15)), np.ones(16)):
        with pytest.raises(DataError, match="images"):
            scaling.transform(wrong)
    with pytest.raises(DataError, match="images"):
        scaling.transform(np.full((2, 16), np.nan))
    with pytest.raises(FileFormatError):
        ImageScaling.from_json(scaling.to_json() | {"height": 0})


REAL = {
    "tabular/titanic.csv": "Survived",
    "tabular/adult_train.csv.gz": "income",
    "tabular/california_housing.csv.gz": "median_house_value",
    "tabular/breast_cancer_wdbc.csv": "diagnosis",
    "nasty/melbourne_housing.csv.gz": "Price",
    "timeseries/ETTh1.csv.gz": "OT",
    "timeseries/stocks_daily_ohlcv.csv.gz": "Close",
}


@pytest.mark.parametrize("file", REAL)
def test_real_tables(real: Path, file: str) -> None:
    frame = read_table(real / file).frame
    train, test = frame.iloc[::2], frame.iloc[1::2]
    preprocessor = Preprocessor.fit(train, recognize_columns(train, REAL[file]))
    again = rounded(preprocessor)
    for part in (train, test):
        features = preprocessor.transform(part)
        assert np.isfinite(features).all()
        # Numbers of terms are no measurements.
        looked_up = [at for text in preprocessor.texts for at in range(text.looked_up, text.stop)]
        assert np.abs(np.delete(features, looked_up, axis=1)).max() < 100
        assert again.transform(part).tobytes() == features.tobytes()
