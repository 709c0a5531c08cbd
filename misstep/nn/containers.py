"""Modules made of modules: Sequential (one after the other) and Residual (around a shortcut)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value
from misstep.nn.activations import ReLU
from misstep.nn.layers import Dense, Dropout
from misstep.nn.module import LayerExample, Module
from misstep.nn.tracing import current_trace


class Sequential(Module):
    """Layers one after the other.

    >>> import misstep as ms
    >>> network = ms.Sequential(ms.Dense(64), ms.ReLU(), ms.Dense(10))

    A layer's path is its kind and number, as in dense1, relu1, dense2. Raises ArgumentError for
    something that is no layer.
    """

    def __init__(self, *layers: Module) -> None:
        for place, layer in enumerate(layers, start=1):
            if not isinstance(layer, Module):
                made = " (a class: it lacks its parentheses)" if isinstance(layer, type) else ""
                raise ArgumentError(
                    f"layer {place} of {type(self).__name__}",
                    needed="a layer such as ms.Dense(64)",
                    got=f"{layer!r}{made}",
                )
        self.layers = layers

    def children(self) -> Iterator[tuple[str, Module]]:
        """Yield the layers, named by kind and number."""
        counts: Counter[str] = Counter()
        seen: set[int] = set()
        for layer in self.layers:
            kind = type(layer).__name__.lower()
            if id(layer) not in seen:
                counts[kind] += 1
                seen.add(id(layer))
                yield f"{kind}{counts[kind]}", layer

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
        for place, layer in enumerate(self.layers, start=1):
            known = first.setdefault(id(layer), place)
            layers.append(layer.configuration() if known == place else {"again": known})
        return {"kind": type(self).__name__, "layers": layers}

    def describe(self) -> str:
        """Return 3 layers in a row."""
        count = len(self.layers)
        return f"{count} layer{'' if count == 1 else 's'} in a row"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.layers))})"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        """Yield layers that must work."""
        yield cls(Dense(4), ReLU(), Dropout(0.2), Dense(4)), (4,)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        """Yield layers that must be refused."""
        yield lambda: cls(Dense), (4,)  # type: ignore[arg-type]
        yield lambda: cls("relu"), (4,)  # type: ignore[arg-type]


class Residual(Sequential):
    """What goes in, plus what the layers make of it: x + f(x) (He, Zhang, Ren and Sun, 2016).

    The blame flows back along the shortcut unchanged, so that deep networks learn. The layers must
    give back the shape they got; raises ShapeError otherwise.

    >>> import misstep as ms
    >>> block = ms.Residual(ms.Dense(8), ms.ReLU(), ms.Dense(8))
    >>> ms.Network(block, input_shape=(8,)).output_shape
    (8,)
    """

    def forward(self, x: Value) -> Value:
        """Return x + f(x)."""
        y = super().forward(x)
        if y.shape != x.shape:
            raise ShapeError(
                "Residual",
                needed=f"layers that give back the shape they got, {x.shape[1:]}",
                got=str(y.shape[1:]),
                try_=f"ending with ms.Dense({x.shape[-1]})" if x.ndim > 1 else None,
            )
        return x + y

    def describe(self) -> str:
        """Return residual, around 3 layers."""
        count = len(self.layers)
        return f"residual, around {count} layer{'' if count == 1 else 's'}"

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        """Yield layers that must be refused."""
        yield lambda: cls(Dense(3)), (4,)
