"""What is seen at one update, as plain JSON: curves, surface or fit, units, weights, a row.

Arrays are bytes in base64 (`packing.py`). Knows a timeline and a problem; asks the programs of
`looking.py`; nothing of it reaches the weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from misstep.ir import Array, one_blas_thread
from misstep.nn import Network
from misstep.playground.curves import Curves
from misstep.playground.looking import Look, RowLook, layer_places
from misstep.playground.packing import number, numbers, picture, shares
from misstep.playground.problems.problem import Kind, Problem
from misstep.playground.row_choice import RowChoice
from misstep.playground.timeline import Timeline
from misstep.train.ordering import epoch_indices

__all__ = ["Seen", "next_batch"]

# Points on a side of the decision surface, every how many of them a unit's picture has, and points
# of a curve.
SIDE, EVERY, POINTS = 40, 2, 160
# Held-out rows whose predictions are shown, the batch losses that a page draws at most.
EXAMPLES, MOST_LOSSES = 8, 400


def next_batch(timeline: Timeline) -> Array:
    """Return the numbers of the training rows that the next update learns from."""
    fork, state = timeline.fork, timeline.state
    order = epoch_indices(
        len(fork.rows), fork.seed, state.epoch, fork.repeats_per_epoch, shuffle=fork.shuffle
    )
    start = state.batch * fork.batch_size
    return order[start : start + fork.batch_size]


@dataclass
class Seen:
    """What can be seen of a network on the rows of a problem; its programs are kept.

    `network`: whose layers are looked at; numbers come from the timeline.
    """

    network: Network
    problem: Problem
    scale: float = 1.0

    @cached_property
    def grid(self) -> Array:
        """Return the points of the surface or the curve as the network takes them, (points, …)."""
        window = self.problem.window
        if self.problem.kind is Kind.CURVE:
            return self._line[:, None] * np.float32(self.scale)
        low, high = window[0]
        across = np.linspace(low, high, SIDE, dtype="float32")
        # The first row of a picture is its upper edge.
        down = np.linspace(window[1][1], window[1][0], SIDE, dtype="float32")
        pairs = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)
        return np.ascontiguousarray(pairs * np.float32(self.scale))

    @cached_property
    def _line(self) -> Array:
        low, high = self.problem.window[0]
        return np.linspace(low, high, POINTS, dtype="float32")

    @cached_property
    def _look(self) -> Look:
        return Look(self.network, self.problem.loss, len(self.grid))

    @cached_property
    def _row_look(self) -> RowLook:
        return RowLook(self.network, self.problem.loss)

    @cached_property
    def _examples(self) -> Array:
        """Return the numbers of held-out rows that are shown, spread over all."""
        count = min(EXAMPLES, len(self.problem.held_out))
        return np.arange(count) * len(self.problem.held_out) // max(count, 1)

    def frame(self, timeline: Timeline, curves: Curves, row: RowChoice) -> dict[str, Any]:
        """Return all that is seen at this update."""
        state = timeline.state
        return {
            "update": timeline.update,
            "furthest": timeline.furthest,
            "epoch": state.epoch,
            "batch": state.batch,
            "batches": timeline.fork.batches,
            "failed": timeline.failed,
            "learning_rate": timeline.settings.learning_rate,
            "losses": self._losses(timeline),
            "curve": curves.plain(timeline.update),
            **self._surface(timeline),
            "weights": self._weights(timeline),
            "row": self._row(timeline, row),
            "examples": self._held_out(timeline),
        }

    def _losses(self, timeline: Timeline) -> dict[str, Any]:
        """Return the losses of batches: of many updates the mean of each few."""
        losses = timeline.losses
        stride = max(1, -(-len(losses) // MOST_LOSSES))
        whole = len(losses) // stride * stride
        means = losses[:whole].reshape(-1, stride).mean(axis=1)
        if whole < len(losses):
            means = np.append(means, losses[whole:].mean())
        return {
            "every": stride,
            "batch": numbers(means),
            "latest": number(losses[-1]) if len(losses) else None,
        }

    def _surface(self, timeline: Timeline) -> dict[str, Any]:
        """Return the decision surface or the fit, and a picture of every unit."""
        problem = self.problem
        if problem.kind in (Kind.PICTURES, Kind.TABLE):
            return {"surface": None, "fit": None, "units": self._weight_pictures(timeline)}
        hidden, predicted = self._look.seen(timeline.state, self.grid)
        if problem.kind is Kind.CURVE:
            units = [picture(layer.T[:, None, ::EVERY]) | {"of": "activation"} for layer in hidden]
            fit = {"x": numbers(self._line), "y": numbers(predicted[:, 0])}
            return {"surface": None, "fit": fit, "units": units}
        units = [
            picture(layer.T.reshape(-1, SIDE, SIDE)[:, ::EVERY, ::EVERY]) | {"of": "activation"}
            for layer in hidden
        ]
        shown = predicted.T.reshape(-1, SIDE, SIDE)
        if len(problem.classes) == 2:
            shown = np.concatenate([1.0 - shown, shown])
        return {"surface": shares(shown), "fit": None, "units": units}

    def _weight_pictures(self, timeline: Timeline) -> list[dict[str, Any] | None]:
        """Return for each hidden layer pictures of its weights, where it sees the inputs."""
        places = layer_places(self.network)
        pictures: list[dict[str, Any] | None] = [None] * (len(places) - 1)
        if len(places) > 1:
            weight = self.network.arrays(timeline.state.parameters)[f"{places[0].sums}.weight"]
            shape = self.problem.shape or (1, weight.shape[0])
            pictures[0] = picture(weight.T.reshape(-1, *shape)) | {"of": "weights"}
        return pictures

    def gradient(self, timeline: Timeline) -> Array:
        """Return the gradient of the next update's batch, penalties with it, before clipping.

        (parameters,), with what dropout leaves out there left out here.
        """
        rows = next_batch(timeline)
        fork, state = timeline.fork, timeline.state
        weighted = fork.rows.weights is not None
        program = fork.stepper.programs.look(len(rows), weighted=weighted)
        some = fork.rows.take(rows)
        feeds: dict[str, object] = {
            **state.feeds(),
            "x": some.x,
            "y": some.y,
            "draw": np.asarray(state.draw),
            "seed": np.asarray(fork.seed),
        }
        if some.weights is not None:
            feeds["weights"] = some.weights
        with np.errstate(all="ignore"), one_blas_thread():
            return np.asarray(program.run(feeds)["gradients"])

    def _weights(self, timeline: Timeline) -> list[dict[str, Any]]:
        """Return every parameter with its gradient, in the order of the layers."""
        network = self.network
        values = network.arrays(timeline.state.parameters)
        slopes = network.arrays(self.gradient(timeline))
        layers = {one.sums: at for at, one in enumerate(layer_places(network), 1)}
        return [
            {
                "name": name,
                "layer": layers.get(name.rpartition(".")[0]),
                "values": numbers(value),
                "gradients": numbers(slopes[name]),
            }
            for name, value in values.items()
        ]

    def _row(self, timeline: Timeline, choice: RowChoice) -> dict[str, Any]:
        """Return one row on its way forth and back."""
        rows = choice.rows(self.problem)
        at = choice.number
        seen = self._row_look.seen(timeline.state, rows.x[at : at + 1], rows.y[at : at + 1])
        return {
            **choice.plain(self.problem),
            "inputs": numbers(rows.x[at].reshape(-1)),
            "truth": self.problem.truth(rows.take(np.array([at])))[0],
            "prediction": self.said(seen.prediction),
            "loss": number(seen.loss),
            "layers": [
                {
                    "sums": numbers(seen.sums[layer]),
                    "given": numbers(seen.given[layer]),
                    "sum_slopes": numbers(seen.sum_slopes[layer]),
                    "given_slopes": numbers(seen.given_slopes[layer]),
                }
                for layer in range(len(seen.sums))
            ],
        }

    def said(self, prediction: Array) -> dict[str, Any]:
        """Return a prediction as people read it: the class and how sure, or the number."""
        problem = self.problem
        flat = np.asarray(prediction, "float64").reshape(-1)
        if not problem.classes:
            return {"number": number(problem.numbers(flat)[0])}
        shared = np.array([1.0 - flat[0], flat[0]]) if len(flat) == 1 else flat
        if not np.isfinite(shared).all():
            return {"class": None, "probability": None, "probabilities": [None] * len(shared)}
        best = int(shared.argmax())
        return {
            "class": problem.classes[best],
            "probability": number(shared[best]),
            "probabilities": [number(one) for one in shared],
        }

    def _held_out(self, timeline: Timeline) -> list[dict[str, Any]]:
        """Return what is said of a few held-out rows."""
        rows = self.problem.held_out.take(self._examples)
        inference = self.network.inference(compiling=False)
        self.network.parameters, self.network.buffers = (
            timeline.state.parameters,
            timeline.state.buffers,
        )
        with np.errstate(all="ignore"):
            predicted = inference.predict(rows.x, self.problem.loss, 1)
        truths = self.problem.truth(rows)
        return [
            {
                "number": int(at),
                "name": self.problem.row_name(int(at), held_out=True),
                "truth": truth,
                "prediction": self.said(one),
            }
            for at, truth, one in zip(self._examples, truths, predicted, strict=True)
        ]
