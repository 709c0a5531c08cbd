"""What is to be predicted, why, and how answers become numbers and come back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import polars
import pytest

from misstep.data import Target, TaskType, read_table, recognize_target
from misstep.errors import ArgumentError, DataError, FileFormatError, NotYetError

GENERATOR = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("values", "kind", "classes"),
    [
        (["yes", "no", "yes"], "two classes", ("no", "yes")),
        ([True, False], "two classes", (False, True)),
        ([0, 1, 1], "two classes", (0, 1)),
        ([0.0, 1.0, None], "two classes", (0, 1)),
        ([-1, 1, 1], "two classes", (-1, 1)),
        (["a", "b", "c"], "several classes", ("a", "b", "c")),
        ([0, 1, 2] * 3, "several classes", (0, 1, 2)),
        (list(range(1, 11)) * 5, "several classes", tuple(range(1, 11))),
        ([0, 1, 2], "number", ()),
        ([3, 4, 5, 6] * 9, "number", ()),
        ([1, 2, 4] * 9, "number", ()),
        (list(range(30)) * 9, "number", ()),
        (GENERATOR.normal(size=50), "number", ()),
        ([0.5, 1.5, 2.5] * 9, "number", ()),
        (["$1,000", "$2,500", "$3,000"], "number", ()),
        (np.array(["x", "y"], dtype=object), "two classes", ("x", "y")),
        (polars.Series(["x", "y"]), "two classes", ("x", "y")),
        (np.array([[1.5], [2.5], [4.5]]), "number", ()),
    ],
)
def test_kinds(values: Any, kind: str, classes: tuple[Any, ...]) -> None:
    target = recognize_target(values, "y")
    assert (target.task, target.classes) == (kind, classes), target.reason
    assert any(sign.isdigit() for sign in target.reason)
    assert target.is_number == (kind == "number")
    known = np.asarray(values)[target.present(values)]
    fit = target.fit(known)
    again = Target.from_json(json.loads(json.dumps(fit.to_json())))
    assert again == fit
    encoded = again.encode(known)
    if target.is_number:
        assert encoded.dtype == np.float32
        assert abs(encoded.mean()) < 1e-6
        assert abs(encoded.std() - 1) < 1e-5
        if known.dtype.kind != "U":
            np.testing.assert_allclose(again.decode(encoded), known.ravel(), atol=1e-4)
    else:
        assert encoded.dtype == np.int64
        assert again.decode(encoded).tolist() == list(known)


def test_the_task_decides() -> None:
    quality = [3, 4, 5, 6, 7, 8] * 20
    assert recognize_target(quality, "quality").task is TaskType.NUMBER
    assert "classification" in recognize_target(quality, "quality").reason
    chosen = recognize_target(quality, "quality", task="classification")
    assert chosen.classes == (3, 4, 5, 6, 7, 8)
    assert recognize_target([0, 1, 1], "y", task="regression").task is TaskType.NUMBER
    with pytest.raises(ArgumentError, match="classification"):
        recognize_target([0, 1], "y", task="clasification")


@pytest.mark.parametrize(
    ("values", "task", "words"),
    [
        (["a", "a"], None, "'a' in all 2"),
        ([1, 1, 1], None, "'1' in all 3"),
        ([None, None], None, "all without"),
        ([1.5, float("inf"), 2.5, 3.5], None, "row 2"),
        ([f"name{i}" for i in range(50)], None, "50 distinct"),
        (["a", "b"], "regression", "'a'"),
        (GENERATOR.normal(size=50), "classification", "continuous"),
    ],
)
def test_unfit_targets(values: Any, task: str | None, words: str) -> None:
    with pytest.raises(DataError, match=words):
        recognize_target(values, "y", task)


def test_dates_are_not_yet() -> None:
    with pytest.raises(NotYetError, match="dates"):
        recognize_target(["2020-01-01", "2020-01-02", "2020-01-03"], "y")


def test_notes() -> None:
    target = recognize_target(["a", "b", None, "a", "c", "c"], "y")
    assert "1 of 6 rows" in target.notes[0]
    assert "single row" in target.notes[1]
    assert target.present(["a", None]).tolist() == [True, False]
    with pytest.raises(DataError, match="row 2"):
        target.encode(["a", None])


def test_weights_equal_repeated_rows() -> None:
    values, weights = GENERATOR.normal(3, 2, 30), GENERATOR.integers(0, 3, 30)
    target = recognize_target(values, "y")
    weighted, repeated = target.fit(values, weights), target.fit(np.repeat(values, weights))
    assert weighted.center == pytest.approx(repeated.center)
    assert weighted.scale == pytest.approx(repeated.scale)


def test_unknown_labels() -> None:
    target = recognize_target(["cat", "dog"], "y")
    with pytest.raises(DataError, match=r"'dgo' in 2 rows.*'dog'"):
        target.encode(["cat", "dgo", "dgo"])
    codes, notes = target.encode_with_notes(["Cat.", "dog "])
    assert codes.tolist() == [0, 1]
    assert "'Cat.' as 'cat'" in notes[0]


def test_classes_that_are_not_there() -> None:
    with pytest.raises(ArgumentError, match="0 to 1"):
        recognize_target(["cat", "dog"], "y").decode([2])


def test_labels_that_only_differ_by_a_dot_stay_apart() -> None:
    target = recognize_target(["a", "a.", "b"], "y")
    assert target.encode(["a.", "a"]).tolist() == [1, 0]
    with pytest.raises(DataError):
        target.encode(["b."])


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "three"},
        {"classes": ["a"]},
        {"classes": ["a", "a"]},
        {"classes": [["a"], ["b"]]},
        {"classes": ["a", "b", "c"]},
        {"scale": 0.0},
        {"scale": float("nan")},
        {"center": "1"},
        {"form": "magic"},
        {"version": 7},
        {"more": 1},
    ],
)
def test_changed_json_is_refused(change: dict[str, Any]) -> None:
    plain = recognize_target(["a", "b"], "y").to_json()
    with pytest.raises(FileFormatError, match="stored target"):
        Target.from_json(plain | change)


def test_adult(real: Path) -> None:
    train = read_table(real / "tabular/adult_train.csv.gz").frame["income"]
    test = read_table(real / "tabular/adult_test.csv.gz").frame["income"]
    target = recognize_target(train, "income")
    codes, notes = target.encode_with_notes(test)
    assert np.bincount(codes).tolist() == [12435, 3846]
    assert len(notes) == 1


def test_wine(real: Path) -> None:
    quality = read_table(real / "tabular/wine_quality_red.csv").frame["quality"]
    assert recognize_target(quality, "quality").is_number
    assert len(recognize_target(quality, "quality", "classification").classes) == 6


@pytest.mark.parametrize(
    ("words", "classes"),
    [
        (["1.1", "1.10", "1.2"], ("1.1", "1.10", "1.2")),
        (["9007199254740992", "9007199254740993"], (9007199254740992, 9007199254740993)),
        (["18446744073709551615", "18446744073709551614"], (2**64 - 2, 2**64 - 1)),
        (["None", "Mild", "Severe"], ("Mild", "None", "Severe")),
        (["NA", "DE"], ("DE", "NA")),
        (["nan", "null", "x"], ("nan", "null", "x")),
        (["-", "low"], ("-", "low")),
        (["1.0", "0.0"], (0, 1)),
        (["1.0", "2.0", "1.1"], ("1.0", "1.1", "2.0")),
        (["01", "1", "02"], ("01", "02", "1")),
    ],
)
def test_classes_are_the_words_of_the_file(
    words: list[str], classes: tuple[Any, ...], tmp_path: Path
) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a,t\n" + "".join(f"{i},{words[i % len(words)]}\n" for i in range(60)))
    table = read_table(file)
    target = recognize_target(table.column("t"), "t", "classification", table.form("t"))
    assert target.classes == classes
    assert target.present(table.column("t")).all()
    again = Target.from_json(target.to_json())
    codes = again.encode(table.column("t"))
    assert [str(label) for label in again.decode(codes)[:9]] == [
        word.removesuffix(".0") if classes == (0, 1) else word for word in (words * 9)[:9]
    ]
    # A part of the rows says the same.
    some = table.take(np.arange(0, 60, len(words)))
    assert set(again.encode(some.column("t")).tolist()) == {codes[0]}


def test_words_for_missing_among_answers() -> None:
    numbers = recognize_target(["1.5", "NA", "2.5", "-", *map(str, range(60))], "y")
    assert numbers.is_number
    assert "2 of 64 rows have no answer" in numbers.notes[0]
    rare = recognize_target(["a", "b"] * 200 + ["NA"], "y")
    assert rare.classes == ("a", "b")
    assert "1 of 401 rows have no answer and are left out ('NA')" in rare.notes[0]
    named = recognize_target(["a", "None", None] * 9, "y")
    assert named.classes == ("None", "a")
    assert any("'None' is one of the classes" in note for note in named.notes)
    assert named.present(["a", "None", None, "NA", "?"]).tolist() == [1, 1, 0, 0, 0]
    letters = recognize_target(["caf\u00e9", "cafe\u0301", "th\u00e9"] * 4, "y")
    assert letters.classes == ("caf\u00e9", "th\u00e9")


def test_what_written_numbers_are_read_as_is_said() -> None:
    values = [f"{hours}h {minutes}m" for hours in range(1, 9) for minutes in (5, 20, 30)]
    target = recognize_target(values, "y")
    assert "('1h 5m' is 1.083)" in target.reason


def test_numbers_with_and_without_percent_are_no_answers_of_one_kind() -> None:
    words = ["5", "50%", "7", "12 %"] * 15
    with pytest.raises(DataError, match=r"'50%' in row 2 and '5' in row 1"):
        recognize_target(pandas.Series(words, dtype=object), "y", "regression")
    alike = [f"{word.rstrip(' %')}%" for word in words]
    assert recognize_target(pandas.Series(alike, dtype=object), "y", "regression").is_number


@pytest.mark.parametrize(
    "pair", [("-$5", "12 %"), ("9 pct", "5k"), ("$7", "3 lb"), ("3 lb", "9%"), ("1,234", "50%")]
)
def test_what_counts_different_things_is_no_answer_of_one_kind(pair: tuple[str, str]) -> None:
    words = pandas.Series([*pair] * 30, dtype=object)
    with pytest.raises(DataError, match="'y'"):
        recognize_target(words, "y", "regression")


@pytest.mark.parametrize("pair", [("$5", "7"), ("3 lb", "4"), ("5k", "1,234"), ("9 pct", "3%")])
def test_bare_numbers_may_stand_beside_measures(pair: tuple[str, str]) -> None:
    words = pandas.Series([*pair] * 30, dtype=object)
    assert recognize_target(words, "y", "regression").is_number
