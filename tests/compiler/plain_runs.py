"""Running graphs so that only what ops mean decides the bits, and made-up graphs to run.

NumPy's sums, products and some functions round differently for arrays that lie differently in
memory, although the entries are the same. `plain_run` gives every op arrays in row-major order, so
that programs which do the same arithmetic give the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from misstep import ops
from misstep.autodiff import gradient
from misstep.ir import Array, Graph, Value, make_input, make_literal
from misstep.ops.pieces import Pad, Slice


def plain_run(graph: Graph, feeds: Mapping[str, Any]) -> dict[str, Array]:
    """Return the outputs by name, every op run by its definition on arrays in row-major order."""
    known: dict[Value, Array] = {}
    with np.errstate(all="ignore"):
        for value in graph.values:
            if value.is_literal:
                array = np.asarray(value.data).astype(value.dtype)
            elif value.op is None:
                array = np.asarray(feeds[str(value.name)], value.dtype)
            else:
                given = [known[operand] for operand in value.inputs]
                if value.op.elementwise:
                    given = [np.broadcast_to(array, value.shape) for array in given]
                array = value.op.run(*[np.array(array, order="C") for array in given])
            known[value] = np.array(array, order="C")
    return {name: known[value] for name, value in graph.outputs.items()}


def check_bits(actual: Mapping[str, Array], expected: Mapping[str, Array]) -> None:
    """Assert that all outputs have the same bits; a NaN is a NaN, whatever its own bits."""
    assert list(actual) == list(expected)
    for name, array in expected.items():
        other = actual[name]
        assert (other.dtype, other.shape) == (array.dtype, array.shape), name
        if array.dtype.kind == "f":
            np.testing.assert_array_equal(np.isnan(other), np.isnan(array), name)
            array, other = np.nan_to_num(array, nan=0.0), np.nan_to_num(other, nan=0.0)
            np.testing.assert_array_equal(np.signbit(other), np.signbit(array), name)
        np.testing.assert_array_equal(other, array, name)


def random_feeds(graph: Graph, random: np.random.Generator, special: float = 0.0) -> dict[str, Any]:
    """Return numbers for all inputs, a share of them special (NaN, infinities, zeros, tiny)."""
    feeds = {}
    for value in graph.inputs:
        if value.dtype == "int64":
            feeds[str(value.name)] = random.integers(0, 2, value.shape)
            continue
        array = random.normal(0, 1.5, value.shape)
        odd = random.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-42, 1.0, -1.0], value.shape)
        array = np.where(random.random(value.shape) < special, odd, array)
        feeds[str(value.name)] = array.astype(value.dtype)
    return feeds


NUMBERS = (0.0, -0.0, 1.0, -1.0, 2.0, -8.0, 0.5, 3.0, 0.1, math.inf, math.nan)
UNARY = (
    ops.exp,
    ops.log,
    ops.sqrt,
    ops.relu,
    ops.absolute,
    ops.negative,
    ops.sigmoid,
    ops.tanh,
    ops.softplus,
    ops.sign,
    ops.expm1,
)
BINARY = (ops.add, ops.subtract, ops.multiply, ops.divide, ops.maximum, ops.minimum)


class RandomGraph:
    """Grows a graph op by op; every kind of op that simplifying knows comes up."""

    def __init__(self, seed: int, steps: int, dtype: str) -> None:
        self.random = np.random.default_rng(seed)
        self.dtype = dtype
        shapes = [(), (3,), (2, 3), (2, 1), (1, 3), (3, 1, 2), (6,), (1, 6)]
        self.inputs = [
            make_input(f"x{index}", shape, dtype)
            for index, shape in enumerate(shapes)
            if self.chance(0.6) or index == 2
        ]
        self.whole = make_input("n", (2,), "int64")
        self.seed = make_input("seed", (), "int64")
        self.values = list(self.inputs)
        self.truths = [self.inputs[-1] < 0.5]
        self.ways: list[Callable[[], Value]] = [
            *[self.unary] * 2,
            *[self.binary] * 3,
            self.choice,
            self.question,
            *[self.moved] * 3,
            *[self.sliced] * 2,
            self.joined,
            *[self.reduced] * 2,
            self.product,
            self.convolved,
            self.converted,
            self.taken,
            self.drawn,
            self.flat,
            self.again,
        ]
        for _ in range(steps):
            try:
                value = self.pick(self.ways)()
            except LookupError:  # nothing that fits
                continue
            if value.size <= 200:
                (self.truths if value.dtype == "bool" else self.values).append(value)

    def graph(self) -> Graph:
        computed = [
            value for value in self.values if value.op is not None and value.dtype == self.dtype
        ]
        outputs = {f"out{index}": value for index, value in enumerate(computed[-3:])}
        outputs["first"] = self.inputs[0] + 0.0
        if computed and self.chance(0.6):
            gradients = gradient(ops.sum(computed[-1]), self.inputs)
            outputs |= {f"gradient{index}": value for index, value in enumerate(gradients)}
        return Graph(outputs, [*self.inputs, self.whole, self.seed])

    # Choosing

    def chance(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def pick(self, several: Any) -> Any:
        return several[int(self.random.integers(max(len(several), 1)))]

    def value(self, fits: Callable[[Value], bool] = lambda value: True) -> Value:
        candidates = [value for value in self.values if value.dtype == self.dtype and fits(value)]
        return self.pick(candidates[-6:] if self.chance(0.6) else candidates)

    def number(self) -> Value:
        number = self.pick(NUMBERS)
        shape = self.pick([(), (), (1,), (2, 3), (3,)])
        array = np.full(shape, number)
        if shape and self.chance(0.2):
            array = self.random.normal(0, 1, shape)
        return make_literal(array, self.dtype)

    def beside(self, value: Value) -> Value:
        """Return a value or a literal that broadcasts with `value`."""
        if self.chance(0.3):
            literal = self.number()
            if fit(literal.shape, value.shape):
                return literal
        return self.value(lambda operand: fit(operand.shape, value.shape))

    # Ways to grow

    def unary(self) -> Value:
        return self.pick(UNARY)(self.value())

    def binary(self) -> Value:
        a = self.value()
        pair = [a, self.beside(a)]
        if self.chance(0.5):
            pair.reverse()
        return self.pick(BINARY)(*pair)

    def again(self) -> Value:
        """Return what is there already, made once more."""
        computed = [value for value in self.values if value.op is not None]
        if not computed:
            return self.unary()
        one = self.pick(computed)
        return one.op(*one.inputs)

    def question(self) -> Value:
        a = self.value()
        kind = int(self.random.integers(6))
        if kind < 3:
            asked = (ops.less, ops.less_equal, ops.equal)[kind]
            zero = make_literal(0.0, self.dtype)
            return asked(zero, a) if self.chance(0.4) else asked(a, self.beside(a))
        one = self.pick(self.truths)
        if kind == 3:
            return ops.logical_not(one)
        fitting = [other for other in self.truths if fit(other.shape, one.shape)]
        other = self.pick([*fitting, make_literal(self.chance(0.5))])
        return (ops.logical_and, ops.logical_or)[kind - 4](one, other)

    def choice(self) -> Value:
        a = self.value()
        b = a if self.chance(0.1) else self.beside(a)
        shape = np.broadcast_shapes(a.shape, b.shape)
        fitting = [truth for truth in self.truths if fit(truth.shape, shape)]
        condition = self.pick([*fitting, make_literal(self.chance(0.5))])
        return ops.where(condition, *((a, b) if self.chance(0.5) else (b, a)))

    def moved(self) -> Value:
        a = self.value()
        kind = int(self.random.integers(5))
        if kind == 0:
            return ops.reshape(a, self.factors(a.size))
        if kind == 1:
            return ops.transpose(a, tuple(int(k) for k in self.random.permutation(a.ndim)))
        if kind == 2:
            shape = (2, *(3 if length == 1 else length for length in a.shape))
            return ops.broadcast_to(a, shape[int(self.random.integers(2)) :])
        if kind == 3:
            axes = [axis for axis in range(a.ndim) if self.chance(0.5)]
            return ops.flip(a, axes) if axes else a
        counts = [tuple(int(n) for n in self.random.integers(0, 2, a.ndim)) for _ in range(3)]
        return Pad(*counts)(a)

    def factors(self, size: int) -> tuple[int, ...]:
        shape = []
        while size > 1:
            factor = self.pick([n for n in range(2, size + 1) if size % n == 0])
            shape.append(factor)
            size //= factor
        places = [index for index in range(len(shape) + 1) if self.chance(0.2)]
        for index in reversed(places):
            shape.insert(index, 1)
        return (0, *shape) if size == 0 else tuple(shape)

    def sliced(self) -> Value:
        a = self.value()
        starts, stops, steps = [], [], []
        for length in a.shape:
            starts.append(int(self.random.integers(0, max(length, 1))) if self.chance(0.6) else 0)
            stops.append(int(self.random.integers(starts[-1] + (length > 0), length + 1)))
            steps.append(self.pick([1, 1, 2, 3]))
        return Slice(tuple(starts), tuple(stops), tuple(steps))(a)

    def joined(self) -> Value:
        a = self.value(lambda value: value.ndim > 0)
        axis = int(self.random.integers(a.ndim))
        if self.chance(0.3):
            middle = a.shape[axis] // 2
            pieces = [
                ops.pieces.slice_axis(a, axis, 0, middle),
                ops.pieces.slice_axis(a, axis, middle, a.shape[axis]),
            ]
        else:
            pieces = [a, *(self.value(lambda value: value.shape == a.shape) for _ in range(2))]
        return ops.concatenate(pieces, axis - a.ndim if self.chance(0.5) else axis)

    def reduced(self) -> Value:
        a = self.value(lambda value: value.size > 0)
        axes = [axis for axis in range(a.ndim) if self.chance(0.6)]
        keep = self.chance(0.4)
        kind = int(self.random.integers(5))
        if kind == 4 and a.ndim:
            return ops.softmax(a, int(self.random.integers(-a.ndim, a.ndim)))
        if kind == 3 and self.chance(0.3):
            return ops.cast(ops.sum(self.pick(self.truths)), self.dtype)
        return (ops.sum, ops.max, ops.log_sum_exp, ops.sum, ops.sum)[kind](a, axes, keep)

    def product(self) -> Value:
        a = self.value(lambda value: value.ndim > 1)
        b = self.value(
            lambda value: (value.ndim == 2 and value.shape[0] == a.shape[-1]) or value is a
        )
        return a @ (ops.contraction.swap_last(a) if b is a else b)

    def convolved(self) -> Value:
        x = ops.relu(ops.reshape(self.value(lambda value: value.size > 0), (1, -1, 1)))
        weight = ops.reshape(self.value(lambda value: value.size in (2, 3)), (-1, 1, 1))
        y = ops.convolution(x, weight, padding="same")
        return ops.reshape(y, (y.size,)) if y.size == x.size else y

    def converted(self) -> Value:
        other = "float64" if self.dtype == "float32" else "float32"
        if self.chance(0.3):
            return ops.cast(ops.cast(self.pick(self.truths), other), self.dtype)
        return ops.cast(ops.cast(self.value(), other), self.dtype)

    def taken(self) -> Value:
        a = self.value(
            lambda value: (value.ndim > 0 and value.shape[0] > 1) or value.shape == (2, 3)
        )
        if a.shape == (2, 3) and self.chance(0.5):
            return ops.take_along_axis(a, self.whole)
        return ops.gather(a, self.whole)

    def drawn(self) -> Value:
        seed = self.seed if self.chance(0.7) else 3
        return ops.random_uniform(self.pick([(2, 3), (6,)]), seed, 1, self.pick([0, 1]), self.dtype)

    def flat(self) -> Value:
        pieces = [ops.reshape(self.value(lambda value: value.size > 0), (-1,)) for _ in range(2)]
        joined = ops.concatenate(pieces, 0)
        one = ops.reshape(self.value(lambda value: value.size == 1), ())
        state = ops.broadcast_to(one, (1, joined.size))
        result = (joined + ops.reshape(state, (joined.size,))) * 0.5 - joined
        if self.chance(0.3):
            result = result * ops.sum(joined)
        return ops.tanh(result)


def fit(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Tell whether two shapes broadcast."""
    try:
        np.broadcast_shapes(one, other)
    except ValueError:
        return False
    return True
