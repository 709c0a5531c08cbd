"""Made-up programs for the compiler: every class of kernel, shapes with tails, empty ones, roles.

`MadeUp` grows a graph op by op from a seed and says what to feed it. Numbers stay near 1 (what
grows is passed through tanh), so that an error of the compiler stands out and rounding does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from misstep import ops
from misstep.autodiff import gradient
from misstep.compiler import Roles
from misstep.ir import Array, Graph, Interpreter, Value, make_input, make_literal
from misstep.ops.indexing import Gather, Scatter, ScatterAdd, TakeAlongAxis
from misstep.ops.pieces import Pad, Slice

Shape = tuple[int, ...]

# Below, at and above the widths of lanes, tiles and shares of rows.
LENGTHS = (1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 24, 33, 65)
MOST_ENTRIES = 6000
BOUNDED = (
    ops.tanh,
    ops.sigmoid,
    ops.sin,
    ops.cos,
    ops.erf,
    lambda x: ops.exp(ops.tanh(x)),
    lambda x: ops.log(ops.absolute(x) + 0.5),
    lambda x: ops.sqrt(ops.absolute(x) + 0.1),
    lambda x: ops.softplus(ops.tanh(x)),
    ops.relu,
    ops.absolute,
    ops.negative,
    lambda x: ops.expm1(ops.tanh(x)),
    lambda x: 1.0 / (1.0 + x * x),
)
BINARY = (
    ops.add,
    ops.subtract,
    ops.maximum,
    ops.minimum,
    lambda a, b: ops.tanh(a) * ops.tanh(b),
    lambda a, b: ops.tanh(a) / (1.5 + ops.sigmoid(b)),
)


class MadeUp:
    """A graph of up to `steps` ops, its inputs' numbers (`feeds`) and what they are to many steps.

    `empty`: some lengths are 0. `dtype`: of its numbers.
    """

    def __init__(
        self, seed: int, steps: int, *, dtype: str = "float64", empty: bool = False
    ) -> None:
        self.random = np.random.default_rng(seed)
        self.dtype = dtype
        self.lengths = (*LENGTHS, 0, 0) if empty else LENGTHS
        self.inputs: list[Value] = []
        self.feeds: dict[str, Array] = {}
        self.values: list[Value] = [self.given(self.shape()) for _ in range(2)]
        self.ways: list[Callable[[], Value]] = [
            *[self.unary] * 2,
            *[self.binary] * 3,
            self.choice,
            *[self.moved] * 3,
            self.joined,
            *[self.reduced] * 3,
            self.normalized,
            *[self.product] * 3,
            self.convolved,
            self.taken,
            self.picked,
            self.placed,
            self.scattered,
            self.drawn,
            self.converted,
            self.number,
            self.layer,
        ]
        for _ in range(steps):
            value = self.pick(self.ways)()
            if value.size <= MOST_ENTRIES and value.dtype == dtype:
                self.values.append(value)

    # --- what comes of it -----------------------------------------------------------------------

    def graph(self) -> Graph:
        """Return a graph of several outputs, the odd ones among them."""
        computed = [value for value in self.values if value.op is not None]
        outputs = {f"out{index}": value for index, value in enumerate(computed[-4:])}
        if computed and self.chance(0.3):
            outputs["again"] = computed[-1]
        if self.chance(0.3):
            outputs["given"] = self.pick(self.inputs)
        if self.chance(0.2):
            outputs["literal"] = make_literal(self.numbers((2, 3)), self.dtype)
        if self.chance(0.2):
            outputs["one"] = make_literal(0.25, self.dtype)
        if computed and self.chance(0.5):
            floats = [value for value in self.inputs if value.dtype == self.dtype]
            gradients = gradient(ops.sum(ops.tanh(computed[-1])), floats)
            outputs |= {f"gradient{index}": value for index, value in enumerate(gradients)}
        return Graph(outputs or {"given": self.inputs[0]}, self.inputs)

    def steps(self) -> tuple[Graph, Roles]:
        """Return a graph that changes some of its inputs step by step, and the roles in it."""
        outputs: dict[str, Value] = {}
        states: dict[str, str] = {}
        floats = [value for value in self.inputs if value.dtype == self.dtype]
        for index, operand in enumerate(floats):
            if not self.chance(0.6):
                continue
            kind = int(self.random.integers(5))
            fitting = [value for value in self.values if value.shape == operand.shape] or [operand]
            if kind == 0:
                changed = self.pick(fitting)
            elif kind == 1 and operand.ndim:
                axis = int(self.random.integers(operand.ndim))
                changed = ops.flip(operand, axis) * 0.9 + 0.01
            else:
                value = self.pick(self.values)
                rest = ops.sum(value) * (1.0 / max(value.size, 1))
                mixed = self.pick(fitting) if self.chance(0.5) else rest
                changed = ops.tanh(operand + 0.3 * mixed)
            states[f"next{index}"] = str(operand.name)
            outputs[f"next{index}"] = ops.broadcast_to(changed, operand.shape)
        logged = ops.sum(ops.tanh(self.values[-1])) * (1.0 / max(self.values[-1].size, 1))
        outputs |= {"logged": logged, "last": self.values[-1]}
        free = [
            str(value.name)
            for value in self.inputs
            if value.name not in states.values() and value.size
        ]
        stepped = [name for name in free if self.chance(0.3)]
        rows = [
            str(value.name)
            for value in self.inputs
            if value.name in free and value.name not in stepped and value.ndim
        ]
        count = {name: self.feeds[name].shape[0] for name in rows}
        gathered = [name for name in rows if count[name] == count[rows[0]] and self.chance(0.7)]
        roles = Roles(states, stepped=stepped, gathered=gathered, logged=("logged",))
        return Graph(outputs, self.inputs), roles

    # --- choosing -------------------------------------------------------------------------------

    def chance(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def pick(self, several: Any) -> Any:
        return several[int(self.random.integers(len(several)))]

    def value(self, fits: Callable[[Value], bool] = lambda value: True) -> Value:
        """Return one of the values, a late one rather than an early one; a new one if none fits."""
        candidates = [value for value in self.values if fits(value)]
        if not candidates:
            for _ in range(100):
                shape = self.shape(axes=int(self.random.integers(1, 4)))
                one = self.given(shape)
                if fits(one):
                    return one
            return self.given((2, 3))
        return self.pick(candidates[-5:] if self.chance(0.7) else candidates)

    def shape(self, axes: int | None = None, most: int = MOST_ENTRIES) -> Shape:
        count = int(self.random.integers(0, 4)) if axes is None else axes
        shape: list[int] = []
        for _ in range(count):
            fitting = [length for length in self.lengths if math.prod(shape) * length <= most]
            shape.append(self.pick(fitting))
        return tuple(shape)

    def numbers(self, shape: Shape) -> Array:
        return self.random.normal(0, 1, shape)

    def given(self, shape: Shape, dtype: str | None = None, below: int = 0) -> Value:
        """Return a new input; its feed is random, whole numbers from 0 up to but not `below`."""
        name = f"x{len(self.inputs)}"
        value = make_input(name, shape, dtype or self.dtype)
        array = self.random.integers(0, below, shape) if below else self.numbers(shape)
        self.feeds[name] = np.asarray(array).astype(value.dtype)
        self.inputs.append(value)
        return value

    def beside(self, shape: Shape) -> Value:
        """Return a value that broadcasts with `shape`."""
        candidates = [value for value in self.values if fit(value.shape, shape)]
        if candidates and self.chance(0.6):
            return self.pick(candidates)
        kept = tuple(1 if self.chance(0.25) else length for length in shape)
        return self.given(kept[int(self.random.integers(0, len(kept) + 1)) :])

    # --- ways to grow ---------------------------------------------------------------------------

    def unary(self) -> Value:
        return self.pick(BOUNDED)(self.value())

    def binary(self) -> Value:
        a = self.value()
        return self.pick(BINARY)(a, self.beside(a.shape))

    def choice(self) -> Value:
        a = self.value()
        b = self.beside(a.shape)
        condition = ops.logical_or(a < 0.123, ops.logical_not(b < -0.321))
        if self.chance(0.3):
            return ops.cast(condition, self.dtype)
        return ops.where(condition, a, b * 0.5)

    def number(self) -> Value:
        value = self.value()
        return ops.tanh(ops.sum(ops.tanh(value)) * (1.0 / max(value.size, 1)) * 3.0)

    def moved(self) -> Value:
        a = self.value()
        kind = int(self.random.integers(6))
        if kind == 0:
            return ops.reshape(a, self.factors(a.size))
        if kind == 1:
            return ops.transpose(a, tuple(int(axis) for axis in self.random.permutation(a.ndim)))
        if kind == 2:
            kept = tuple(self.pick(LENGTHS[:6]) if length == 1 else length for length in a.shape)
            return ops.broadcast_to(a, (2, *kept)[int(self.random.integers(2)) :])
        if kind == 3:
            axes = [axis for axis in range(a.ndim) if self.chance(0.5)]
            return ops.flip(a, axes) if axes else a
        if kind == 4:
            counts = [
                tuple(int(count) for count in self.random.integers(0, 3, a.ndim)) for _ in "123"
            ]
            return Pad(*counts)(a)
        starts, stops, steps = [], [], []
        for length in a.shape:
            starts.append(int(self.random.integers(0, max(length, 1))) if self.chance(0.6) else 0)
            stops.append(int(self.random.integers(starts[-1] + (length > 0), length + 1)))
            steps.append(self.pick([1, 1, 2, 3]))
        return Slice(tuple(starts), tuple(stops), tuple(steps))(a)

    def factors(self, size: int) -> Shape:
        shape: list[int] = []
        while size > 1:
            shape.append(
                self.pick([divisor for divisor in range(2, size + 1) if size % divisor == 0])
            )
            size //= shape[-1]
        self.random.shuffle(shape)
        if self.chance(0.3):
            shape.insert(int(self.random.integers(len(shape) + 1)), 1)
        return (*shape, 0) if size == 0 else tuple(shape)

    def joined(self) -> Value:
        a = self.value(lambda value: value.ndim > 0)
        axis = int(self.random.integers(a.ndim))
        pieces = [a]
        for _ in range(int(self.random.integers(1, 3))):
            fitting = [
                value
                for value in self.values
                if value.ndim == a.ndim
                and value is not a
                and without(value.shape, axis) == without(a.shape, axis)
            ]
            if fitting and self.chance(0.6):
                pieces.append(self.pick(fitting))
            elif self.chance(0.3):
                pieces.append(a)
            else:
                shape = list(a.shape)
                shape[axis] = self.pick(self.lengths[:6])
                other = self.given(tuple(shape))
                pieces.append(ops.tanh(other) if self.chance(0.5) else other)
        self.random.shuffle(pieces)  # type: ignore[arg-type]
        return ops.concatenate(pieces, axis)

    def reduced(self) -> Value:
        a = self.value()
        axes = [axis for axis in range(a.ndim) if self.chance(0.5)]
        keep = self.chance(0.4)
        count = math.prod(a.shape[axis] for axis in axes)
        kind = int(self.random.integers(4))
        if kind == 0 and count:
            return ops.max(a, axes, keep)
        if kind == 1 and count:
            return ops.log_sum_exp(a, axes, keep)
        if kind == 2:
            summed = ops.sum(a < 0.2, axes, keep)
            return ops.cast(summed, self.dtype) * (1.0 / max(count, 1))
        return ops.sum(a, axes, keep) * (2.0 / max(count, 1) ** 0.5)

    def normalized(self) -> Value:
        a = self.value(lambda value: value.ndim > 0 and value.size > 0)
        if not a.size:
            return a
        axis = int(self.random.integers(a.ndim))
        if self.chance(0.5):
            return ops.softmax(a, axis)
        indices = ops.cast(ops.argmax(a, axis), self.dtype)
        return indices * (1.0 / a.shape[axis])

    def product(self) -> Value:
        a = self.value(lambda value: value.ndim > 1)
        batch, (rows, summed) = a.shape[:-2], a.shape[-2:]
        fitting = [
            value
            for value in self.values
            if value.ndim > 1 and value.shape[-2] == summed and fit(value.shape[:-2], batch)
        ]
        if fitting and self.chance(0.5):
            b = self.pick(fitting)
        else:
            most = max(MOST_ENTRIES // max(math.prod(batch) * rows, 1), 1)
            columns = self.pick([length for length in self.lengths if length <= most])
            front = tuple(1 if self.chance(0.3) else length for length in batch)
            front = front[int(self.random.integers(0, len(front) + 1)) :]
            if self.chance(0.4):
                b = ops.contraction.swap_last(self.given((*front, columns, summed)))
            else:
                b = self.given((*front, summed, columns))
        if self.chance(0.2):  # the same operand both times
            a, b = a, ops.contraction.swap_last(a)
        return (a @ b) * (1.0 / max(summed, 1) ** 0.5)

    def convolved(self) -> Value:
        """Return a convolution of some entries as an image, with zeros around it."""
        x = self.value(lambda value: value.dtype == self.dtype and value.size > 0)
        if not x.size:
            return self.product()
        rest, height, width = (*self.factors(x.size), 1, 1, 1)[:3]
        image = ops.reshape(ops.tanh(x), (rest, height, width, -1))
        channels = image.shape[-1]
        size, filters = self.pick([1, 2, 3]), self.pick(self.lengths[:6])
        if x.size * filters > MOST_ENTRIES or min(x.size, filters) < 1:
            return x
        weight = self.given((size, size, channels, filters))
        y = ops.convolution(image, weight, padding="same", stride=self.pick([1, 1, 2]))
        return y * (1.0 / (size * channels**0.5))

    def layer(self) -> Value:
        x = self.value(lambda value: value.ndim == 2 and value.size > 0)
        if x.ndim != 2:
            return self.product()
        most = max(MOST_ENTRIES // max(x.shape[0], 1), 1)
        units = self.pick([length for length in self.lengths if length <= most])
        weight, bias = self.given((x.shape[1], units)), self.given((units,))
        return self.pick(BOUNDED)((x @ weight) * (1.0 / max(x.shape[1], 1) ** 0.5) + bias)

    def positions(self, shape: Shape, length: int) -> Value:
        return self.given(shape, self.pick(["int64", "int64", "int32"]), length)

    def taken(self) -> Value:
        a = self.value(lambda value: value.ndim > 0 and value.shape[0] > 0)
        most = max(MOST_ENTRIES // max(a.size // max(a.shape[0], 1), 1), 1)
        shape = self.shape(int(self.random.integers(0, 3)), min(most, 70))
        return Gather()(a, self.positions(shape, a.shape[0]))

    def picked(self) -> Value:
        a = self.value(lambda value: value.ndim > 0 and value.shape[-1] > 0)
        return TakeAlongAxis()(a, self.positions(a.shape[:-1], a.shape[-1]))

    def placed(self) -> Value:
        a = self.value(lambda value: value.size < 200)
        if a.size >= 200:
            return a
        width = self.pick(LENGTHS)
        return Scatter(width)(a, self.positions(a.shape, width))

    def scattered(self) -> Value:
        a = self.value(lambda value: value.ndim > 0 and value.shape[0] > 0)
        shape = self.pick([(), (3,), (17,), (2, 5)])
        if a.size * max(math.prod(shape), 1) > 20 * MOST_ENTRIES:
            shape = ()
        updates = self.given((*shape, *a.shape[1:]))
        return ScatterAdd()(a, self.positions(shape, a.shape[0]), ops.tanh(updates) * 0.5)

    def drawn(self) -> Value:
        step = self.given((), "int64", 1000)
        shape = self.pick(self.values).shape
        drawn = ops.random_uniform(shape, 5, step, self.pick([0, 1]), self.dtype)
        return ops.where(drawn < 0.3, 0.0, drawn) if self.chance(0.5) else drawn

    def converted(self) -> Value:
        a = self.value()
        if self.chance(0.3):
            return ops.cast(ops.cast(a * 10.0, "int32"), self.dtype) * 0.1
        return ops.cast(ops.cast(a, "float32"), self.dtype)


def fit(one: Sequence[int], other: Sequence[int]) -> bool:
    """Tell whether `one` broadcasts to a shape at most as large as `other` makes it."""
    try:
        return math.prod(np.broadcast_shapes(tuple(one), tuple(other))) <= MOST_ENTRIES
    except ValueError:
        return False


def without(shape: Shape, axis: int) -> Shape:
    """Return a shape without one of its axes."""
    return (*shape[:axis], *shape[axis + 1 :])


def interpreted_steps(
    graph: Graph, roles: Roles, feeds: dict[str, Array], rows: Array, steps: int
) -> dict[str, Array]:
    """Return what many steps leave behind, each run by the interpreter.

    `feeds`: as for a compiled program; stepped inputs have their steps in front, gathered ones all
    rows of the data. States change in place.
    """
    interpreter = Interpreter(graph)
    logs: dict[str, list[Array]] = {name: [] for name in roles.logged}
    out: dict[str, Array] = {}
    for step in range(steps):
        given = dict(feeds)
        for name in roles.stepped:
            given[name] = feeds[name][step]
        for name in roles.gathered:
            batch = next(value.shape[0] for value in graph.inputs if value.name == name)
            given[name] = feeds[name][rows[step * batch : (step + 1) * batch]]
        out = interpreter.run(given)
        for name, into in roles.states.items():
            feeds[into] = np.array(out[name])
        for name, kept in logs.items():
            kept.append(np.array(out[name]))
    return out | {name: np.stack(kept) for name, kept in logs.items()}
