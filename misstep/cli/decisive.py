"""What decided a prediction: which inputs and hidden neurons moved it, and the error, how much.

Each is its value times its slope: what the prediction would lose, to first order, without it. Knows
a model and one row; `explain_command.py` says it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from misstep.cli.one_row import OneRow
from misstep.data import TaskType
from misstep.explain import Contribution, contributions
from misstep.ir import Array, Value
from misstep.modeling import Model, RowGraph
from misstep.nn import Columns, Dense


@dataclass(frozen=True)
class Mover:
    """An input or a neuron: its value, its slope, what it brought, and what it did to the error.

    `contribution`: to the lead of the predicted class over its rival, or to the predicted number in
    its own unit. `to_error`: None where the answer is not known.
    """

    name: str
    index: tuple[int, ...]
    value: float
    slope: float
    contribution: float
    to_error: float | None


@dataclass(frozen=True)
class Decision:
    """A prediction with what moved it, the strongest first.

    `prediction`, `rival`, `answer`: labels or numbers; `rival` is the answer where the prediction
    is wrong, else the class that came second. `shares`: probabilities by label, or empty. `error`:
    the loss, or None. `score`: the Value that inputs and neurons moved.
    """

    graph: RowGraph
    score: Value
    prediction: object
    rival: object | None
    answer: object | None
    shares: dict[str, float]
    error: float | None
    inputs: list[Mover]
    neurons: list[Mover]

    @property
    def right(self) -> bool:
        """Tell whether a class was predicted rightly."""
        return self.answer is not None and str(self.prediction) == str(self.answer)


def decide(model: Model, row: OneRow) -> Decision:
    """Return what `model` predicts for `row`, and what moved it."""
    outputs = model.outputs_of(row.features)
    prediction = model.decide(outputs)[0]
    graph = model.row_graph(row.features, row.answer)
    answer = None if row.answer is None else model.target.decode(row.answer)[0]
    target = model.target
    shares: dict[str, float] = {}
    rival = None
    unit = 1.0
    if target.is_number:
        score, unit = graph.output[0, 0], target.scale
    else:
        place = int(outputs[0].argmax())
        other = _rival(outputs[0], place, row.answer)
        rival = target.class_array[other]
        shares = dict(zip(map(str, target.classes), outputs[0].tolist(), strict=True))
        if target.task is TaskType.BINARY:
            # The one output is the lead of the second class over the first.
            score = graph.output[0, 0] if place == 1 else -graph.output[0, 0]
        else:
            score = graph.output[0, place] - graph.output[0, other]
    error = None if graph.loss is None else float(np.asarray(graph.loss.numpy()))
    inputs = [
        one
        for one in _movers(score, graph.loss, {"input": graph.features}, unit)
        if one.index[-1] not in row.silent
    ]
    hidden = _said_by_neurons(model, graph)
    return Decision(
        graph,
        score,
        _plain(prediction),
        _plain(rival),
        _plain(answer),
        shares,
        error,
        inputs,
        _movers(score, graph.loss, hidden, unit) if hidden else [],
    )


def _rival(shares: Array, place: int, answer: Array | None) -> int:
    if answer is not None and int(answer[0]) != place:
        return int(answer[0])
    ranked = [int(one) for one in np.argsort(-shares, kind="stable") if one != place]
    return ranked[0]


def _movers(
    score: Value, loss: Value | None, layers: Mapping[str, Value], unit: float
) -> list[Mover]:
    blamed: dict[tuple[str, tuple[int, ...]], Contribution] = {}
    if loss is not None:
        blamed = {(one.layer, one.index): one for one in contributions(loss, layers)}
    return [
        Mover(
            one.neuron,
            one.index,
            one.activation,
            one.gradient * unit,
            one.contribution * unit,
            None if loss is None else blamed[one.layer, one.index].contribution,
        )
        for one in contributions(score, layers)
    ]


def _said_by_neurons(model: Model, graph: RowGraph) -> dict[str, Value]:
    """Return what the neurons of each hidden layer say in the end: after their activation.

    A dense layer, its ReLU and a dropout are the same neurons: they go by the first one's name, as
    their weights do, and say what the last one says.
    """
    layers = model.network.layers
    # Columns are inputs still.
    names = [name for name in graph.hidden if not isinstance(layers.get(name), Columns)]
    said: dict[str, Value] = {}
    first = names[0] if names else ""
    for at, name in enumerate(names):
        follows = layers.get(names[at + 1]) if at + 1 < len(names) else None
        same = at + 1 < len(names) and graph.hidden[names[at + 1]].shape == graph.hidden[name].shape
        if not same or isinstance(follows, Dense):
            said[first] = graph.hidden[name]
            first = names[at + 1] if at + 1 < len(names) else ""
    return said


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value
