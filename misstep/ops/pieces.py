"""Ops that take a part of the entries or put parts together: slice, pad, concatenate.

Each one's gradient is another one of them. Knows the program form and nothing of networks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.errors import ShapeError
from misstep.ir import Array, Op, Type, Value
from misstep.ir.op import Example, checked_axis, same_dtype
from misstep.ops.elementwise import Gradients, draw, draw_shape
from misstep.ops.lifting import Operand, as_value, together


@dataclass(frozen=True)
class Slice(Op):
    """Along each axis, the entries start, start + step, … before stop."""

    starts: tuple[int, ...]
    stops: tuple[int, ...]
    steps: tuple[int, ...]
    name = "slice"
    words = "a part of {0}"
    formula = "part of {0}"
    local_derivatives = ("1",)

    def _slices(self) -> tuple[slice, ...]:
        return tuple(map(slice, self.starts, self.stops, self.steps))

    def type(self, *inputs: Type) -> Type:
        (x,) = inputs
        lengths = []
        if not len(self.starts) == len(self.stops) == len(self.steps) == len(x.shape):
            raise ShapeError(self.name, needed=f"start, stop and step for each axis of {x.shape}")
        for start, stop, step, length in zip(
            self.starts, self.stops, self.steps, x.shape, strict=True
        ):
            if not (0 <= start <= stop <= length and step >= 1):
                raise ShapeError(
                    self.name,
                    needed=f"0 <= start <= stop <= {length} and a step of 1 or more",
                    got=f"{start}:{stop}:{step}",
                )
            lengths.append(len(range(start, stop, step)))
        return Type(tuple(lengths), x.dtype)

    def run(self, x: Array) -> Array:
        return x[self._slices()]

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        lengths = value.inputs[0].shape
        after = []
        for axis, length in enumerate(lengths):
            reach = (value.shape[axis] - 1) * self.steps[axis] + 1 if value.shape[axis] else 0
            after.append(length - self.starts[axis] - reach)
        between = tuple(step - 1 for step in self.steps)
        return (Pad(self.starts, tuple(after), between)(upstream),)

    def python(self, *names: str) -> str:
        slices = [
            f"{start}:{stop}" + (f":{step}" if step != 1 else "")
            for start, stop, step in zip(self.starts, self.stops, self.steps, strict=True)
        ]
        return f"{names[0]}[{', '.join(slices)}]" if slices else names[0]

    def view(self, source: Any) -> Any:
        axes = zip(self.starts, self.stops, self.steps, strict=True)
        return source.slice(self.starts, tuple(len(range(*axis)) for axis in axes), self.steps)

    def element(self, context: Any) -> Any:
        axes = zip(context.positions, self.starts, self.steps, strict=True)
        return context.read(0, [context.shifted(*axis) for axis in axes])

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        shape = draw_shape(random)
        starts = tuple(int(random.integers(0, length)) for length in shape)
        stops = tuple(
            int(random.integers(start, length + 1))
            for start, length in zip(starts, shape, strict=True)
        )
        steps = tuple(int(random.integers(1, 4)) for _ in shape)
        yield cls(starts, stops, steps), (draw(random, shape),)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls((0,), (5,), (1,)), (np.zeros(4),)
        yield cls((0,), (2,), (0,)), (np.zeros(4),)


@dataclass(frozen=True)
class Pad(Op):
    """Zeros before, after and between the entries along each axis."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    between: tuple[int, ...]
    name = "pad"
    words = "{0} with zeros around it"
    formula = "{0} padded"
    local_derivatives = ("1",)

    def type(self, *inputs: Type) -> Type:
        (x,) = inputs
        counts = (self.before, self.after, self.between)
        if any(
            len(axis_counts) != len(x.shape) or min(axis_counts, default=0) < 0
            for axis_counts in counts
        ):
            raise ShapeError(
                self.name, needed=f"counts of 0 or more for each axis of {x.shape}", got=str(counts)
            )
        return Type(
            tuple(
                before + length + max(length - 1, 0) * between + after
                for length, before, after, between in zip(x.shape, *counts, strict=True)
            ),
            x.dtype,
        )

    def _slices(self, shape: tuple[int, ...]) -> tuple[slice, ...]:
        return tuple(
            slice(
                before, before + (length - 1) * (between + 1) + 1 if length else before, between + 1
            )
            for length, before, between in zip(shape, self.before, self.between, strict=True)
        )

    def run(self, x: Array) -> Array:
        return padded(x, self.before, self.after, self.between)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        slices = self._slices(value.inputs[0].shape)
        return (
            Slice(
                tuple(slice_.start for slice_ in slices),
                tuple(slice_.stop for slice_ in slices),
                tuple(slice_.step for slice_ in slices),
            )(upstream),
        )

    def python(self, *names: str) -> str:
        return f"padded({names[0]}, {self.before}, {self.after}, {self.between})"

    def element(self, context: Any) -> Any:
        (x,) = context.value.inputs
        if not x.size:
            return context.zero()
        code, inside, positions = context.code, None, []
        axes = zip(context.positions, x.shape, self.before, self.after, self.between, strict=True)
        for position, length, before, after, between in axes:
            if before == after == between == 0:
                positions.append(position)
                continue
            number, step = context.number(context.shifted(position, -before)), between + 1
            # As numbers without a sign, places before the first entry lie far behind the last.
            there = code.less(number, code.like((length - 1) * step + 1, number), signed=False)
            if between:
                whole = code.like(step, number)
                rest = code.binary("urem", number, whole)
                there = code.and_(there, code.equal(rest, code.like(0, rest)))
                number = code.binary("udiv", number, whole)
            # Zeros are not read from anywhere: some entry is, and not taken.
            positions.append(context.at(code.select(there, number, code.like(0, number))))
            inside = there if inside is None else code.and_(*context.together(inside, there))
        entry = context.read(0, positions)
        if inside is None:
            return entry
        inside, entry = context.together(inside, entry)
        return code.select(inside, entry, code.like(0, entry))

    def definitions(self) -> tuple[Any, ...]:
        return (padded,)

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        shape = draw_shape(random)
        counts = [tuple(int(count) for count in random.integers(0, 3, len(shape))) for _ in "123"]
        yield cls(*counts), (draw(random, shape),)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls((-1,), (0,), (0,)), (np.zeros(3),)
        yield cls((1,), (0,), (0,)), (np.zeros((3, 3)),)


