"""A weight, a bias or a unit, explained with the numbers of this very step, as plain JSON.

Of a weight: the chain rule in one row, which rows of the next batch blame it, and what the update
makes of it. Of a unit: what it sums, what it gives, how the loss hears of it. Joins `explain` with
the next update; prints nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.autodiff import gradient
from misstep.explain import EntryName, Explanation, contributions, explain
from misstep.ir import Array, Graph, Interpreter, Value
from misstep.nn import Residual
from misstep.playground.choice import Choice
from misstep.playground.frame import Seen
from misstep.playground.looking import LayerPlaces, layer_places
from misstep.playground.next_update import NextUpdate
from misstep.playground.packing import finite
from misstep.playground.problems.problem import Problem
from misstep.playground.row_choice import RowChoice
from misstep.playground.row_graph import RowsGraph, batch_graph, names_in, row_graph
from misstep.playground.timeline import Timeline
from misstep.text.counts import counted
from misstep.text.figures import figure
from misstep.text.lists import joined

__all__ = ["explained"]

# Paths of a chain rule that are listed, and neurons.
PATHS, NEURONS = 5, 12


def explained(timeline: Timeline, seen: Seen, choice: Choice, row: RowChoice) -> dict[str, Any]:
    """Return what moves a weight, or what a unit does, at this update."""
    # Numbers may be too large, or none; what is told of them then says so.
    with np.errstate(all="ignore"):
        explaining = _Explaining(timeline, seen, choice, row)
        return explaining.unit() if choice.is_unit else explaining.entry()


@dataclass
class _Explaining:
    timeline: Timeline
    seen: Seen
    choice: Choice
    row: RowChoice

    def __post_init__(self) -> None:
        timeline, problem = self.timeline, self.timeline.problem
        self.network = timeline.trainer.network
        self.places = layer_places(self.network)
        one = self.row.rows(problem).take(np.array([self.row.number]))
        self.graph = row_graph(self.network, timeline.state, problem.loss, one)
        self.names = names_in(self.network, self.graph, problem)
        self.next = NextUpdate.of(timeline, self.seen)

    @property
    def problem(self) -> Problem:
        """Return the problem."""
        return self.timeline.problem

    # --- a weight or a bias -----------------------------------------------------------------------

    def entry(self) -> dict[str, Any]:
        """Return what moves an entry of a parameter."""
        name, index = self.choice.of, self.choice.index
        chain = self._chain(self.graph.parameters[name], index)
        batch = self._batch(name, index)
        position = self._position(name, index)
        change = self.next.change(position)
        clipping = self.next.clipping(position)
        label = chain["label"]
        return {
            "choice": self.choice.plain(),
            "kind": name.rpartition(".")[2],
            "update": self.timeline.update,
            "label": label,
            "sentence": chain["sentence"],
            "value": change["old"],
            "row": {**self.row.plain(self.problem), "chain": chain},
            "batch": batch,
            "clipping": clipping,
            "change": change,
            "words": list(_words_of_entry(label, batch, clipping, change)),
        }

    def _chain(self, value: Value, index: tuple[int, ...]) -> dict[str, Any]:
        """Return the chain rule of the row's loss by an entry, as plain JSON with words."""
        names: dict[Value, str | EntryName] = dict(self.names)
        found = explain(self.graph.loss, value, index, names=names, paths=PATHS)
        return written(found)

    def _position(self, name: str, index: tuple[int, ...]) -> int:
        """Return where an entry stands among all parameters."""
        for one in self.network.parameter_slices:
            if one.specification.name == name:
                return one.start + int(np.ravel_multi_index(index, one.specification.shape))
        raise AssertionError(name)

    def _batch(self, name: str, index: tuple[int, ...]) -> dict[str, Any]:
        """Return how each row of the next batch blames an entry: what came in times its slope."""
        path, _, kind = name.rpartition(".")
        graph = self._of_batch()
        numbers = self._numbers(graph, [path])
        slopes, inputs = numbers["slopes", path], numbers["inputs", path]
        came: Array | None = None
        if kind == "weight" and path in {one.sums for one in self.places}:
            came, blame = inputs[:, index[0]], slopes[:, index[1]]
        elif kind == "bias" and path in {one.sums for one in self.places}:
            came, blame = np.ones(len(slopes)), slopes[:, index[0]]
        total = float(numbers["gradient", name][index])
        penalty = self._penalty(name, index)
        rows = []
        if came is not None:
            rows = [
                {
                    "number": int(row),
                    "name": self.problem.row_name(int(row), held_out=False),
                    "came": float(came[at]),
                    "slope": float(blame[at]),
                    "product": float(came[at] * blame[at]),
                }
                for at, row in enumerate(self.next.rows)
            ]
        position = self._position(name, index)
        told = {
            "rows": rows,
            "sum": total,
            "penalty": penalty,
            "gradient": total + penalty,
            "in_training": float(self.next.gradient[position]),
            "loss": float(numbers["loss", ""]),
        }
        plain: dict[str, Any] = finite(told)
        return plain

    def _penalty(self, name: str, index: tuple[int, ...]) -> float:
        """Return the slope of the penalties by an entry."""
        regularized = {
            one.specification.name: one.specification.regularized
            for one in self.network.parameter_slices
        }
        if not regularized[name]:
            return 0.0
        settings = self.timeline.settings
        value = float(self.next.before[self._position(name, index)])
        return float(settings.l1 * np.sign(value) + settings.l2 * value)

    def _of_batch(self) -> RowsGraph:
        timeline = self.timeline
        rows = timeline.fork.rows.take(self.next.rows)
        return batch_graph(
            self.network, timeline.state, self.problem.loss, rows, timeline.fork.seed
        )

    def _numbers(self, graph: RowsGraph, paths: list[str]) -> dict[tuple[str, str], Array]:
        """Return, in the batch: what layers take, slopes by what they give, all gradients."""
        wanted: dict[tuple[str, str], Value] = {("loss", ""): graph.loss}
        for path in paths:
            wanted["inputs", path] = graph.inputs[path]
            wanted["slopes", path] = gradient(graph.loss, [graph.layers[path]])[0]
        parameters = gradient(graph.loss, list(graph.parameters.values()))
        for name, slope in zip(graph.parameters, parameters, strict=True):
            wanted["gradient", name] = slope
        outputs = {str(at): value for at, value in enumerate(wanted.values())}
        with np.errstate(all="ignore"):
            found = Interpreter(Graph(outputs)).run()
        return {key: found[str(at)] for at, key in enumerate(wanted)}

    # --- a unit -----------------------------------------------------------------------------------

    def unit(self) -> dict[str, Any]:
        """Return what a unit does in the chosen row, and what the update makes of its weights."""
        layer, number = self.choice.index
        place = self.places[layer - 1]
        given = self.graph.layers[place.given]
        numbers = self._unit_numbers(place, layer)
        chain = self._chain(given, (0, number))
        weight = numbers["weight"]
        inputs = [
            {
                "name": name,
                "label": f"{place.sums}.weight.{at}.{number}",
                "value": float(numbers["came"][at]),
                "weight": float(weight[at, number]),
                "product": float(numbers["came"][at] * weight[at, number]),
            }
            for at, name in enumerate(self._names_before(layer))
        ]
        last = layer == len(self.places)
        told: dict[str, Any] = {
            "choice": self.choice.plain(),
            "kind": "unit",
            "update": self.timeline.update,
            "label": chain["label"],
            "sentence": f"unit {number} of {place.sums}",
            "is_output": last,
            "activation": "none" if last else self.timeline.settings.activation,
            "normalized": not last and self.timeline.settings.normalization != "none",
            "shortcut": isinstance(self.network.layers[place.given], Residual),
            "row": {**self.row.plain(self.problem), "chain": chain},
            "inputs": inputs,
            "bias": float(numbers["bias"][number]),
            "sum": float(numbers["sums"][number]),
            "given": float(numbers["given"][number]),
            "given_slope": float(numbers["given_slopes"][number]),
            "sum_slope": float(numbers["sum_slopes"][number]),
            "goes_to": self._goes_to(layer, number, numbers),
            "neurons": self._neurons(),
            "changes": list(self._changes(place, number)),
        }
        told["words"] = list(_words_of_unit(told))
        plain: dict[str, Any] = finite(told)
        return plain

    def _unit_numbers(self, place: LayerPlaces, layer: int) -> dict[str, Array]:
        graph, sums = self.graph, self.graph.layers[place.sums]
        given = graph.layers[place.given]
        following = self.places[layer] if layer < len(self.places) else None
        wanted = {
            "came": graph.inputs[place.sums],
            "weight": graph.parameters[f"{place.sums}.weight"],
            "bias": graph.parameters[f"{place.sums}.bias"],
            "sums": sums,
            "given": given,
        }
        slopes = gradient(graph.loss, [sums, given])
        wanted |= {"sum_slopes": slopes[0], "given_slopes": slopes[1]}
        if following is not None:
            wanted["next_weight"] = graph.parameters[f"{following.sums}.weight"]
            behind = [graph.layers[following.sums], graph.layers[following.given]]
            wanted["next_slopes"], wanted["slopes_behind"] = gradient(graph.loss, behind)
        with np.errstate(all="ignore"):
            found = Interpreter(Graph(wanted)).run()
        rows = (
            "came",
            "sums",
            "given",
            "sum_slopes",
            "given_slopes",
            "next_slopes",
            "slopes_behind",
        )
        return {name: one[0] if name in rows else one for name, one in found.items()}

    def _goes_to(self, layer: int, number: int, numbers: dict[str, Array]) -> list[dict[str, Any]]:
        """Return how the loss hears of a unit through each unit of the next layer."""
        if "next_weight" not in numbers:
            return []
        path, given = self.places[layer].sums, self.places[layer].given
        weight, slopes = numbers["next_weight"], numbers["next_slopes"]
        ways = [
            {
                "name": name,
                "label": f"{path}.weight.{number}.{at}",
                "weight": float(weight[number, at]),
                "slope": float(slopes[at]),
                "product": float(weight[number, at] * slopes[at]),
            }
            for at, name in enumerate(self._names_of(layer + 1))
        ]
        if isinstance(self.network.layers[given], Residual):
            around = float(numbers["slopes_behind"][number])
            name = f"unit {number} of layer {layer + 1}, by the shortcut"
            label = Choice.unit(layer + 1, number).text()
            ways.append(
                {"name": name, "label": label, "weight": 1.0, "slope": around, "product": around}
            )
        return ways

    def _names_before(self, layer: int) -> list[str]:
        """Return what the inputs of a layer are called."""
        return list(self.problem.features) if layer == 1 else self._names_of(layer - 1)

    def _names_of(self, layer: int) -> list[str]:
        if layer == len(self.places) and len(self.problem.classes) > 2:
            return list(self.problem.classes)
        if layer == len(self.places):
            return ["output"]
        count = int(self.network.outputs[self.places[layer - 1].sums][-1])
        return [f"unit {at} of layer {layer}" for at in range(count)]

    def _neurons(self) -> list[dict[str, Any]]:
        """Return which hidden units carried the loss of the row, the most first."""
        hidden = {
            str(at): self.graph.layers[one.given] for at, one in enumerate(self.places[:-1], 1)
        }
        if not hidden:
            return []
        return [
            {
                "layer": int(one.layer),
                "unit": one.index[0],
                "given": one.activation,
                "slope": one.gradient,
                "contribution": one.contribution,
            }
            for one in contributions(self.graph.loss, hidden)[:NEURONS]
        ]

    def _changes(self, place: LayerPlaces, number: int) -> Iterator[dict[str, Any]]:
        """Yield what the next update makes of the weights into a unit, and of its bias."""
        shape = self.network.arrays()[f"{place.sums}.weight"].shape
        entries = [(f"{place.sums}.weight", (at, number)) for at in range(shape[0])]
        for name, index in [*entries, (f"{place.sums}.bias", (number,))]:
            position = self._position(name, index)
            after = self.next.after
            yield {
                "label": Choice(name, index).text(),
                "gradient": float(self.next.gradient[position]),
                "old": float(self.next.before[position]),
                "new": None if after is None else float(after[position]),
            }


