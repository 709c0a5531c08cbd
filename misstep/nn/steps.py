"""A flat row as a sequence of steps. Sequences: (batch, time, features). Knows no data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.errors import ShapeError
from misstep.ir import Value, make_literal
from misstep.nn.layers import positive_whole
from misstep.nn.module import LayerExample, Module
from misstep.nn.tracing import current_trace
from misstep.ops import cast, less, reshape, slice_axis
from misstep.text.counts import plural


@dataclass(frozen=True)
class Steps(Module):
    """A flat row as a sequence: (batch, steps · channels + 1) → (batch, steps, channels).

    The last entry of a row says which share of its steps count, n / steps for the first n; those
    behind fill up, and layers that sum, compare or remember along time pass over them.

    Raises ArgumentError for steps or channels below 1, ShapeError for rows of another length.

    >>> import misstep as ms
    >>> layers = ms.Sequential(ms.Steps(3, 1), ms.nn.GlobalMaxPool1D())
    >>> network = ms.Network(layers, input_shape=(4,))
    >>> network.predict([[1.0, 2.0, 9.0, 2 / 3], [1.0, 2.0, 9.0, 1.0]])
    array([[2.],
           [9.]], dtype=float32)
    """

    steps: int
    channels: int

    def __post_init__(self) -> None:
        positive_whole("Steps", "steps", self.steps)
        positive_whole("Steps", "channels", self.channels)

    def forward(self, x: Value) -> Value:
        """Return the steps, and set the mask of those that count."""
        size = self.steps * self.channels
        if x.ndim != 2 or x.shape[1] != size + 1:
            raise ShapeError(
                f"the input of {self}",
                needed=f"{size:,} numbers and a share in a row",
                got=str(x.shape),
            )
        # Half a step more than the time is between two numbers of steps, however they are rounded.
        length = slice_axis(x, 1, size, size + 1) * float(self.steps)
        current_trace().mask = cast(less(step_numbers(x, self.steps) + 0.5, length), x.dtype)
        return reshape(slice_axis(x, 1, 0, size), (x.shape[0], self.steps, self.channels))

    def describe(self) -> str:
        """Return 100 steps of 6 channels."""
        return f"{self.steps} steps of {self.channels} {plural(self.channels, 'channel')}"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(3, 2), (7,)
        yield cls(1, 1), (2,)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(0, 2), (1,)
        yield lambda: cls(2, 1.5), (4,)  # type: ignore[arg-type]
        yield lambda: cls(3, 2), (6,)
        yield lambda: cls(3, 2), (7, 1)


def step_numbers(x: Value, steps: int) -> Value:
    """Return the number of each step, (1, steps)."""
    return make_literal(np.arange(steps, dtype=x.dtype)[None], x.dtype)
