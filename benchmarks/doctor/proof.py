"""What proves a healthy run: its score beside the base program's, or beside what its data allow."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import SVC, SVR

from benchmarks.doctor.cases import PROVEN
from benchmarks.doctor.healthy import HEALTHY, Healthy
from benchmarks.doctor.programs import PROGRAMS
from benchmarks.doctor.setups import Outcome, Setup, score, train

# Less than the base program's mean by so much is still the same: about what seeds differ by.
TOLERANCE = 0.02
# Share of the lowering of the validation loss that was lost again: more, and it is no false alarm
# to say so.
MOST_TURN = 0.05
SEEDS = (100, 101, 102)
# So many seeds are tried, until so many are proven.
TRIED, KEPT = 4, 2


@cache
def _base_score(program: str) -> float:
    return float(np.mean([train(PROGRAMS[program](seed), seed).score for seed in SEEDS]))


def reference_score(setup: Setup) -> float:
    """Return the best score that four models of scikit-learn reach on the same rows."""
    x, y = setup.train.x.reshape(len(setup.train.x), -1), setup.train.y.reshape(-1)
    test = setup.test.x.reshape(len(setup.test.x), -1)
    models = (
        [SVC(), LogisticRegression(max_iter=300), HistGradientBoostingClassifier(max_iter=60)]
        if setup.is_classification
        else [SVR(), Ridge(), HistGradientBoostingRegressor(max_iter=60)]
    )
    truth = setup.test.y.reshape(-1)
    found = []
    for model in models:
        predicted = model.fit(x, y).predict(test)
        found.append(
            float(np.mean(predicted == truth))
            if setup.is_classification
            else score(predicted, truth, False)
        )
    return max(found)


def is_healthy(program: str, variation: Healthy, setup: Setup, outcome: Outcome) -> str:
    """Return why a run is not proven healthy; empty where it is."""
    if outcome.failed:
        return "its loss is no number"
    if outcome.turn > MOST_TURN:
        return f"its validation loss turned up by {outcome.turn:.0%} of its fall"
    asked = _base_score(program) if variation.same_data else reference_score(setup)
    if outcome.score < asked - TOLERANCE:
        return f"its score is {outcome.score:.3f}, where {asked:.3f} can be reached"
    return ""


def prove(programs: Sequence[str], say: Callable[[str], None]) -> None:
    """Try each variation with some seeds and write those proven healthy into `proven.json`."""
    for program in programs:
        found: dict[str, Any] = {}
        for name, variation in HEALTHY.items():
            seeds: list[int] = []
            reasons = []
            for seed in range(TRIED):
                random = np.random.default_rng(seed)
                setup = variation.change(PROGRAMS[program](seed), random)
                if setup is None:
                    break
                outcome = train(replace(setup, validating=True), seed)
                reason = is_healthy(program, variation, setup, outcome)
                reasons += [reason] if reason else []
                seeds += [] if reason else [seed]
                if len(seeds) == KEPT:
                    break
            found[f"{program} {name}"] = seeds
            say(f"{program} {name}: seeds {seeds} {'; '.join(reasons)}")
        before = json.loads(PROVEN.read_text()) if PROVEN.is_file() else {}
        PROVEN.write_text(json.dumps(dict(sorted((before | found).items())), indent=1) + "\n")
