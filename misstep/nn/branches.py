"""A row dealt out among sub-networks: Columns takes a part of it, Branches joins what they give.

So a network has several inputs although a row is one flat vector: numbers go straight on, texts
through an embedding. They hold no parameters and know no layer but as a module.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value
from misstep.nn.activations import ReLU
from misstep.nn.containers import Sequential
from misstep.nn.layers import Dense, positive_whole
from misstep.nn.module import LayerExample, Module
from misstep.nn.tracing import current_trace
from misstep.ops import concatenate, slice_axis

JOINS = ("concatenate", "sum")


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
                f"the input of {self}", needed=f"(batch, {self.stop} features or more)",
                got=str(x.shape),
            )  # fmt: skip
        current_trace().mask = None
        return slice_axis(x, 1, self.start, self.stop)

    def describe(self) -> str:
        """Return columns 3 to 7, counted from 1."""
        if self.stop == self.start + 1:
            return f"column {self.stop}"
        return f"columns {self.start + 1} to {self.stop}"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        """Yield layers that must work."""
        yield cls(1, 3), (4,)
        yield cls(0, 1), (1,)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        """Yield layers that must be refused."""
        yield lambda: cls(2, 2), (4,)
        yield lambda: cls(-1, 2), (4,)
        yield lambda: cls(0, 2.5), (4,)  # type: ignore[arg-type]
        yield lambda: cls(2, 5), (4,)
        yield lambda: cls(0, 2), (4, 3)


class Branches(Module):
    """Sub-networks that all get the same input; what they give is joined: "concatenate" or "sum".

    Concatenated along the features, or added up, for which all must give the same shape. Which
    entries of sequences count is worked out anew in each branch. Raises ArgumentError for branches
    that are no layers, or an unknown join; ShapeError where what they give can't be joined.

    >>> import misstep as ms
    >>> numbers = ms.Columns(0, 2)
    >>> words = ms.Sequential(ms.Columns(2, 7), ms.Embedding(100, 8, padding=0), ms.LSTM(4))
    >>> ms.Network(ms.Branches(numbers, words), input_shape=(7,)).output_shape
    (6,)
    """

    def __init__(self, *branches: Module, join: str = "concatenate") -> None:
        if not branches:
            raise ArgumentError("Branches", needed="a layer or more", got="none")
        # Sequential's own check names the one that is no layer.
        self.branches = Sequential(*branches).layers
        if join not in JOINS:
            raise ArgumentError("join of Branches", needed=" or ".join(JOINS), got=repr(join))
        self.join = join

    def children(self) -> Iterator[tuple[str, Module]]:
        """Yield the branches, named by number."""
        for place, branch in enumerate(self.branches, start=1):
            if all(branch is not one for one in self.branches[: place - 1]):
                yield f"branch{place}", branch

    def forward(self, x: Value) -> Value:
        """Return what the branches make of x, joined."""
        trace = current_trace()
        before, after = trace.mask, trace.following
        # What follows the join is no layer that a branch's weights should suit.
        found, masks = [], []
        for branch in self.branches:
            trace.mask, trace.following = before, None
            found.append(branch(x))
            masks.append(trace.mask)
        trace.following = after
        # Steps that fill up one branch may count in another, so that no mask holds for all.
        trace.mask = masks[0] if all(mask is masks[0] for mask in masks) else None
        if self.join == "sum":
            wrong = next((one for one in found if one.shape != found[0].shape), None)
            needed = f"the shape of the first, {found[0].shape[1:]}, from each"
        else:
            wrong = next((one for one in found if one.shape[:-1] != found[0].shape[:-1]), None)
            needed = f"shapes like the first, {found[0].shape[1:]}, but for the features"
        if wrong is not None or found[0].ndim < 2:
            got = found[0] if wrong is None else wrong
            raise ShapeError("what branches give", needed=needed, got=str(got.shape[1:]))
        if self.join == "sum":
            return reduce(lambda a, b: a + b, found)
        return concatenate(found, axis=found[0].ndim - 1)

    def configuration(self) -> dict[str, Any]:
        """Return the kind, the branches and how they are joined as plain JSON."""
        first: dict[int, int] = {}
        branches: list[dict[str, Any]] = []
        for place, branch in enumerate(self.branches, start=1):
            known = first.setdefault(id(branch), place)
            branches.append(branch.configuration() if known == place else {"again": known})
        return {"kind": type(self).__name__, "branches": branches, "join": self.join}

    def describe(self) -> str:
        """Return 2 branches, concatenated."""
        count = len(self.branches)
        how = {"concatenate": "concatenated", "sum": "added up"}[self.join]
        return f"{count} branch{'' if count == 1 else 'es'}, {how}"

    def __repr__(self) -> str:
        parts = [
            *map(repr, self.branches),
            *([f"join={self.join!r}"] if self.join == "sum" else []),
        ]
        return f"{type(self).__name__}({', '.join(parts)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Branches):
            return NotImplemented
        return (self.branches, self.join) == (other.branches, other.join)

    def __hash__(self) -> int:
        return hash((self.branches, self.join))

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        """Yield layers that must work."""
        yield cls(Dense(2), Sequential(Dense(3), ReLU())), (4,)
        yield cls(Columns(0, 2), Columns(2, 4), join="sum"), (4,)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        """Yield layers that must be refused."""
        yield cls, (4,)
        yield lambda: cls("dense"), (4,)  # type: ignore[arg-type]
        yield lambda: cls(Dense(2), join="mean"), (4,)
        yield lambda: cls(Dense(2), Dense(3), join="sum"), (4,)
        yield lambda: cls(Dense(2), Dense(2)), ()
