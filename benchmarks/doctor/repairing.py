"""What repair does to the runs: the share of the gap to the sound program that it closes, its cost.

Broken runs are repaired by what their diagnosis names, and once more by remedies drawn at random in
the same number of updates: what does no better than chance proves nothing. Scores are taken on the
test rows, which neither training nor repair has seen. Results are written line by line as they
come.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

import misstep as ms
from benchmarks.doctor.cases import Case
from benchmarks.doctor.programs import PROGRAMS
from benchmarks.doctor.setups import Setup, make_trainer, score
from misstep.errors import MisstepError
from misstep.trials import Change, Remedy, Repair, case_of, registered_remedies, repair_case
from misstep.trials.remedy import Case as Sick

# A gap between broken and sound run below this is noise: nothing to close.
LEAST_GAP = 0.02
# From this share on a gap counts as closed.
MOST_CLOSED = 0.8
# A repaired run this much below the run as it was counts as worse: test rows are some hundreds.
WORSE = 0.005


def _score(trainer: ms.Trainer, setup: Setup) -> float:
    classes = not isinstance(setup.loss, ms.SquaredError)
    try:
        predicted = np.nan_to_num(trainer.predict(setup.test.x), nan=0.0, posinf=0.0, neginf=0.0)
    except MisstepError:
        predicted = None
    y = setup.test.y
    if predicted is None:
        if not classes:
            return 0.0
        counts = np.unique(y, return_counts=True)[1]
        return float(counts.max() / counts.sum())
    return score(predicted, y, classes)


def _train(setup: Setup, seed: int) -> tuple[ms.Trainer, Any]:
    trainer = make_trainer(setup, seed)
    validation = (setup.validation.x, setup.validation.y) if setup.validating else None
    run = trainer.fit(setup.train.x, setup.train.y, epochs=setup.epochs, validation=validation)
    return trainer, run


class Drawn(Remedy):
    """A remedy that chance names: what another one proposes, whatever was found."""

    answers = ()
    is_general = True

    def __init__(self, other: Remedy, rank: int) -> None:
        self.other = other
        self.name, self.title, self.rank = other.name, other.title, rank  # type: ignore[misc]

    def changes(self, case: Sick) -> Any:
        """Yield what the other one proposes."""
        yield from self.other.changes(case)


def _by_chance(case: Sick, steps: int, seed: int) -> Repair:
    """Repair by remedies drawn at random, with as many updates."""
    order = np.random.default_rng(seed).permutation(len(registered_remedies()))
    remedies = [Drawn(registered_remedies()[place], rank) for rank, place in enumerate(order)]
    blind = replace(case, diagnosis=replace(case.diagnosis, findings=()))
    return repair_case(blind, steps=max(steps, 1), seed=seed, remedies=remedies, rounds=1)


def result_of(case: Case) -> dict[str, Any]:
    """Train and repair one run; return scores, costs and what was adopted."""
    setup = case.setup()
    trainer, run = _train(setup, case.seed)
    sound, _ = _train(PROGRAMS[case.program](case.seed), case.seed)
    held = (setup.validation.x, setup.validation.y) if setup.validating else None
    found: dict[str, Any] = {
        "case": case.name,
        "kind": case.kind,
        "strong": case.strong,
        "findings": [one.slug for one in run.diagnose().findings],
        "before": round(_score(trainer, setup), 4),
        "sound": round(_score(sound, PROGRAMS[case.program](case.seed)), 4),
    }
    began = time.perf_counter()
    try:
        sick = case_of(run.record, trainer, setup.train.x, setup.train.y, None, held)
        repair = repair_case(sick, seed=case.seed, run_seconds=run.seconds)
    except MisstepError as error:
        return found | {"error": str(error), "after": found["before"], "adopted": []}
    seconds = time.perf_counter() - began
    arm = next((one for one in repair.rounds[0].arms if one.kind == "random"), None)
    found |= {
        "after": round(_score(repair.trainer, setup), 4),
        "adopted": [[one.remedy, one.trial.label, one.kind] for one in repair.adopted],
        "verdicts": [one.verdict.value for one in repair.rounds],
        "identical": [one.identical for one in repair.rounds],
        "updates": repair.updates,
        "run_updates": repair.run_updates,
        "seconds": round(seconds, 2),
        "run_seconds": round(run.seconds, 2),
        "random_arm": None if arm is None or arm.rank is None else _of_arm(arm, setup),
    }
    chance = _by_chance(sick, repair.updates, case.seed)
    found["by_chance"] = round(_score(chance.trainer, setup), 4)
    found["by_chance_adopted"] = [one.trial.label for one in chance.adopted]
    return found


def _of_arm(arm: Any, setup: Setup) -> float:
    """Return the score of the weights that a random remedy came to."""
    change: Change = arm.change
    network = change.trainer.network
    before = network.parameters, network.buffers
    network.parameters, network.buffers = arm.trial.kept()
    try:
        return round(_score(change.trainer, setup), 4)
    finally:
        network.parameters, network.buffers = before


def repair_all(
    cases: Sequence[Case], results: Path, *, processes: int, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Repair what is not in `results` yet; return all of it."""
    there = read_results(results)
    known = {one["case"] for one in there}
    waiting = [case for case in cases if case.name not in known]
    with get_context("spawn").Pool(processes) as pool, results.open("a") as file:
        for number, found in enumerate(pool.imap_unordered(result_of, waiting), start=1):
            there.append(found)
            file.write(json.dumps(found) + "\n")
            file.flush()
            say(f"{number} of {len(waiting)}: {_line(found)}")
    wanted = {case.name for case in cases}
    return [one for one in there if one["case"] in wanted]


