"""Parallel: several layers that all look at the same input; Columns: a part of a row's features.

Together they deal a row out among sub-networks: numbers go straight on, texts through an embedding.
They hold no parameters of their own and know no layer but as a module.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value
from misstep.nn.activations import Tanh
from misstep.nn.containers import Sequential
from misstep.nn.layers import Dense, positive_whole
from misstep.nn.module import LayerExample, Module
from misstep.nn.tracing import current_trace
from misstep.ops import concatenate, slice_axis
from misstep.text.counts import counted

# How outputs are joined, and how it is said.
JOINS = {"concatenate": "side by side", "mean": "averaged", "sum": "added up"}


@dataclass(frozen=True)
class Columns(Module):
    """The features of a row from `start` up to but not `stop`: (batch, features) → (batch, part).

    Raises ArgumentError unless 0 ≤ start < stop, ShapeError for rows that end before `stop`.

    >>> import misstep as ms
    >>> network = ms.Network(ms.Columns(1, 3), input_shape=(4,))
    >>> network.predict([[1.0, 2.0, 3.0, 4.0]])
    array([[2., 3.]], dtype=float32)
    """

    start: int
    stop: int

    def __post_init__(self) -> None:
        if self.start != 0 or isinstance(self.start, bool):
            positive_whole("Columns", "start", self.start)
        positive_whole("Columns", "stop", self.stop)
        if self.stop <= self.start:
            raise ArgumentError(
                "stop of Columns", needed=f"more than start, {self.start}", got=repr(self.stop)
            )

    def forward(self, x: Value) -> Value:
        """Return a part of the features."""
        if x.ndim != 2 or x.shape[1] < self.stop:
            raise ShapeError(
                f"the input of {self}",
                needed=f"(batch, {self.stop} features or more)",
                got=str(x.shape),
            )
        current_trace().mask = None
        return slice_axis(x, 1, self.start, self.stop)

    def describe(self) -> str:
        """Return features 2 to 6, counted from 0 as entries of weights are."""
        if self.stop == self.start + 1:
            return f"feature {self.start}"
        return f"features {self.start} to {self.stop - 1}"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(1, 3), (4,)
        yield cls(0, 1), (1,)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(2, 2), (4,)
        yield lambda: cls(-1, 2), (4,)
        yield lambda: cls(0, 2.5), (4,)  # type: ignore[arg-type]
        yield lambda: cls(2, 5), (4,)
        yield lambda: cls(0, 2), (4, 3)


class Parallel(Sequential):
    """Layers side by side: each gets the same input, and their outputs are joined.

    `join`: "concatenate" puts the outputs one behind the other along their last axis; "mean"
    averages outputs of one shape, as several networks that vote; "sum" adds them up. A mask of
    sequences comes in for each layer, and goes on if all of them leave the same one.

    Raises ArgumentError for layers that are none or an unknown join, ShapeError for outputs that
    can't be joined.

    >>> import misstep as ms
    >>> both = ms.Parallel(ms.nn.GlobalAveragePool1D(), ms.nn.GlobalMaxPool1D())
    >>> ms.Network(both, input_shape=(10, 3)).output_shape
    (6,)
    """

    def __init__(self, *layers: Any, join: str = "concatenate") -> None:
        super().__init__(*layers)
        if not layers:
            raise ArgumentError("layers of Parallel", needed="one or more", got="none")
        if not isinstance(join, str) or join not in JOINS:
            raise ArgumentError(
                "join of Parallel", needed=" or ".join(map(repr, JOINS)), got=repr(join)
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
        trace.mask = masks[0] if all(mask is masks[0] for mask in masks) else None
        trace.following = after
        beside = self.join == "concatenate"
        kept = [output.shape[:-1] if beside else output.shape for output in outputs]
        if any(lengths != kept[0] for lengths in kept):
            raise ShapeError(
                f"the outputs of {self.describe()}",
                needed="one shape but for the last axis" if beside else "one shape",
                got=" and ".join(str(output.shape[1:]) for output in outputs),
            )
        if beside:
            return concatenate(outputs, -1) if len(outputs) > 1 else outputs[0]
        whole = outputs[0]
        for output in outputs[1:]:
            whole = whole + output
        return whole * (1.0 / len(outputs)) if self.join == "mean" else whole

    def configuration(self) -> dict[str, Any]:
        """Return the kind, the layers and how they are joined, as plain JSON."""
        return {**super().configuration(), "join": self.join}

    def describe(self) -> str:
        """Return 2 layers side by side."""
        count = len(self.layers)
        how = JOINS[self.join]
        return f"{counted(count, 'layer')} {how}"

    def __repr__(self) -> str:
        return f"Parallel({', '.join(self._written_layers())}, join={self.join!r})"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(Dense(2), Sequential(Dense(3), Tanh())), (4,)
        yield cls(Dense(2), Dense(2), join="mean"), (3,)
        yield cls(Columns(0, 2), Columns(2, 4), join="sum"), (4,)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(), (4,)
        yield lambda: cls("dense"), (4,)
        yield lambda: cls(Dense(2), join="product"), (4,)
        yield lambda: cls(Dense(2), Dense(3), join="mean"), (4,)
        yield lambda: cls(Dense(2), Dense(3), join="sum"), (4,)
