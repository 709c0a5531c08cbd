"""Where the entries of a value lie: a buffer, an offset, and a stride for each axis.

A `View` is how shape ops (transpose, slice, broadcast …) cost nothing: they only change strides.
Counts entries, not bytes. Knows no code; `elements.py` reads and writes through views.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property


@dataclass(frozen=True, eq=False)
class Buffer:
    """A stretch of memory: in the arena of a program, or given by the caller (`external`).

    `size`: entries of `dtype`. `name`: for people.
    """

    name: str
    dtype: str
    size: int
    external: bool = False


def row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of entries that lie one after the other, the last axis fastest."""
    strides = []
    step = 1
    for length in reversed(shape):
        strides.append(step)
        step *= max(length, 1)
    return tuple(reversed(strides))


@dataclass(frozen=True)
class View:
    """Entries of `shape` in `buffer`: for strides (s, t), (i, j) lies at offset + i · s + j · t.

    The stride of an axis of length 1 is 0, so that views of the same entries are equal.
    """

    buffer: Buffer
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def __post_init__(self) -> None:
        strides = zip(self.shape, self.strides, strict=True)
        canonical = tuple(0 if length == 1 else stride for length, stride in strides)
        object.__setattr__(self, "strides", canonical)

    @classmethod
    def whole(cls, buffer: Buffer, shape: tuple[int, ...]) -> View:
        """Return the view of all of a buffer, in row-major order."""
        return cls(buffer, 0, shape, row_major(shape))

    @property
    def size(self) -> int:
        """Return the number of entries."""
        return math.prod(self.shape)

    @property
    def is_contiguous(self) -> bool:
        """Tell whether entries lie one after the other in row-major order."""
        return all(
            length == 1 or stride == row_major_stride
            for length, stride, row_major_stride in zip(
                self.shape, self.strides, row_major(self.shape), strict=True
            )
        )

    @cached_property
    def interval(self) -> tuple[int, int]:
        """Return the first entry of the buffer that is touched, and the one behind the last."""
        if self.size == 0:
            return self.offset, self.offset
        ends = [
            (length - 1) * stride for length, stride in zip(self.shape, self.strides, strict=True)
        ]
        low = self.offset + sum(min(end, 0) for end in ends)
        return low, self.offset + sum(max(end, 0) for end in ends) + 1

    def overlaps(self, other: View) -> bool:
        """Tell whether two views may touch the same entry."""
        if self.buffer is not other.buffer:
            return False
        (low, high), (start, stop) = self.interval, other.interval
        return low < stop and start < high

    def transpose(self, axes: tuple[int, ...]) -> View:
        """Return the view with its axes in another order."""
        return replace(
            self,
            shape=tuple(self.shape[axis] for axis in axes),
            strides=tuple(self.strides[axis] for axis in axes),
        )

    def slice(
        self, starts: tuple[int, ...], shape: tuple[int, ...], steps: tuple[int, ...]
    ) -> View:
        """Return the part that begins at `starts` and takes every step-th entry."""
        moved = sum(start * stride for start, stride in zip(starts, self.strides, strict=True))
        strides = tuple(stride * step for stride, step in zip(self.strides, steps, strict=True))
        return View(self.buffer, self.offset + moved, shape, strides)

    def broadcast_to(self, shape: tuple[int, ...]) -> View:
        """Return the view repeated along new axes in front and along axes of length 1."""
        new = len(shape) - len(self.shape)
        strides = (0,) * new + tuple(
            0 if own == 1 and length != 1 else stride
            for own, stride, length in zip(self.shape, self.strides, shape[new:], strict=True)
        )
        return replace(self, shape=shape, strides=strides)

    def flip(self, axes: tuple[int, ...]) -> View:
        """Return the view in the opposite order along `axes`."""
        offset, strides = self.offset, list(self.strides)
        for axis in axes:
            offset += (self.shape[axis] - 1) * strides[axis]
            strides[axis] = -strides[axis]
        return View(self.buffer, offset, self.shape, tuple(strides))

    def reshape(self, shape: tuple[int, ...]) -> View | None:
        """Return the entries in another shape, or None where no strides can say it.

        Axes of length 1 come and go freely; other axes may be split, and merged where they lie
        one after the other.
        """
        if self.size == 0:
            return View(self.buffer, self.offset, shape, row_major(shape))
        runs: list[tuple[int, int]] = []  # length and stride of axes that lie one after the other
        for length, stride in zip(self.shape, self.strides, strict=True):
            if length == 1:
                continue
            if runs and runs[-1][1] == length * stride:
                length *= runs.pop()[0]
            runs.append((length, stride))
        strides: list[int] = []
        left, step = 1, 0  # what is left of a run that is being split, and the stride of that
        for length in shape:
            if left == 1 and length != 1:
                (left, stride), *runs = runs
                step = left * stride
            if left % length:
                return None
            left //= length
            step //= length
            strides.append(step)
        return View(self.buffer, self.offset, shape, tuple(strides))
