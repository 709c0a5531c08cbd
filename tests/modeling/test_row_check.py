"""Rows whose answers are wrong, planted and named; near copies; nothing where all is right."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

import misstep as ms
from misstep.data import Images
from misstep.data.table.matrix import Matrix
from misstep.data.table.table import read_table
from misstep.doctor import examine
from misstep.doctor.rules.label_errors import CRITICAL, NOTE
from misstep.errors import DataError
from misstep.estimators.reading import class_target, number_target
from misstep.ir import Array
from misstep.modeling import Options, TaskName, weighted_examples
from misstep.modeling import out_of_fold_answers as judging
from misstep.modeling.modalities import Modality
from misstep.modeling.pipeline import recognize
from misstep.modeling.row_check import RowCheck, check_rows
from misstep.record import Record


def matrix(x: Array, y: Array, weights: Array | None = None) -> Modality:
    """Return rows of plain numbers, as an estimator holds them."""
    data = Matrix(np.asarray(x, np.float64))
    if y.dtype.kind == "f":
        examples = weighted_examples(data, y, number_target(y, len(y)), weights)
    else:
        target = class_target(y, np.unique(y), len(y))
        examples = weighted_examples(data, y, target, weights)
    return recognize(data, Options(), examples)


def flipped(y: Array, share: float, seed: int = 0) -> Array:
    random, classes = np.random.default_rng(seed), int(y.max()) + 1
    wrong = random.choice(len(y), round(share * len(y)), replace=False)
    changed = y.copy()
    changed[wrong] = (y[wrong] + random.integers(1, classes, len(wrong))) % classes
    return changed


def slugs(check: RowCheck) -> dict[str, str]:
    record = Record({})
    check.add_to(record)
    return {one.slug: one.severity.value for one in examine(record).findings}


def test_answers_made_wrong_are_named_in_digits() -> None:
    x, y = load_digits(return_X_y=True)
    given = flipped(y, 0.1)
    check = check_rows(matrix(x, given), seconds=1)
    wrong = given != y
    first = [one.row for one in check.suspects[: round(0.05 * len(y))]]
    assert wrong[first].mean() >= 0.9
    assert check.lapses is not None
    assert check.lapses.least > CRITICAL
    named = [one.row for one in check.suspects[: check.named]]
    assert check.named > 100
    assert check.expected_precision == pytest.approx(wrong[named].mean(), abs=0.12)
    one = check.suspects[0]
    assert (one.given, one.suggested) == (given[one.row], y[one.row])
    assert slugs(check) == {"label-errors": "critical"}


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_digits])
def test_sets_as_they_are_raise_no_alarm(load: Callable[..., Any]) -> None:
    x, y = load(return_X_y=True)
    check = check_rows(matrix(x[:800], y[:800]), seconds=1)
    assert check.lapses is not None
    assert check.lapses.least < NOTE
    assert check.named == 0
    assert slugs(check) == {}


def test_numbers_far_from_all_others_are_named_by_their_row() -> None:
    x, y = load_diabetes(return_X_y=True)
    given = y.astype(np.float64)
    wrong = np.arange(7, 442, 20)
    given[wrong] *= 10
    check = check_rows(matrix(x, given), seconds=5)
    named = {one.row for one in check.suspects[: check.named]}
    assert named <= set(wrong.tolist())
    assert len(named) >= 0.8 * len(wrong)
    first = check.suspects[0]
    assert first.given == given[first.row]
    assert "label-errors" in slugs(check)
    clean = check_rows(matrix(x, y.astype(np.float64)), seconds=5)
    assert slugs(clean) == {}


def test_rows_of_a_file_are_numbered_as_people_count(tmp_path: Path) -> None:
    x, y = load_iris(return_X_y=True)
    frame = pandas.DataFrame(x, columns=list("abcd"))
    frame["kind"] = np.array(["one", "two", "three"])[y]
    frame.loc[20, "kind"] = "three"
    path = tmp_path / "flowers.csv"
    frame.to_csv(path, index=False)
    check = check_rows(recognize(read_table(path), Options(target="kind")), seconds=5)
    assert check.counted_from == 1
    one = check.suspects[0]
    assert (one.row, one.name, one.given, one.suggested) == (21, "row 21", "three", "one")
    out = tmp_path / "suspect-rows.csv"
    check.write(out)
    with out.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert lines[0]["row"] == "21"
    assert lines[0]["suggested"] == "one"
    assert len(lines) == len(check.suspects)
    outcomes = check.outcomes()
    assert outcomes["out-of-fold"]["file"] == str(out)
    json.dumps(outcomes, allow_nan=False)


def test_heavy_rows_are_judged_once() -> None:
    x, y = load_iris(return_X_y=True)
    weights = np.ones(len(y))
    weights[:30] = 3
    check = check_rows(matrix(x, y, weights), seconds=5)
    assert check.judged == 150
    assert len({one.row for one in check.suspects}) == len(check.suspects)


def test_noisy_copies_across_the_split_are_named_in_pairs() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(300, 6))
    y = (x[:, 0] > 0).astype(int)
    copies = x[:150] + 1e-2 * random.normal(size=(150, 6))
    modality = matrix(np.concatenate([x, copies]), np.concatenate([y, y[:150]]))
    check = check_rows(modality, seconds=1)
    assert check.copies is not None
    assert check.copies.near > 0.3 * check.judged_by
    assert all(abs(row - twin) == 300 for row, twin in check.copy_pairs)
    record = ms.Trainer(ms.Dense(2), loss=ms.CrossEntropy()).start_record(x, y)
    check.add_to(record)
    (finding,) = [one for one in examine(record).findings if one.slug == "leakage"]
    assert "nearly equal rows" in finding.symptom
    assert finding.facts["rows_counted_from"] == 0


def test_texts_are_judged_by_their_words() -> None:
    random = np.random.default_rng(0)
    words = np.array(["sun", "rain", "snow", "wind", "and", "the", "of", "a", "in", "on"])
    label = random.integers(0, 2, 300)
    texts = [
        " ".join(random.choice(words[4:], 8)) + (" sun " if one else " snow ") for one in label
    ]
    given = flipped(label, 0.1)
    frame = pandas.DataFrame({"text": texts, "kind": np.array(["cold", "warm"])[given]})
    frame["text"] += [f" number {row}" for row in range(300)]
    check = check_rows(recognize(read_table(frame), Options(target="kind")), seconds=5)
    named = [one.row - 1 for one in check.suspects[: check.named]]
    assert len(named) >= 20
    assert (given != label)[named].mean() > 0.9


def test_ctrl_c_keeps_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = load_digits(return_X_y=True)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(judging.TreeJudge, "learn", stop)
    check = check_rows(matrix(x, flipped(y, 0.1)))
    assert check.judged == len(y)
    assert check.notes == ["interrupted"]
    monkeypatch.setattr(judging.LinearJudge, "learn", stop)
    check = check_rows(matrix(x, y))
    assert check.judged == 0


def test_progress_goes_from_nothing_to_all() -> None:
    x, y = load_iris(return_X_y=True)
    shares: list[float] = []
    check_rows(matrix(x, y), seconds=5, progress=lambda share, words: shares.append(share))
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_a_series_has_no_rows_with_answers(tmp_path: Path) -> None:
    dates = pandas.date_range("2020-01-01", periods=60)
    frame = pandas.DataFrame({"date": dates, "sales": np.arange(60.0)})
    modality = recognize(read_table(frame), Options(target="sales", task=TaskName.FORECAST))
    with pytest.raises(DataError, match="rows with an answer each"):
        check_rows(modality)


def test_images_are_judged_by_their_patches() -> None:
    x, y = load_digits(return_X_y=True)
    given = flipped(y[:400], 0.1)
    pixels = (x[:400].reshape(-1, 8, 8) * 15).astype(np.uint8)
    target = class_target(given, np.unique(given), 400)
    data = Images.alone(pixels, given)
    check = check_rows(recognize(data, Options(), weighted_examples(data, given, target)))
    first = [one.row for one in check.suspects[:20]]
    assert (given != y[:400])[first].mean() >= 0.9
