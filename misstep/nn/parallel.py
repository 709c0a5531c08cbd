"""Parallel: several layers that all look at the same input, their outputs side by side or averaged.

Holds no parameters of its own; knows no layer but as a module.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value
from misstep.nn.activations import Tanh
from misstep.nn.containers import Sequential
from misstep.nn.layers import Dense
from misstep.nn.module import LayerExample
from misstep.nn.tracing import current_trace
from misstep.ops import concatenate


class Parallel(Sequential):
    """Layers side by side: each gets the same input, and their outputs are joined.

    `join`: "concatenate" puts the outputs one behind the other along their last axis; "mean"
    averages outputs of one shape, as several networks that vote. A mask of sequences comes in for
    each layer, and goes on if all of them leave the same one.

    Raises ArgumentError for layers that are none or an unknown join, ShapeError for outputs that
    can't be joined.

    >>> import misstep as ms
    >>> both = ms.Parallel(ms.GlobalAveragePool1D(), ms.GlobalMaxPool1D())
    >>> ms.Network(both, input_shape=(10, 3)).output_shape
    (6,)
    """

    def __init__(self, *layers: Any, join: str = "concatenate") -> None:
        super().__init__(*layers)
        if not layers:
            raise ArgumentError("layers of Parallel", needed="one or more", got="none")
        if not isinstance(join, str) or join not in ("concatenate", "mean"):
            raise ArgumentError(
                "join of Parallel", needed="'concatenate' or 'mean'", got=repr(join)
            )
        self.join = join

    def forward(self, x: Value) -> Value:
        """Return the outputs of all layers, joined."""
        trace = current_trace()
        mask, after = trace.mask, trace.following
        outputs, masks = [], []
        for layer in self.layers:
            trace.mask = mask
            trace.following = None if self.join == "concatenate" else after
            outputs.append(layer(x))
            masks.append(trace.mask)
        trace.mask = masks[0] if all(one is masks[0] for one in masks) else None
        trace.following = after
        kept = [one.shape if self.join == "mean" else one.shape[:-1] for one in outputs]
        if any(one != kept[0] for one in kept):
            raise ShapeError(
                f"the outputs of {self.describe()}",
                needed="one shape" if self.join == "mean" else "one shape but for the last axis",
                got=" and ".join(str(one.shape[1:]) for one in outputs),
            )  # fmt: skip
        if self.join == "concatenate":
            return concatenate(outputs, -1) if len(outputs) > 1 else outputs[0]
        whole = outputs[0]
        for one in outputs[1:]:
            whole = whole + one
        return whole * (1.0 / len(outputs))

    def configuration(self) -> dict[str, Any]:
        """Return the kind, the layers and how they are joined, as plain JSON."""
        return {**super().configuration(), "join": self.join}

    def describe(self) -> str:
        """Return 2 layers side by side."""
        count = len(self.layers)
        how = "averaged" if self.join == "mean" else "side by side"
        return f"{count} layer{'' if count == 1 else 's'} {how}"

    def __repr__(self) -> str:
        return f"Parallel({', '.join(map(repr, self.layers))}, join={self.join!r})"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        """Yield layers that must work."""
        yield cls(Dense(2), Sequential(Dense(3), Tanh())), (4,)
        yield cls(Dense(2), Dense(2), join="mean"), (3,)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        """Yield layers that must be refused."""
        yield lambda: cls(), (4,)
        yield lambda: cls("dense"), (4,)
        yield lambda: cls(Dense(2), join="sum"), (4,)
        yield lambda: cls(Dense(2), Dense(3), join="mean"), (4,)
