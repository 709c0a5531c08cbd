"""What a page says of a run in words and figures: how far it is, how it does, what it is.

Knows records; the curves are in `curves.py`, the findings in `examiner.py`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from misstep.record import Record, RunDescription
from misstep.text.counts import counted
from misstep.text.figures import figure, four_figures, percent
from misstep.text.units import duration
from misstep.web.watch.run_state import RunState, State

__all__ = ["facts_of", "progress_of", "scores_of", "stages_of", "told_events"]

# Epochs by whose speed the time left is judged.
LATEST_EPOCHS = 5
# Events that are shown, the latest ones.
MOST_EVENTS = 30
LONGEST_WORDS = 400
# Names of scores, and whether larger is better.
_SCORES = (
    ("validation_accuracy", "validation accuracy", True),
    ("validation_rmse", "validation RMSE", False),
)


def progress_of(record: Record | None, state: RunState) -> dict[str, Any]:
    """Return how far a run is: step, epoch, epochs, share (None: not known), and in words.

    `left`: seconds until the planned end at the speed of the latest epochs, where it is going.
    """
    if record is None:
        return {"step": 0, "epoch": 0, "share": None, "left": None, "words": ""}
    steps = record.steps["step"]
    step = int(steps[-1]) if len(steps) else 0
    whole = [epoch for epoch in record.epochs if not epoch.get("partial")]
    step = max([step, *(int(epoch["step"]) for epoch in record.epochs[-1:])])
    epoch = int(whole[-1]["epoch"]) if whole else 0
    description = record.description
    planned, updates = 0, 0
    if description is not None and description.epochs > 0:
        planned = description.epochs
        updates = planned * max(description.updates_per_epoch, 0)
    share = min(step / updates, 1.0) if updates and step <= updates else None
    seconds = None
    if state.state is State.GOING and share is not None:
        pace = _seconds_per_update(whole)
        seconds = None if pace is None else pace * (updates - step)
    done = f"epoch {epoch:,} of {planned:,}" if planned else counted(epoch, "epoch")
    words = f"{done}, {counted(step, 'update')}" if whole or planned else counted(step, "update")
    if seconds is not None:
        words += f", about {duration(seconds)} left at most"
    return {"step": step, "epoch": epoch, "share": share, "left": seconds, "words": words}


def _seconds_per_update(epochs: list[dict[str, float]]) -> float | None:
    """Return what an update took in the latest whole epochs, in seconds."""
    latest = epochs[-LATEST_EPOCHS - 1 :]
    updates = seconds = 0.0
    for before, after in zip([{"step": 0.0, "epoch": 0.0}, *latest], latest, strict=False):
        # Of very many epochs only some are told, with their own seconds alone.
        if after["epoch"] == before["epoch"] + 1 and math.isfinite(after.get("seconds", math.nan)):
            updates += after["step"] - before["step"]
            seconds += after["seconds"]
    if not updates and epochs and math.isfinite(epochs[-1].get("seconds", math.nan)):
        updates, seconds = epochs[-1]["step"] / epochs[-1]["epoch"], epochs[-1]["seconds"]
    return seconds / updates if updates > 0 else None


def scores_of(record: Record | None) -> dict[str, Any]:
    """Return the latest loss, and the best validation loss and score with their epochs."""
    told: dict[str, Any] = {"loss": None, "best": "", "last": ""}
    if record is None:
        return told
    losses = record.steps["loss"]
    latest = losses[-max(len(losses) // 20, 1) :]
    if len(latest):
        finite = latest[np.isfinite(latest)]
        told["loss"] = float(finite.mean()) if len(finite) else None
        told["last"] = four_figures(told["loss"]) if len(finite) else "no number"
    else:
        known = [one["training_loss"] for one in record.epochs if "training_loss" in one]
        if known:
            told["loss"], told["last"] = known[-1], four_figures(known[-1])
    parts = []
    best = _best(record, "validation_loss", larger=False)
    if best is not None:
        parts.append(f"validation loss {four_figures(best[1])} in epoch {best[0]:,}")
    for name, words, larger in _SCORES:
        best = _best(record, name, larger=larger)
        if best is not None:
            value = percent(best[1]) if larger else four_figures(best[1])
            parts.append(f"{words} {value} in epoch {best[0]:,}")
    told["best"] = "; ".join(parts)
    return told


def _best(record: Record, name: str, *, larger: bool) -> tuple[int, float] | None:
    found = [
        (float(epoch[name]), int(epoch["epoch"]))
        for epoch in record.epochs
        if math.isfinite(epoch.get(name, math.nan))
    ]
    if not found:
        return None
    best = max(found, key=lambda one: one[0] if larger else -one[0])
    return best[1], best[0]


def stages_of(record: Record) -> list[dict[str, Any]]:
    """Return the snapshots: what was wrong on the same held-out rows after some updates."""
    stages = []
    for snapshot in record.snapshots:
        name = next((key for key in snapshot if key not in ("step", "rows", "last")), None)
        if name is None:
            continue
        number = float(snapshot[name])
        if not math.isfinite(number):
            words = "no number"
        elif name == "error":
            words = f"{percent(number)} wrong"
        else:
            words = f"{name} {four_figures(number)}"
        stages.append(
            {
                "step": snapshot["step"],
                "last": snapshot["last"],
                "number": number,
                "words": words,
                "rows": counted(snapshot["rows"], "held-out row"),
            }
        )
    return stages


def told_events(record: Record) -> list[dict[str, str]]:
    """Return the latest events, the last one first."""
    told = []
    for event in reversed(record.events[-MOST_EVENTS:]):
        words = str(event.get("words", ""))[:LONGEST_WORDS]
        if event["kind"] == "resumed":
            words = f"went on from update {event.get('step', 0):,}"
        told.append({"kind": str(event["kind"])[:40].replace("_", " "), "words": words})
    return told


def facts_of(record: Record) -> list[list[str]]:
    """Return what the run says of itself: pairs of a label and words."""
    description = record.description
    if description is None:
        return []
    facts = [
        ["network", _network(description)],
        ["loss", description.loss.kind],
        [
            "optimizer",
            f"{description.optimizer.kind}, learning rate "
            f"{figure(description.optimizer.learning_rate)}",
        ],
        ["batch", counted(description.batch_size * description.accumulate, "row")],
    ]
    if description.schedule is not None:
        facts.append(["schedule", description.schedule.kind])
    if description.inputs is not None:
        facts.append(["training rows", f"{description.inputs.rows:,}"])
    if description.framework != "misstep":
        facts.append(["framework", description.framework])
    source = description.origin.get("source")
    if isinstance(source, str):
        facts.append(["data", source[:LONGEST_WORDS]])
    return [*facts, ["seed", f"{description.seed}"]]


def _network(description: RunDescription) -> str:
    layers = description.effective_layers
    kinds: list[str] = []
    for layer in layers:
        shape = layer.output_shape
        sized = f" {shape[-1]}" if layer.parameters and shape else ""
        kinds.append(f"{layer.kind}{sized}")
    if len(kinds) > 8:
        kinds = [*kinds[:4], "…", *kinds[-3:]]
    return f"{', '.join(kinds)} ({description.parameter_count:,} parameters)"
