"""Short names for the values and weights of a network's graph for one row, with a legend.

z1 is what the first layer with weights makes, a1 the same after its activation, W1 and b1 are its
weights; inputs are called by their column. Knows layers by what they own and where they stand, and
data by the names that are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from misstep.explain.entry_names import EntryName
from misstep.explain.formulas import Formulas
from misstep.explain.local_derivatives import LocalDerivatives
from misstep.explain.naming import MOVING
from misstep.ir import Array, Graph, Interpreter, Value
from misstep.nn import Ensemble
from misstep.nn.activations import Activation
from misstep.nn.recurrent import Recurrent

# Letters of textbooks for weights; others are called by their own name.
LETTERS = {"weight": "W", "bias": "b", "recurrent": "U", "recurrent_bias": "c", "vectors": "E"}
MEANINGS = {
    "weight": "the weights of",
    "bias": "the biases of",
    "recurrent": "the weights from step to step of",
    "recurrent_bias": "the biases from step to step of",
    "vectors": "the vectors of",
}
# Names of inputs that are longer than this are cut.
LONGEST_INPUT = 24


def network_names(
    layers: Mapping[str, object],
    outputs: Mapping[str, Value],
    parameters: Mapping[str, Value],
    features: Value,
    feature_names: Sequence[str],
    output: Value,
    output_names: Sequence[str] = (),
) -> dict[Value, EntryName]:
    """Return what to call each Value of a network's graph for one row.

    `layers`: by path, the whole network as "". `outputs`: what each layer of a path makes, in
    order; `parameters`: by name. `features`: (1, features), their names as people know them.
    `output`: (1, outputs), with the names of classes where there are any.
    """
    names = {
        features: EntryName(
            "x",
            "the inputs of this row, as the network takes them",
            ("", "input"),
            {1: [_cut(name) for name in feature_names]},
        )
    }
    last = {1: list(output_names)} if len(output_names) == output.shape[-1] else {}
    shown = "class" if last else "" if output.shape[-1] == 1 else "output"
    out = EntryName("output", "what the network answers", ("", *_open(output, shown)), last)
    numbers = _Numbers(layers, parameters)
    known = {*parameters.values(), *names, output}
    for path, value in outputs.items():
        for made in _made(value, known):
            if made not in names:
                named = _value_name(path, made, layers, numbers)
                names[made] = named if made is value else replace(named, axes=_places(made))
    names[output] = out
    origins = _Origins(features, output, feature_names)
    for name, value in parameters.items():
        names[value] = _parameter_name(name, value, layers, numbers, origins)
    return names


def _places(value: Value) -> tuple[str, ...]:
    """Return axes for a value inside of a layer, of whose axes nothing is known."""
    words = ["place"] * (value.ndim - 1) + ["unit"]
    pairs = zip(words, value.shape, strict=True)
    return tuple(word if length > 1 else "" for word, length in pairs)


def _made(value: Value, known: set[Value]) -> list[Value]:
    """Return what a layer makes, seen through ops that only move entries.

    A layer that passes on inputs, or what other layers make, makes nothing of its own.
    """
    if value in known or value.op is None:
        return []
    if value.op.name not in MOVING:
        known.add(value)
        return [value]
    return [made for operand in value.inputs for made in _made(operand, known)]


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_INPUT else name[: LONGEST_INPUT - 1] + "…"


def _open(value: Value, last: str) -> tuple[str, ...]:
    return ("",) * (value.ndim - 2) + (last,)


class _Numbers:
    """Which number each layer goes by: those with weights are counted, others follow them."""

    def __init__(self, layers: Mapping[str, object], parameters: Mapping[str, Value]) -> None:
        self.layers = layers
        owners = dict.fromkeys(name.rpartition(".")[0] for name in parameters)
        self.of = {path: number for number, path in enumerate(owners, 1)}
        self.owned = {
            path: [name for name in parameters if name.rpartition(".")[0] == path]
            for path in owners
        }
        self.last = 0


def _value_name(
    path: str, value: Value, layers: Mapping[str, object], numbers: _Numbers
) -> EntryName:
    layer, short = layers.get(path), path.rpartition(".")[2]
    axes = _axes(path, value, layers)
    if isinstance(layer, Activation):
        number = numbers.last
        return EntryName(f"a{number}" if number else short, f"z{number} after {short}", axes)
    if path in numbers.of:
        numbers.last = numbers.of[path]
        letter = "h" if isinstance(layer, Recurrent) else "z"
        return EntryName(f"{letter}{numbers.last}", f"what {short} makes", axes)
    if isinstance(layer, Ensemble):
        return EntryName(short, "the mean of its members", axes)
    return EntryName(short, f"what {short} makes", axes)


def _axes(path: str, value: Value, layers: Mapping[str, object]) -> tuple[str, ...]:
    """Return what each axis of a layer's result counts; those with one entry are not shown."""
    inner = [layers.get(path[:end]) for end, sign in enumerate(path) if sign == "."]
    inner.append(layers.get(""))
    members = any(isinstance(each, Ensemble) for each in inner) and value.ndim > 2
    middle = value.ndim - 2 - members
    words = ["", *["member"] * members]
    words += {0: [], 1: ["step"], 2: ["row", "column"]}.get(middle, ["place"] * middle)
    words += ["unit" if middle < 2 else "channel"]
    words = words[: value.ndim] if value.ndim < 2 else words
    return tuple(
        word if length > 1 else "" for word, length in zip(words, value.shape, strict=False)
    )


