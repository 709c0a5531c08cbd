"""What a repair did, said on a page: what was found, each round's arms in a table, and its verdict.

Knows the plain numbers that a record holds of a repair (`Repair.plain`); nothing that trains.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from misstep.cli.page import Page
from misstep.doctor import Diagnosis, Severity
from misstep.doctor.diagnosis_text import heading
from misstep.text.counts import counted
from misstep.text.repairs import judged_rows, verdict_sentence

__all__ = ["TrialBar", "say_found", "say_round"]

CLEAR_LINE = "\r\x1b[K"
# A change beyond this is told as so many times; one below that with a decimal.
MANY_TIMES, FINE = 10.0, 0.1
# Remedies that mean nothing here are named if they are so few.
MOST_NOT_TRIED = 6


class TrialBar:
    """How far the trials of a round are, on a terminal; nothing elsewhere."""

    def __init__(self, *, silent: bool) -> None:
        self.shows = not silent and sys.stderr.isatty()

    def show(self, number: int, share: float) -> None:
        """Show which share of a round's trials is about done."""
        if self.shows:
            done = round(20 * share)
            bar = "█" * done + "░" * (20 - done)
            sys.stderr.write(f"{CLEAR_LINE}  round {number}: {bar} {share:.0%} of the trials")
            sys.stderr.flush()

    def training(self) -> None:
        """Show that what was proven is trained on all rows."""
        if self.shows:
            sys.stderr.write(f"{CLEAR_LINE}  training with what was proven …")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take it away."""
        if self.shows:
            sys.stderr.write(CLEAR_LINE)
            sys.stderr.flush()


def say_found(page: Page, diagnosis: Diagnosis) -> None:
    """Say what was found in the run; where that is nothing, what is tried all the same."""
    page.title("Found")
    for finding in diagnosis.findings:
        page.say(heading(finding), indent=2)
        if finding.severity is not Severity.NOTE:
            page.say(finding.symptom, "dim", indent=4)
    if not diagnosis.findings:
        page.say("nothing wrong; remedies that often help are tried all the same", indent=2)


def say_round(page: Page, one: Mapping[str, Any]) -> None:
    """Say the arms of a round and what came of it."""
    number, arms = one["number"], sorted(one["arms"], key=_place)
    page.title(f"Round {number}: {_tried(arms)}" if arms else f"Round {number}")
    if arms:
        page.say(_judged(one["rows"]), "dim", indent=2)
        heads = ["", "answers", "error", "beside the control", ""]
        page.table([_row(arm, one) for arm in arms], heads, [2])
    if one["control_identical"]:
        page.say("The unchanged control came to the very weights of the run.", "dim", indent=2)
    elif one["control_identical"] is False:
        page.say(
            "The unchanged control did not come to the weights of the run bit for bit; arms are "
            "held against the control.",
            "dim",
            indent=2,
        )
    if not arms:
        for name, because in list(one["not_applicable"].items())[:MOST_NOT_TRIED]:
            page.say(f"{name}: {because}", "dim", indent=2)
    words = verdict_sentence(one)
    page.say(f"{words[:1].upper()}{words[1:]}", "bold", always=True)


def _judged(rows: Mapping[str, Any]) -> str:
    """Return in words by which rows arms were chosen, and on which the best one was proven."""
    choosing, proving = rows["choosing"], rows["proving"]
    kind = judged_rows({"rows": rows})
    if rows["shared"]:
        return (
            f"errors are on {choosing:,} {kind}, 1 is the best constant's; being few, they chose "
            "the best arm and proved it too"
        )
    return (
        f"errors are on {choosing:,} {kind}, 1 is the best constant's; the best arm and the random "
        f"one are held against the control on {proving:,} others"
    )


def _tried(arms: Sequence[Mapping[str, Any]]) -> str:
    named = sum(arm["arm"] == "remedy" for arm in arms)
    random = sum(arm["arm"] == "random" for arm in arms)
    words = f"{counted(named, 'remedy', 'remedies')} beside the unchanged run"
    return f"{words} and a random remedy" if random else words


def _place(arm: Mapping[str, Any]) -> tuple[int, float]:
    """Return where an arm stands: the control, then those that went all the way, then the rest."""
    if arm["arm"] == "control":
        return 0, 0.0
    return (1, float(arm["rank"])) if arm["rank"] is not None else (2, -float(arm["updates"]))


def _row(arm: Mapping[str, Any], one: Mapping[str, Any]) -> list[str]:
    """Return an arm's label, what it answers, its error, its difference, and what became of it."""
    answers = {"control": "(the control)", "random": "(random)"}.get(arm["arm"], arm["answers"])
    error = "" if arm["loss"] is None else f"{arm['loss']:.4f}"
    return [arm["label"], answers or "(general)", error, _difference(arm), _fate(arm, one)]


def _difference(arm: Mapping[str, Any]) -> str:
    """Return by which share of the control's error an arm's is smaller or larger, with interval."""
    gain = arm["difference"]
    if not gain or not gain["mean"]:
        return "" if not gain else "the same"
    scale = gain["share"] / gain["mean"]
    low, high = sorted((-scale * gain["high"], -scale * gain["low"]))
    # No error is below none, whatever the normal distribution makes of it.
    low = max(low, -1.0)
    if not all(map(math.isfinite, (low, high))):
        return _change(-gain["share"])
    return f"{_change(-gain['share'])} [{_change(low)}, {_change(high)}]"


def _change(share: float) -> str:
    if share > MANY_TIMES:
        return f"× {1 + share:,.0f}"
    words = f"{share:+.1%}" if abs(share) < FINE else f"{share:+.0%}"
    # What is rounded to 0 has no sign.
    return "0.0%" if words in ("+0.0%", "-0.0%") else words.replace("-", "−")


def _fate(arm: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    if arm["failed"]:
        return f"failed at {arm['updates'] / max(arm['planned'], 1):.0%}"
    if arm["label"] == one["winner"] and one["verdict"] == "adopted":
        return "adopted"
    if arm["arm"] == "control" or arm["rank"] is not None:
        return ""
    share = arm["updates"] / max(arm["planned"], 1)
    return f"left at {share:.0%}" if arm["updates"] else "not begun"
