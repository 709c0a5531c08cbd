"""Each remedy has words, answers findings that there are, and repairs the run that shows it.

A remedy's example is a run that it alone repairs: its change beats the unchanged control on rows
that neither learned from, beyond noise. Whoever adds a remedy adds one; `-k name` runs one alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.doctor import registered_rules
from misstep.nn import Module
from misstep.trials import Case, Repair, case_of, registered_remedies, repair_case
from misstep.trials.remedy import proposals
from misstep.trials.rounds import Verdict

REMEDIES = {one.name: one for one in registered_remedies()}
RULES = registered_rules()
# Findings that no training takes away, and why.
WITHOUT: dict[str, str] = {
    "leakage": "the score is wrong, not the training: rows or columns must be split anew"
}

random = np.random.default_rng(5)
X = random.normal(size=(1500, 4)).astype("float32")
Y = (np.sin(2 * X[:, :1]) + X[:, 1:2] * X[:, 2:3]).astype("float32")
CLASSES = (np.arctan2(X[:, 0], X[:, 1]) > 0).astype("int64") + (X[:, 2] > 0.5)
# What most examples learn from; the others judge.
ROWS = 300


def regression(*layers: Module, rate: float = 0.01, **settings: Any) -> ms.Trainer:
    settings = {"optimizer": ms.Adam(rate), "seed": 2} | settings
    network = ms.Sequential(*(layers or (ms.Dense(24), ms.ReLU(), ms.Dense(1))))
    return ms.Trainer(network, loss=ms.SquaredError(), **settings)


def classes(*layers: Module, rate: float = 0.01, **settings: Any) -> ms.Trainer:
    settings = {"optimizer": ms.Adam(rate), "seed": 2} | settings
    network = ms.Sequential(*(layers or (ms.Dense(24), ms.ReLU(), ms.Dense(3))))
    return ms.Trainer(network, loss=ms.CrossEntropy(), **settings)


def case_(
    trainer: ms.Trainer, x: Any = X, y: Any = Y, epochs: int = 15, rows: int = ROWS, judged: int = 0
) -> Case:
    """Return the case of a run on the first rows, judged by the rows from `judged` on."""
    held = slice(judged or rows, None)
    validation = (x[held], y[held])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        run = trainer.fit(x[:rows], y[:rows], validation=validation, epochs=epochs)
    assert run.record is not None
    return case_of(run.record, trainer, x[:rows], y[:rows], None, validation)


def deep(*, optimizer: Any, **settings: Any) -> ms.Trainer:
    layers = [one for _ in range(2) for one in (ms.Dense(24), ms.Sigmoid())]
    return classes(*layers, ms.Dense(3), optimizer=optimizer, **settings)


def frozen() -> ms.Trainer:
    network = ms.Network(ms.Sequential(ms.Dense(24), ms.ReLU(), ms.Dense(1)), (4,), seed=2)
    network.freeze("dense1")
    return ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.01), seed=2)


def constant(value: float) -> Any:
    return ms.initializers.Constant(value)


def noisy() -> tuple[Any, Any]:
    """Return rows with few features that tell, and many that do not."""
    many = random.normal(size=(1500, 30)).astype("float32")
    return many, (many[:, :1] + random.normal(size=(1500, 1)) > 0).astype("float32")


MANY, UNSURE = noisy()


def by_heart(**settings: Any) -> ms.Trainer:
    """Return a training that learns few rows by heart."""
    network = ms.Sequential(ms.Dense(64), ms.ReLU(), ms.Dense(1))
    settings = {"optimizer": ms.Adam(0.01), "seed": 2} | settings
    return ms.Trainer(network, loss=ms.BinaryCrossEntropy(), **settings)


def wrong_answers() -> tuple[Any, Any]:
    """Return rows of three classes, far apart; a fifth of the answers are wrong."""
    y = np.arange(1500) % 3
    x = random.normal(size=(1500, 4)) + 3.0 * np.eye(4)[y]
    wrong = random.random(1500) < 0.2
    return x.astype("float32"), np.where(wrong, (y + random.integers(1, 3, 1500)) % 3, y)


def rare_class() -> tuple[Any, Any]:
    y = (np.arange(3000) % 20 == 0).astype("int64")
    return (random.normal(size=(3000, 3)) + 1.5 * y[:, None]).astype("float32"), y


def far_out() -> tuple[Any, Any]:
    y = Y.copy()
    y[[7, 120, 250]] *= 3000
    return X, y


ORDER = np.argsort(Y[:ROWS, 0])
SORTED = np.concatenate([ORDER, np.arange(ROWS, 1500)])
SGD, Adam = ms.SGD, ms.Adam

EXAMPLES: dict[str, Callable[[], Case]] = {
    "adam": lambda: case_(deep(optimizer=SGD(0.01)), y=CLASSES, epochs=40),
    "all-learning": lambda: case_(frozen(), epochs=30),
    "class-weights": lambda: case_(
        ms.Trainer(
            ms.Sequential(ms.Dense(8), ms.Tanh(), ms.Dense(2)),
            loss=ms.CrossEntropy(),
            optimizer=Adam(0.005),
        ),
        *rare_class(),
        rows=1000,
    ),
    "clipping": lambda: case_(regression(optimizer=SGD(0.4)), y=3 * Y),
    "constant-rate": lambda: case_(
        regression(schedule=ms.optim.ExponentialDecay(0.1), rate=0.003), epochs=20
    ),
    "cosine": lambda: case_(regression(rate=0.1, batch_size=4), epochs=10),
    "default-initialization": lambda: case_(
        classes(
            ms.Dense(24, initializer=constant(0.0)),
            ms.ReLU(),
            ms.Dense(3, initializer=constant(0.0)),
        ),
        y=CLASSES,
    ),
    "early-stopping": lambda: case_(by_heart(), MANY, UNSURE, epochs=40, rows=120),
    "higher-rate": lambda: case_(regression(rate=1e-5)),
    "larger-batch": lambda: case_(
        classes(ms.Dense(16), ms.BatchNorm(), ms.ReLU(), ms.Dense(3), batch_size=2),
        y=CLASSES,
        epochs=4,
    ),
    "lower-rate": lambda: case_(regression(rate=3.0)),
    "mixup": lambda: case_(by_heart(), MANY, UNSURE, epochs=40, rows=120),
    "momentum": lambda: case_(regression(optimizer=SGD(0.003)), epochs=20),
    "more-epochs": lambda: case_(regression(), epochs=2),
    "no-clipping": lambda: case_(
        regression(optimizer=SGD(0.03), clipping=ms.optim.ClipNorm(0.01)), epochs=20
    ),
    "rate-range": lambda: case_(regression(rate=1e-6)),
    "shuffled": lambda: case_(regression(shuffle=False, rate=0.05), X[SORTED], Y[SORTED], epochs=5),
    "slower-schedule": lambda: case_(regression(schedule=ms.optim.WarmUp(10_000)), epochs=20),
    "smaller-batch": lambda: case_(regression(batch_size="full"), epochs=20),
    "stronger-penalty": lambda: case_(by_heart(), MANY, UNSURE, epochs=40, rows=120),
    "warm-up": lambda: case_(
        regression(
            *[one for _ in range(3) for one in (ms.Dense(24), ms.ReLU())],
            ms.Dense(1),
            optimizer=SGD(0.3),
        ),
        epochs=30,
    ),
    "weaker-penalty": lambda: case_(classes(regularizers=ms.optim.L2(1.0)), y=CLASSES),
    "weight-decay": lambda: case_(by_heart(), MANY, UNSURE, epochs=40, rows=120),
    "without-label-errors": lambda: case_(
        classes(ms.Dense(64), ms.ReLU(), ms.Dense(3)), *wrong_answers(), epochs=60, rows=600
    ),
    "without-outliers": lambda: case_(regression(), *far_out(), epochs=20),
}


def repaired(name: str, case: Case) -> Repair:
    return repair_case(case, rounds=1, remedies=[REMEDIES[name]])


def test_each_remedy_has_an_example() -> None:
    """Those that change the network have theirs in a file of their own."""
    network = Path(__file__).with_name("test_network_remedies.py").read_text("utf-8")
    for name in REMEDIES:
        assert name in EXAMPLES or f'"{name}": Sick(' in network, "add a run that it repairs"


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_remedy_repairs_its_example(name: str) -> None:
    case = EXAMPLES[name]()
    repair = repaired(name, case)
    one = repair.rounds[0]
    assert one.verdict is Verdict.ADOPTED, str(repair)
    assert one.winner is not None
    assert one.winner.remedy == name


@pytest.mark.parametrize("name", REMEDIES)
def test_a_remedy_has_words_and_answers_findings(name: str) -> None:
    remedy = REMEDIES[name]
    assert remedy.title
    assert not remedy.title.endswith(".")
    assert remedy.answers
    assert set(remedy.answers) <= set(RULES)
    assert not set(remedy.answers) & set(WITHOUT)
    assert type(remedy).__doc__


@pytest.mark.parametrize("slug", RULES)
def test_each_finding_has_a_remedy_or_a_reason(slug: str) -> None:
    answered = any(slug in remedy.answers for remedy in REMEDIES.values())
    assert answered != (slug in WITHOUT)


# Names that options of training and hyperparameters have.
OPTIONS = {
    *("optimizer", "learning_rate", "weight_decay", "epochs", "batch_size", "shuffle"),
    *("network", "loss", "dropout", "activation", "units", "depth", "augment"),
}


@pytest.mark.parametrize("name", ["clipping", "weaker-penalty"])
def test_what_all_remedies_propose_can_be_told_apart_and_written(name: str) -> None:
    case = EXAMPLES[name]()
    changes = [change for remedy in REMEDIES.values() for change in proposals(remedy, case)]
    labels = [change.label for change in changes]
    assert len(set(labels)) == len(labels) > 10
    for change in changes:
        assert change.advice
        assert set(change.options) <= OPTIONS
        if change.rows is not None:
            assert len(change.rows) == len(case.setting.rows)
        assert all(0 <= row < len(case.setting.rows) for row in change.set_aside)
        # The answers are of the same shape, whatever was changed.
        few = case.setting.rows.x[:3]
        assert change.trainer.predict(few).shape == case.start.predict(few).shape
