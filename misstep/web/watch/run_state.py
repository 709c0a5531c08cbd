"""How a run stands: waiting, going, over as planned, stopped, failed, or broken off.

Knows records and whether a process works in the folder; nothing of pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from misstep.record import Record

__all__ = ["RunState", "State", "state_of"]


class State(StrEnum):
    """How a run stands."""

    WAITING = "waiting"  # somebody works there, and has written nothing yet
    GOING = "going"
    FINISHED = "finished"  # as planned
    STOPPED = "stopped"  # by Ctrl-C, a signal or an error of the program around it
    FAILED = "failed"  # the loss or the weights were no numbers any more
    BROKEN_OFF = "broken off"  # no end is written, and nobody is at work


# Causes of an ending by which a run failed; the others ended it from outside.
_FAILURES = ("loss_not_finite", "weights_not_finite")


@dataclass(frozen=True)
class RunState:
    """How a run stands, and what there is to say about it in words."""

    state: State
    words: str

    @property
    def is_over(self) -> bool:
        """Return whether nothing more is to come, unless somebody goes on with it."""
        return self.state not in (State.WAITING, State.GOING)


def state_of(record: Record | None, *, in_use: bool) -> RunState:
    """Return how a run stands. `in_use`: whether a process works in its folder now."""
    if record is None:
        words = "nothing is written yet" if in_use else "nothing was written"
        return RunState(State.WAITING if in_use else State.BROKEN_OFF, words)
    kinds = ("finished", "stopped", "resumed")
    last = next((one for one in reversed(record.events) if one.get("kind") in kinds), None)
    if last is not None and last["kind"] != "resumed":
        words = str(last.get("words", last["kind"]))
        if last["kind"] == "finished":
            return RunState(State.FINISHED, words)
        facts = last.get("facts")
        cause = facts.get("cause") if isinstance(facts, dict) else None
        return RunState(State.FAILED if cause in _FAILURES else State.STOPPED, words)
    if in_use:
        return RunState(State.GOING, "it is still going")
    return RunState(State.BROKEN_OFF, "its end is not written, and no process works on it any more")
