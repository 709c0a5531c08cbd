"""Blame for one mistake: the backward pass of one row, as facts to be drawn on the network.

For each layer on the way what its units were and the gradient of this row's loss by them, what they
hand back to the layer before, which neurons the loss would be without, and what the next update
would change. Of convolutions, sequences and the like a unit is a channel, whose places are added
up. All in float64. Knows one row's graph; draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from misstep.autodiff import gradient
from misstep.data import Inputs
from misstep.errors import ArgumentError
from misstep.ir import Array, Graph, Interpreter, Value, make_literal
from misstep.modeling.judgment.layer_chain import Station, Ways, handed_back
from misstep.modeling.judgment.next_updates import NextUpdate, next_updates, parameter_at
from misstep.modeling.model import Model, RowGraph
from misstep.modeling.neurons import Neuron, neurons_of
from misstep.nn import Network
from misstep.text.counts import counted
from misstep.train import Trainer

__all__ = ["Blame", "BlamedLayer", "BlamedLink", "BlamedUnit", "BlamedWeight", "blame_of"]

# Units of a layer that are kept, of the inputs and of the outputs; links between two layers.
MOST_UNITS, MOST_INPUTS, MOST_OUTPUTS, MOST_LINKS = 8, 10, 10, 24
# Layers whose units hand back; of longer ways, the ones in the middle are only named.
MOST_LAYERS = 8
# Weights that are named, and neurons that are silenced one by one.
MOST_WEIGHTS, MOST_NEURONS = 6, 12
# Paths from a weight to the loss that a reader can still follow.
MOST_PATHS = 80
# Beyond this many multiply-adds of one row, or parameters, the interpreter takes longer than anyone
# waits: it does about one in a nanosecond, three times over.
MOST_OPERATIONS, MOST_PARAMETERS = 100_000_000, 5_000_000


@dataclass(frozen=True)
class BlamedUnit:
    """A unit of a layer, a channel or an input.

    `activation`: its value, of a channel the mean over places. `gradient`: ∂L by it, of a channel
    the sum over places: what the loss would rise by for each 1 that all of them rise by.
    `contribution`: activation times gradient, added up over places.
    """

    name: str
    index: tuple[int, ...]
    activation: float
    gradient: float
    contribution: float


@dataclass(frozen=True)
class BlamedLayer:
    """A layer on the way. `path`: in the network, "" for inputs and output.

    `noun`: what a unit is called; `units`: those kept, by how much they contribute; `left_out`: how
    many are not. `norm`: √Σ (∂L/∂a)² over all units and places; `norm_left_out`: over those that
    are not kept. `places`: how many places a channel has, else 1.
    """

    name: str
    path: str
    noun: str
    units: tuple[BlamedUnit, ...]
    left_out: int
    norm: float
    norm_left_out: float
    places: int = 1


@dataclass(frozen=True)
class BlamedLink:
    """A connection between two units that are kept, of neighboring layers.

    `layer`: the number of the earlier one; `start`, `end`: places among its units, and those of the
    next. `handed`: what is handed back along it, its part of ∂L/∂(start). `weight`, `gradient`: the
    weight and ∂L by it, where a single weight is all that lies between; else None.
    """

    layer: int
    start: int
    end: int
    handed: float
    weight: float | None = None
    gradient: float | None = None
    weight_name: str = ""


@dataclass(frozen=True)
class BlamedWeight:
    """A weight with its gradient: dense1.weight[3,0]. `path`, `index`: of its parameter."""

    name: str
    path: str
    index: tuple[int, ...]
    value: float
    gradient: float


@dataclass(frozen=True)
class Blame:
    """Whom one row's loss is blamed on.

    `loss`: of the row, as it was learned by. `layers`: from the inputs to the output; `links`
    between neighbors, the strongest first. `neurons`: hidden ones, each with what the loss loses
    where it falls silent; `more_neurons`: how many were not measured. `weights`: those blamed most;
    `explained`: the one blamed most whose chain rule can be read, with few paths to the loss.
    `updates`: what the next update would do. `beside`: layers that are not on the way drawn, with
    the norm of their gradient. `notes`: what is not shown, in words.
    """

    loss: float
    layers: tuple[BlamedLayer, ...]
    links: tuple[BlamedLink, ...]
    neurons: tuple[Neuron, ...]
    more_neurons: int
    weights: tuple[BlamedWeight, ...]
    explained: BlamedWeight | None
    updates: tuple[NextUpdate, ...]
    beside: tuple[tuple[str, float], ...]
    notes: tuple[str, ...]


def blame_of(
    model: Model,
    features: Array,
    truth: Array,
    *,
    trainer: Trainer | None = None,
    learning_rate: float | None = None,
) -> Blame:
    """Return whom the loss of one row is blamed on.

    features: (1, features); truth: encoded, (1,), both as in `Mistake`. trainer: which learned the
    model, where its optimizer's next update is asked for as well; learning_rate: of plain descent.
    Raises ArgumentError for a network that is too large for it.
    """
    _check_size(model)
    graph = model.row_graph(features, truth)
    assert graph.loss is not None
    ways = Ways(model.network, graph)
    chain, beside = ways.chain, ways.beside
    kept = [chain[0], *chain[1:-1][-MOST_LAYERS:], chain[-1]]
    numbers, gradients = _backward(graph, [*chain, *beside])
    assert graph.flat is not None
    by_parameter = gradients[graph.flat]
    inputs = _grouped_inputs(model)
    layers = [
        _layer(model, station, numbers, gradients, features, truth, inputs) for station in kept
    ]
    links: list[BlamedLink] = []
    for at in range(len(kept) - 1):
        pair = kept[at], kept[at + 1]
        if pair[0].name in {each.name for each in chain} and _neighbors(chain, *pair):
            links += _links(graph, at, pair, layers, numbers, gradients, inputs)
    loss = float(numbers[graph.loss])

    def lost(outputs: Array) -> float:
        return _loss_of(model, graph, outputs)

    neurons, more = neurons_of(model.network, graph, graph.loss, lost, MOST_NEURONS)
    updates = next_updates(model, graph, by_parameter, trainer=trainer, learning_rate=learning_rate)
    return Blame(
        loss,
        tuple(each for each, _ in layers),
        tuple(links),
        tuple(neurons),
        more,
        _weights(model.network, numbers[graph.flat], by_parameter),
        _explained(model.network, ways, graph, numbers[graph.flat], by_parameter),
        updates,
        tuple((each.name, _norm(gradients[each.value])) for each in beside),
        tuple(_notes(model, chain, kept, beside, trainer)),
    )


def _check_size(model: Model) -> None:
    operations = sum(model.network.operations.values())
    parameters = model.network.parameter_count
    if operations > MOST_OPERATIONS or parameters > MOST_PARAMETERS:
        raise ArgumentError(
            "the backward pass of one row",
            needed=f"a network of at most {MOST_OPERATIONS:,} multiply-adds for a row and "
            f"{MOST_PARAMETERS:,} parameters",
            got=f"{operations:,} and {parameters:,}",
            try_="a smaller network: what a page can show of one this large says little",
        )


def _backward(
    graph: RowGraph, stations: Sequence[Station]
) -> tuple[dict[Value, Array], dict[Value, Array]]:
    """Return numbers and gradients of layers, and of parameters, by Value."""
    assert graph.loss is not None
    assert graph.flat is not None
    layers = [value for each in stations for value in (each.raw, each.value)]
    wanted = dict.fromkeys([*layers, *graph.parameters.values(), graph.flat])
    adjoints = gradient(graph.loss, list(wanted))
    outputs = {f"number {n}": value for n, value in enumerate(wanted)}
    outputs |= {f"gradient {n}": value for n, value in enumerate(adjoints)}
    outputs["loss"] = graph.loss
    arrays = Interpreter(Graph(outputs)).run()
    numbers = {value: arrays[f"number {n}"] for n, value in enumerate(wanted)}
    numbers[graph.loss] = arrays["loss"].reshape(())
    return numbers, {value: arrays[f"gradient {n}"] for n, value in enumerate(wanted)}


def _grouped_inputs(model: Model) -> Inputs | None:
    """Return how features are added up, where they are the same thing at many places."""
    baseline = None if model.training_rows is None else model.training_rows.baseline
    inputs = model.preprocessing.inputs(baseline)[0]
    return inputs if inputs.alike else None


def _layer(
    model: Model,
    station: Station,
    numbers: Mapping[Value, Array],
    gradients: Mapping[Value, Array],
    features: Array,
    truth: Array,
    inputs: Inputs | None,
) -> tuple[BlamedLayer, list[int]]:
    """Return a layer, and the numbers of the units that are kept of it."""
    slopes = gradients[station.value]
    groups = None
    if station.value is not station.raw or station.path:
        values = station.by_unit(numbers[station.value])
        by_unit = station.by_unit(slopes)
        names = [
            f"{station.name}[{', '.join(map(str, station.index_of(unit)))}]"
            for unit in range(len(values))
        ]
        noun, most = ("channel" if station.places else "unit"), MOST_UNITS
    elif station.name == "output":
        values, by_unit = station.by_unit(numbers[station.value]), station.by_unit(slopes)
        names, noun, most = _output_names(model, len(values)), "output", MOST_OUTPUTS
    else:
        values, by_unit = station.by_unit(numbers[station.value]), station.by_unit(slopes)
        noun, most = "input", MOST_INPUTS
        if inputs is None:
            names = model.preprocessing.names_in_row(features[0])
        else:
            groups = [inputs.features_of(number) for number in range(len(inputs))]
            names, noun = list(inputs.names), inputs.noun
    if groups is None:
        sums, means = by_unit.sum(axis=1), values.mean(axis=1)
        products = (values * by_unit).sum(axis=1)
        squares = (by_unit**2).sum(axis=1)
    else:
        values, by_unit = values[:, 0], by_unit[:, 0]
        sums = np.array([by_unit[at].sum() for at in groups])
        means = np.array([values[at].mean() for at in groups])
        products = np.array([(values[at] * by_unit[at]).sum() for at in groups])
        squares = np.array([(by_unit[at] ** 2).sum() for at in groups])
    order = np.lexsort((-np.abs(sums), -np.abs(products)))[:most].tolist()
    if noun == "output" and len(order) > 1:
        order = sorted({*order[:most], *_answer(truth, len(sums))})
    units = [
        BlamedUnit(
            names[unit],
            station.index_of(unit) if groups is None else (unit,),
            float(means[unit]),
            float(sums[unit]),
            float(products[unit]),
        )
        for unit in order
    ]
    rest = np.delete(squares, order)
    places = station.by_unit(slopes).shape[1]
    return (
        BlamedLayer(
            station.name,
            station.path,
            noun,
            tuple(units),
            len(sums) - len(order),
            _norm(slopes),
            float(np.sqrt(rest.sum())),
            places,
        ),
        order,
    )


def _answer(truth: Array, outputs: int) -> set[int]:
    return {int(truth[0])} if outputs > 1 else set()


def _output_names(model: Model, count: int) -> list[str]:
    target = model.target
    if count == 1:
        return [target.name if target.is_number else str(target.classes[-1])]
    return [str(each) for each in target.classes]


def _neighbors(chain: Sequence[Station], before: Station, after: Station) -> bool:
    names = [each.name for each in chain]
    return names.index(after.name) == names.index(before.name) + 1


def _links(
    graph: RowGraph,
    at: int,
    pair: tuple[Station, Station],
    layers: Sequence[tuple[BlamedLayer, list[int]]],
    numbers: Mapping[Value, Array],
    gradients: Mapping[Value, Array],
    inputs: Inputs | None,
) -> list[BlamedLink]:
    before, after = pair
    starts, ends = layers[at][1], layers[at + 1][1]
    grouped = inputs is not None and not before.path
    totals: dict[tuple[int, int], float] = {}
    for link in handed_back(before, after, gradients, ends):
        start = link.start
        if grouped and inputs is not None:
            start = int(inputs.members[link.start])
        totals[start, link.end] = totals.get((start, link.end), 0.0) + link.handed
    found = []
    for (start, end), handed in totals.items():
        if start not in starts or not handed:
            continue
        weight = None if grouped else _weight(graph, before, after, start, end, numbers, gradients)
        same = weight is not None and _is_all(weight, handed, after, end, gradients)
        place = starts.index(start), ends.index(end)
        if weight is not None and same:
            found.append(BlamedLink(at, *place, handed, weight.value, weight.gradient, weight.name))
        else:
            found.append(BlamedLink(at, *place, handed))
    found.sort(key=lambda each: -abs(each.handed))
    return found[:MOST_LINKS]


def _weight(
    graph: RowGraph,
    before: Station,
    after: Station,
    start: int,
    end: int,
    numbers: Mapping[Value, Array],
    gradients: Mapping[Value, Array],
) -> BlamedWeight | None:
    """Return the weight that may lie between two units, by their places in the layers."""
    name = f"{after.path}.weight" if after.path else _last_weight(graph)
    value = graph.parameters.get(name)
    if value is None or before.places or after.places:
        return None
    from_unit, to_unit = _within(before, start), _within(after, end)
    if value.ndim == 2:
        index: tuple[int, ...] = (from_unit[-1], to_unit[-1])
    elif value.ndim == 3 and len(to_unit) == 2:
        index = (to_unit[0], from_unit[-1], to_unit[-1])
    else:
        return None
    if any(place >= length for place, length in zip(index, value.shape, strict=True)):
        return None
    title = f"{name}[{','.join(map(str, index))}]"
    return BlamedWeight(
        title, name, index, float(numbers[value][index]), float(gradients[value][index])
    )


def _within(station: Station, unit: int) -> tuple[int, ...]:
    return station.index_of(unit) if station.path else (unit,)


def _last_weight(graph: RowGraph) -> str:
    """Return the name of the weight of a layer whose output is that of the network; or ""."""
    for name in graph.parameters:
        path, _, kind = name.rpartition(".")
        if kind == "weight" and path not in graph.hidden:
            return name
    return ""


def _is_all(
    weight: BlamedWeight, handed: float, after: Station, end: int, gradients: Mapping[Value, Array]
) -> bool:
    """Tell whether a single weight is all that lies between: it hands back just that much."""
    slope = float(after.by_unit(gradients[after.raw])[end].sum())
    return bool(np.isclose(weight.value * slope, handed, rtol=1e-9, atol=0.0))


def _weights(network: Network, values: Array, gradients: Array) -> tuple[BlamedWeight, ...]:
    sizes = np.abs(gradients)
    order = np.argsort(-sizes, kind="stable")[:MOST_WEIGHTS]
    weights = []
    for place in order[sizes[order] > 0].tolist():
        name, index = parameter_at(network, place)
        title = f"{name}[{','.join(map(str, index))}]" if index else name
        numbers = float(values[place]), float(gradients[place])
        weights.append(BlamedWeight(title, name, index, *numbers))
    return tuple(weights)


def _explained(
    network: Network, ways: Ways, graph: RowGraph, values: Array, gradients: Array
) -> BlamedWeight | None:
    """Return the most blamed weight of those with few paths to the loss."""
    few = np.zeros(len(gradients), bool)
    for name, part in network.arrays(few).items():
        part[...] = _paths(ways, graph, name) <= MOST_PATHS
    found = _weights(network, values, np.where(few, gradients, 0.0))
    return found[0] if found else None


def _paths(ways: Ways, graph: RowGraph, name: str) -> float:
    """Return at most how many paths lead from an entry of a parameter to the loss."""
    station = ways.of_parameter(name)
    if station is not None:
        places = station.by_unit(np.zeros(station.value.shape)).shape[1]
        return places * ways.paths_from(station)
    # What no layer of neurons holds may be what gives the output itself.
    given = name.rpartition(".")[0] not in graph.hidden
    return ways.paths_from(ways.output) if given else float("inf")


def _loss_of(model: Model, graph: RowGraph, outputs: Array) -> float:
    """Return the row's loss for other raw outputs, (1, outputs)."""
    assert graph.truth is not None
    value = model.loss(make_literal(np.asarray(outputs, "float64"), "float64"), graph.truth)
    return float(np.asarray(value.numpy()))


def _notes(
    model: Model,
    chain: Sequence[Station],
    kept: Sequence[Station],
    beside: Sequence[Station],
    trainer: Trainer | None,
) -> list[str]:
    notes = []
    if len(chain) > len(kept):
        notes.append(
            f"of {counted(len(chain) - 2, 'layer')}, the last {len(kept) - 2} are shown in full"
        )
    if beside:
        named = ", ".join(each.name for each in beside[:6])
        more = f" and {len(beside) - 6} more" if len(beside) > 6 else ""
        notes.append(f"the network branches; not on the way shown: {named}{more}")
    if any(each.places for each in kept):
        notes.append("a channel stands for all its places, whose gradients are added up")
    if any(each.members for each in kept):
        notes.append("units are those of all members of the ensemble, by member and unit")
    if trainer is not None and (trainer.clipping or trainer.regularizers):
        notes.append("the next update is shown without clipping and penalties")
    return notes


def _norm(array: Array) -> float:
    return float(np.sqrt((np.asarray(array, np.float64) ** 2).sum()))
