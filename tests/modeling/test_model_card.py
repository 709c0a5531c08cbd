"""A model card: its numbers are those of the model, and what is not known is said to be so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import misstep as ms
from misstep.data import read_table
from misstep.modeling import FitResult, Options, save_model, train
from misstep.modeling.confidence import wilson_interval
from misstep.modeling.judgment_facts import judgment_facts
from misstep.text.figures import percent

RANDOM = np.random.default_rng(0)
SIZE = RANDOM.normal(size=240)


@pytest.fixture(scope="module")
def classes() -> FitResult:
    kinds = np.where(SIZE > 0.4, "la|rge", "small")
    table = read_table({"size": SIZE, "noise": RANDOM.normal(size=240), "kind": kinds})
    return train(table, Options(target="kind", epochs=2, network="dense4"))


@pytest.fixture(scope="module")
def numbers() -> FitResult:
    table = read_table({"size": SIZE, "price": SIZE * 100 + RANDOM.normal(size=240)})
    return train(table, Options(target="price", epochs=2, network="dense4"))


def test_scores_of_classes_are_those_of_the_test_rows(classes: FitResult, tmp_path: Path) -> None:
    held = classes.held_out
    assert held is not None
    said = held.outputs.argmax(axis=1)
    table = [[int(((held.answers == a) & (said == b)).sum()) for b in (0, 1)] for a in (0, 1)]
    assert classes.model.facts["judgment"]["confusion"] == table
    classes_model = classes.model
    path = tmp_path / "model.misstep"
    save_model(classes_model, path)
    text = ms.load_model(path).card("kinds", license_name="CC0 1.0")
    assert text == classes_model.card("kinds", license_name="CC0 1.0")
    assert "license: cc0-1.0" in text
    share = float((said == held.answers).mean())
    lower, upper = wilson_interval(int((said == held.answers).sum()), len(said))
    assert f"| test | accuracy | {percent(share)} | {percent(lower)} to {percent(upper)} |" in text
    for number, label in enumerate(("la\\|rge", "small")):
        there, right = sum(table[number]), table[number][number]
        assert f"| {label} | {there:,} | " in text
        assert f" | {percent(right / there)} | " in text
    assert f"- judged on (test): {len(said)} rows" in text
    assert f"(validation): {classes.model.facts['judgment']['validation_rows']}" in text


def test_intervals_of_errors_hold_the_errors_of_other_tests(numbers: FitResult) -> None:
    ends = numbers.model.facts["judgment"]["intervals"]
    scores = numbers.scores["test"]
    for name in ("mae", "rmse"):
        assert ends[name][0] < scores[name] < ends[name][1]
    # 400 tests of 200 rows each, of errors whose true mean is known: 1 of |N(0, 1)| is √(2/π).
    target, inside = numbers.model.target, 0
    for _ in range(400):
        errors = RANDOM.normal(size=200) ** 2
        facts = judgment_facts(errors, errors, errors, target, 0)
        lower, upper = facts["intervals"]["mae"]
        inside += lower <= np.sqrt(2 / np.pi) <= upper
    assert 0.92 <= inside / 400 <= 0.98


def test_wilsons_interval_holds_the_true_share_in_95_of_100_tests() -> None:
    # By the text-book: 15 of 20 is 0.531 to 0.888.
    assert wilson_interval(15, 20) == pytest.approx((0.5313, 0.8881), abs=2e-4)
    right = RANDOM.binomial(60, 0.8, size=2000)
    held = [low <= 0.8 <= high for low, high in (wilson_interval(int(r), 60) for r in right)]
    assert 0.93 <= np.mean(held) <= 0.975


def test_what_is_not_known_is_said(tmp_path: Path) -> None:
    x, path = RANDOM.normal(size=(40, 2)), tmp_path / "model.misstep"
    ms.Classifier("dense4", epochs=1).fit(x, x[:, 0] > 0).save(path)
    text = ms.load_model(path).card()
    assert "license: unknown" in text
    assert "No rows were kept apart to judge it" in text
    assert "trained with misstep: not known" in text
    assert "command: not known" in text