def read_results(results: Path) -> list[dict[str, Any]]:
    """Return the results that were written so far."""
    if not results.is_file():
        return []
    return [json.loads(line) for line in results.read_text().splitlines() if line]


def closed(found: dict[str, Any]) -> float | None:
    """Return the share of the gap that was closed; None where there is no gap to close."""
    gap = found["sound"] - found["before"]
    return (found["after"] - found["before"]) / gap if gap >= LEAST_GAP else None


def table(results: Sequence[dict[str, Any]]) -> str:
    """Return the measures as a Markdown table."""
    sick = [one for one in results if one["kind"] != "healthy"]
    healthy = [one for one in results if one["kind"] == "healthy"]
    shares = [share for one in sick if (share := closed(one)) is not None]
    lines = ["| measure | value |", "|---|---|"]
    if shares:
        most = np.mean([share >= MOST_CLOSED for share in shares])
        lines.append(
            f"| at least {MOST_CLOSED:.0%} of the gap closed | {most:.1%} of {len(shares)} |"
        )
        lines.append(f"| median share of the gap closed | {np.median(shares):.1%} |")
    pairs = [(one["after"], one["random_arm"]) for one in sick if one.get("random_arm") is not None]
    lines.append(_beside("the random remedy", pairs))
    lines.append(
        _beside(
            "remedies drawn by chance",
            [(one["after"], one["by_chance"]) for one in sick if "by_chance" in one],
        )
    )
    worse = [one for one in results if one["after"] < one["before"] - WORSE]
    lines.append(f"| worse than doing nothing | {len(worse)} of {len(results)} |")
    adopted = [one for one in healthy if one["adopted"]]
    idle = [one for one in adopted if one["after"] <= one["before"]]
    lines.append(f"| healthy: a remedy adopted | {len(adopted)} of {len(healthy)} |")
    lines.append(f"| healthy: adopted without a gain on test rows | {len(idle)} |")
    costs = [one["updates"] / one["run_updates"] for one in results if "updates" in one]
    lines.append(f"| updates, in those of the run | {np.median(costs):.1f} in the median |")
    return "\n".join(lines)


def _beside(what: str, pairs: Sequence[tuple[float, float]]) -> str:
    """Return how often repair is better than something else, and the p-value of a paired test."""
    from scipy.stats import wilcoxon

    differences = np.array([ours - theirs for ours, theirs in pairs])
    better, worse = int((differences > 0).sum()), int((differences < 0).sum())
    p = math.nan
    if np.any(differences):
        p = float(wilcoxon(differences, alternative="greater").pvalue)
    mean = float(differences.mean()) if len(differences) else math.nan
    return (
        f"| beside {what}: better, worse; mean difference; p (Wilcoxon, one-sided) | "
        f"{better}, {worse}; {mean:+.3f}; {p:.2g} |"
    )


def _line(found: dict[str, Any]) -> str:
    share = closed(found)
    closed_words = "no gap" if share is None else f"{share:.0%} closed"
    return (
        f"{found['case']}: {found['before']:.3f} -> {found['after']:.3f} (sound "
        f"{found['sound']:.3f}, {closed_words}; by chance {found.get('by_chance', math.nan):.3f}); "
        f"{found['findings'][:3]}; {[one[1] for one in found['adopted']]}"
    )
