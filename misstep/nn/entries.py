"""Entries: a part of each row, for a branch of a network that has no use for the rest.

Knows shapes only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value
from misstep.nn.module import LayerExample, Module
from misstep.ops import slice_axis


@dataclass(frozen=True, eq=True)
class Entries(Module):
    """The entries `start` up to `stop` of the last axis, counted from 0, `stop` left out.

    Raises ArgumentError for places that are none, ShapeError for an input that is too short.

    >>> import misstep as ms
    >>> ms.Network(ms.Sequential(ms.Entries(1, 4), ms.Dense(2)), input_shape=(5,)).output_shape
    (2,)
    """

    start: int
    stop: int

    def __post_init__(self) -> None:
        whole = all(isinstance(one, int) and not isinstance(one, bool) for one in self._ends())
        if not whole or not 0 <= self.start < self.stop:
            raise ArgumentError(
                "start and stop of Entries", needed="whole numbers, 0 or more, start below stop",
                got=f"{self.start!r} and {self.stop!r}",
            )  # fmt: skip

    def _ends(self) -> tuple[int, int]:
        return self.start, self.stop

    def forward(self, x: Value) -> Value:
        """Return the chosen entries."""
        if x.ndim < 2 or x.shape[-1] < self.stop:
            raise ShapeError(
                f"the input of {self.describe()}", needed=f"at least {self.stop} entries",
                got=str(x.shape[1:]),
            )  # fmt: skip
        return slice_axis(x, x.ndim - 1, self.start, self.stop)

    def describe(self) -> str:
        """Return entries 0 to 9."""
        return f"entries {self.start} to {self.stop - 1}"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        """Yield layers that must work."""
        yield cls(1, 3), (4,)
        yield cls(0, 2), (3, 2)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        """Yield layers that must be refused."""
        yield lambda: cls(2, 2), (4,)
        yield lambda: cls(-1, 2), (4,)
        yield lambda: cls(0, True), (4,)
        yield lambda: cls(0, 5), (4,)
