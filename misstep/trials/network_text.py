"""A network in one line of text, as `misstep train --network` takes it, where a line can say it.

What is written is read again and compared: a line that means another network is none. Knows layers
and the words of `nn/text.py`; no training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from misstep.errors import MisstepError
from misstep.nn import Dense, Module, Network, Sequential
from misstep.nn.text import ACTIVATIONS, BETWEEN, RECURRENT
from misstep.trials.layers import plain, shaping
from misstep.trials.setting import NotApplicableError

_WORDS = {name: word for word, name in (*ACTIVATIONS.items(), *BETWEEN.items())}
_POOLS = ("MaxPool1D", "MaxPool2D")
_MEANS = ("GlobalAveragePool1D", "GlobalAveragePool2D")


def network_text(network: Network) -> str | None:
    """Return the line that means this network; None where no line does.

    Without layers in front that only shape rows, and without the last dense layer: whoever reads
    the line puts both there.
    """
    try:
        layers = plain(network).layers
    except NotApplicableError:
        return None
    front = shaping(layers)
    if len(layers) <= front:
        return None
    hidden, last = layers[front:-1], layers[-1]
    if not isinstance(last, Dense):
        return None
    text = "-".join(_words(hidden))
    shape = network.input_shape
    if front:
        paths = {id(layer): path for path, layer in network.layers.items()}
        shape = network.outputs[paths[id(layers[front - 1])]]
    try:
        read = Network(Sequential.from_text(text, outputs=last.units), shape)
        said = plain(read).configuration()
    except (MisstepError, NotApplicableError):
        return None
    return text if said == Sequential(*hidden, last).configuration() else None


def _words(layers: Sequence[Module]) -> Iterator[str]:
    """Yield the word of each layer; one that has none gets one that nobody knows."""
    recurrent = {name: word for word, name in RECURRENT.items()}
    for one in layers:
        name = type(one).__name__
        layer: Any = one
        if name == "Dense":
            yield f"dense{layer.units}"
        elif name in ("Conv1D", "Conv2D"):
            kernel = layer.kernel if isinstance(layer.kernel, int) else layer.kernel[0]
            yield f"conv{layer.filters}" + ("" if kernel == 3 else f"x{kernel}")
        elif name in recurrent:
            yield f"{recurrent[name]}{layer.units}"
        elif name == "Dropout":
            yield f"drop{layer.rate:g}"
        else:
            known = {"Flatten": "flatten"} | dict.fromkeys(_POOLS, "pool")
            yield (known | dict.fromkeys(_MEANS, "gap") | _WORDS).get(name, "none")
