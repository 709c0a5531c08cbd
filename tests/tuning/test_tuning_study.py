"""A search from end to end on small tables: what it promises of trial 0, of seeds, of studies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from misstep.data import Table
from misstep.errors import ArgumentError
from misstep.modeling import Options
from misstep.tuning import State, tune


def small_table(seed: int = 0) -> Table:
    numbers = np.random.default_rng(seed)
    x = numbers.normal(size=(90, 2))
    y = np.sin(2 * x[:, 0]) + 0.1 * numbers.normal(size=90)
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": y})
    return Table(frame, "small", np.arange(1, 91), target="y")


OPTIONS = Options(epochs=3, threads=1)


def test_the_best_is_never_worse_than_the_default_and_seeds_repeat() -> None:
    first = tune(small_table(), OPTIONS, trials=3)
    again = tune(small_table(), OPTIONS, trials=3)
    assert [one.number for one in first.trials] == [0, 1, 2]
    assert first.default.state is State.COMPLETE
    assert first.leader.validation_loss <= first.default.validation_loss
    assert [one.validation_loss for one in first.trials] == [
        one.validation_loss for one in again.trials
    ]


def test_a_study_of_other_data_or_options_is_refused(tmp_path) -> None:
    journal = tmp_path / "study.journal"
    done = tune(small_table(), OPTIONS, trials=1, storage=journal, name="mine")
    joined = tune(small_table(), OPTIONS, trials=1, storage=journal, name="mine")
    assert joined.default.seconds == done.default.seconds  # nothing was done again
    with pytest.raises(ArgumentError, match="one of others"):
        tune(small_table(1), OPTIONS, trials=1, storage=journal, name="mine")
    with pytest.raises(ArgumentError, match="one of others"):
        tune(small_table(), Options(epochs=2), trials=1, storage=journal, name="mine")
