"""Pass: softmax, log-sum-exp, argmax and normalizing are written out in simple ops.

In the very order of arithmetic of `stable_softmax`, `stable_log_softmax`, `stable_log_sum_exp`
(`ops/softmax.py`) and `normalized` (`ops/normalization.py`), so that every bit stays. The first
three share m = max x, e^(x − m) and its sum when they look at the same x.

`stable_log_sum_exp` takes 0 for a largest that is not finite. Its answer is then the largest
itself: ln Σ e^(x − 0) is inf where x holds inf, −inf where all is −inf, NaN where there is a NaN.
That is what is chosen here, after the sum, so that the sum is the one that softmax divides by.
"""

from __future__ import annotations

import math

import numpy as np

from misstep.compiler.passes.rewriting import Rewriting
from misstep.compiler.passes.rules import Rules
from misstep.ir import Graph, Value, make_input
from misstep.ops import argmax, log_softmax, log_sum_exp, normalize, softmax
from misstep.ops.arithmetic import Add, Divide, Multiply, Subtract
from misstep.ops.comparison import Equal, Less, Not, Or, Where
from misstep.ops.functions import Abs, Exp, Log, Sqrt
from misstep.ops.normalization import Normalize
from misstep.ops.reduction import ArgMax, Max, Sum
from misstep.ops.softmax import LogSoftmax, LogSumExp, Softmax

expand = Rules("expand", "softmax, log-sum-exp and such are written out in simple ops")


def _shifted(here: Rewriting, x: Value, axes: tuple[int, ...]) -> tuple[Value, Value, Value]:
    """Return m = max x along `axes` (kept), e^(x − m) and the sum of that."""
    key = x, axes
    if key not in here.notes:
        largest = here.make(Max(axes, True), x)
        powers = here.make(Exp(), here.make(Subtract(), x, largest))
        here.notes[key] = largest, powers, here.make(Sum(axes, True), powers)
    shifted: tuple[Value, Value, Value] = here.notes[key]
    return shifted


@expand.on(LogSoftmax)
def log_softmax_written_out(here: Rewriting, value: Value) -> Value | None:
    """(x − m) − ln Σ e^(x − m)."""
    assert isinstance(value.op, LogSoftmax)
    (x,) = value.inputs
    largest, _, sums = _shifted(here, x, (value.op.axis % x.ndim,))
    return here.make(Subtract(), here.make(Subtract(), x, largest), here.make(Log(), sums))


@expand.on(Softmax)
def softmax_written_out(here: Rewriting, value: Value) -> Value | None:
    """e^(x − m) / Σ e^(x − m)."""
    assert isinstance(value.op, Softmax)
    (x,) = value.inputs
    _, powers, sums = _shifted(here, x, (value.op.axis % x.ndim,))
    return here.make(Divide(), powers, sums)


@expand.on(LogSumExp)
def log_sum_exp_written_out(here: Rewriting, value: Value) -> Value | None:
    """ln Σ e^(x − m) + m where m is finite, else m."""
    assert isinstance(value.op, LogSumExp)
    (x,) = value.inputs
    axes = tuple(sorted(axis % x.ndim for axis in value.op.axes))
    largest, _, sums = _shifted(here, x, axes)
    finite = here.make(Less(), here.make(Abs(), largest), here.number(np.inf, largest))
    result = here.make(Where(), finite, here.make(Add(), here.make(Log(), sums), largest), largest)
    return here.reshape(result, value.shape)


@expand.on(ArgMax)
def argmax_written_out(here: Rewriting, value: Value) -> Value | None:
    """Of n, the first k with x_k = max x, or where x_k is NaN: n − max over those of n − k."""
    assert isinstance(value.op, ArgMax)
    (x,) = value.inputs
    axis = value.op.axis % x.ndim
    length = x.shape[axis]
    is_max = here.make(Equal(), x, here.make(Max((axis,), True), x))
    if x.type.is_float:
        is_max = here.make(Or(), is_max, here.make(Not(), here.make(Equal(), x, x)))
    ranks = np.arange(length, 0, -1).reshape([length, *[1] * (x.ndim - 1 - axis)])
    zero, count = (here.literal(np.int64(number), "int64") for number in (0, length))
    ranked = here.make(Where(), is_max, here.literal(ranks, "int64"), zero)
    return here.make(Subtract(), count, here.make(Max((axis,), False), ranked))


@expand.on(Normalize)
def normalizing_written_out(here: Rewriting, value: Value) -> Value | None:
    """d · 1 / √(v + ε) · scale + shift, with v = Σ d² · 1/n; d is x less its mean, taken twice."""
    assert isinstance(value.op, Normalize)
    x, scale, shift = value.inputs
    axes = tuple([axis % x.ndim for axis in value.op.axes])
    share = here.number(1.0 / math.prod([x.shape[axis] for axis in axes]), x)

    def mean(of: Value) -> Value:
        return here.make(Multiply(), here.make(Sum(axes, True), of), share)

    distance = here.make(Subtract(), x, mean(x))
    distance = here.make(Subtract(), distance, mean(distance))
    spread = mean(here.make(Multiply(), distance, distance))
    deviation = here.make(Sqrt(), here.make(Add(), spread, here.number(value.op.epsilon, x)))
    normalized = here.make(
        Multiply(), distance, here.make(Divide(), here.number(1.0, x), deviation)
    )
    return here.make(Add(), here.make(Multiply(), normalized, scale), shift)


@expand.example
def _() -> Graph:
    x, scale = make_input("x", (3, 2)), make_input("scale", (2,))
    return Graph(
        {
            "columns": normalize(x, scale, 0.5, (0,), 0.1),
            "rows": normalize(x, scale, scale, (-1,), 0.1),
        }
    )


@expand.example
def _() -> Graph:
    return Graph(softmax(make_input("x", (2, 3)), -2))


@expand.example
def _() -> Graph:
    x, n = make_input("x", (2, 3, 2)), make_input("n", (4,), "int64")
    return Graph([argmax(x, 1), argmax(n)])


@expand.example
def _() -> Graph:
    x = make_input("x", (2, 3, 2), "float64")
    return Graph({"some": log_sum_exp(x, (2, -3)), "all": log_sum_exp(x, keep=True)})


@expand.example
def _() -> Graph:
    x = make_input("x", (2, 3))
    return Graph({"lost": log_sum_exp(x, -1), "share": softmax(x), "logs": log_softmax(x, 1)})
