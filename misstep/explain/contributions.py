"""Which hidden neurons carried an output or an error: activation times gradient, largest first.

The product says how much of the output would go, to first order, if the neuron fell silent. Knows
an evaluated graph; knows no layers but as a mapping of names to Values.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep import ops
from misstep.autodiff import gradient
from misstep.errors import ArgumentError, ShapeError
from misstep.explain.evaluation import Evaluation, check_loss
from misstep.explain.formulas import labeled
from misstep.ir import Graph, Interpreter, Value
from misstep.text.counts import counted
from misstep.text.figures import figure
from misstep.text.tables import in_columns


@dataclass(frozen=True)
class Contribution:
    """One hidden neuron: its activation, the output's gradient by it, and the product of both.

    `layer`, `index`: which entry of which hidden Value, the batch axis left out.
    """

    layer: str
    index: tuple[int, ...]
    activation: float
    gradient: float
    contribution: float

    @property
    def neuron(self) -> str:
        """Return the neuron's name, such as hidden[3]."""
        return labeled(self.layer, self.index)


def contributions(
    output: Value,
    layers: Mapping[str, Value],
    *,
    row: int = 0,
    feeds: Mapping[Any, Any] | None = None,
) -> list[Contribution]:
    """Return every neuron of `layers` with its contribution to `output`, the largest first.

    `output`: one number, a loss or one output of a network. `layers`: hidden Values by name, of
    shape (units,), or (batch, …) with the row of the batch that is asked about. `feeds`: numbers
    for inputs without any, by name. All is computed in float64.

    Raises ShapeError when `output` has several entries or there is no such row, ArgumentError when
    there are no layers.

    >>> import misstep as ms
    >>> hidden = ms.relu(ms.parameter([[2.0, -1.0, 0.5]]))
    >>> output = ms.ops.sum(hidden * [[1.0, 1.0, -8.0]])
    >>> [(each.neuron, each.contribution) for each in ms.contributions(output, {"hidden": hidden})]
    [('hidden[2]', -4.0), ('hidden[0]', 2.0), ('hidden[1]', 0.0)]
    """
    if not layers:
        raise ArgumentError(
            "contributions: layers", needed="at least one hidden value by name", got="none"
        )
    for value in layers.values():
        check_loss(output, value, "contributions")
    rows = [_row(value, row, name) for name, value in layers.items()]
    # One sum of everything asked about, so that all of it is evaluated together.
    everything = sum((ops.sum(value) for value in layers.values()), start=0.0 * ops.sum(output))
    evaluation = Evaluation(_beside(output, everything), output, feeds)
    loss = evaluation.copies[output]
    wide = [evaluation.copies[value] for value in layers.values()]
    gradients = Interpreter(Graph(gradient(loss, wide))).run()
    neurons: list[Contribution] = []
    for name, at, value, array in zip(layers, rows, wide, gradients.values(), strict=True):
        activations, answers = evaluation.numbers[value][at], array[at]
        for index in np.ndindex(activations.shape):
            activation, answer = float(activations[index]), float(answers[index])
            neurons.append(
                Contribution(name, tuple(index), activation, answer, activation * answer)
            )
    return sorted(neurons, key=lambda each: -abs(np.nan_to_num(each.contribution, nan=np.inf)))


def contribution_table(rows: Sequence[Contribution], most: int | None = 10) -> str:
    """Return contributions as an aligned table; the rest beyond `most` in one line."""
    shown = list(rows if most is None else rows[:most])
    cells = [
        [each.neuron, figure(each.activation), figure(each.gradient), figure(each.contribution)]
        for each in shown
    ]
    heads = ["neuron", "activation", "slope", "contribution"]
    table = in_columns(cells, heads, right=range(1, 4), indent=0)
    rest = rows[len(shown) :]
    if not rest:
        return table
    if len({each.layer for each in rows}) > 1:
        # What one layer carries is in what the next one does.
        return f"{table}\n… and {counted(len(rest), 'more neuron')}"
    several = counted(len(rest), "more neuron", "more neurons together")
    return f"{table}\n… and {several}: {figure(float(sum(each.contribution for each in rest)))}"


def _beside(output: Value, everything: Value) -> Value:
    """Return a single number that needs both; only its graph matters."""
    return ops.sum(output) + everything


def _row(value: Value, row: int, name: str) -> tuple[int, ...]:
    """Return the index of one row of a hidden Value, or of all of it if it has no batch axis."""
    at = operator.index(row)
    if value.ndim < 2:
        return ()
    if not -value.shape[0] <= at < value.shape[0]:
        raise ShapeError(
            f"contributions: row {at} of {name}",
            needed=f"a row from 0 to {value.shape[0] - 1}",
            got=str(at),
        )
    return (at,)


__all__ = ["Contribution", "contribution_table", "contributions"]
