"""What a person chose is not searched; what the plan takes by itself need not be said again."""

from __future__ import annotations

import signal

import pytest

from misstep.modeling import Options, train
from misstep.tuning import TrialResult, Tuning, tune

# Little is left open, so that few programs are made.
CHOSEN = {"weight_decay": 0.025, "batch_size": 16}
OPTIONS = Options(network="dense4", epochs=3, hyperparameters=CHOSEN)


@pytest.fixture(scope="module")
def tuning() -> Tuning:
    return tune("iris", OPTIONS, trials=5)


def test_what_a_person_chose_stays(tuning: Tuning) -> None:
    assert {one.hyperparameters["weight_decay"] for one in tuning.trials} == {0.025}
    assert len({one.hyperparameters["learning_rate"] for one in tuning.trials}) == 5
    assert (tuning.options.hyperparameters or {})["weight_decay"] == 0.025


def test_options_without_what_the_plan_takes_anyway_train_the_same(tuning: Tuning) -> None:
    best = tuning.best
    assert tuning.paid
    assert len(tuning.options.hyperparameters or {}) <= len(best.hyperparameters)
    short = train("iris", tuning.options)
    losses = [epoch["validation_loss"] for epoch in short.run.history]
    assert min(losses) == best.validation_loss


def test_an_interrupted_search_says_so() -> None:
    def interrupt(result: TrialResult) -> None:
        if result.number == 1:
            signal.raise_signal(signal.SIGINT)

    tuning = tune("iris", OPTIONS, trials=9, on_trial=interrupt)
    assert tuning.interrupted
    assert tuning.plain()["interrupted"] is True
    assert sum(one.state == "complete" for one in tuning.trials) == 2
