"""Which inputs and hidden neurons moved a prediction and its error, and how much.

Each contribution is a value times the gradient by it: what the prediction would lose, to first
order, without it. Knows a model and one row of data (`single_row.py`); puts nothing into words.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.autodiff import gradient
from misstep.data import Dataset, TaskType, read_rows, read_table
from misstep.ir import Array, Graph, Interpreter, Value
from misstep.modeling.model import Model, RowGraph
from misstep.modeling.single_row import SingleRow, take_row
from misstep.nn import Columns, Dense

__all__ = ["Attribution", "Contribution", "attribute", "attribute_row"]


@dataclass(frozen=True)
class Contribution:
    """An input or a neuron: its value, the gradient by it, and what it did to prediction and error.

    `contribution`: to the lead of the predicted class over its runner-up, or to the predicted
    number in its own unit; `gradient`: of the same. `to_error`: None where the answer is not known.
    """

    name: str
    index: tuple[int, ...]
    value: float
    gradient: float
    contribution: float
    to_error: float | None


@dataclass(frozen=True)
class Attribution:
    """A prediction with what moved it, the strongest first.

    `prediction`, `runner_up`, `answer`: labels or numbers; `runner_up` is the answer where the
    prediction is wrong, else the class that came second, and None for numbers. `probabilities`: by
    label, or empty. `error`: the loss, or None where the answer is not known. `score`: the Value
    that inputs and neurons moved.
    """

    row: SingleRow
    graph: RowGraph
    score: Value
    prediction: Any
    runner_up: Any
    answer: Any
    probabilities: dict[str, float]
    error: float | None
    inputs: list[Contribution]
    neurons: list[Contribution]

    @property
    def correct(self) -> bool:
        """Tell whether a class was predicted rightly."""
        return self.answer is not None and str(self.prediction) == str(self.answer)

    @property
    def objective(self) -> Value:
        """Return what a weight is to be explained by: the error or, if it is not known, the score.

        See `misstep.explain.explain`.
        """
        return self.score if self.graph.loss is None else self.graph.loss

    @property
    def value_names(self) -> dict[Value, str]:
        """Return what Values of the graph are called in an explanation."""
        names = {self.graph.features: "x", self.graph.output: "output"}
        for name, value in self.graph.hidden.items():
            # A dropout that does nothing here is the same Value as its input.
            names.setdefault(value, name)
        score = "prediction" if self.runner_up is None else "lead"
        return names | {self.objective: score if self.graph.loss is None else "error"}


def attribute(model: Model, data: Any, row: int = 1) -> Attribution:
    """Return what `model` predicts for one row of `data`, and what moved it.

    data: a path, a table, a frame or another `Dataset`; row: counted from 1, a header not counted.
    Raises DataError, StorageError or ArgumentError.

    >>> import misstep as ms
    >>> x = [[0.0, 5.0], [1.0, 5.0], [2.0, 5.0], [3.0, 4.0]] * 10
    >>> ms.Regressor(epochs=5).fit(x, [each[0] for each in x]).save("model.misstep")
    >>> attribution = attribute(ms.load_model("model.misstep"), {"0": [2.0], "1": [5.0]})
    >>> attribution.inputs[0].name
    'input[0]'
    """
    if isinstance(data, str | os.PathLike):
        rows, source = read_rows(data, model.preprocessing, model.target.name), os.fspath(data)
    else:
        rows = data if isinstance(data, Dataset) else read_table(data)
        source = "the data"
    return attribute_row(model, take_row(model, rows, row, source))


def attribute_row(model: Model, row: SingleRow) -> Attribution:
    """Return what `model` predicts for `row`, and what moved it."""
    outputs = model.outputs_of(row.features)
    target = model.target
    graph = model.row_graph(row.features, row.answer)
    probabilities: dict[str, float] = {}
    runner_up = None
    unit = 1.0
    if target.is_number:
        score, unit = graph.output[0, 0], target.scale
    else:
        predicted = int(outputs[0].argmax())
        second = _runner_up(outputs[0], predicted, row.answer)
        runner_up = target.class_array[second]
        probabilities = dict(zip(map(str, target.classes), outputs[0].tolist(), strict=True))
        if target.task is TaskType.BINARY:
            # The one output is the lead of the second class over the first.
            score = graph.output[0, 0] if predicted == 1 else -graph.output[0, 0]
        else:
            score = graph.output[0, predicted] - graph.output[0, second]
    inputs = _contributions(score, graph.loss, {"input": graph.features}, unit)
    neurons = _neurons(model, graph)
    return Attribution(
        row,
        graph,
        score,
        _plain(model.decide(outputs)[0]),
        _plain(runner_up),
        None if row.answer is None else _plain(target.decode(row.answer)[0]),
        probabilities,
        None if graph.loss is None else float(np.asarray(graph.loss.numpy())),
        [each for each in inputs if each.index[-1] not in row.silent],
        _contributions(score, graph.loss, neurons, unit) if neurons else [],
    )


def _runner_up(probabilities: Array, predicted: int, answer: Array | None) -> int:
    if answer is not None and int(answer[0]) != predicted:
        return int(answer[0])
    ranked = np.argsort(-probabilities, kind="stable").tolist()
    return int(next(each for each in ranked if each != predicted))


def _contributions(
    score: Value, loss: Value | None, layers: Mapping[str, Value], unit: float
) -> list[Contribution]:
    """Return the entries of `layers`, (1, …) each, with their contributions, the largest first."""
    values = list(layers.values())
    by_score = gradient(score, values)
    by_loss = [] if loss is None else gradient(loss, values)
    graph = Graph([*values, *by_score, *by_loss])
    arrays = [array[0] for array in Interpreter(graph).run().values()]
    count = len(values)
    entries: list[Contribution] = []
    for at, layer in enumerate(layers):
        numbers, gradients = arrays[at], arrays[count + at]
        loss_gradients = arrays[2 * count + at] if by_loss else None
        for index in np.ndindex(numbers.shape):
            number, by_entry = float(numbers[index]), float(gradients[index])
            entries.append(
                Contribution(
                    f"{layer}[{', '.join(map(str, index))}]",
                    tuple(index),
                    number,
                    by_entry * unit,
                    number * by_entry * unit,
                    None if loss_gradients is None else number * float(loss_gradients[index]),
                )
            )
    return sorted(entries, key=lambda each: -abs(np.nan_to_num(each.contribution, nan=np.inf)))


def _neurons(model: Model, graph: RowGraph) -> dict[str, Value]:
    """Return the outputs of the neurons of each hidden layer, after their activation.

    A dense layer, its ReLU and a dropout are the same neurons: they go by the first one's name, as
    their weights do, and have the output of the last one.
    """
    layers = model.network.layers
    # Columns are inputs still.
    names = [name for name in graph.hidden if not isinstance(layers.get(name), Columns)]
    outputs: dict[str, Value] = {}
    first = names[0] if names else ""
    for name, following in zip(names, [*names[1:], ""], strict=False):
        same = following != "" and graph.hidden[following].shape == graph.hidden[name].shape
        if not same or isinstance(layers.get(following), Dense):
            outputs[first] = graph.hidden[name]
            first = following
    return outputs


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
