"""Each experiment speaks for the cause that a run has, and none for a cause that it has not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.nn import Module
from misstep.trials import NotApplicableError, Outcome, Setting, registered_experiments
from misstep.trials.experiments.small_batch import small_batch
from misstep.trials.setting import Judged

generator = np.random.default_rng(5)
X = generator.normal(size=(200, 4)).astype("float32")
Y = (np.sin(2 * X[:, :1]) + X[:, 1:2] * X[:, 2:3]).astype("float32")
CLASSES = (np.arctan2(X[:, 0], X[:, 1]) > 0).astype("int64") + (X[:, 2] > 0.5)
EXPERIMENTS = {one.name: one for one in registered_experiments()}
ORDER = np.argsort(Y[:, 0])


def regression(*layers: Module, rate: float = 0.01, **settings: Any) -> ms.Trainer:
    settings = {"optimizer": ms.Adam(rate), "seed": 2} | settings
    network = ms.Sequential(*(layers or (ms.Dense(24), ms.ReLU(), ms.Dense(1))))
    return ms.Trainer(network, loss=ms.SquaredError(), **settings)


def classes(*layers: Module, rate: float = 0.01, **settings: Any) -> ms.Trainer:
    settings = {"optimizer": ms.Adam(rate), "seed": 2} | settings
    network = ms.Sequential(*(layers or (ms.Dense(24), ms.ReLU(), ms.Dense(3))))
    return ms.Trainer(network, loss=ms.CrossEntropy(), **settings)


def outcome_of(
    name: str, trainer: ms.Trainer, x: Any = X, y: Any = Y, updates: int = 150, **more: Any
) -> Outcome:
    setting = Setting.of(trainer, x, y, planned=updates, taken=updates, budget=1e4, **more)
    return EXPERIMENTS[name].run(setting)


def tried(name: str, *arguments: Any, **options: Any) -> Outcome | str:
    """Return what came of an experiment, or why it means nothing."""
    try:
        return outcome_of(name, *arguments, **options)
    except NotApplicableError as reason:
        return str(reason)


def constant(value: float) -> Any:
    return ms.initializers.Constant(value)


# Name of the experiment, slug that it must speak for, and a run that has it.
SICK: list[tuple[str, str, Callable[[], tuple[Any, ...]]]] = [
    ("lower-rate", "learning-rate-too-high", lambda: (regression(rate=3.0), X, Y)),
    ("rate-range", "learning-rate-too-high", lambda: (regression(rate=3.0), X, Y)),
    ("higher-rate", "learning-rate-too-low", lambda: (regression(rate=1e-6), X, Y)),
    ("rate-range", "learning-rate-too-low", lambda: (regression(rate=1e-6), X, Y)),
    (
        "standardized-inputs",
        "unscaled-inputs",
        lambda: (classes(ms.Dense(24), ms.Tanh(), ms.Dense(3)), 500 * X + 2000, CLASSES),
    ),
    ("standardized-target", "unscaled-target", lambda: (regression(), X, 1e4 * Y + 1e5)),
    (
        "default-initialization",
        "bad-initialization",
        lambda: (
            classes(
                ms.Dense(24, initializer=constant(0.0)),
                ms.ReLU(),
                ms.Dense(3, initializer=constant(0.0)),
            ),
            X,
            CLASSES,
        ),
    ),
    (
        "shuffled-order",
        "unshuffled",
        lambda: (regression(shuffle=False, rate=0.05), X[ORDER], Y[ORDER], 14),
    ),
    (
        "no-penalties",
        "over-regularized",
        lambda: (classes(regularizers=ms.optim.L2(1.0)), X, CLASSES),
    ),
    (
        "adam",
        "wrong-optimizer",
        lambda: (
            classes(
                *[one for _ in range(5) for one in (ms.Dense(24), ms.Sigmoid())],
                ms.Dense(3),
                optimizer=ms.SGD(0.01),
            ),
            X,
            CLASSES,
            400,
        ),
    ),
    (
        "smaller-batch",
        "batch-too-large",
        lambda: (classes(batch_size="full", optimizer=ms.SGD(0.1)), X, CLASSES, 20),
    ),
    ("longer-training", "too-few-epochs", lambda: (regression(), X, Y, 20)),
    (
        "activations-between",
        "missing-activation",
        lambda: (regression(ms.Dense(24), ms.Dense(24), ms.Dense(1)), X, Y),
    ),
    (
        "no-last-activation",
        "wrong-output",
        lambda: (regression(ms.Dense(24), ms.ReLU(), ms.Dense(1), ms.Sigmoid()), X, 3 * Y),
    ),
    (
        "other-activation",
        "dead-units",
        lambda: (
            regression(ms.Dense(24, bias_initializer=constant(-4.0)), ms.ReLU(), ms.Dense(1)),
            X,
            Y,
            1000,
        ),
    ),
    (
        "clipped-gradients",
        "exploding-gradients",
        lambda: (regression(optimizer=ms.SGD(0.3)), X, 30 * Y),
    ),
    (
        "no-clipping",
        "clipped-too-hard",
        lambda: (classes(clipping=ms.optim.ClipNorm(1e-3), optimizer=ms.SGD(0.3)), X, CLASSES),
    ),
    (
        "constant-rate",
        "schedule-ends-early",
        lambda: (regression(schedule=ms.optim.ExponentialDecay(0.01)), X, Y),
    ),
    ("wider", "underfitting", lambda: (regression(ms.Dense(2), ms.ReLU(), ms.Dense(1)), X, Y, 600)),
    (
        "small-batch",
        "wrong-output",
        lambda: (regression(ms.Dense(24), ms.ReLU(), ms.Dense(1), ms.Sigmoid()), X, 30 * Y - 90),
    ),
]


@pytest.mark.parametrize(("name", "slug", "run"), SICK, ids=[f"{a}-{b}" for a, b, _ in SICK])
def test_it_speaks_for_the_cause(name: str, slug: str, run: Callable[[], tuple[Any, ...]]) -> None:
    outcome = outcome_of(name, *run())
    assert outcome.verdicts[slug] >= 0.2, outcome.words
    assert outcome.words
    if outcome.control is not None:
        assert outcome.advice


def test_frozen_layers_are_let_go() -> None:
    network = ms.Network(ms.Sequential(ms.Dense(1), ms.Dense(24), ms.ReLU(), ms.Dense(1)), (4,))
    network.freeze("dense1", "dense2", "dense3.weight")
    trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.01))
    trainer.fit(X, Y, epochs=1)
    outcome = outcome_of("all-learning", trainer, updates=300)
    assert outcome.verdicts["parameters-not-learning"] != 0.0
    assert trainer.network.frozen == ("dense1", "dense2", "dense3.weight")


def test_answers_dealt_out_anew_tell_learning_from_knowing_by_heart() -> None:
    noise = generator.normal(size=(40, 1)).astype("float32")
    trainer = regression(ms.Dense(128), ms.ReLU(), ms.Dense(1))
    outcome = outcome_of(
        "permuted-answers", trainer, X[:40], noise, 400, validation=(X[40:], Y[40:])
    )
    assert outcome.verdicts["overfitting"] >= 0.2


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_it_speaks_for_nothing_in_a_run_that_learned(name: str) -> None:
    trainer = regression(ms.Dense(48), ms.ReLU(), ms.Dense(1))
    outcome = tried(name, trainer, updates=1500)
    if isinstance(outcome, str):
        assert outcome, "the reason"
        return
    assert max(outcome.verdicts.values()) < 0.2, outcome.words


def test_rows_are_learned_by_heart_without_what_changes_them() -> None:
    images = generator.normal(size=(40, 6, 6, 1)).astype("float32")
    layers = (ms.RandomShift(3), ms.Dropout(0.8), ms.Flatten(), ms.Dense(32), ms.ReLU())
    outcome = outcome_of("small-batch", classes(*layers, ms.Dense(3)), images, CLASSES[:40])
    assert outcome.best is not None
    assert outcome.arms[outcome.best].middle < 0.1


class Own(ms.Module):
    """A network of a person's own."""

    def __init__(self) -> None:
        self.first = ms.Dense(8)
        self.second = ms.Dense(3)

    def forward(self, x: Any) -> Any:
        return self.second(ms.tanh(self.first(x)))


