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
# Below this likeness (difflib's ratio) of a word to another it is no slip of the pen.
LIKENESS = 0.5
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
    tokens = [token for token in text.strip().lower().split("-") if token]
    if not tokens:
        raise ArgumentError("a network in one line", needed='parts such as "dense64-dense32"')
    line = _Line(text, [_read(token, text) for token in tokens], vocabulary)
    for index in range(len(tokens)):
        line.take(index)
    line.pay()
    if outputs is not None:
        line.flatten()
        line.layers.append(_layer("Dense", outputs))
    return line.layers


@dataclass(frozen=True)
class _Token:
    """A word and its numbers, as in conv, 32, 5; `written`: as it stands in the text."""

    written: str
    word: str
    number: str | None
    size: str | None


def _read(token: str, text: str) -> _Token:
    match = _PART.match(f"dense{token}" if token.isascii() and token.isdigit() else token)
    if match is not None:
        read = _Token(token, *match.groups())
        known = _WORDS.get(read.word)
        if known is not None and known.offered and known.fits(read):
            return read
    offered = [known.example for known in _WORDS.values() if known.offered]
    near = difflib.get_close_matches(token, offered, 1, LIKENESS)
    raise ArgumentError(
        f"the part {token!r} of the network {text!r}",
        needed=f"one of {', '.join(offered)}",
        try_=f"{near[0]}" if near else None,
    )


def _layer(name: str, *arguments: Any, **settings: Any) -> Module:
    return registered_layers()[name](*arguments, **settings)


def _by_axes(choices: dict[int, str], *arguments: Any, **settings: Any) -> Module:
    """Return the layers of those names that there are, by the axes of what comes in."""
    known = registered_layers()
    layers = {
        axes: known[name](*arguments, **settings) for axes, name in choices.items() if name in known
    }
    return _layer("ByAxes", layers)


@dataclass
class _Line:
    """Layers so far. `axes`: whether time or place is left beside features; `owes`: a ReLU."""

    text: str
    tokens: list[_Token]
    vocabulary: int | None
    layers: list[Module] = field(default_factory=list)
    axes: bool = False
    owes: bool = False
    # How many features come out of the last layer, where the line says so.
    features: int | None = None

    def take(self, index: int) -> None:
        """Add the layers of a part."""
        token = self.tokens[index]
        if token.word not in BETWEEN:
            if token.word in ACTIVATIONS:
                self.owes = False
            self.pay()
        _WORDS[token.word].add(self, token, index)

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

    def whole(self, token: _Token) -> int:
        """Return the number of a part. Raises ArgumentError unless it is a whole one."""
        number = token.number or ""
        if not number.isdigit() or not 1 <= int(number) <= MOST:
            raise ArgumentError(
                f"the part {token.written!r} of the network {self.text!r}",
                needed=f"{token.word}1 to {token.word}{MOST}",
            )
        return int(number)

    def convolution(self, token: _Token, size: int) -> Module:
        """Return a convolution that keeps height and width."""
        names = {2: "Conv1D", 3: "Conv2D"}
        return _by_axes(names, self.whole(token), size, padding="same")

    def sequences_follow(self, index: int) -> bool:
        """Tell whether what comes next, beside what changes no shape, takes sequences whole."""
        after = (token.word for token in self.tokens[index + 1 :])
        passing = {*ACTIVATIONS, *BETWEEN, "drop"}
        return next((word in TAKES_SEQUENCES for word in after if word not in passing), False)


def _dense(line: _Line, token: _Token, index: int) -> None:
    units = line.whole(token)
    line.flatten()
    line.layers.append(_layer("Dense", units))
    line.owes, line.features = True, units


def _drop(line: _Line, token: _Token, index: int) -> None:
    if float(token.number or 0) >= 1:
        raise ArgumentError(
            f"the part {token.written!r} of the network {line.text!r}",
            needed="drop and a share below 1",
            got=token.number,
            try_="drop0.5 to drop half of the entries",
        )
    line.layers.append(_layer("Dropout", float(token.number or 0)))


def _activation(line: _Line, token: _Token, index: int) -> None:
    line.layers.append(_layer(ACTIVATIONS[token.word]))


def _between(line: _Line, token: _Token, index: int) -> None:
    line.layers.append(_layer(BETWEEN[token.word]))


def _flatten(line: _Line, token: _Token, index: int) -> None:
    line.layers.append(_layer("Flatten"))
    line.axes, line.features = False, None


def _conv(line: _Line, token: _Token, index: int) -> None:
    size = int(token.size or 3)
    if not 1 <= size <= WIDEST_WINDOW:
        raise ArgumentError(
            f"the part {token.written!r} of the network {line.text!r}",
            needed=f"a size of 1 to {WIDEST_WINDOW}",
        )
    line.layers.append(line.convolution(token, size))
    line.axes = line.owes = True
    line.features = line.whole(token)


def _res(line: _Line, token: _Token, index: int) -> None:
    inside: list[Module] = []
    for last in (False, True):
        inside += [line.convolution(token, 3), _layer("BatchNorm")]
        inside += [] if last else [_layer("ReLU")]
    same = line.features == line.whole(token)
    shortcut = None if same else line.convolution(token, 1)
    line.layers.append(_layer("Residual", *inside, shortcut=shortcut))
    line.axes = line.owes = True
    line.features = line.whole(token)


def _pool(line: _Line, token: _Token, index: int) -> None:
    line.layers.append(_by_axes({2: "MaxPool1D", 3: "MaxPool2D"}, 2))
    line.axes = True


def _gap(line: _Line, token: _Token, index: int) -> None:
    line.layers.append(_by_axes({2: "GlobalAveragePool1D", 3: "GlobalAveragePool2D"}))
    line.axes = False


def _recurrent(line: _Line, token: _Token, index: int) -> None:
    units, whole = line.whole(token), line.sequences_follow(index)
    line.layers.append(_layer(RECURRENT[token.word], units, return_sequences=whole))
    line.axes, line.features = whole, units


def _embed(line: _Line, token: _Token, index: int) -> None:
    features = line.whole(token)
    if line.vocabulary is None:
        raise ArgumentError(
            f"the part {token.written!r} of the network {line.text!r}",
            needed="how many words there are",
            try_="from_text(text, vocabulary=20_000)",
        )
    line.layers.append(_layer("Embedding", line.vocabulary, features, mask=True, padding=0))
    line.axes, line.features = True, features


def _attention(line: _Line, token: _Token, index: int) -> None:
    heads = line.whole(token)
    layers = [_layer("LayerNorm"), _layer("MultiHeadAttention", heads)]
    line.layers.append(_layer("Residual", *layers))
    line.axes = True


def _transformer(line: _Line, token: _Token, index: int) -> None:
    line.layers.append(_layer("TransformerBlock", line.whole(token)))
    line.axes = True


@dataclass(frozen=True)
class _Word:
    """A word of the grammar: an example of it, how it adds layers, and which ones it needs.

    `any_of`: one of these must be registered. `sized`: whether a size may follow (conv32x5).
    """

    example: str
    add: Callable[[_Line, _Token, int], None]
    any_of: tuple[str, ...]
    sized: bool = False

    @property
    def offered(self) -> bool:
        """Tell whether its layers are there."""
        known = registered_layers()
        return any(name in known for name in self.any_of)

    def fits(self, token: _Token) -> bool:
        """Tell whether a part has numbers where this word has them."""
        numbered = self.example[-1].isdigit()
        return (token.number is not None) == numbered and (token.size is None or self.sized)


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
