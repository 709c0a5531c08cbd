"""The ways of layers from the inputs to the output, and what each layer hands back.

Where a network branches, one branch is followed and the others are named. What a unit hands back is
computed by reverse mode through whatever lies between two layers, so that it holds for normalized,
convolved and pooled layers as well. Knows the graph of one row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from misstep import ops
from misstep.autodiff import gradient
from misstep.ir import Array, Graph, Interpreter, Value, make_literal
from misstep.modeling.model import RowGraph
from misstep.modeling.neurons import layer_values
from misstep.nn import Ensemble, Network

__all__ = ["Link", "Station", "Ways", "handed_back"]


@dataclass(frozen=True)
class Station:
    """A layer on the way. `name`: what it is called; `path`: in the network, "" for the inputs.

    `raw`: what its weights give; `value`: the same after its activation, which the next layer
    takes. `members`: whether the axis behind the row counts members of an ensemble. `places`:
    whether a unit is a channel, with a number at each of several places.
    """

    name: str
    path: str
    raw: Value
    value: Value
    members: bool = False

    @property
    def places(self) -> bool:
        """Tell whether a unit is a channel, with a number at each of several places."""
        return self.value.ndim > 2 and not self.members

    def by_unit(self, array: Array) -> Array:
        """Return an array of the layer's shape, (1, …), as (units, places)."""
        if self.places:
            return np.asarray(array[0]).reshape(-1, array.shape[-1]).T
        return np.asarray(array[0]).reshape(-1, 1)

    def index_of(self, unit: int) -> tuple[int, ...]:
        """Return the index of a unit, such as (3,), or (member, unit)."""
        if self.places:
            return (unit,)
        return tuple(int(at) for at in np.unravel_index(unit, self.value.shape[1:]))


@dataclass(frozen=True)
class Link:
    """What the unit `end` of a layer hands back to the unit `start` of the one before it.

    `handed`: its part of ∂L/∂start, added up over places.
    """

    start: int
    end: int
    handed: float


class Ways:
    """The layers of a row's graph, and which of them takes which.

    `chain`: the longest way from the inputs to the output, both among them; `beside`: layers that
    are not on it.
    """

    def __init__(self, network: Network, graph: RowGraph) -> None:
        inputs = Station("inputs", "", graph.features, graph.features)
        self.output = Station("output", "", graph.output, graph.output)
        self._layers = [
            Station(name, path, graph.hidden.get(path, value), value, _in_ensemble(network, path))
            for name, (path, value) in layer_values(network, graph).items()
        ]
        stations = [inputs, *self._layers, self.output]
        by_value = {station.value: station for station in stations[:-1]}
        self._before = {station.name: _before(station, by_value) for station in stations}
        self._stations = stations
        self._lengths: dict[str, int] = {}
        self._paths: dict[str, int] = {}
        self.chain = self._longest()
        known = {station.name for station in self.chain}
        self.beside = [station for station in self._layers if station.name not in known]

    def of_parameter(self, name: str) -> Station | None:
        """Return the layer that a parameter belongs to; None where that is none of neurons."""
        path = name.rpartition(".")[0]
        return next((each for each in self._layers if each.path == path), None)

    def paths_from(self, station: Station) -> int:
        """Return at most how many paths there are from a unit of a layer to the loss."""
        if station.name not in self._paths:
            self._paths[station.name] = 1 if station is self.output else 0
            self._paths[station.name] += sum(
                each.raw.size * self.paths_from(each)
                for each in self._stations
                if any(other.name == station.name for other in self._before[each.name])
            )
        return self._paths[station.name]

    def _longest(self) -> list[Station]:
        chain = [self.output]
        while before := self._before[chain[-1].name]:
            # Of ways of the same length, the layer that comes last.
            chain.append(max(before, key=lambda one: (self._length(one), one.value.serial)))
        return chain[::-1]

    def _length(self, station: Station) -> int:
        if station.name not in self._lengths:
            self._lengths[station.name] = 0
            before = (self._length(each) for each in self._before[station.name])
            self._lengths[station.name] = 1 + max(before, default=0)
        return self._lengths[station.name]


def handed_back(
    before: Station, after: Station, gradients: Mapping[Value, Array], ends: Sequence[int]
) -> list[Link]:
    """Return what units of a layer hand back to each of the layer before, the most first.

    `gradients`: of the loss, by Value, with that of `after.raw`. `ends`: those units.
    """
    upstream = gradients[after.raw]
    wanted = {}
    for end in ends:
        alone = np.zeros_like(upstream)
        if after.places:
            alone[..., end] = upstream[..., end]
        else:
            alone.reshape(-1)[end] = upstream.reshape(-1)[end]
        part = ops.sum(after.raw * make_literal(alone, "float64"))
        wanted[str(end)] = gradient(part, before.value)
    arrays = Interpreter(Graph(wanted)).run() if wanted else {}
    links = []
    for end in ends:
        handed = before.by_unit(arrays[str(end)]).sum(axis=1)
        links += [Link(int(start), end, float(handed[start])) for start in np.flatnonzero(handed)]
    return sorted(links, key=lambda each: -abs(each.handed))


def _in_ensemble(network: Network, path: str) -> bool:
    steps = path.split(".")
    heads = [".".join(steps[:count]) for count in range(1, len(steps))]
    inside = [network.module, *(network.layers.get(head) for head in heads)]
    return any(isinstance(each, Ensemble) for each in inside)


def _before(station: Station, by_value: Mapping[Value, Station]) -> list[Station]:
    """Return the layers whose values a layer takes, with none in between."""
    if not station.path and station.raw in by_value:
        return []
    found: dict[str, Station] = {}
    seen: set[Value] = set()
    waiting = list(station.raw.inputs)
    while waiting:
        value = waiting.pop()
        if value in seen:
            continue
        seen.add(value)
        other = by_value.get(value)
        if other is not None and other.name != station.name:
            found[other.name] = other
        else:
            waiting += value.inputs
    return list(found.values())
