"""What the chain rule of a weight is written out for, in one row: the error or, without an answer,
the predicted number or the lead of a class.

Knows a model and one row of data (`single_row.py`); puts nothing into words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.data import TaskType
from misstep.ir import Array, Value
from misstep.modeling.model import Model, RowGraph, check_one_answer
from misstep.modeling.single_row import SingleRow

__all__ = ["RowObjective", "row_objective"]


@dataclass(frozen=True)
class RowObjective:
    """One number about a row, in the network's graph for it.

    `value`: the loss or, where the answer is not known, the output or a difference of outputs.
    `name`: error, prediction or lead. `prediction`, `answer`: labels or numbers; `runner_up`: the
    class that a lead is over; None for numbers. `probabilities`: by label, or empty.
    """

    row: SingleRow
    graph: RowGraph
    value: Value
    name: str
    prediction: Any
    runner_up: Any
    answer: Any
    probabilities: dict[str, float]

    @property
    def error(self) -> float | None:
        """Return the loss of the row, or None where the answer is not known."""
        return None if self.graph.loss is None else float(np.asarray(self.graph.loss.numpy()))


def row_objective(model: Model, row: SingleRow) -> RowObjective:
    """Return what a weight is to be explained by in `row`."""
    check_one_answer(model, "explaining a weight")
    graph = model.row_graph(row.features, row.answer)
    outputs = model.outputs_of(row.features)
    target = model.target
    answer = None if row.answer is None else _plain(target.decode(row.answer)[0])
    prediction = _plain(model.decide(outputs)[0])
    if target.is_number:
        value = graph.output[0, 0] if graph.loss is None else graph.loss
        name = "prediction" if graph.loss is None else "error"
        return RowObjective(row, graph, value, name, prediction, None, answer, {})
    probabilities = dict(zip(map(str, target.classes), outputs[0].tolist(), strict=True))
    first, second = _leading(outputs[0])
    runner_up = _plain(target.class_array[second])
    if graph.loss is not None:
        value = graph.loss
    elif target.task is TaskType.BINARY and graph.output.shape[-1] == 1:
        # The one output is the lead of the second class over the first.
        value = graph.output[0, 0] if first == 1 else -graph.output[0, 0]
    else:
        value = graph.output[0, first] - graph.output[0, second]
    name = "lead" if graph.loss is None else "error"
    return RowObjective(row, graph, value, name, prediction, runner_up, answer, probabilities)


def _leading(probabilities: Array) -> tuple[int, int]:
    """Return the class with the largest probability, and the second."""
    ranked = np.argsort(-probabilities, kind="stable").tolist()
    return ranked[0], ranked[1]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
