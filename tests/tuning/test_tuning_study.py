"""A search from end to end on a small table: what it promises of trial 0, of seeds, of studies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tuning_world import OPTIONS, SPACE, TRIALS, small_search, small_table

from misstep.errors import ArgumentError, MisstepError
from misstep.tuning import State, TrialResult, tune
from misstep.tuning.storage import open_storage


def test_the_best_is_never_worse_than_the_default_and_seeds_repeat() -> None:
    told: list[TrialResult] = []
    first, again = small_search(None, on_trial=told.append), small_search(None)
    assert [one.number for one in first.trials] == list(range(TRIALS))
    assert told == first.trials
    assert first.default.state is State.COMPLETE
    assert first.leader.validation_loss <= first.default.validation_loss
    assert [one.validation_loss for one in first.trials] == [
        one.validation_loss for one in again.trials
    ]
    assert first.comparisons == again.comparisons
    if not first.paid:
        assert first.options == OPTIONS


def other_search(place: Path, **more: Any) -> None:
    arguments: dict[str, Any] = {"trials": 1, "storage": place, "space": SPACE, "name": "mine"}
    data, options = more.pop("data", small_table()), more.pop("options", OPTIONS)
    tune(data, options, **(arguments | more))


def test_a_study_of_other_data_options_or_space_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "study.journal"
    done = small_search(str(place), name="mine")
    joined = small_search(str(place), name="mine")
    # Nothing was done again.
    assert [one.seconds for one in joined.trials] == [one.seconds for one in done.trials]
    assert joined.comparisons == done.comparisons
    for wrong in (
        {"data": small_table(1)},
        {"options": replace(OPTIONS, epochs=2)},
        {"space": {"learning_rate": "1e-3..1e-1"}},
    ):
        with pytest.raises(ArgumentError, match="one of others"):
            other_search(place, **wrong)
    # How many threads there are changes no number.
    other_search(place, options=replace(OPTIONS, threads=2))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"trials": 0}, "trials"),
        ({"workers": 0}, "workers"),
        ({"minutes": 0.0}, "minutes"),
        ({"sampler": "tpa"}, "sampler"),
        ({"space": {"learning_rat": "1..2"}}, "learning_rate"),
        ({"storage": "sqlite:////nowhere/at/all.db"}, "storage"),
    ],
)
def test_what_can_not_be_used_is_refused(tmp_path: Path, wrong: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        other_search(tmp_path / "study.journal", **wrong)


def test_a_storage_that_needs_a_package_names_it() -> None:
    with pytest.raises(MisstepError, match="pip install psycopg2-binary") as caught:
        open_storage("postgresql://me:secret@nowhere/study")
    assert "secret" not in str(caught.value)
