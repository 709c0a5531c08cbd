"""Modules made of modules: Sequential (one after the other), Residual (around a shortcut), ByAxes.

They hold no parameters of their own and know no layer but as a module.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Self

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value
from misstep.nn.activations import ReLU
from misstep.nn.layers import Dense, Dropout
from misstep.nn.module import LayerExample, Module
from misstep.nn.text import layers_from_text
from misstep.nn.tracing import current_trace
from misstep.text.counts import counted


class Sequential(Module):
    """Layers one after the other.

    >>> import misstep as ms
    >>> network = ms.Sequential(ms.Dense(64), ms.ReLU(), ms.Dense(10))

    A layer's path is its kind and number, as in dense1, relu1, dense2. Raises ArgumentError for
    something that is no layer.
    """

    def __init__(self, *layers: Module) -> None:
        for number, layer in enumerate(layers, start=1):
            if not isinstance(layer, Module):
                hint = " (a class: it lacks its parentheses)" if isinstance(layer, type) else ""
                raise ArgumentError(
                    f"layer {number} of {type(self).__name__}",
                    needed="a layer such as ms.Dense(64)",
                    got=f"{layer!r}{hint}",
                )
        self.layers = layers

    @classmethod
    def from_text(
        cls, text: str, *, outputs: int | None = None, vocabulary: int | None = None
    ) -> Self:
        """Return the network that one line describes, as in "dense128-drop0.1-dense64-tanh".

        The words are those of `misstep train --network`: dense128, conv32, res32, pool, gap,
        flatten, lstm64, gru64, rnn64, embed64, attention4, transformer4, bn, ln, drop0.2 and
        activations. `outputs`: units of a last dense layer. `vocabulary`: how many numbers embed64
        knows. Raises ArgumentError that names the part and the nearest known word.

        >>> import misstep as ms
        >>> ms.Sequential.from_text("dense8-bn-drop0.2", outputs=3)
        Sequential(Dense(units=8, bias=True, initializer=None), \
BatchNorm(momentum=0.1, epsilon=1e-05), ReLU(), Dropout(rate=0.2), \
Dense(units=3, bias=True, initializer=None))
        """
        return cls(*layers_from_text(text, outputs=outputs, vocabulary=vocabulary))

    def children(self) -> Iterator[tuple[str, Module]]:
        """Yield the layers, named by kind and number."""
        counts: Counter[str] = Counter()
        seen: set[int] = set()
        for layer in self.layers:
            name = type(layer).__name__.lower()
            if id(layer) not in seen:
                counts[name] += 1
                seen.add(id(layer))
                yield f"{name}{counts[name]}", layer

    def forward(self, x: Value) -> Value:
        """Return the last layer's output."""
        trace = current_trace()
        after = trace.following
        for layer, following in zip(self.layers, [*self.layers, None][1:], strict=True):
            trace.following = following
            x = layer(x)
        trace.following = after
        return x

    def configuration(self) -> dict[str, Any]:
        """Return the kind and the layers as plain JSON; {"again": n} is layer n once more."""
        first: dict[int, int] = {}
        layers: list[dict[str, Any]] = []
        for number, layer in enumerate(self.layers, start=1):
            known = first.setdefault(id(layer), number)
            layers.append(layer.configuration() if known == number else {"again": known})
        return {"kind": type(self).__name__, "layers": layers}

    def describe(self) -> str:
        """Return 3 layers in a row."""
        count = len(self.layers)
        return f"{counted(count, 'layer')} in a row"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self._written_layers())})"

    def _written_layers(self) -> list[str]:
        """Return the layers as written; one that stands there again is named, not written again.

        What holds itself twice on each of forty levels would have no end otherwise.
        """
        written: dict[int, str] = {}
        parts = []
        for number, layer in enumerate(self.layers, start=1):
            parts.append(written.get(id(layer)) or repr(layer))
            written.setdefault(id(layer), f"<layer {number} again>")
        return parts

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(Dense(4), ReLU(), Dropout(0.2), Dense(4)), (4,)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(Dense), (4,)  # type: ignore[arg-type]
        yield lambda: cls("relu"), (4,)  # type: ignore[arg-type]


