"""Which hidden neurons carried a prediction: each is silenced, and the rest computed anew.

A neuron is an entry of what a layer with weights gives, after the activation that follows it. What
only passes inputs on is none. Knows the graph of one row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from misstep.autodiff import gradient
from misstep.ir import Array, Graph, Interpreter, Value
from misstep.modeling.model import RowGraph
from misstep.nn import Ensemble, Network

__all__ = ["Neuron", "layer_values", "neurons_of"]

# Neurons that are measured: those that value times slope, which is exact where the rest is linear,
# puts first. Each costs a walk through the graph of one row.
MOST_MEASURED = 64


@dataclass(frozen=True)
class Neuron:
    """A hidden neuron: its value, and what the score would lose if the value were 0, measured."""

    name: str
    index: tuple[int, ...]
    value: float
    contribution: float


def neurons_of(
    network: Network,
    graph: RowGraph,
    lead: Value,
    score: Callable[[Array], float],
    most: int = MOST_MEASURED,
) -> tuple[list[Neuron], int]:
    """Return the neurons that matter most, the largest contribution first, and how many are left.

    `lead`: the Value by which they are chosen; `score`: from raw outputs, (1, outputs), to what
    contributions are measured in. `most`: how many are measured.
    """
    layers = {short: value for short, (_, value) in layer_values(network, graph).items()}
    if not layers:
        return [], 0
    whole = Graph([graph.output])
    numbers = {value: np.asarray(array) for value, array in Interpreter(whole).trace().items()}
    slopes = Interpreter(Graph(gradient(lead, list(layers.values())))).run().values()
    found: list[tuple[float, str, Value, tuple[int, ...]]] = []
    count = 0
    for (name, value), slope in zip(layers.items(), slopes, strict=True):
        sizes = np.abs(np.nan_to_num(numbers[value] * slope, nan=np.inf))[0]
        count += sizes.size
        for place in np.argsort(-sizes, axis=None, kind="stable")[:most]:
            index = tuple(int(each) for each in np.unravel_index(place, sizes.shape))
            found.append((float(sizes[index]), name, value, index))
    found.sort(key=lambda each: -each[0])
    before = score(numbers[graph.output])
    neurons = []
    for _, name, value, index in found[:most]:
        silent = numbers[value].copy()
        silent[0][index] = 0.0
        lost = before - score(_output(whole, graph.output, numbers, value, silent))
        title = f"{name}[{', '.join(map(str, index))}]"
        neurons.append(Neuron(title, index, float(numbers[value][0][index]), lost))
    neurons.sort(key=lambda each: -abs(each.contribution))
    return neurons, count - len(neurons)


def _output(
    graph: Graph, output: Value, numbers: dict[Value, Array], value: Value, array: Array
) -> Array:
    """Return the numbers of `output` where `value` has those of `array`."""
    moved = {value: array}
    with np.errstate(all="ignore"):
        for step in graph.values:
            if step.op is None or step in moved:
                continue
            if any(operand in moved for operand in step.inputs):
                operands = [moved.get(each, numbers[each]) for each in step.inputs]
                moved[step] = np.asarray(step.op.run(*operands))
    return moved.get(output, numbers[output])


def layer_values(network: Network, graph: RowGraph) -> dict[str, tuple[str, Value]]:
    """Return path and output of each hidden layer of neurons, after their activation, by its name.

    A dense layer, its activation and a dropout are the same neurons: they go by the first one's
    name, as their weights do, and have the output of the last one.
    """
    weights: dict[str, int] = {}
    for name, value in graph.parameters.items():
        layer = name.rpartition(".")[0]
        weights[layer] = max(weights.get(layer, 0), value.ndim)
    reaching = set(Graph([graph.output]).values)
    layers: dict[str, Value] = {}
    current = ""
    for name, value in graph.hidden.items():
        # The mean of an ensemble stands for its members where more is added to it.
        dense = weights.get(name, 0) >= 2 or isinstance(network.layers.get(name), Ensemble)
        same = (
            bool(current)
            and name.rpartition(".")[0] == current.rpartition(".")[0]
            and value.shape == layers[current].shape
        )
        if dense:
            current = name
        elif not same:
            current = ""
        if current and value in reaching:
            layers[current] = value
        elif dense:
            current = ""
    # What a layer gives may be the output itself, under the name of what it is in.
    return {
        _short(name, layers): (name, of) for name, of in layers.items() if of is not graph.output
    }


def _short(name: str, names: Iterable[str]) -> str:
    """Return the end of a layer's path, as much as tells it from the others."""
    steps = name.split(".")
    for start in range(len(steps) - 1, 0, -1):
        end = ".".join(steps[start:])
        if sum(other == end or other.endswith(f".{end}") for other in names) == 1:
            return end
    return name
