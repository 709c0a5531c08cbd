"""The graph of one row, or of a batch, with a network's own numbers in float64, to be explained.

One row goes as in evaluation; a batch as in the very update that learns from it, with what dropout
leaves out there. Knows networks and Values; no words but names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from misstep.data import Rows
from misstep.explain import EntryName, network_names
from misstep.ir import Value, make_literal, make_parameter
from misstep.nn import Network, Trace
from misstep.nn.losses import Loss
from misstep.playground.problems.problem import Problem
from misstep.train import TrainingState

__all__ = ["RowsGraph", "batch_graph", "row_graph"]


@dataclass(frozen=True)
class RowsGraph:
    """A network's graph for some rows. `features`: (rows, features); `truth`: as the loss takes it.

    `parameters`, `layers`: Values by name; `inputs`: what each layer takes. `loss`: one number,
    without penalties.
    """

    features: Value
    truth: Value
    output: Value
    loss: Value
    parameters: dict[str, Value]
    inputs: dict[str, Value]
    layers: dict[str, Value]


def row_graph(network: Network, state: TrainingState, loss: Loss, row: Rows) -> RowsGraph:
    """Return the graph of one row, as in evaluation."""
    return _graph(network, state, loss, row, None)


def batch_graph(
    network: Network, state: TrainingState, loss: Loss, rows: Rows, seed: int
) -> RowsGraph:
    """Return the graph of the rows that the next update learns from, as that update has it."""
    return _graph(network, state, loss, rows, seed)


def _graph(
    network: Network, state: TrainingState, loss: Loss, rows: Rows, seed: int | None
) -> RowsGraph:
    wide = Network(network.module, network.input_shape, dtype="float64", arrays=network.arrays())
    wide.parameters[:] = state.parameters
    wide.buffers[:] = state.buffers
    flat = make_parameter(wide.parameters, name="parameters")
    features = make_literal(np.asarray(rows.x, "float64"), "float64").named("x")
    output, trace = _applied(wide, features, flat, state, seed)
    dtype = "int64" if loss.target_dtype == "int" else "float64"
    truth = make_literal(np.asarray(rows.y).astype(dtype), dtype)
    weights = None
    if rows.weights is not None:
        weights = make_literal(np.asarray(rows.weights, "float64"), "float64")
    return RowsGraph(
        features,
        truth,
        output,
        loss(output, truth, weights),
        dict(trace.values),
        dict(trace.inputs),
        dict(trace.outputs),
    )


def _applied(
    wide: Network, features: Value, flat: Value, state: TrainingState, seed: int | None
) -> tuple[Value, Trace]:
    if seed is None:
        return wide.apply(features, flat)
    return wide.apply(
        features,
        flat,
        training=True,
        seed=make_literal(np.asarray(seed), "int64"),
        step=make_literal(np.asarray(state.draw), "int64"),
    )


def names_in(network: Network, graph: RowsGraph, problem: Problem) -> dict[Value, EntryName]:
    """Return what values and weights are called in the graph of one row."""
    several: Sequence[str] = problem.classes if len(problem.classes) > 2 else ()
    hidden = {path: one for path, one in graph.layers.items() if one is not graph.output}
    names = network_names(
        {"": network.module, **network.layers},
        hidden,
        graph.parameters,
        graph.features,
        problem.features,
        graph.output,
        several,
    )
    if graph.truth.type.is_float:
        meaning = "the answer of this row"
        if problem.classes:
            meaning += f": 1 for {problem.classes[-1]}, 0 for {problem.classes[0]}"
        names[graph.truth] = EntryName("t", meaning, ("",) * graph.truth.ndim)
    names[graph.loss] = EntryName("L", "the loss of this row")
    return names