class Residual(Sequential):
    """What goes in, plus what the layers make of it: x + f(x) (He, Zhang, Ren and Sun, 2016).

    The gradient flows back along the shortcut unchanged, so that deep networks learn. The layers
    must give back the shape they got, unless `shortcut` is a layer that makes x fit theirs, as
    ms.Dense(16, bias=False) for other features, or a convolution 1 × 1 for other channels. Raises
    ShapeError where the two shapes differ, ArgumentError for a shortcut that is no layer.

    >>> import misstep as ms
    >>> block = ms.Residual(ms.Dense(8), ms.ReLU(), ms.Dense(8))
    >>> ms.Network(block, input_shape=(8,)).output_shape
    (8,)
    """

    def __init__(self, *layers: Module, shortcut: Module | None = None) -> None:
        super().__init__(*layers)
        if shortcut is not None and not isinstance(shortcut, Module):
            raise ArgumentError(
                "shortcut of Residual",
                needed="a layer such as ms.Dense(16), or None",
                got=repr(shortcut),
            )
        self.shortcut = shortcut

    def children(self) -> Iterator[tuple[str, Module]]:
        """Yield the layers, named by kind and number, and the shortcut."""
        yield from super().children()
        if self.shortcut is not None and all(self.shortcut is not layer for layer in self.layers):
            yield "shortcut", self.shortcut

    def configuration(self) -> dict[str, Any]:
        """Return the kind, the layers and the shortcut as plain JSON."""
        settings = super().configuration()
        if self.shortcut is not None:
            settings["shortcut"] = self.shortcut.configuration()
        return settings

    def __repr__(self) -> str:
        arguments = self._written_layers()
        if self.shortcut is not None:
            arguments.append(f"shortcut={self.shortcut!r}")
        return f"{type(self).__name__}({', '.join(arguments)})"

    def forward(self, x: Value) -> Value:
        """Return x + f(x), or shortcut(x) + f(x)."""
        trace = current_trace()
        mask = trace.mask
        y = super().forward(x)
        if self.shortcut is not None:
            after, trace.mask = trace.mask, mask
            x = self.shortcut(x)
            trace.mask = after
        if y.shape != x.shape:
            raise ShapeError(
                "Residual" if self.shortcut is None else "Residual and its shortcut",
                needed=f"layers that give back the shape they got, {x.shape[1:]}",
                got=str(y.shape[1:]),
                try_=f"ending with ms.Dense({x.shape[-1]})" if x.ndim > 1 else None,
            )
        return x + y

    def describe(self) -> str:
        """Return residual, around 3 layers."""
        count = len(self.layers)
        return f"residual, around {counted(count, 'layer')}"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(Dense(4), ReLU(), Dropout(0.2), Dense(4)), (4,)
        yield cls(Dense(3), ReLU(), shortcut=Dense(3, bias=False)), (2,)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(Dense(3)), (4,)
        yield lambda: cls(Dense(3), shortcut=Dense(2)), (4,)
        yield lambda: cls(Dense(4), shortcut=True), (4,)  # type: ignore[arg-type]


class ByAxes(Module):
    """One of several layers: the one for as many axes as what comes in has, without the batch.

    So a line of text may say "conv32" for sequences (time, features), 2 axes, and for images
    (height, width, channels), 3 axes. `choices`: layers by numbers of axes. Raises ArgumentError
    for choices that are no layers, ShapeError for an input that none is for.

    >>> import misstep as ms
    >>> either = ms.nn.ByAxes({1: ms.Dense(4), 2: ms.nn.GlobalAveragePool1D()})
    >>> ms.Network(either, input_shape=(5, 3)).output_shape
    (3,)
    """

    def __init__(self, choices: Mapping[int, Module]) -> None:
        good = isinstance(choices, Mapping) and all(
            isinstance(axes, int) and axes > 0 and isinstance(layer, Module)
            for axes, layer in choices.items()
        )
        if not good or not choices:
            raise ArgumentError(
                "choices of ByAxes",
                needed="layers by numbers of axes, {3: ms.Flatten()}",
                got=repr(choices),
            )
        self.choices = dict(sorted(choices.items()))

    def children(self) -> Iterator[tuple[str, Module]]:
        """Yield the layers, named by their kind."""
        for axes, layer in self.choices.items():
            yield f"{type(layer).__name__.lower()}_{axes}", layer

    def forward(self, x: Value) -> Value:
        """Return what the layer for inputs like x makes of it."""
        layer = self.choices.get(x.ndim - 1)
        if layer is None:
            raise ShapeError(
                f"the input of {self.describe()}",
                got=str(x.shape[1:]),
                needed=f"{' or '.join(map(str, self.choices))} axes beside the batch",
            )
        return layer(x)

    def configuration(self) -> dict[str, Any]:
        """Return the kind, and the layers by numbers of axes, as plain JSON."""
        choices = {str(axes): layer.configuration() for axes, layer in self.choices.items()}
        return {"kind": type(self).__name__, "choices": choices}

    def describe(self) -> str:
        """Return the layers it may be."""
        return " or ".join(layer.describe() for layer in self.choices.values())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.choices!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ByAxes) and self.choices == other.choices

    def __hash__(self) -> int:
        return hash(tuple(self.choices.items()))

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls({1: Dense(3), 2: Sequential(Dense(2), ReLU())}), (2, 3)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls({}), (4,)
        yield lambda: cls({1: "dense"}), (4,)  # type: ignore[dict-item]
        yield lambda: cls({2: Dense(3)}), (4,)
