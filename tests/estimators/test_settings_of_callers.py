"""What a program has set for itself: it changes no result here, and is as it was afterwards."""

from __future__ import annotations

import decimal
import os
import random
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rich.style  # scikit-learn imports it, and it takes a number of `random` when it is imported

import misstep as ms

QUICK: dict[str, Any] = {"epochs": 2, "threads": 1, "random_state": 0}
GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(60, 3))
LABELS = np.where(X[:, 0] > 0, "yes", "no")
FRAME = pd.DataFrame(
    {
        "number": X[:, 0],
        "tiny": X[:, 1] * 1e-300,
        "color": GENERATOR.choice(np.array(["red", "green", None], object), 60),
        "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(GENERATOR.integers(0, 900, 60), "D"),
    }
)
with np.errstate(under="ignore"):
    # Below the least number of full precision: their mean underflows.
    SUBNORMAL = X[:, :2] * 1e-310


assert rich.style


def settings() -> dict[str, Any]:
    return {
        "errors": np.geterr(),
        "caller": np.geterrcall(),
        "precision": decimal.getcontext().prec,
        "random": random.getstate(),
        "generator": repr(np.random.get_state()),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "environment": {key: os.environ[key] for key in os.environ if "PYTEST" not in key},
        "filters": list(warnings.filters),
    }


@pytest.fixture(autouse=True)
def strict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set what a cautious program sets, and compare it with what is left."""
    monkeypatch.chdir(tmp_path)
    with np.errstate(all="raise"), decimal.localcontext() as context:
        context.prec = 3
        before = settings()
        yield
        assert settings() == before


def every_question(fitted: Any, x: Any, y: Any) -> None:
    fitted.predict(x)
    fitted.score(x, y)
    str(fitted.explain(x, 1))
    str(fitted.diagnose(x, y, seconds=0.01) if x is FRAME else fitted.diagnose())
    fitted.report("report.html")
    fitted.save("model.misstep")
    ms.load_model("model.misstep")


@pytest.mark.parametrize(
    ("make", "x", "y"),
    [
        (ms.Classifier, FRAME, LABELS),
        (ms.Regressor, FRAME, X[:, 0]),
        (ms.Regressor, SUBNORMAL, X[:, 0]),
        (ms.Classifier, GENERATOR.integers(0, 255, (24, 6, 6)).astype("uint8"), LABELS[:24]),
        (ms.Classifier, [f"{'good' if each == 'yes' else 'bad'} film" for each in LABELS], LABELS),
    ],
    ids=["classes", "numbers", "subnormal", "pictures", "texts"],
)
def test_every_kind_of_rows(make: Callable[..., Any], x: Any, y: Any) -> None:
    network = "conv2-pool-dense4" if isinstance(x, np.ndarray) and x.ndim == 3 else "dense4"
    every_question(make(network, **QUICK).fit(x, y), x, y)


def test_a_series() -> None:
    months = np.arange(60)
    series = 50 + months + 9 * np.sin(months * np.pi / 6)
    fitted = ms.Forecaster(3, season=12, network="dense4", **QUICK).fit(series)
    fitted.predict()
    fitted.back_test()
    str(fitted.diagnose())
    str(fitted.explain())
    fitted.report("report.html")


def test_a_repair() -> None:
    given = {**QUICK, "learning_rate": 1e-6, "validation_fraction": 0.3}
    classifier = ms.Classifier("dense4", **given).fit(X, LABELS)
    str(classifier.repair(X, LABELS, steps=20))


@pytest.mark.parametrize("compiling", [True, False])
@pytest.mark.parametrize("rate", [0.3, 1e30])
@pytest.mark.filterwarnings("ignore:the loss became")
def test_a_trainer_of_ones_own(compiling: bool, rate: float) -> None:
    x = 1e3 * GENERATOR.normal(size=(32, 4, 3)).astype("float32")
    y = (x[:, 0, 0] > 0).astype(int)
    trainer = ms.Trainer(
        ms.Sequential(ms.LSTM(3), ms.BatchNorm(), ms.ReLU(), ms.Dense(2)),
        loss=ms.CrossEntropy(),
        optimizer=ms.SGD(rate),
        compiling=compiling,
        batch_size=16,
        threads=1,
    )
    run = trainer.fit(x, y, epochs=2, validation=(x, y), folder="run")
    assert run.failed == (rate > 1)
    str(run.diagnose())
    run.report()
    if run.usable:
        trainer.predict(x)
        trainer.evaluate(x, y)
        trainer.row_scores(x, y)


def test_two_trainings_at_once_in_threads_are_each_as_alone() -> None:
    def weights(seed: int) -> list[np.ndarray]:
        fitted = ms.Classifier("dense4", **{**QUICK, "random_state": seed}).fit(X, LABELS)
        return [fitted.predict_proba(X)]

    alone = [weights(seed) for seed in (1, 2)]
    both: dict[int, list[np.ndarray]] = {}
    threads = [
        threading.Thread(target=lambda seed=seed: both.update({seed: weights(seed)}))
        for seed in (1, 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal([both[1], both[2]], alone)


def test_a_change_of_folder_amid_training_scatters_no_files(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    class Wanderer(ms.Callback):
        def on_epoch_end(self, training: Any) -> None:
            os.chdir(elsewhere)

    trainer = ms.Trainer(
        ms.Sequential(ms.Dense(2)), loss=ms.CrossEntropy(), batch_size=16, threads=1
    )
    trainer.fit(
        X,
        (LABELS == "yes").astype(int),
        epochs=3,
        folder="run",
        checkpoint_every=1,
        callbacks=[Wanderer()],
    )
    assert Path.cwd() == elsewhere
    os.chdir(tmp_path)
    assert not list(elsewhere.iterdir())
    assert ms.read_record("run").epochs
    assert list(Path("run").rglob("*.misstep"))
