"""Probing: the most telling experiments first, within a budget, and nothing but events left."""

from __future__ import annotations

import numpy as np
import pytest

import misstep as ms
from misstep.doctor import Evidence
from misstep.trials import Experiment, Outcome, probe, registered_experiments, setting_of

generator = np.random.default_rng(6)
X = generator.normal(size=(80, 3)).astype("float32")
Y = (X[:, :1] * X[:, 1:2] + X[:, 2:]).astype("float32")


def trained(rate: float = 1e-6, epochs: int = 10) -> tuple[ms.Trainer, ms.train.Run]:
    network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(1))
    trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(rate), seed=1)
    return trainer, trainer.fit(X, Y, epochs=epochs)


def test_what_it_shows_stands_in_a_record_of_its_own() -> None:
    trainer, run = trained()
    assert run.record is not None
    before, weights = list(run.record.events), trainer.network.parameters.copy()
    seen: list[str] = []
    done = probe(
        setting_of(run.record, trainer, X, Y, budget=60.0),
        run.record,
        on_experiment=lambda experiment: seen.append(experiment.name),
        on_outcome=lambda outcome: seen.append(f"{outcome.name}: {outcome.words}"),
    )
    assert run.record.events == before
    np.testing.assert_array_equal(trainer.network.parameters, weights)
    assert done.diagnosis.findings[0].slug == "learning-rate-too-low"
    assert done.diagnosis.findings[0].is_confirmed
    assert [f"{one.name}: {one.words}" for one in done.outcomes] == [
        line for line in seen if ":" in line
    ]
    events = [event for event in done.record.events if event["kind"] == "experiment"]
    assert [event["name"] for event in events] == [one.name for one in done.outcomes]
    assert Evidence(done.record).support("learning-rate-too-low") > 0.5
    assert len(done.outcomes) + len(done.not_run) == len(registered_experiments())
    assert all(one.because for one in done.not_run)
    tried = done.diagnosis.experiments
    assert list(tried) == [one.name for one in done.outcomes]
    assert "speaks for learning-rate-too-low" in str(done.diagnosis)


def test_what_open_hypotheses_name_comes_first() -> None:
    trainer, run = trained()
    assert run.record is not None
    done = probe(setting_of(run.record, trainer, X, Y, budget=60.0), run.record)
    first = [one.name for one in done.outcomes[:2]]
    # Whatever the clock said, these two are cheap and come first.
    assert first == ["rate-range", "higher-rate"]


def test_the_budget_is_kept_and_what_was_left_out_is_said() -> None:
    trainer, run = trained()
    assert run.record is not None
    done = probe(setting_of(run.record, trainer, X, Y, budget=1e-3), run.record)
    reasons = {one.because for one in done.not_run}
    assert any("seconds are over" in reason or "it would take" in reason for reason in reasons)
    assert len(done.outcomes) <= 1


def test_ctrl_c_ends_it_with_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, run = trained()
    assert run.record is not None
    names = []

    def stop(outcome: Outcome) -> None:
        names.append(outcome.name)

    def break_off(experiment: Experiment) -> None:
        if len(names) == 2:
            raise KeyboardInterrupt

    done = probe(
        setting_of(run.record, trainer, X, Y, budget=60.0),
        run.record,
        on_experiment=break_off,
        on_outcome=stop,
    )
    assert done.interrupted
    assert len(done.outcomes) == 2
    assert done.diagnosis.findings[0].slug == "learning-rate-too-low"
    assert "you ended probing" in {one.because for one in done.not_run}


def test_a_trainer_is_probed_by_itself() -> None:
    trainer, _ = trained(rate=3.0)
    diagnosis = ms.probe(trainer, X, Y, validation=(X, Y), budget=60)
    assert diagnosis.findings[0].slug == "learning-rate-too-high"
    plain = diagnosis.plain()
    assert plain["experiments"]["lower-rate"].startswith("the same updates at lower")
    assert any("range test" in one for one in plain["findings"][0]["experiments"])


def test_the_same_run_is_probed_to_the_same_numbers() -> None:
    outcomes = []
    for _ in range(2):
        trainer, run = trained(epochs=5)
        assert run.record is not None
        done = probe(setting_of(run.record, trainer, X, Y, budget=1e4), run.record)
        outcomes.append([one.plain() for one in done.outcomes if one.name == "higher-rate"])
    assert outcomes[0] == outcomes[1]
    assert outcomes[0]


def test_a_run_that_learned_stays_without_findings() -> None:
    trainer, _ = trained(rate=0.02, epochs=100)
    assert [one.slug for one in ms.probe(trainer, X, Y, budget=6).findings] == []


def test_what_can_not_be_probed_is_refused() -> None:
    trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError())
    with pytest.raises(ms.NotFittedError, match="a training that was watched"):
        ms.probe(trainer, X, Y)
    trainer.fit(X, Y, epochs=1, watch=False)
    with pytest.raises(ms.NotFittedError, match="watch=False"):
        ms.probe(trainer, X, Y)
    trainer.fit(X, Y, epochs=1)
    with pytest.raises(ms.ArgumentError, match="budget"):
        ms.probe(trainer, X, Y, budget=0)
