"""Several processes on one study: killed ones lose nothing, and the numbers are those of one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tuning_world import TRIALS, small_search

from misstep.tuning import State, Tuning

WORLD = Path(__file__).with_name("tuning_world.py")


@pytest.fixture(scope="module")
def undisturbed() -> Tuning:
    return small_search(None)


def test_a_trial_whose_worker_was_killed_is_tried_again_once(
    tmp_path: Path, undisturbed: Tuning
) -> None:
    place = str(tmp_path / "study.journal")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, str(WORLD), place, "2"], stdout=subprocess.PIPE, text=True, env=environment
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "hanging\n"
        worker.kill()
        worker.wait()
    tuning = small_search(place)
    assert [one.attempts for one in tuning.trials] == [1, 1, 2, 1]
    assert all(one.state is State.COMPLETE for one in tuning.trials)
    # All that one worker would have come to without a stop, to the last bit.
    for one, other in zip(tuning.trials, undisturbed.trials, strict=True):
        assert one.hyperparameters == other.hyperparameters
        assert one.validation_loss == other.validation_loss


def test_two_workers_of_one_command_share_the_trials(tmp_path: Path, undisturbed: Tuning) -> None:
    told: list[int] = []
    tuning = small_search(None, workers=2, on_trial=lambda one: told.append(one.number))
    assert sorted(told) == list(range(TRIALS))
    assert all(one.state in ("complete", "pruned") for one in tuning.trials)
    assert tuning.default.validation_loss == undisturbed.default.validation_loss
    assert any("several workers" in note for note in tuning.notes)
    assert tuning.options.threads == 1


def test_ctrl_c_leaves_what_is_open_to_whoever_comes_next(tmp_path: Path) -> None:
    place = str(tmp_path / "study.journal")

    def interrupt(result: object) -> None:
        signal.raise_signal(signal.SIGINT)

    tuning = small_search(place, on_trial=interrupt)
    assert tuning.ended_early
    assert [one.state for one in tuning.trials] == ["complete", *["waiting"] * (TRIALS - 1)]
    whole = small_search(place)
    assert not whole.ended_early
    assert all(one.state != "waiting" for one in whole.trials)
