"""A small table to search on, for tests that search in several processes."""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest

from misstep.data import Table
from misstep.modeling import Options
from misstep.tuning import Tuning, confirmation, search, tune
from misstep.tuning.trial import draw

# One network for all, so that its programs are made once.
SPACE = {"learning_rate": "1e-4..1e-1"}
OPTIONS = Options(network="dense4-tanh", epochs=3, threads=1)
TRIALS = 4


def small_table(seed: int = 0) -> Table:
    numbers = np.random.default_rng(seed)
    x = numbers.normal(size=(90, 2))
    y = np.sin(2 * x[:, 0]) + 0.1 * numbers.normal(size=90)
    return Table(pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": y}), "small", target="y")


def small_search(place: str | None, **more: Any) -> Tuning:
    """Search; the best is compared as seldom as can be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(confirmation, "CONTENDERS", 1)
        patch.setattr(confirmation, "MOST_FOLDS", 2)
        return tune(small_table(), OPTIONS, trials=TRIALS, storage=place, space=SPACE, **more)


def hang_in(slot: int) -> None:
    """Let this process never come to the end of a trial, once its hyperparameters are drawn."""
    whole = search.run_trial

    def hanging(problem: Any, trial: Any, number: int, space: Any, **more: Any) -> Any:
        if number != slot:
            return whole(problem, trial, number, space, **more)
        draw(problem, trial, space, more["given"], more["defaults"])
        print("hanging", flush=True)
        time.sleep(60)
        raise AssertionError("nobody ended it")

    search.run_trial = hanging


if __name__ == "__main__":
    hang_in(int(sys.argv[2]))
    small_search(sys.argv[1])
