"""How long to train on images: what counts as learned, and where that ends training early."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from misstep.data import Images
from misstep.ir import Graph, Interpreter, make_literal
from misstep.modeling import Decision, FitResult, Options, Walk, recognize
from misstep.modeling.budget import Pace
from misstep.modeling.modalities import ImageModality
from misstep.modeling.plans.images import LEARNED_SHARE, RISE, learned_loss
from misstep.nn.losses import BinaryCrossEntropy, CrossEntropy, Loss, SquaredError
from misstep.optim import EarlyDecay, OneCycle
from misstep.train import Cause


def _value(loss: Loss, raw: Any, y: Any) -> float:
    numbers = np.asarray(raw, "float64")
    answers = np.asarray(y, "float64" if isinstance(loss, BinaryCrossEntropy) else "int64")
    value = loss(make_literal(numbers, "float64"), make_literal(answers, str(answers.dtype)))
    return float(Interpreter(Graph({"loss": value}, [])).run({})["loss"])


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.3])
def test_what_is_left_lies_between_the_least_loss_and_a_guess(
    classes: int, smoothing: float
) -> None:
    """The least loss is looked for among logits of the right class."""
    loss: Loss = CrossEntropy(smoothing=smoothing)
    logits = np.linspace(0, 20, 201)
    outputs, guess = classes, np.zeros((1, classes))
    raws = [np.r_[logit, np.zeros(classes - 1)][None] for logit in logits]
    answers: Any = [0]
    if classes == 2:
        loss = BinaryCrossEntropy(smoothing=smoothing)
        outputs, guess, answers = 1, np.zeros((1, 1)), [[1]]
        raws = [np.array([[logit]]) for logit in logits]
    least = min(_value(loss, raw, answers) for raw in raws)
    expected = least + LEARNED_SHARE * (_value(loss, guess, answers) - least)
    assert learned_loss(loss, outputs) == pytest.approx(expected, abs=1e-3)


def test_no_other_loss_is_known_to_be_low() -> None:
    assert learned_loss(SquaredError(), 3) is None


def _images(rows: int = 120, side: int = 8) -> Images:
    """Return images whose class can be seen at a glance."""
    y = np.arange(rows) % 2
    x = np.random.default_rng(0).integers(0, 40, (rows, side, side)).astype("uint8")
    x[y == 1, 2:6, 2:6] += 200
    return Images(x, y, x[:0], y[:0])


def _train(**asked: Any) -> FitResult:
    usual: dict[str, Any] = {"network": "conv8-bn-relu-pool-dense16", "threads": 1}
    walk = Walk(recognize(_images(), Options(**usual | asked)))
    for _ in walk:
        pass
    return walk.result


def _decision(result: FitResult, what: str) -> Decision:
    return next(each for each in result.decisions if each.what == what)


def test_what_is_seen_at_a_glance_ends_early_and_the_same_each_time() -> None:
    result = _train()
    run = result.run
    assert run.ending.cause is Cause.LEARNED
    learned = run.epochs // 2
    said = _decision(result, "epochs")
    assert said.choice == "at most 120; the last weights are kept"
    loss = float(said.reason.split("below ")[1].split(",")[0])
    assert run.losses[learned - 1] <= loss * 1.001
    assert min(run.losses[12 : learned - 1], default=1.0) > loss * 0.999
    assert run.best_epoch is None
    assert result.scores["test"]["accuracy"] == 1.0
    again = _train(threads=2)
    np.testing.assert_array_equal(result.model.network.parameters, again.model.network.parameters)


def test_who_asks_for_epochs_gets_them_all() -> None:
    run = _train(epochs=40, patience=40).run
    assert run.ending.cause is Cause.EPOCHS_DONE
    assert run.epochs == 40


def test_minutes_too_few_for_all_are_a_plain_cycle(monkeypatch: pytest.MonkeyPatch) -> None:
    pace = Pace(update=0.1, updates=3, validation=0.0)
    monkeypatch.setattr("misstep.modeling.budget.measured_pace", lambda *_: pace)
    timed = _train(minutes=0.2)
    epochs = timed.run.epochs
    assert timed.run.ending.cause is Cause.EPOCHS_DONE
    assert epochs == int(_decision(timed, "time").choice.split()[0])
    assert timed.trainer.schedule == OneCycle(RISE)
    asked = _train(epochs=epochs, patience=epochs)
    np.testing.assert_array_equal(timed.model.network.parameters, asked.model.network.parameters)
    ample = _train(minutes=10.0)
    assert isinstance(ample.trainer.schedule, EarlyDecay)
    assert ample.run.ending.cause is Cause.LEARNED


def test_a_run_that_goes_on_within_minutes_keeps_its_schedule(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pace = Pace(update=0.1, updates=3, validation=0.0)
    monkeypatch.setattr("misstep.modeling.budget.measured_pace", lambda *_: pace)
    first = _train(minutes=0.1, folder=tmp_path)
    again = _train(minutes=0.5, folder=tmp_path, resume=True)
    assert again.run.epochs == first.run.epochs
    assert _decision(again, "time").reason.startswith("so many were decided on")


@pytest.mark.parametrize(
    ("rows", "augment", "ends_early"),
    [(10_000, "none", True), (20_000, "none", False), (10_000, "mixup", False)],
)
def test_short_plans_and_mixed_images_are_not_ended_early(
    rows: int, augment: str, ends_early: bool
) -> None:
    modality = recognize(_images(), Options(network="gap", augment=augment))
    assert isinstance(modality, ImageModality)
    prepared = modality.prepare(modality.split())
    planner = replace(modality.planner(prepared), rows=rows)
    schedule = modality.plan_network(planner, prepared).schedule
    assert isinstance(schedule, EarlyDecay) == ends_early