def padded(
    x: Array, before: tuple[int, ...], after: tuple[int, ...], between: tuple[int, ...]
) -> Array:
    """Return `x` with that many zeros before, after and between its entries along each axis."""
    lengths, slices = [], []
    for length, front, back, gap in zip(np.shape(x), before, after, between, strict=True):
        spread = length + max(length - 1, 0) * gap
        lengths.append(front + spread + back)
        slices.append(slice(front, front + spread, gap + 1))
    result = np.zeros(lengths, np.asarray(x).dtype)
    result[tuple(slices)] = x
    return result


@dataclass(frozen=True)
class Concatenate(Op):
    """The inputs one after the other along `axis`."""

    axis: int
    name = "concatenate"
    words = "the inputs one after the other"
    formula = "({0}, …)"
    local_derivatives = ("1",)
    kernel = "join"

    def type(self, *inputs: Type) -> Type:
        if not inputs:
            raise ShapeError(self.name, needed="at least one value", got="none")
        axis = checked_axis(self, self.axis, len(inputs[0].shape))
        rests = {type_.shape[:axis] + type_.shape[axis + 1 :] for type_ in inputs}
        if len(rests) != 1 or len({len(type_.shape) for type_ in inputs}) != 1:
            raise ShapeError(
                f"concatenate along axis {self.axis}",
                needed="shapes that differ in that axis only",
                got=" and ".join(str(type_.shape) for type_ in inputs[:4]),
            )
        shape = list(inputs[0].shape)
        shape[axis] = sum(type_.shape[axis] for type_ in inputs)
        return Type(tuple(shape), same_dtype(self, *inputs))

    def run(self, *inputs: Array) -> Array:
        return np.concatenate(inputs, self.axis)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        gradients = []
        start = 0
        axis = self.axis % upstream.ndim
        for operand in value.inputs:
            stop = start + operand.shape[axis]
            gradients.append(slice_axis(upstream, axis, start, stop))
            start = stop
        return tuple(gradients)

    def python(self, *names: str) -> str:
        return f"np.concatenate([{', '.join(names)}], {self.axis})"

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        shape = draw_shape(random, 2)
        axis = int(random.integers(-2, 2))
        others = []
        for _ in range(int(random.integers(1, 4))):
            other = list(shape)
            other[axis] = int(random.integers(0, 4))
            others.append(draw(random, tuple(other)))
        yield cls(axis), tuple(others)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls(0), (np.zeros((2, 3)), np.zeros((2, 4)))
        yield cls(3), (np.zeros((2, 3)),)


# --- functions for people -----------------------------------------------------------------------


def concatenate(values: Sequence[Operand], axis: int = 0) -> Value:
    """Return the values one after the other along `axis`.

    >>> import misstep as ms
    >>> ms.ops.concatenate([[1.0, 2.0], [3.0]])
    [1., 2., 3.]
    """
    return Concatenate(axis)(*together(*values))


def slice_axis(x: Operand, axis: int, start: int, stop: int, step: int = 1) -> Value:
    """Return the entries start, start + step, … before stop along one axis.

    >>> import misstep as ms
    >>> ms.ops.slice_axis([1.0, 2.0, 3.0, 4.0, 5.0], 0, 1, 4, 2)
    [2., 4.]
    """
    value = as_value(x)
    axis = checked_axis(Slice((), (), ()), axis, value.ndim)
    starts, stops, steps = [0] * value.ndim, list(value.shape), [1] * value.ndim
    starts[axis], stops[axis], steps[axis] = start, stop, step
    return Slice(tuple(starts), tuple(stops), tuple(steps))(value)
