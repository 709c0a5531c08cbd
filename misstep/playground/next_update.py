"""What the next update makes of every weight: the update itself, taken on a copy, bit for bit.

And what stands before it: the gradient of its batch, the clipping, what the optimizer keeps. Knows
a timeline; no words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.ir import Array
from misstep.optim import ClipNorm
from misstep.playground.frame import Seen, next_batch
from misstep.playground.optimizer_steps import written_step
from misstep.playground.timeline import Timeline

__all__ = ["NextUpdate"]

# How far the update as written, in float64, may be from the one in float32: some units in the last
# place of the weight, and of the step.
CLOSE = 1e-5


@dataclass(frozen=True)
class NextUpdate:
    """The update that comes next.

    `rows`: numbers of the training rows that it learns from. `before`, `after`: parameters
    (parameters,); `after` is None where it can't be done. `gradient`: of the batch, with penalties,
    before clipping. `clipped`: after it. `slots`: (slots, parameters), `scalars`: (scalars,): what
    the optimizer keeps.
    """

    rows: Array
    before: Array
    after: Array | None
    gradient: Array
    clipped: Array
    slots: Array
    scalars: Array
    timeline: Timeline

    @classmethod
    def of(cls, timeline: Timeline, seen: Seen) -> NextUpdate:
        """Return the next update of a timeline, which stays where it is."""
        state = timeline.state
        gradient = seen.gradient(timeline)
        fork = timeline.fork.again()
        fork.learn(np.array([timeline.settings.learning_rate]))
        return cls(
            next_batch(timeline),
            np.array(state.parameters),
            None if fork.failed else fork.state.parameters,
            gradient,
            _clipped(timeline, gradient),
            np.array(state.optimizer_state),
            np.array(state.scalars),
            timeline,
        )

    def clipping(self, position: int) -> dict[str, Any] | None:
        """Return what clipping does to an entry, as plain JSON; None without clipping."""
        clips = self.timeline.trainer.clipping
        if not clips:
            return None
        clip, before = clips[0], float(self.gradient[position])
        length = float(np.linalg.norm(self.gradient.astype("float64")))
        by_norm = isinstance(clip, ClipNorm)
        return {
            "by": "norm" if by_norm else "value",
            "limit": clip.limit,
            "length": length if np.isfinite(length) else None,
            "changed": bool(clip.changes(self.gradient)),
            "before": before if np.isfinite(before) else None,
            "after": _finite(self.clipped[position]),
        }

    def change(self, position: int) -> dict[str, Any]:
        """Return what the update makes of an entry, as plain JSON.

        `new`: bit for bit what the next update leaves there; None where that can't be done.
        `steps`: the optimizer's rule with numbers, in float64; `agrees`: whether it comes to `new`.
        """
        optimizer = self.timeline.trainer.optimizer
        programs = self.timeline.fork.stepper.programs
        old, gradient = float(self.before[position]), float(self.clipped[position])
        names = optimizer.used_slots()
        slots = {name: float(self.slots[at, position]) for at, name in enumerate(names)}
        scalars = {name: float(self.scalars[at]) for at, name in enumerate(programs.scalar_names)}
        told: dict[str, Any] = {
            "optimizer": optimizer.name,
            "learning_rate": optimizer.learning_rate,
            "old": _finite(old),
            "new": None if self.after is None else _finite(self.after[position]),
            "gradient": _finite(gradient),
            "kept": {name: _finite(number) for name, number in slots.items()},
            "steps": [],
            "legend": [],
            "agrees": None,
        }
        if not np.isfinite([old, gradient, *slots.values()]).all():
            return told
        step = written_step(optimizer, old, gradient, slots, scalars, self.timeline.update)
        told["steps"], told["legend"] = step.lines, step.legend
        if told["new"] is not None:
            room = CLOSE * max(abs(old), abs(step.new), abs(step.new - old))
            told["agrees"] = bool(abs(step.new - told["new"]) <= room)
        return told


def _clipped(timeline: Timeline, gradient: Array) -> Array:
    """Return the gradient as the optimizer gets it."""
    clipped = gradient
    with np.errstate(all="ignore"):
        for clip in timeline.trainer.clipping:
            if isinstance(clip, ClipNorm):
                length = float(np.linalg.norm(clipped.astype("float64")))
                factor = clip.limit / length if length > clip.limit else 1.0
                clipped = clipped * np.asarray(factor, clipped.dtype)
            else:
                clipped = np.clip(clipped, -clip.limit, clip.limit)
    return clipped


def _finite(number: Any) -> float | None:
    plain = float(number)
    return plain if np.isfinite(plain) else None
