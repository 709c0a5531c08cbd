"""The op that brings entries to mean 0 and deviation 1 along axes, then scales and shifts them.

One op, not the five it could be made of: written out one after the other, the gradients of mean and
variance need four sums, one pair after the other, where two side by side do. Knows nothing of
batches or layers; `nn/normalization.py` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from misstep.errors import ShapeError
from misstep.ir import Array, Op, Type, Value
from misstep.ir.op import Example, broadcast_shape, checked_axes, float_dtype
from misstep.ops import reduction
from misstep.ops.elementwise import Gradients, draw
from misstep.ops.functions import sqrt
from misstep.ops.lifting import Operand, together
from misstep.ops.reduction import centered, variance
from misstep.ops.shape import axes_of, reshape


def normalized(
    x: Array, scale: Array, shift: Array, axes: tuple[int, ...], epsilon: float
) -> Array:
    """Return (x − mean) / √(variance + epsilon) along `axes`, times `scale`, plus `shift`.

    What rounding left of the mean is taken away as well, so that a large part which all entries
    share costs no digits.
    """
    share = 1.0 / math.prod(np.shape(x)[axis] for axis in axes)
    distance = x - np.sum(x, axis=axes, keepdims=True) * share
    distance = distance - np.sum(distance, axis=axes, keepdims=True) * share
    spread = np.sum(distance * distance, axis=axes, keepdims=True) * share
    return distance * (1.0 / np.sqrt(spread + epsilon)) * scale + shift


@dataclass(frozen=True)
class Normalize(Op):
    """x brought to mean 0 and deviation 1 along `axes`, times a scale, plus a shift.

    `epsilon` is added to the variance, the mean squared distance from the mean. Scale and shift
    broadcast to x. The gradient is that of Ioffe and Szegedy (2015), section 3, put together: with
    h the normalized x, g = upstream · scale and means along the axes,
    dx = (g − mean g − h · mean(g · h)) / √(variance + epsilon).
    """

    axes: tuple[int, ...]
    epsilon: float
    name = "normalize"
    words = "{0} with mean 0 and deviation 1, times {1}, plus {2}"
    formula = "normalized({0}) · {1} + {2}"
    local_derivatives = (
        "{1} / deviation, less what it moves mean and deviation",
        "normalized({0})",
        "1",
    )

    def type(self, *inputs: Type) -> Type:
        x, scale, shift = inputs
        dtype = float_dtype(self, x, scale, shift)
        axes = checked_axes(self, self.axes, len(x.shape))
        if any(x.shape[axis] == 0 for axis in axes):
            raise ShapeError(
                self.name, needed="axes with an entry or more", got=f"axes {self.axes} of {x}"
            )
        if broadcast_shape(self, x, scale, shift) != x.shape:
            raise ShapeError(
                self.name,
                needed=f"scale and shift that broadcast to {x.shape}",
                got=f"{scale.shape} and {shift.shape}",
            )
        return Type(x.shape, dtype)

    def run(self, x: Array, scale: Array, shift: Array) -> Array:
        return normalized(x, scale, shift, self.axes, self.epsilon)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        x, scale, _ = value.inputs
        inverse = 1.0 / sqrt(variance(x, self.axes, keep=True) + self.epsilon)
        normal = centered(x, self.axes) * inverse
        weighted = upstream * normal
        if self._is_uniform(scale, x.ndim):
            # The sums that are the gradients of scale and shift; the scale is a factor of both.
            factor, adjoint, along = inverse * scale, upstream, weighted
        else:
            factor, adjoint = inverse, upstream * scale
            along = adjoint * normal
        about = adjoint - self._mean(adjoint, x) - normal * self._mean(along, x)
        return about * factor, weighted, upstream

    def _is_uniform(self, scale: Value, ndim: int) -> bool:
        """Tell whether the scale is one number along the axes."""
        axes = [axis % ndim - (ndim - scale.ndim) for axis in self.axes]
        return all(axis < 0 or scale.shape[axis] == 1 for axis in axes)

    def _mean(self, value: Value, like: Value) -> Value:
        """Return the mean along the axes, summed as the reverse walk sums for scale and shift."""
        axes = tuple(sorted(axis % like.ndim for axis in self.axes))
        kept = [1 if axis in axes else length for axis, length in enumerate(like.shape)]
        share = 1.0 / math.prod(like.shape[axis] for axis in axes)
        return reshape(reduction.sum(value, axes), kept) * share

    def python(self, *names: str) -> str:
        return f"normalized({', '.join(names)}, {self.axes}, {self.epsilon})"

    def definitions(self) -> tuple[Callable[..., Array], ...]:
        return (normalized,)

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        # Of few entries the normalized ones hardly depend on them, which no difference shows.
        rows, width = (int(n) for n in random.integers(4, 9, 2))
        scale, shift = draw(random, (width,)), draw(random, (width,))
        yield cls((0,), 0.1), (draw(random, (rows, width)), scale, shift)
        yield cls((-1,), 0.2), (draw(random, (2, width)), scale, shift)
        yield cls((1,), 0.1), tuple(draw(random, (rows, width)) for _ in range(3))
        yield cls((2, 0), 0.1), (draw(random, (3, 2, 4)), draw(random, (2, 1)), draw(random, ()))

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        ones = np.ones(2)
        yield cls((0,), 0.1), (np.zeros((0, 2)), ones, ones)
        yield cls((2,), 0.1), (np.zeros((3, 2)), ones, ones)
        yield cls((0, -2), 0.1), (np.zeros((3, 2)), ones, ones)
        yield cls((0,), 0.1), (np.zeros((3, 2)), np.ones(3), ones)
        yield cls((0,), 0.1), (np.zeros((1, 2)), np.ones((3, 2)), ones)
        yield cls((0,), 0.1), (np.zeros((3, 2), "int64"), ones, ones)


# --- functions for people -----------------------------------------------------------------------


def normalize(
    x: Operand, scale: Operand, shift: Operand, axes: tuple[int, ...], epsilon: float
) -> Value:
    """Return `x` with mean 0 and deviation 1 along `axes`, times `scale`, plus `shift`.

    `epsilon` is added to the variance.

    >>> import misstep as ms
    >>> ms.ops.normalize([1.0, 3.0], 1.0, 0.0, (0,), 0.0)
    [-1.,  1.]
    """
    values = together(x, scale, shift)
    return Normalize(axes_of(values[0], axes), float(epsilon))(*values)
