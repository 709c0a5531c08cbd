"""Default runs that try other ways: what is tried, how it is judged, what is taken and told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.data import Rows
from misstep.modeling import Decisions, Plan
from misstep.modeling.choice import (
    AS_PLANNED,
    FEWEST_JUDGED,
    LEARNED_SHARE,
    Contest,
    Tried,
    choose,
    contest_of,
)
from misstep.modeling.plans import Candidate
from misstep.nn.losses import SquaredError
from misstep.optim import AdamW


def noise(rows: int, features: int = 4, seed: int = 0) -> Rows:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, features)).astype("float32")
    y = (x[:, 0] + generator.normal(size=rows)).astype("float32")
    return Rows(x, y)


def plan(*layers: ms.nn.Module, rate: float = 0.01, **more: Any) -> Plan:
    return Plan(ms.Sequential(*layers), SquaredError(), AdamW(rate), 16, 30, 8, **more)


def contest(rows: Rows, validation: Rows | None = None, groups: Any = None) -> Contest:
    groups = np.arange(len(rows)) if groups is None else groups
    empty = Rows(np.empty((0, rows.x.shape[1]), "float32"), np.empty(0, "float32"))
    found = contest_of(rows, validation or empty, groups, 16, seed=3, threads=1, shuffle=True)
    assert found is not None
    return found


def test_trials_learn_from_some_rows_and_are_judged_on_the_others() -> None:
    rows, validation = noise(300), noise(30, seed=1)
    found = contest(rows, validation)
    assert len(found.learned) == int(LEARNED_SHARE * 300) // 16 * 16
    learned = {row.tobytes() for row in found.learned.x}
    judged = {row.tobytes() for row in found.judged.x}
    assert not learned & judged
    assert {row.tobytes() for row in validation.x} <= judged
    groups = np.arange(300) // 30
    grouped = contest(rows, groups=groups)
    of = {row.tobytes(): group for row, group in zip(rows.x, groups, strict=True)}
    apart = [{of[row.tobytes()] for row in part.x} for part in (grouped.learned, grouped.judged)]
    assert not apart[0] & apart[1]


def test_weights_count_as_in_training() -> None:
    rows = noise(300)
    weights = np.where(np.arange(300) % 2 == 0, 3.0, 1.0)
    found = contest(Rows(rows.x, rows.y, weights), noise(30, seed=1))
    assert found.judged.weights is not None
    tried = found.tried("it", plan(ms.Dense(1), rate=0.05), 20)
    trainer = plan(ms.Dense(1), rate=0.05).trainer(found.seed, 1)
    learned = found.learned
    trainer.fit(learned.x, learned.y.reshape(-1, 1), sample_weight=learned.weights, epochs=20)
    errors = (trainer.predict(found.judged.x).reshape(-1) - found.judged.y) ** 2
    mean = np.average(errors, weights=found.judged.weights)
    assert tried.loss == pytest.approx(float(mean), rel=1e-4)


def test_too_few_rows_are_not_tried_on() -> None:
    rows = noise(FEWEST_JUDGED)
    none = rows.take(np.arange(0))
    groups = np.arange(len(rows))
    assert contest_of(rows, none, groups, 16, seed=0, threads=1, shuffle=True) is None


def test_a_trial_is_the_training_on_its_rows_bit_for_bit() -> None:
    found, own = contest(noise(200)), plan(ms.Dense(4), ms.Tanh(), ms.Dense(1))
    tried = found.tried("it", own, 5)
    trainer = own.trainer(found.seed, 1)
    x, y = found.learned.x, found.learned.y.reshape(-1, 1)
    trainer.fit(x, y, epochs=5)
    errors = trainer.predict(found.judged.x).reshape(-1).astype("float64") - found.judged.y
    np.testing.assert_allclose(tried.losses, errors**2, rtol=1e-5)
    assert tried.loss == pytest.approx(float((errors**2).mean()), rel=1e-5)


def test_differences_pair_row_by_row() -> None:
    losses = np.random.default_rng(0).exponential(size=(2, 50))
    one, other = (Tried("", each, 1) for each in losses)
    differences = losses[0] - losses[1]
    differences = np.clip(differences, *np.quantile(differences, [0.005, 0.995]))
    expected = differences.mean() / (differences.std(ddof=1) / math.sqrt(50))
    assert one.behind(other) == pytest.approx(expected)
    assert one.behind(one) == 0
    one.losses[7] += 1e6  # a single row does not decide
    assert abs(one.behind(other) - expected) < 2
    failed = Tried("", np.full(50, math.inf), 1)
    assert failed.behind(one) == math.inf
    assert one.behind(failed) == -math.inf
    assert failed.behind(failed) == 0


def chosen(rows: Rows, candidates: Mapping[str, tuple[Plan, float]], **more: Any) -> Any:
    """Return what is chosen among an own plan that learns nothing much and others."""
    own = plan(ms.Dense(4), ms.Tanh(), ms.Dense(1), rate=more.pop("rate", 1e-5))
    plans = {None: own} | {label: one for label, (one, _) in candidates.items()}
    own = plan(
        *own.module.layers,
        rate=own.optimizer.learning_rate,
        candidates=[
            Candidate(label, {"which": label}, cheap=True, margin=margin)
            for label, (_, margin) in candidates.items()
        ],
    )
    decisions = Decisions()
    found = choose(own, lambda values: plans[values.get("which")], contest(rows), decisions)
    return found, [one.choice for one in decisions.made], [one.reason for one in decisions.made]


def test_a_candidate_is_taken_where_it_is_better_beyond_noise() -> None:
    line = plan(ms.Dense(1), rate=0.03)
    found, choices, reasons = chosen(noise(600), {"a line": (line, 1.0)})
    assert found.hyperparameters == {"which": "a line"}
    assert choices[0].startswith(f"{AS_PLANNED}, 4 epochs: not taken")
    assert choices[1] == "a line, 30 epochs: taken"
    assert "standard errors better than" in reasons[1]
    told = {each["label"]: each["loss"] for each in found.facts["tried"] if each["epochs"] == 30}
    assert f"its loss is {told['a line']:.4g}," in reasons[1]
    assert found.facts["judged"] == 200


def test_the_plan_stays_where_a_candidate_is_not_certainly_better() -> None:
    same = plan(ms.Dense(4), ms.Tanh(), ms.Dense(1), rate=1e-9)
    found, choices, _ = chosen(noise(600), {"the same": (same, 1.0)})
    assert found.hyperparameters == {}
    assert choices[1].endswith("not taken")
    line = plan(ms.Dense(1), rate=0.03)
    found, _, _ = chosen(noise(600), {"a line": (line, 1e6)})
    assert found.hyperparameters == {}


def test_a_candidate_that_fails_is_not_taken() -> None:
    wild = plan(ms.Dense(4), ms.ReLU(), ms.Dense(1), rate=1e30)
    found, choices, reasons = chosen(noise(300), {"wild": (wild, 1.0)})
    assert found.hyperparameters == {}
    assert choices[1].endswith("not taken")
    assert "worse" in reasons[1]


@pytest.fixture(scope="module")
def line_rows() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(5)
    x = generator.normal(size=(330, 12))
    chances = 1 / (1 + np.exp(-x @ generator.normal(size=12) * 0.5))
    return x, generator.random(330) < chances


def tried_in(estimator: Any) -> list[str]:
    return [one.choice for one in estimator.decisions_ if one.what == "tried"]


def test_a_default_run_takes_a_line_where_that_is_better(
    line_rows: tuple[np.ndarray, np.ndarray],
) -> None:
    x, y = line_rows
    fitted = ms.Classifier(random_state=3).fit(x, y)
    assert any(
        one.startswith("a linear model") and one.endswith(": taken") for one in (tried_in(fitted))
    )
    assert [type(one).__name__ for one in fitted.network_.module.layers] == ["Dense"]
    # What was chosen stands in the record, and plans the same without a trial.
    facts = fitted._run.record.description.preparation["trials"]
    again = ms.Classifier(random_state=3, hyperparameters=facts["hyperparameters"]).fit(x, y)
    assert tried_in(again) == []
    np.testing.assert_array_equal(again.predict(x), fitted.predict(x))
    # And on two threads, all of it is the same, bit for bit.
    other = ms.Classifier(random_state=3, threads=2).fit(x, y)
    assert tried_in(other) == tried_in(fitted)
    np.testing.assert_array_equal(other.predict(x), fitted.predict(x))


@pytest.mark.parametrize(
    "asked",
    [
        {"network": "dense4"},
        {"epochs": 1},
        {"learning_rate": 0.01, "patience": 1},
        {"hyperparameters": {"units": 16}},
    ],
)
def test_what_is_asked_for_is_not_tried_against(
    line_rows: tuple[np.ndarray, np.ndarray], asked: dict[str, Any]
) -> None:
    x, y = line_rows
    assert tried_in(ms.Classifier(**{"epochs": 1, **asked}).fit(x[:120], y[:120])) == []


def test_rows_that_come_in_parts_are_not_tried_on(line_rows: tuple[np.ndarray, np.ndarray]) -> None:
    assert tried_in(ms.Classifier().partial_fit(*line_rows, classes=[False, True])) == []


def test_without_validation_rows_the_rows_set_apart_judge_alone(
    line_rows: tuple[np.ndarray, np.ndarray],
) -> None:
    x, y = line_rows
    fitted = ms.Classifier(validation_fraction=0).fit(x, y)
    reasons = [one.reason for one in fitted.decisions_ if one.what == "tried"]
    assert "on 110 rows, after 208 others were learned from" in reasons[0]
