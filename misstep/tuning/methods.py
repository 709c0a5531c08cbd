"""Samplers and pruners by name: Optuna's own. Knows names; nothing of what is searched."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from misstep.errors import ArgumentError, MisstepError
from misstep.text.names import did_you_mean
from misstep.tuning.requirement import as_it_is, optuna

__all__ = ["PRUNERS", "SAMPLERS", "STEPS", "pruner_named", "sampler_named", "startup_trials"]

# A training is reported in so many steps of what was planned for it, so that trainings of different
# lengths can be compared at the same share of their schedule.
STEPS = 20
# Trials drawn at random before the sampler has something to go by: of 30 a quarter, and of few the
# half.
FEWEST_RANDOM, MOST_RANDOM, RANDOM_SHARE = 4, 10, 0.25
# Trials that must have come to their end before others are ended early, and the share of a schedule
# that none is ended before: until then rates are high and losses say little.
TRIALS_BEFORE, SHARE_BEFORE = 5, 0.3


def startup_trials(trials: int) -> int:
    """Return how many of `trials` are drawn at random before the sampler goes by what it saw."""
    return int(np.clip(round(trials * RANDOM_SHARE), FEWEST_RANDOM, MOST_RANDOM))


def _tpe(seed: int, trials: int) -> Any:
    return optuna().samplers.TPESampler(
        seed=seed,
        multivariate=True,
        group=True,
        constant_liar=True,
        n_startup_trials=startup_trials(trials),
    )


SAMPLERS: dict[str, Callable[[int, int], Any]] = {
    "tpe": _tpe,
    "random": lambda seed, trials: optuna().samplers.RandomSampler(seed=seed),
    "quasi-random": lambda seed, trials: optuna().samplers.QMCSampler(seed=seed),
    "gaussian-process": lambda seed, trials: optuna().samplers.GPSampler(
        seed=seed, n_startup_trials=startup_trials(trials)
    ),
}
# Optuna's CMA-ES is not among them: it keeps its state in the study as a pickle, and whoever joins
# a study would run what somebody else put there.

# What some samplers need beside Optuna, which asks for it in the middle of a search only.
NEEDED = {"gaussian-process": "torch"}

PRUNERS: dict[str, Callable[[], Any]] = {
    "median": lambda: optuna().pruners.MedianPruner(
        n_startup_trials=TRIALS_BEFORE, n_warmup_steps=round(STEPS * SHARE_BEFORE), n_min_trials=3
    ),
    "hyperband": lambda: optuna().pruners.HyperbandPruner(
        min_resource=round(STEPS * SHARE_BEFORE), max_resource=STEPS, reduction_factor=3
    ),
    "successive-halving": lambda: optuna().pruners.SuccessiveHalvingPruner(
        min_resource=round(STEPS * SHARE_BEFORE), reduction_factor=3
    ),
    "none": lambda: optuna().pruners.NopPruner(),
}


def sampler_named(name: Any, seed: int, trials: int) -> Any:
    """Return a sampler by its name, or one of Optuna's as it is. Raises MisstepError."""
    if isinstance(name, optuna().samplers.BaseSampler):
        return name
    if name not in SAMPLERS:
        raise _unknown("the sampler", name, SAMPLERS)
    package = NEEDED.get(name)
    if package is not None and find_spec(package) is None:
        raise MisstepError(
            f"the sampler {name}",
            needed=f"the package {package}",
            got="none",
            try_=f"pip install {package}, or tpe",
        )
    with as_it_is():
        return SAMPLERS[name](seed, trials)


def pruner_named(name: Any) -> Any:
    """Return a pruner by its name, or one of Optuna's as it is. Raises ArgumentError."""
    if isinstance(name, optuna().pruners.BasePruner):
        return name
    name = "none" if name is None else name
    if name not in PRUNERS:
        raise _unknown("the pruner", name, PRUNERS)
    with as_it_is():
        return PRUNERS[name]()


def _unknown(which: str, name: Any, known: dict[str, Any]) -> ArgumentError:
    return ArgumentError(
        which,
        needed=f"one of {', '.join(known)}, or one of Optuna's own",
        got=repr(name),
        try_=did_you_mean(str(name), list(known)),
    )
