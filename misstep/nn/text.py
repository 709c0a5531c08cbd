"""Networks from one line of text: "conv32-conv64-pool-dense128".

Looks layers up by name where they are registered, so that a word is offered if and only if its
layer is there. Which of several layers a word means, where that depends on what comes in, is left
to `ByAxes`. Nothing is imported or run.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from misstep.errors import ArgumentError
from misstep.nn.module import Module, registered_layers

ACTIVATIONS = {
    "elu": "ELU",
    "gelu": "GELU",
    "leakyrelu": "LeakyReLU",
    "relu": "ReLU",
    "selu": "SELU",
    "sigmoid": "Sigmoid",
    "silu": "SiLU",
    "softplus": "Softplus",
    "tanh": "Tanh",
}
RECURRENT = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}
# What takes sequences whole, so that a recurrent layer before it gives back every step.
TAKES_SEQUENCES = {*RECURRENT, "attention", "transformer", "conv", "res", "pool", "gap", "flatten"}
# What may stand between a layer and its activation.
BETWEEN = {"bn": "BatchNorm", "ln": "LayerNorm"}
MOST = 100_000
WIDEST_WINDOW = 1000
_PART = re.compile(r"^([a-z]+?)(\d{1,30}(?:\.\d{1,30})?|\.\d{1,30})?(?:x(\d{1,30}))?$", re.ASCII)


def layers_from_text(
    text: str, *, outputs: int | None = None, vocabulary: int | None = None
) -> list[Module]:
    """Return the layers that one line describes, as in "dense128-drop0.1-dense64-tanh".

    Parts are joined by "-"; a bare number means a dense layer. dense<units>, conv<filters> (3 × 3,
    or conv32x5 for 5 × 5), res<filters> (two convolutions with batch normalization beside a
    shortcut), pool (halves height and width), gap (mean over what is left of them), flatten,
    lstm<units>, gru<units>, rnn<units>, embed<features>, attention<heads> (beside a shortcut),
    transformer<heads>, bn, ln, drop<share>, or an activation. Dense layers and convolutions without
    an activation behind them (and their bn or ln) are followed by a ReLU. Convolutions and pools
    are those for images or for sequences, as the input has it; what they leave is flattened
    before a dense layer. A recurrent layer gives back all steps where a layer for sequences
    follows, else the last one. Number 0 of an embedding fills up short sequences.

    `outputs`: units of a last dense layer without an activation. `vocabulary`: how many numbers
    embed<features> knows. Raises ArgumentError that names the part and the nearest known word.

    >>> layers_from_text("dense8")
    [Dense(units=8, bias=True, initializer=None), ReLU()]
    """
    if not isinstance(text, str):
        raise ArgumentError("a network in one line", needed="text", got=repr(text))
    parts = [part for part in text.strip().lower().split("-") if part]
    if not parts:
        raise ArgumentError("a network in one line", needed='parts such as "dense64-dense32"')
    line = _Line(text, [_read(part, text) for part in parts], vocabulary)
    for place in range(len(parts)):
        line.take(place)
    line.pay()
    if outputs is not None:
        line.flatten()
        line.layers.append(_layer("Dense", outputs))
    return line.layers


@dataclass(frozen=True)
class _Part:
    """A word and its numbers, as in conv, 32, 5; `written`: as it stands in the text."""

    written: str
    word: str
    number: str | None
    size: str | None


def _read(part: str, text: str) -> _Part:
    found = _PART.match(f"dense{part}" if part.isascii() and part.isdigit() else part)
    if found is not None:
        read = _Part(part, *found.groups())
        known = _WORDS.get(read.word)
        if known is not None and known.offered and known.fits(read):
            return read
    offered = [known.example for known in _WORDS.values() if known.offered]
    near = difflib.get_close_matches(part, offered, 1, 0.4)
    raise ArgumentError(
        f"the part {part!r} of the network {text!r}",
        needed=f"one of {', '.join(offered)}",
        try_=f"{near[0]}" if near else None,
    )


def _layer(name: str, *arguments: Any, **settings: Any) -> Module:
    return registered_layers()[name](*arguments, **settings)


def _by_axes(choices: dict[int, str], *arguments: Any, **settings: Any) -> Module:
    """Return the layers of those names that there are, by the axes of what comes in."""
    kinds = registered_layers()
    made = {
        axes: kinds[name](*arguments, **settings) for axes, name in choices.items() if name in kinds
    }
    return _layer("ByAxes", made)


@dataclass
class _Line:
    """Layers so far. `axes`: whether time or place is left beside features; `owes`: a ReLU."""

    text: str
    parts: list[_Part]
    vocabulary: int | None
    layers: list[Module] = field(default_factory=list)
    axes: bool = False
    owes: bool = False
    # How many features come out of the last layer, where the line says so.
    features: int | None = None

    def take(self, place: int) -> None:
        """Add the layers of a part."""
        part = self.parts[place]
        if part.word not in BETWEEN:
            if part.word in ACTIVATIONS:
                self.owes = False
            self.pay()
        _WORDS[part.word].add(self, part, place)

    def pay(self) -> None:
        """Add the ReLU that a layer without an activation is followed by."""
        if self.owes:
            self.layers.append(_layer("ReLU"))
            self.owes = False

    def flatten(self) -> None:
        """Leave features alone, for a dense layer."""
        if self.axes:
            self.layers.append(_layer("Flatten"))
            self.axes = False

    def whole(self, part: _Part) -> int:
        """Return the number of a part. Raises ArgumentError unless it is a whole one."""
        number = part.number or ""
        if not number.isdigit() or not 1 <= int(number) <= MOST:
            raise ArgumentError(
                f"the part {part.written!r} of the network {self.text!r}",
                needed=f"{part.word}1 to {part.word}{MOST}",
            )
        return int(number)

    def convolution(self, part: _Part, size: int) -> Module:
        """Return a convolution that keeps height and width."""
        names = {2: "Conv1D", 3: "Conv2D"}
        return _by_axes(names, self.whole(part), size, padding="same")

    def sequences_follow(self, place: int) -> bool:
        """Tell whether what comes next, beside what changes no shape, takes sequences whole."""
        after = (part.word for part in self.parts[place + 1 :])
        passing = {*ACTIVATIONS, *BETWEEN, "drop"}
        return next((word in TAKES_SEQUENCES for word in after if word not in passing), False)


def _dense(line: _Line, part: _Part, place: int) -> None:
    units = line.whole(part)
    line.flatten()
    line.layers.append(_layer("Dense", units))
    line.owes, line.features = True, units


def _drop(line: _Line, part: _Part, place: int) -> None:
    if float(part.number or 0) >= 1:
        raise ArgumentError(
            f"the part {part.written!r} of the network {line.text!r}",
            needed="drop and a share below 1",
            got=part.number,
            try_="drop0.5 to drop half of the entries",
        )
    line.layers.append(_layer("Dropout", float(part.number or 0)))


def _activation(line: _Line, part: _Part, place: int) -> None:
    line.layers.append(_layer(ACTIVATIONS[part.word]))


def _between(line: _Line, part: _Part, place: int) -> None:
    line.layers.append(_layer(BETWEEN[part.word]))


def _flatten(line: _Line, part: _Part, place: int) -> None:
    line.layers.append(_layer("Flatten"))
    line.axes, line.features = False, None


def _conv(line: _Line, part: _Part, place: int) -> None:
    size = int(part.size or 3)
    if not 1 <= size <= WIDEST_WINDOW:
        raise ArgumentError(
            f"the part {part.written!r} of the network {line.text!r}",
            needed=f"a size of 1 to {WIDEST_WINDOW}",
        )
    line.layers.append(line.convolution(part, size))
    line.axes = line.owes = True
    line.features = line.whole(part)


def _res(line: _Line, part: _Part, place: int) -> None:
    inside: list[Module] = []
    for last in (False, True):
        inside += [line.convolution(part, 3), _layer("BatchNorm")]
        inside += [] if last else [_layer("ReLU")]
    same = line.features == line.whole(part)
    shortcut = None if same else line.convolution(part, 1)
    line.layers.append(_layer("Residual", *inside, shortcut=shortcut))
    line.axes = line.owes = True
    line.features = line.whole(part)


def _pool(line: _Line, part: _Part, place: int) -> None:
    line.layers.append(_by_axes({2: "MaxPool1D", 3: "MaxPool2D"}, 2))
    line.axes = True


def _gap(line: _Line, part: _Part, place: int) -> None:
    line.layers.append(_by_axes({2: "GlobalAveragePool1D", 3: "GlobalAveragePool2D"}))
    line.axes = False


def _recurrent(line: _Line, part: _Part, place: int) -> None:
    units, whole = line.whole(part), line.sequences_follow(place)
    line.layers.append(_layer(RECURRENT[part.word], units, return_sequences=whole))
    line.axes, line.features = whole, units


def _embed(line: _Line, part: _Part, place: int) -> None:
    features = line.whole(part)
    if line.vocabulary is None:
        raise ArgumentError(
            f"the part {part.written!r} of the network {line.text!r}",
            needed="how many words there are",
            try_="from_text(text, vocabulary=20_000)",
        )
    line.layers.append(_layer("Embedding", line.vocabulary, features, mask=True, padding=0))
    line.axes, line.features = True, features


def _attention(line: _Line, part: _Part, place: int) -> None:
    heads = line.whole(part)
    layers = [_layer("LayerNorm"), _layer("MultiHeadAttention", heads)]
    line.layers.append(_layer("Residual", *layers))
    line.axes = True


def _transformer(line: _Line, part: _Part, place: int) -> None:
    line.layers.append(_layer("TransformerBlock", line.whole(part)))
    line.axes = True


@dataclass(frozen=True)
class _Word:
    """A word of the grammar: an example of it, how it adds layers, and which ones it needs.

    `any_of`: one of these must be registered. `sized`: whether a size may follow (conv32x5).
    """

    example: str
    add: Callable[[_Line, _Part, int], None]
    any_of: tuple[str, ...]
    sized: bool = False

    @property
    def offered(self) -> bool:
        """Tell whether its layers are there."""
        kinds = registered_layers()
        return any(name in kinds for name in self.any_of)

    def fits(self, part: _Part) -> bool:
        """Tell whether a part has numbers where this word has them."""
        numbered = self.example[-1].isdigit()
        return (part.number is not None) == numbered and (part.size is None or self.sized)


_WORDS: dict[str, _Word] = {
    "dense": _Word("dense64", _dense, ("Dense",)),
    "drop": _Word("drop0.1", _drop, ("Dropout",)),
    **{word: _Word(word, _activation, (name,)) for word, name in ACTIVATIONS.items()},
    "flatten": _Word("flatten", _flatten, ("Flatten",)),
    "conv": _Word("conv32", _conv, ("Conv1D", "Conv2D"), sized=True),
    "res": _Word("res32", _res, ("Conv1D", "Conv2D")),
    "pool": _Word("pool", _pool, ("MaxPool1D", "MaxPool2D")),
    "gap": _Word("gap", _gap, ("GlobalAveragePool1D", "GlobalAveragePool2D")),
    **{word: _Word(f"{word}64", _recurrent, (name,)) for word, name in RECURRENT.items()},
    "embed": _Word("embed64", _embed, ("Embedding",)),
    "attention": _Word("attention4", _attention, ("MultiHeadAttention",)),
    "transformer": _Word("transformer4", _transformer, ("TransformerBlock",)),
    **{word: _Word(word, _between, (name,)) for word, name in BETWEEN.items()},
}