def _parameter_name(
    name: str, value: Value, layers: Mapping[str, object], numbers: _Numbers, origins: _Origins
) -> EntryName:
    path, _, tail = name.rpartition(".")
    short = path.rpartition(".")[2] or path
    number = numbers.of[path]
    symbol = f"{LETTERS.get(tail, tail)}{number}"
    from_input = origins.of(value)
    if tail == "weight" and value.ndim == 3:
        axes: tuple[str, ...] = ("member", "from", "to")
        sentence = "the weight from {1} to unit {2} of member {0}"
    elif tail == "weight" and value.ndim == 2:
        axes, sentence = ("from", "to"), "the weight from {0} to unit {1}"
    elif tail in {"bias", "recurrent_bias"} and value.ndim == 2:
        axes, sentence = ("member", "unit"), "the bias of unit {1} of member {0}"
    elif tail in {"bias", "recurrent_bias"} and value.ndim == 1:
        axes, sentence = ("unit",), "the bias of unit {0}"
    elif tail == "recurrent":
        axes, sentence = ("from", "to"), "the weight from unit {0} one step earlier to unit {1}"
    elif tail == "vectors" and value.ndim == 2:
        axes, sentence = ("entry", "unit"), "unit {1} of the vector of entry {0}"
    else:
        axes, sentence = (), f"an entry of {tail}"
    entries: dict[int, Sequence[str]] = {}
    words: dict[int, Sequence[str]] = {}
    if "from" in axes and tail == "weight":
        axis = axes.index("from")
        places = from_input or [""] * value.shape[axis]
        if from_input:
            entries = {axis: from_input}
        words = {
            axis: [
                f"input {name}" if name else f"unit {at} before it"
                for at, name in enumerate(places)
            ]
        }
    meaning = MEANINGS.get(tail, f"{tail} of")
    return EntryName(
        symbol,
        f"{meaning} {short} ({name})" if short != path else f"{meaning} {short}",
        axes or None,
        entries,
        f"{sentence} in {short}",
        words,
    )


class _Origins:
    """Which input stands at each place where a weight takes an input as it is."""

    def __init__(self, features: Value, output: Value, names: Sequence[str]) -> None:
        self._features, self._names = features, names
        graph = Graph({"output": output})
        self._graph = graph
        self._numbers: dict[Value, Array] = {
            value: np.asarray(array) for value, array in Interpreter(graph).trace().items()
        }
        self._formulas = Formulas(self._numbers, {}, LocalDerivatives(self._numbers))

    def of(self, weight: Value) -> list[str]:
        """Return the input's name for each row of a weight, "" where it takes something else.

        Empty where no row takes an input.
        """
        reached = {weight}
        for value in self._graph.computed:
            assert value.op is not None
            if value.op.name in MOVING and value.inputs[0] in reached:
                reached.add(value)
            if value.op.name == "matrix_product" and value.inputs[1] in reached:
                left = value.inputs[0]
                found = self._inputs_at(left, (0,) * (left.ndim - 1))
                last = tuple(length - 1 for length in left.shape[:-1])
                # A weight that is used at several steps or places has no input of its own.
                same = found == self._inputs_at(left, last)
                return found if same and any(found) and len(found) == weight.shape[-2] else []
        return []

    def _inputs_at(self, left: Value, place: tuple[int, ...]) -> list[str]:
        return [self._input(left, (*place, at)) for at in range(left.shape[-1])]

    def _input(self, value: Value, index: tuple[int, ...]) -> str:
        value, index = self._formulas.origin(value, index)
        if value is not self._features:
            return ""
        return _cut(self._names[index[-1]])
