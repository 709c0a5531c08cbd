"""`Curves`: loss and score on all rows, to learn from and held out, at moments of the way.

At every update at first, then at every second, fourth …: at most a few hundred moments, the same
ones however the way was gone. Knows a network and rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from misstep.nn import Network
from misstep.playground.packing import number
from misstep.playground.problems.problem import Problem
from misstep.train import TrainingState

__all__ = ["Curves", "Moment"]

# Moments that are kept, at most: a page shows no more.
MOST = 240


@dataclass(frozen=True)
class Moment:
    """Losses and scores on the rows learned from and on those held out."""

    train_loss: float
    train_score: float
    held_out_loss: float
    held_out_score: float

    def plain(self, problem: Problem) -> dict[str, Any]:
        """Return it as plain JSON."""
        names = ("train_loss", "train_score", "held_out_loss", "held_out_score")
        plain: dict[str, Any] = {name: number(getattr(self, name)) for name in names}
        return plain | {"score": problem.loss.score_name}


@dataclass
class Curves:
    """What was measured so far. `every`: updates between two moments."""

    problem: Problem
    every: int = 1
    _moments: dict[int, Moment] = field(default_factory=dict)

    def until_next(self, update: int) -> int:
        """Return how many updates there are to the next moment, at least 1."""
        return self.every - update % self.every

    def measure(self, network: Network, state: TrainingState) -> Moment:
        """Return the moment of a state; keep it where it is one of the curve."""
        known = self._moments.get(state.update)
        if known is not None:
            return known
        network.parameters, network.buffers = state.parameters, state.buffers
        problem, inference = self.problem, network.inference(compiling=False)
        scores = []
        with np.errstate(all="ignore"):
            for rows in (problem.train, problem.held_out):
                of, _ = inference.evaluate(rows.x, rows.y, problem.loss, rows.weights, 1)
                scores += [of["loss"], of[problem.loss.score_name] * self._unit]
        moment = Moment(*scores)
        if state.update % self.every == 0:
            self._moments[state.update] = moment
            self._thin()
        return moment

    def forget_from(self, update: int) -> None:
        """Forget the moments from so many updates on."""
        self._moments = {at: one for at, one in self._moments.items() if at < update}

    def at(self, update: int) -> Moment | None:
        """Return the moment of an update, where it was measured."""
        return self._moments.get(update)

    def plain(self, update: int) -> dict[str, Any]:
        """Return the curves up to an update as plain JSON, the moments in their order."""
        points = sorted(one for one in self._moments.items() if one[0] <= update)
        names = ("train_loss", "train_score", "held_out_loss", "held_out_score")
        return {
            "updates": [at for at, _ in points],
            **{name: [number(getattr(one, name)) for _, one in points] for name in names},
            "score": self.problem.loss.score_name,
        }

    @property
    def _unit(self) -> float:
        """Return by what a score is brought into people's unit."""
        return self.problem.unit if self.problem.loss.score_name == "rmse" else 1.0

    def _thin(self) -> None:
        while len(self._moments) > MOST:
            self.every *= 2
            self._moments = {at: one for at, one in self._moments.items() if at % self.every == 0}
