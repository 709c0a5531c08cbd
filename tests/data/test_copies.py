"""Copies are found whatever was rounded, respelled or renumbered; twins by chance are no copies."""

from __future__ import annotations

import io

import numpy as np
import pandas
import pytest
from PIL import Image

from misstep.data import Images, Matrix, Sequences, Table, split_rows
from misstep.data.copies import Copies, copies_among

RANDOM = np.random.default_rng(0)


def of_table(**columns: object) -> Copies:
    return copies_among(Table(pandas.DataFrame(columns)).traits())


def of_numbers(values: object) -> Copies:
    return copies_among(Matrix(np.asarray(values, np.float64)).traits())


def halves_agree(copies: Copies) -> bool:
    half = len(copies.groups) // 2
    return bool((copies.groups[:half] == copies.groups[half:]).all())


@pytest.mark.parametrize(
    "again",
    [
        lambda x: x,
        lambda x: np.array([[float(f"{value:.4g}") for value in row] for row in x]),
        lambda x: x.astype(np.float32),
        lambda x: x * (1 + 5e-5),
    ],
    ids=["equal", "four digits", "single precision", "last digits"],
)
def test_numbers_up_to_rounding(again: object) -> None:
    x = RANDOM.lognormal(size=(200, 5)) * 100
    copies = of_numbers(np.concatenate([x, again(x)]))  # type: ignore[operator]
    assert copies.rows == 400
    assert copies.different == 200
    assert halves_agree(copies)
    assert not copies.natural


def test_one_column_of_many_digits() -> None:
    copies = of_numbers(np.repeat(RANDOM.random((150, 1)).round(6), 5, axis=0))
    assert (copies.rows, copies.natural) == (750, False)
    assert 145 <= copies.different <= 150


@pytest.mark.parametrize("columns", [1, 2, 6, 20])
def test_measurements_have_no_copies(columns: int) -> None:
    assert of_numbers(RANDOM.normal(size=(3000, columns))).rows == 0


def test_few_values_meet_by_chance() -> None:
    assert of_numbers(RANDOM.integers(0, 2, (1000, 3))).natural
    mood = RANDOM.integers(0, 2, (1000, 1))
    assert of_numbers(np.where(RANDOM.random((1000, 20)) < 0.95, mood, 1 - mood)).natural
    store = RANDOM.integers(0, 45, 3000)
    size = RANDOM.integers(1000, 9999, 45)[store]
    copies = of_table(store=store, size=size, sort=size % 3, day=RANDOM.integers(0, 7, 3000))
    assert copies.natural
    assert of_numbers(RANDOM.integers(0, 3000, (300, 1))).natural
    # The same answers to twenty questions, three times over, are no chance.
    questions = np.repeat(RANDOM.integers(1, 6, (200, 20)), 3, axis=0)
    assert not of_numbers(questions).natural


def test_infinite_values_are_left_to_others() -> None:
    x = RANDOM.normal(size=(40, 2))
    x[3, 1], x[7, 0] = np.inf, -np.inf
    assert of_numbers(np.concatenate([x, x])).different == 40


def test_words_up_to_case_and_punctuation() -> None:
    texts = [f"The {a} sat on the {b}." for a in "abcdefghij" for b in "klmnopqrst"]
    again = [text.upper().replace(" ", "  ").strip(".") + "!" for text in texts]
    copies = of_table(text=texts + again)
    assert (copies.rows, copies.different, copies.natural) == (200, 100, False)
    assert halves_agree(copies)
    assert of_table(grade=["C", "C+", "C++", "c#", "-", "+"]).different == 6


def test_numberings_and_missing_values() -> None:
    x = RANDOM.normal(size=60)
    x[::7] = np.nan
    words = ["red", None, "green"] * 20
    order = RANDOM.permutation(120)
    copies = of_table(nr=order + 1, x=np.tile(x, 2), word=words * 2)
    assert copies.rows == 120
    assert halves_agree(copies)
    table = Table(pandas.DataFrame({"key": [f"k{i}" for i in range(120)], "x": np.tile(x, 2)}))
    assert copies_among(table.traits()).rows == 0
    assert copies_among(table.traits({"key"})).rows >= 102


def test_images_compressed_and_brightened() -> None:
    small = RANDOM.integers(0, 256, (40, 3, 3, 3)).astype(np.uint8)
    images = np.stack([np.asarray(Image.fromarray(one).resize((32, 32))) for one in small])
    again = []
    for one in images:
        file = io.BytesIO()
        Image.fromarray(one).save(file, "JPEG", quality=75)
        again.append(np.asarray(Image.open(file)))
    lighter = np.clip(images.astype(int) + 1, 0, 255).astype(np.uint8)
    for other in (np.stack(again), lighter, images):
        copies = copies_among(Images.alone(np.concatenate([images, other])).traits())
        assert copies.rows == 80
        assert copies.different == 40
        assert halves_agree(copies)
    assert copies_among(Images.alone(images).traits()).rows == 0


def test_sequences() -> None:
    values = RANDOM.normal(size=(30, 12, 2))
    values[3, 8:] = np.nan
    copies = copies_among(Sequences.of(np.concatenate([values, values.astype("f4")])).traits())
    assert copies.rows == 60
    assert halves_agree(copies)
    assert copies_among(Sequences.of(values).traits()).rows == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_groups_stay_on_one_side(seed: int) -> None:
    random = np.random.default_rng(seed)
    groups = random.zipf(1.5, 600).clip(0, 60)
    classes = random.integers(0, 3, 600)
    split = split_rows(600, classes, 0.2, 0.2, seed, groups)
    parts = [split.train, split.validation, split.test]
    assert sorted(np.concatenate(parts).tolist()) == list(range(600))
    assert sum(len(np.unique(groups[part])) for part in parts) == len(np.unique(groups))
    assert [abs(len(part) - size) < 12 for part, size in zip(parts, (360, 120, 120), strict=True)]
    for part in parts:
        assert np.abs(np.bincount(classes[part]) / len(part) - 1 / 3).max() < 0.1
    again = split_rows(600, classes, 0.2, 0.2, seed, groups.astype(str))
    assert np.array_equal(split.test, again.test)


def test_groups_of_one_change_nothing() -> None:
    classes = RANDOM.integers(0, 3, 100)
    plain = split_rows(100, classes, 0.2, 0.2, 5)
    split = split_rows(100, classes, 0.2, 0.2, 5, RANDOM.permutation(100))
    assert np.array_equal(plain.test, split.test)
    assert np.array_equal(plain.validation, split.validation)


def test_few_groups() -> None:
    split = split_rows(300, None, 0.2, 0.2, 0, np.repeat(np.arange(3), 100))
    assert [len(split.train), len(split.validation), len(split.test)] == [100, 100, 100]
    split = split_rows(100, None, 0.2, 0.2, 0, np.zeros(100))
    assert (len(split.train), split.notes != []) == (100, True)
    # The only group with a class is learned from.
    classes = np.repeat(np.arange(12) // 11, 5)
    split = split_rows(60, classes, 0.2, 0.2, 0, np.repeat(np.arange(12), 5))
    assert set(classes[split.train]) == {0, 1}


def test_numbers_without_end_are_told_apart_from_the_others() -> None:
    x = RANDOM.normal(size=(60, 2))
    x[6, 1] = np.inf
    assert of_numbers(x).rows == 0


def test_nothing_to_compare_by_makes_no_copies() -> None:
    numbered = Table(pandas.DataFrame({"place": np.arange(30)}))
    found = copies_among(numbered.traits())
    assert (found.rows, found.different) == (0, 30)
