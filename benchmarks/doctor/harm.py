"""The search for the weakest strength of a fault that harms, and for one that harms plainly.

Each strength is trained beside the healthy program from the same seed, and what does no measurable
harm is no fault. What was found is kept in `chosen.json`, so that nobody needs to search again.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.doctor.faults import FAULTS, Fault, Harm
from benchmarks.doctor.programs import PROGRAMS
from benchmarks.doctor.setups import Outcome, Setup, train
from misstep.errors import MisstepError

CHOSEN = Path(__file__).with_name("chosen.json")
SEEDS = (100, 101, 102, 103, 104)
# So many seeds tell whether the others are worth the time.
FIRST_SEEDS = 2
# What must be lost on average to count as harm: of the share of right answers or R²; of what the
# validation loss had been lowered by.
LEAST_HARM = {Harm.SCORE: 0.02, Harm.CLAIM: 0.02, Harm.TURN: 0.1}
# A mean so many standard errors from 0 is no accident: about the 5 % of a t test of 5 pairs.
STANDARD_ERRORS = 2.0


def broken(program: str, name: str, strength: Any, seed: int) -> Setup | None:
    """Return a program with a fault; None where it can't have it."""
    fault = FAULTS[name]
    random = np.random.default_rng([seed, zlib.crc32(f"{program} {name}".encode())])
    return fault.change(PROGRAMS[program](seed), strength, random)


def harm_of(fault: Fault, spoiled: Outcome, healthy: Outcome) -> float:
    """Return what a fault took away in one pair; below 0 where it did good."""
    if fault.harm is Harm.CLAIM:
        return (spoiled.claimed - spoiled.score) - (healthy.claimed - healthy.score)
    if fault.harm is Harm.TURN:
        return spoiled.turn - healthy.turn
    return healthy.score - spoiled.score


def is_harm(fault: Fault, harms: Sequence[float]) -> bool:
    """Return whether the harms of several pairs are plain: large enough, and no accident."""
    mean = float(np.mean(harms))
    if mean < LEAST_HARM[fault.harm] or np.median(harms) <= 0:
        return False
    error = float(np.std(harms, ddof=1)) / math.sqrt(len(harms))
    return mean > STANDARD_ERRORS * error


def search(programs: Sequence[str], names: Sequence[str], say: Callable[[str], None]) -> None:
    """Search, and write what was found into `chosen.json` as it comes."""
    for program in programs:
        healthy = {seed: train(PROGRAMS[program](seed), seed) for seed in SEEDS}
        for name in names:
            chosen = _search_one(program, FAULTS[name], healthy)
            _keep(f"{program} {name}", chosen)
            say(f"{program} {name}: {_words(chosen)}")


def _keep(name: str, chosen: dict[str, Any]) -> None:
    found = json.loads(CHOSEN.read_text()) if CHOSEN.is_file() else {}
    CHOSEN.write_text(json.dumps(dict(sorted({**found, name: chosen}.items())), indent=1) + "\n")


def _search_one(program: str, fault: Fault, healthy: dict[int, Outcome]) -> dict[str, Any]:
    harms: dict[int, list[float]] = {}
    harmful: list[int] = []
    for place, strength in enumerate(fault.strengths):
        harms[place] = []
        for seed in SEEDS:
            setup = broken(program, fault.name, strength, seed)
            if setup is None:
                return {"strengths": [], "because": "the program can't have it"}
            try:
                spoiled = train(setup, seed)
            except MisstepError as error:
                return {"strengths": [], "because": f"{error}"[:120]}
            harms[place].append(harm_of(fault, spoiled, healthy[seed]))
            weak = max(harms[place]) < 0.5 * LEAST_HARM[fault.harm]
            if len(harms[place]) == FIRST_SEEDS and weak:
                break
        if len(harms[place]) == len(SEEDS) and is_harm(fault, harms[place]):
            harmful.append(place)
    listed = [[round(harm, 4) for harm in harms[place]] for place in harms]
    if not harmful:
        return {"strengths": [], "because": "it does no measurable harm", "harms": listed}
    # The strong one is the strongest, if there is one above the weakest.
    places = sorted({harmful[0], harmful[-1]})
    return {"strengths": [fault.strengths[place] for place in places], "harms": listed}


def _words(chosen: dict[str, Any]) -> str:
    if not chosen["strengths"]:
        return f"none, {chosen['because']}"
    means = ", ".join(f"{np.mean(harms):.3f}" for harms in chosen["harms"])
    return f"{chosen['strengths']} (harm by strength: {means})"
