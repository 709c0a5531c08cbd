"""Pass: arithmetic that changes nothing is left out, or written with less of it.

Only what holds for every number that a program may meet, NaN, infinities and both zeros included.
So x · 0 stays (inf · 0 is NaN), x + 0 stays (−0 + 0 is 0, but x + (−0) and x − 0 go), x − x stays.
The sign of a NaN may differ. Choices between values and between dtypes stand in `choices.py`.
"""

from __future__ import annotations

import numpy as np

from misstep import ops
from misstep.compiler.passes.facts import is_number, number_of
from misstep.compiler.passes.rewriting import Rewriting
from misstep.compiler.passes.rules import Rules
from misstep.ir import Graph, Value, make_input, make_literal
from misstep.ops import absolute, maximum, relu
from misstep.ops.arithmetic import Add, Divide, Multiply, Negative, Subtract
from misstep.ops.comparison import Cast, Less, Maximum, Minimum
from misstep.ops.functions import Abs, Relu
from misstep.ops.reduction import Max, Reduction, Sum

identities = Rules("identities", "arithmetic that changes nothing is left out")


def _negated(value: Value) -> Value | None:
    return value.inputs[0] if isinstance(value.op, Negative) else None


@identities.on(Add)
def add_nothing(here: Rewriting, value: Value) -> Value | None:
    """x + (−0) = x; of whole numbers, x + 0 = x."""
    nothing = -0.0 if value.type.is_float else 0
    for x, other in (value.inputs, value.inputs[::-1]):
        if is_number(other, nothing):
            return here.broadcast(x, value.shape)
    return None


@identities.on(Add)
def add_negative(here: Rewriting, value: Value) -> Value | None:
    """a + (−b) = a − b, which is how IEEE 754 says what a difference is."""
    for a, other in (value.inputs, value.inputs[::-1]):
        b = _negated(other)
        if b is not None:
            return here.make(Subtract(), a, b)
    return None


@identities.on(Subtract)
def subtract_nothing(here: Rewriting, value: Value) -> Value | None:
    """x − 0 = x."""
    x, other = value.inputs
    return here.broadcast(x, value.shape) if is_number(other, 0.0) else None


@identities.on(Subtract)
def subtract_negative(here: Rewriting, value: Value) -> Value | None:
    """a − (−b) = a + b."""
    a, other = value.inputs
    b = _negated(other)
    return None if b is None else here.make(Add(), a, b)


@identities.on(Multiply)
def times_one(here: Rewriting, value: Value) -> Value | None:
    """x · 1 = x and x · (−1) = −x."""
    for x, other in (value.inputs, value.inputs[::-1]):
        if is_number(other, 1.0):
            return here.broadcast(x, value.shape)
        if is_number(other, -1.0) and value.dtype != "uint32":
            return here.broadcast(here.make(Negative(), x), value.shape)
    return None


@identities.on(Divide)
def divided_by_one(here: Rewriting, value: Value) -> Value | None:
    """x / 1 = x and x / (−1) = −x."""
    x, other = value.inputs
    if is_number(other, 1.0):
        return here.broadcast(x, value.shape)
    if is_number(other, -1.0):
        return here.broadcast(here.make(Negative(), x), value.shape)
    return None


@identities.on(Divide)
def divided_by_power_of_two(here: Rewriting, value: Value) -> Value | None:
    """x / 2ᵏ = x · 2⁻ᵏ, the same number before rounding and so the same after it."""
    x, other = value.inputs
    number = number_of(other)
    if number is None or not np.isfinite(number) or np.frexp(abs(number))[0] != 0.5:
        return None
    with np.errstate(all="ignore"):
        inverse = np.asarray(1 / number, other.dtype)
    smallest = np.finfo(other.dtype).smallest_normal
    if not np.isfinite(inverse) or abs(inverse) < smallest or abs(number) < smallest:
        return None
    return here.make(Multiply(), x, here.uniform(here.number(inverse.item(), other), other.shape))