def written(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as plain JSON, with its text, LaTeX and MathML."""
    words = {"text": explanation.text(), "latex": explanation.latex()}
    return explanation.to_dict() | words | {"mathml": explanation.mathml()}


def _words_of_entry(
    label: str, batch: dict[str, Any], clipping: dict[str, Any] | None, change: dict[str, Any]
) -> Iterator[str]:
    """Yield sentences on what moves an entry."""
    rows, slope = batch["rows"], batch["gradient"]
    if slope is None:
        yield f"The gradient of {label} is no finite number."
        return
    if slope == 0:
        yield f"No row of the next batch blames {label}: its slope is 0."
    else:
        way = "larger" if slope > 0 else "smaller"
        yield (
            f"In the next batch of {counted(len(rows), 'row')} a larger {label} makes the loss "
            f"{way}: its slope is {figure(slope)}."
        )
    if rows and batch["sum"]:
        worst = max(rows, key=lambda one: abs(one["product"]))
        yield (
            f"{worst['name'][:1].upper()}{worst['name'][1:]} has most to do with it: what came in, "
            f"{figure(worst['came'])}, times its slope, {figure(worst['slope'])}, is "
            f"{figure(worst['product'])} of {figure(batch['sum'])}."
        )
    if batch["penalty"]:
        yield f"The penalty on large weights adds {figure(batch['penalty'])} to the slope."
    if clipping is not None and clipping["changed"]:
        what = "the gradient is longer than" if clipping["by"] == "norm" else "an entry is beyond"
        after = "no number" if clipping["after"] is None else figure(clipping["after"])
        yield f"Since {what} {figure(clipping['limit'])}, it is clipped: {after} is left here."
    old, new = change["old"], change["new"]
    if old is None or new is None:
        yield "The next update can't be done, or leaves no finite number here."
    elif old == new:
        yield f"The next update leaves it at {figure(old)}."
    else:
        yield (
            f"The next update moves it by {figure(new - old)}, from {figure(old)} to {figure(new)}."
        )


def _words_of_unit(told: dict[str, Any]) -> Iterator[str]:
    """Yield sentences on what a unit does in a row."""
    name = told["row"]["name"]
    terms = [one["product"] for one in told["inputs"]]
    yield (
        f"In {name} it sums {counted(len(terms), 'product')} of an input and a weight to "
        f"{figure(sum(terms))}, and with its bias of {figure(told['bias'])} that is "
        f"{figure(told['sum'])}."
    )
    if told["is_output"]:
        slope = figure(told["sum_slope"])
        yield f"That is the network's raw answer; the slope of the loss by it is {slope}."
        return
    steps = ["normalization"] if told["normalized"] else []
    steps += [told["activation"]] if told["activation"] != "linear" else []
    steps += ["shortcut"] if told["shortcut"] else []
    if steps:
        make = "make" if len(steps) > 1 else "makes"
        yield f"Its {joined(steps)} {make} {figure(told['given'])} of it."
    slope, sum_slope = told["given_slope"], told["sum_slope"]
    if slope == 0:
        yield "Nothing of the loss depends on what it gives here."
        return
    way = "up" if slope > 0 else "down"
    ways = [not one["label"].startswith("unit.") for one in told["goes_to"]]
    around = "" if all(ways) else " and the shortcut"
    yield (
        f"More of it would bring the loss {way}: its slope, through "
        f"{counted(sum(ways), 'unit')} behind it{around}, is {figure(slope)}."
    )
    if sum_slope == 0:
        yield "But its activation is flat here, so that no weight before it hears of that."
