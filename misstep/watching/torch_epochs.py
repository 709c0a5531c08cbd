"""Where epochs begin in a loop that says nothing of them, and whether its rows are shuffled.

A DataLoader that begins anew, the same tensor again, or the first part of the same tensor again.
Knows loaders and tensors by what they are asked; imports no torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# From this share of an answer that the answer before tells, rows come in an order that nobody drew.
ORDERED = 0.5


class Epochs:
    """Recognizes the first batch of an epoch.

    `told`: whether the loop says itself where epochs end. `known`: whether any sign was seen.
    `each_update`: whether every batch is the same one.
    """

    def __init__(self) -> None:
        self.told = False
        self.known = False
        self.each_update = False
        self._loader: Any = None  # the last that began
        self._training: Any = None  # the one that training takes its batches from
        self._begun = 0
        self._counted = 0
        self._first: Any = None
        self._base: Any = None  # what the first batch is a part of, and where it begins there
        self._offset = 0
        self._batches = 0
        self._shuffles: bool | None = None

    def before_iteration(self, name: str, original: Any) -> Any:
        """Return what stands before the beginning of a DataLoader."""

        def begins(loader: Any) -> Any:
            self._loader = loader
            if loader is self._training:
                self._begun += 1
            return original(loader)

        return begins

    def batch(self, x: Any, begin: Callable[[], None]) -> None:
        """Take in the rows of a batch that is learned from; call `begin` for an epoch's first."""
        self._batches += 1
        if self._batches == 1:
            self._first = x
            self._base = getattr(x, "_base", None)
            self._offset = 0 if x is None else x.storage_offset()
            self._training = self._loader
            if self._training is not None:
                self.known = True
                self._shuffles = _shuffles(self._training)
            return
        if self._training is not None:
            if self._begun > self._counted:
                self._counted = self._begun
                begin()
        elif self._is_first_again(x):
            self.known = True
            self.each_update = self.each_update or self._batches == 2
            begin()

    def _is_first_again(self, x: Any) -> bool:
        """Tell whether rows are the very memory of the first batch; a copy would be another."""
        first = self._first
        if x is None or first is None:
            return False
        if x is first:
            return True
        base = self._base
        return (
            base is not None
            and x.storage_offset() == self._offset
            and x._base is base
            and x.shape == first.shape
        )

    def shuffled(self, order_share: float) -> bool:
        """Return whether rows come in an order that was drawn.

        `order_share`: how much of an answer the answer before tells, as they came.
        """
        if self.each_update:
            return True  # all rows at once have no order
        if self._shuffles is not None:
            return self._shuffles
        return order_share < ORDERED


def _shuffles(loader: Any) -> bool | None:
    """Return whether a DataLoader draws the order of rows; None where its sampler does not tell."""
    sampler = type(getattr(loader, "sampler", None)).__name__
    return {"RandomSampler": True, "SequentialSampler": False}.get(sampler)