@identities.on(Multiply, Divide)
def two_signs(here: Rewriting, value: Value) -> Value | None:
    """(−a) · (−b) = a · b, and the sign goes into a literal: (−a) · 2 = a · (−2); so with / too."""
    assert value.op is not None
    first, second = (_negated(operand) for operand in value.inputs)
    if first is not None and second is not None:
        return here.make(value.op, first, second)
    if first is None and second is None:
        return None
    inputs = list(value.inputs)
    index = 0 if first is not None else 1
    other = inputs[1 - index]
    number = number_of(other)
    if number is None:
        return None
    inputs[index] = inputs[index].inputs[0]
    inputs[1 - index] = here.uniform(here.literal(np.negative(number), other.dtype), other.shape)
    return here.make(value.op, *inputs)


@identities.on(Negative)
def minus_minus(here: Rewriting, value: Value) -> Value | None:
    """−(−x) = x."""
    return _negated(value.inputs[0])


@identities.on(Abs)
def size_of_size(here: Rewriting, value: Value) -> Value | None:
    """||x|| = |x| and |−x| = |x|."""
    (x,) = value.inputs
    if isinstance(x.op, Abs):
        return x
    return here.make(Abs(), x.inputs[0]) if isinstance(x.op, Negative) else None


@identities.on(Relu)
def relu_of_relu(here: Rewriting, value: Value) -> Value | None:
    """What is not negative stays as it is."""
    (x,) = value.inputs
    if isinstance(x.op, Relu):
        return x
    here.notes[Relu, x] = value
    return None


@identities.on(Maximum, Minimum)
def of_the_same(here: Rewriting, value: Value) -> Value | None:
    """max(x, x) = x."""
    a, b = value.inputs
    return a if a is b else None


@identities.on(Less)
def mask_of_relu(here: Rewriting, value: Value) -> Value | None:
    """0 < z is 0 < relu(z), so that z need not be kept where relu(z) is (for NaN: no and no)."""
    zero, z = value.inputs
    if isinstance(z.op, Relu) or not is_number(zero, 0.0):
        return None
    positive = here.notes.get((Relu, z))
    if positive is None:
        # Perhaps it comes only later.
        if Relu not in here.notes:
            here.notes[Relu] = [
                relu_value.inputs[0]
                for relu_value in here.graph.values
                if isinstance(relu_value.op, Relu)
            ]
        if not any(here.now(relu_input) is z for relu_input in here.notes[Relu]):
            return None
        positive = here.make(Relu(), z)
    return here.make(Less(), zero, positive)


@identities.on(Sum, Max)
def over_one(here: Rewriting, value: Value) -> Value | None:
    """The sum or largest along axes of length 1 is the entry itself; 0 + x, so that −0 becomes 0.

    Such axes among others are left out. A sum starts at 0 in the interpreter.
    """
    assert isinstance(value.op, Reduction)
    (x,) = value.inputs
    axes = tuple(sorted([axis % x.ndim for axis in value.op.axes]))
    longer = tuple([axis for axis in axes if x.shape[axis] != 1])
    if longer:
        if longer == value.op.axes:
            return None
        shorter = here.make(type(value.op)(longer, value.op.keep), x)
        return here.reshape(shorter, value.shape)
    if x.dtype != value.dtype:  # truth values, counted
        x = here.make(Cast(value.dtype), x)
    if isinstance(value.op, Sum) and x.type.is_float:
        x = here.make(Add(), x, here.number(0.0, x))
    return here.reshape(x, value.shape)


@identities.example
def _() -> Graph:
    x, y = make_input("x", (3,)), make_input("y", (2, 1))
    one = make_literal(np.ones(()), "float32")
    return Graph({"a": x * one / one - 0.0, "b": x + -y, "c": (-x) * -1.0, "d": -(x / 8.0) / -y})


@identities.example
def _() -> Graph:
    x = make_input("x", (3,), "float64")
    y = absolute(-maximum(x, x)) + make_literal(-0.0)
    return Graph(relu(relu(y)) - -x)


@identities.example
def _() -> Graph:
    x = make_input("x", (3, 1, 1))
    return Graph(
        {"some": ops.sum(x, (0, 1)), "none": ops.sum(x, 1), "kept": ops.sum(x, (2, 1), True)}
    )


@identities.example
def _() -> Graph:
    x = make_input("x", (3, 2))
    early, z = x + x > 0.0, x * 3.0
    return Graph({"early": early, "a": relu(x + x), "mask": z > 0, "b": relu(z)})
