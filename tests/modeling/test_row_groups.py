"""Copies and groups stay on one side of the split, whatever the rows are, and it is said."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

import misstep as ms
from misstep.data import Images, Sequences, Table, Target, TaskType, read_table
from misstep.errors import ArgumentError, DataError
from misstep.modeling import Options, recognize, train, weighted_examples
from misstep.modeling.modalities import RowModality
from misstep.modeling.row_groups import group_numbers

RANDOM = np.random.default_rng(0)
SHORT = {"epochs": 1, "threads": 1, "network": "dense4"}


def split_of(data: object, **options: object) -> tuple[RowModality, list[np.ndarray]]:
    modality = recognize(data, Options(**options))  # type: ignore[arg-type]
    assert isinstance(modality, RowModality)
    split = modality.split()
    return modality, [split.train, split.validation, split.test]


def said(modality: RowModality, what: str) -> str:
    return next(f"{one.choice} {one.reason}" for one in modality.decisions.made if one.what == what)


def shared(values: np.ndarray, parts: list[np.ndarray]) -> int:
    kinds = [len(np.unique(values[part])) for part in parts]
    return sum(kinds) - len(np.unique(values))


def users(rows: int = 240) -> Table:
    user = RANDOM.permutation(np.arange(rows) % 24)
    frame = pandas.DataFrame({"user": user, "a": RANDOM.normal(size=rows)})
    return read_table(frame.assign(y=np.where(user % 2, "p", "q")))


def test_copies_in_every_kind_of_data() -> None:
    which = np.tile(np.arange(40), 3)
    order = RANDOM.permutation(120)
    which = which[order]
    answers = np.where(RANDOM.random(40) < 0.5, "p", "q")[which]
    x = RANDOM.normal(size=(40, 3))[which]
    table = pandas.DataFrame(x, columns=list("abc")).assign(id=np.arange(120) + 1, y=answers)
    words = [f"word{i} and thing{i} went home {i}" for i in range(40)]
    texts = [words[i].upper() if row % 2 else words[i] + "!" for row, i in enumerate(which)]
    pictures = RANDOM.integers(0, 256, (40, 8, 8)).astype(np.uint8)[which]
    steps = RANDOM.normal(size=(40, 9, 2))[which]
    for data, options, name in (
        (read_table(table), {"target": "y"}, "row"),
        (read_table({"text": texts, "y": answers}), {"target": "y"}, "row"),
        (Images.alone(pictures, answers), {}, "image"),
        (Sequences.of(steps, labels=answers), {}, "sequence"),
    ):
        modality, parts = split_of(data, **options)
        assert shared(which, parts) == 0
        assert [len(part) for part in parts] == pytest.approx([84, 12, 24], abs=6)
        assert "more than once" in said(modality, f"equal {name}s")
        assert "40 different" in said(modality, f"equal {name}s")


def test_equal_rows_with_other_answers() -> None:
    x = np.repeat(RANDOM.normal(size=(50, 2)), 2, axis=0)
    frame = pandas.DataFrame(x, columns=["a", "b"]).assign(y=RANDOM.normal(size=100))
    _, parts = split_of(read_table(frame), target="y")
    assert shared(x[:, 0], parts) == 0


def test_few_values_and_few_rows() -> None:
    few = pandas.DataFrame(RANDOM.integers(0, 2, (200, 3)), columns=list("abc"))
    modality, _ = split_of(read_table(few.assign(y=RANDOM.normal(size=200))), target="y")
    assert "chance alone" in said(modality, "equal rows")
    toy = read_table(
        {"text": ["what a good day it was", "what a bad day it was"] * 30, "y": [0, 1] * 30}
    )
    modality, parts = split_of(toy, target="y", task="classification")
    assert "only 2 different" in said(modality, "CAREFUL")
    assert all(len(part) for part in parts)


def test_a_test_file_with_rows_of_the_training_file() -> None:
    frame = pandas.DataFrame(RANDOM.normal(size=(80, 3)), columns=["a", "b", "y"])
    test = read_table(frame.iloc[60:].assign(y=0.5).reset_index(drop=True))
    modality, _ = split_of(read_table(frame), target="y", test=test)
    assert any("20 of 20 rows to be judged on also stand" in note for note in modality.notes)
    modality, _ = split_of(read_table(frame.iloc[:60]), target="y", test=test)
    assert not any("also stand" in note for note in modality.notes)
    steps = RANDOM.normal(size=(30, 9, 2))
    labels = np.tile(["p", "q"], 15)
    shorter = Sequences.of(steps[:4, :6], labels=labels[:4])
    both = Sequences.of(steps, labels=labels)
    modality, _ = split_of(both, test=Sequences.of(steps[20:], labels=labels[20:]))
    assert any("10 of 10 sequences to be judged on also stand" in note for note in modality.notes)
    modality, _ = split_of(both, test=shorter)
    assert not any("also stand" in note for note in modality.notes)


def test_validation_rows_of_an_estimator() -> None:
    which = np.repeat(np.arange(40), 3)
    x = RANDOM.normal(size=(40, 3))[which]
    examples = weighted_examples(
        ms.data.Matrix(x), RANDOM.normal(size=120), Target("y", TaskType.NUMBER, "numbers")
    )
    modality = recognize(examples.data, Options(validation_fraction=0.2), examples)
    assert isinstance(modality, RowModality)
    split = modality.split()
    kinds = which[examples.order]
    assert not set(kinds[split.train]) & set(kinds[split.validation])


def test_groups_of_a_column() -> None:
    table = users()
    modality, parts = split_of(table, target="y", groups="user")
    user = table.frame["user"].to_numpy()
    assert shared(user, parts) == 0
    assert [len(part) for part in parts] == pytest.approx([168, 24, 48], abs=20)
    assert "24 of 10 rows each" in said(modality, "groups")
    model = train(table, Options(target="y", groups="user", **SHORT)).model
    assert "user" not in model.preprocessing.feature_names


def test_groups_that_are_none() -> None:
    table = users()
    for name, words in (("usr", "'user'"), ("y", "but for the target")):
        with pytest.raises(ArgumentError, match=words):
            split_of(table, target="y", groups=name)
    two = Table(table.frame.assign(half=np.arange(240) % 2))
    with pytest.raises(DataError, match="at least 3 different"):
        split_of(two, target="y", groups="half")
    with pytest.raises(ArgumentError, match="--groups"):
        recognize(Images.alone(np.zeros((9, 8, 8), "uint8")), Options(groups="user"))
    with pytest.raises(ArgumentError, match="a forecast"):
        recognize(table, Options(target="a", groups="user", task="forecast"))  # type: ignore[arg-type]
    assert group_numbers(["a", None, "a", None]).tolist() == [0, 1, 0, 2]


def test_groups_of_sequences() -> None:
    person = np.repeat(np.arange(12), 20)
    frame = pandas.DataFrame({"trial": np.repeat(np.arange(48), 5), "step": np.tile(range(5), 48)})
    frame = frame.assign(person=person, x=RANDOM.normal(size=240), y=person % 2)
    modality, parts = split_of(read_table(frame), target="y", groups="person")
    assert modality.name == "long table"
    assert shared(np.repeat(np.arange(12), 4), parts) == 0
    changing = read_table(frame.assign(person=np.arange(240) % 7))
    with pytest.raises(DataError, match="one for each trial"):
        split_of(changing, target="y", groups="person")


def test_groups_of_an_estimator() -> None:
    table = users().frame
    x, y = table[["a"]], table["y"]
    options = {"network": "dense4", "epochs": 2, "validation_fraction": 0.3}
    first = ms.Classifier(**options).fit(x, y, groups=table["user"])
    named = [f"user {one}" for one in table["user"]]
    again = ms.Classifier(**options).fit(x, y, groups=named)
    assert first.loss_ == again.loss_
    assert any(one.what == "groups" for one in first.decisions_)
    with pytest.raises(DataError, match="one for each of the 240 rows"):
        ms.Regressor(**options).fit(x, np.arange(240.0), groups=[1, 2])
