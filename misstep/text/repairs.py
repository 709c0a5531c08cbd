"""What came of a repair, in words, from the numbers that a record holds of it.

Knows numbers only; the repairing itself is in `trials/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from misstep.text.counts import counted
from misstep.text.figures import three_figures, true_minus

__all__ = [
    "arm_words",
    "cost_words",
    "judged_rows",
    "repair_words",
    "summary_words",
    "verdict_sentence",
]

# Beyond so many times itself a percentage says less than how many times as large.
MANY_TIMES = 10.0


def repair_words(repair: Mapping[str, Any]) -> str:
    """Return what was tried in each round and what was adopted, line by line."""
    lines = []
    for one in repair["rounds"]:
        lines.append(f"Round {one['number']}: {verdict_sentence(one)}")
        lines += [f"  {arm_words(arm, judged_rows(one))}" for arm in one["arms"]]
    lines.append(cost_words(repair))
    return "\n".join(lines)


def summary_words(repair: Mapping[str, Any]) -> str:
    """Return in a sentence what came of a repair."""
    labels = [one["label"] for one in repair["adopted"]]
    tried = sum(len(one["arms"]) - 1 for one in repair["rounds"] if one["arms"])
    rounds = counted(len(repair["rounds"]), "round")
    what = f"adopted: {', then '.join(labels)}" if labels else "nothing adopted"
    return f"{counted(tried, 'arm')} in {rounds} beside an unchanged control; {what}"


def verdict_sentence(one: Mapping[str, Any]) -> str:
    """Return the verdict of a round, with the numbers, and by what it was judged."""
    said = _verdict(one)
    if one.get("classes_alike") and one["winner"] is not None:
        said += " A rare class was lost: so each class counted as much as any other here."
    if one.get("wrong_answers") and one["winner"] is not None:
        said += " Some answers are wrong: so being unsure of them was not rewarded here."
    return said


def _verdict(one: Mapping[str, Any]) -> str:
    winner = next((arm for arm in one["arms"] if arm["label"] == one["winner"]), None)
    verdict, rows = one["verdict"], judged_rows(one)
    if verdict == "adopted" and winner is not None:
        return f"adopted: {winner['label']}; {_gain(winner, rows)}{_beside_random(one, winner)}."
    if verdict == "not better" and winner is not None:
        return (
            f"rolled back, nothing adopted: the best, {winner['label']}, is not better than the "
            f"unchanged run beyond noise ({_gain(winner, rows)})."
        )
    if verdict == "random better" and winner is not None:
        return (
            f"rolled back, nothing adopted: the random remedy did better beyond noise than the "
            f"best that was named, {winner['label']}."
        )
    if verdict == "no budget":
        if one["updates"] >= one["needed"]:
            return "the time was over before anything was proven."
        return f"the budget ended before anything was proven; {one['needed']:,} updates would do."
    if verdict == "interrupted":
        return "you ended it; what was tried in it is rolled back."
    if verdict == "failed" and winner is not None:
        return (
            f"rolled back, nothing adopted: training on all rows ({winner['label']}) ended in "
            "numbers that are not finite."
        )
    if verdict == "answers leak":
        return (
            "nothing was tried: inputs tell the answers, those of the validation rows too, so that "
            "nothing can be proven by these; first take away what tells them (see leakage above)."
        )
    return "there is nothing to try."


def judged_rows(one: Mapping[str, Any]) -> str:
    """Return what the rows are that the arms of a round were judged by."""
    apart = one.get("rows", {}).get("apart", False)
    return "training rows that no arm learned from" if apart else "validation rows"


def arm_words(arm: Mapping[str, Any], rows: str = "validation rows") -> str:
    """Return what came of an arm: where it ended, and by how much it differs from the control.

    `rows`: what it was judged by.
    """
    name = arm["label"] + (" (a random remedy)" if arm["arm"] == "random" else "")
    if arm["failed"]:
        return f"{name}: failed after {counted(arm['updates'], 'update')}"
    if arm["loss"] is None:
        return f"{name}: not begun"
    reached = f"{name}: {arm['loss']:.4f} after {counted(arm['updates'], 'update')}"
    return f"{reached}; {_gain(arm, rows)}" if arm["difference"] else reached


def cost_words(repair: Mapping[str, Any]) -> str:
    """Return what the repair cost, beside the run."""
    words = f"Cost: {counted(repair['updates'], 'update')} in {repair['seconds']:.1f} s"
    run = f"{counted(repair['run_updates'], 'update')}"
    if repair["run_seconds"] == repair["run_seconds"]:
        run += f" in {repair['run_seconds']:.1f} s"
    return f"{words}, beside {run} of the run itself."


def _gain(arm: Mapping[str, Any], rows: str) -> str:
    gain = arm["difference"]
    if not gain:
        return "not compared"
    share, low, high = gain["share"], gain["low"], gain["high"]
    by, ends = gain["mean"], (low, high)
    if by < 0:
        by, ends = -by, (-high, -low)
    moved = f"{abs(share):.1%} {'smaller' if gain['mean'] >= 0 else 'larger'}"
    if gain["mean"] < 0 and abs(share) > MANY_TIMES:
        moved = f"{three_figures(1 + abs(share))} times as large"
    words = f"its error on {rows} is {moved}, by {by:.4f} [{ends[0]:.4f}, {ends[1]:.4f}]"
    return true_minus(words)


def _beside_random(one: Mapping[str, Any], winner: Mapping[str, Any]) -> str:
    beside = one["beside_random"]
    if winner["arm"] == "random":
        return "; it is the random remedy, which none that the diagnosis named could beat"
    if not beside:
        return ""
    if beside["low"] > 0:
        return "; the random remedy is worse beyond noise"
    return "; the random remedy does about as well, so that the diagnosis proves little"