ODD: list[tuple[Any, Any, Any]] = [
    (Own(), X, CLASSES),
    (ms.Dense(3), X[:2], CLASSES[:2]),
    (
        ms.Sequential(ms.Embedding(6, 4), ms.Flatten(), ms.Dense(3)),
        generator.integers(0, 6, size=(40, 3)),
        CLASSES[:40],
    ),
    (
        ms.Sequential(ms.Conv2D(3, 3), ms.BatchNorm(), ms.ReLU(), ms.Flatten(), ms.Dense(3)),
        generator.normal(size=(20, 6, 6, 1)),
        CLASSES[:20],
    ),
]


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd[0]).__name__)
def test_any_network_can_be_tried_or_it_is_said_why_not(
    name: str, odd: tuple[Any, Any, Any]
) -> None:
    module, x, y = odd
    trainer = ms.Trainer(module, loss=ms.CrossEntropy(), batch_size=8)
    outcome = tried(name, trainer, x, y, updates=4)
    if isinstance(outcome, str):
        assert outcome, "the reason"
        return
    assert set(outcome.verdicts) <= set(EXPERIMENTS[name].tells)
    assert all(-1 <= one <= 1 for one in outcome.verdicts.values())
    assert "nan" not in outcome.words


def test_experiments_are_named_as_their_files() -> None:
    for name, experiment in EXPERIMENTS.items():
        module = type(experiment).__module__.rpartition(".")[2]
        assert module.replace("_", "-") in (name, f"{name}s")
        assert experiment.tells
        assert experiment.title


def test_a_small_batch_has_rows_of_a_rare_class_also_where_classes_are_written_as_numbers():
    rare = (np.arange(200) % 40 == 7).astype("float32")[:, None]
    batch = small_batch(Judged(X, rare))
    assert 0 < float(batch.y.sum()) < len(batch) == 32
    with pytest.raises(NotApplicableError):
        small_batch(Judged(X, np.ones_like(rare)))
