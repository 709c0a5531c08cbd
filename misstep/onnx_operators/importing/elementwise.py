"""Operators that work entry by entry: arithmetic, functions, comparisons, conditions, casts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from misstep import ops
from misstep.ir import Value, make_literal
from misstep.onnx_operators.importing.call import Call
from misstep.onnx_operators.importing.rules import imports

# Whole numbers go through float64, which holds all of them up to 2^53, where an op takes fractions.
WIDE = "float64"


def constant(number: float | bool, like: Value) -> Value:
    """Return a number as a literal of the dtype of a Value."""
    return make_literal(np.asarray(number), like.dtype)


def one_kind(call: Call, *values: Value) -> tuple[Value, ...]:
    """Return the values, all of one dtype. Raises FileFormatError, as ONNX converts nothing."""
    dtypes = list(dict.fromkeys(value.dtype for value in values))
    if len(dtypes) > 1:
        raise call.broken("inputs of one kind of number", " and ".join(dtypes))
    return values


def _two(function: Callable[[Value, Value], Value]) -> Callable[[Call, Value, Value], Value]:
    def rule(call: Call, a: Value, b: Value) -> Value:
        call.ignores("consumed_inputs")
        return function(*one_kind(call, a, b))

    return rule


def _one(function: Callable[[Value], Value]) -> Callable[[Call, Value], Value]:
    def rule(call: Call, x: Value) -> Value:
        return function(x)

    return rule


def quotient(call: Call, a: Value, b: Value) -> Value:
    """Return a / b; of whole numbers the whole part, cut off towards zero."""
    one_kind(call, a, b)
    if a.type.is_float:
        return ops.divide(a, b)
    if a.dtype == "bool":
        raise call.broken("numbers", "truth values")
    return ops.truncated_divide(a, b)


def absolute(x: Value) -> Value:
    """Return |x| of numbers of any kind."""
    if x.type.is_float:
        return ops.absolute(x)
    return x if x.dtype in ("bool", "uint32") else ops.maximum(x, ops.negative(x))


def sign(x: Value) -> Value:
    """Return −1, 0 or 1 for numbers of any kind."""
    return ops.sign(x) if x.type.is_float else ops.cast(ops.sign(ops.cast(x, WIDE)), x.dtype)


imports("Add")(_two(ops.add))
imports("Sub")(_two(ops.subtract))
imports("Mul")(_two(ops.multiply))
imports("Div")(quotient)
imports("Neg")(_one(ops.negative))
imports("Abs")(_one(absolute))
imports("Sign")(_one(sign))
imports("Exp")(_one(ops.exp))
imports("Log")(_one(ops.log))
imports("Sqrt")(_one(ops.sqrt))
imports("Sin")(_one(ops.sin))
imports("Cos")(_one(ops.cos))
imports("Tanh")(_one(ops.tanh))
imports("Erf")(_one(ops.erf))
imports("Identity")(_one(lambda x: x))
imports("Reciprocal")(_one(lambda x: ops.divide(constant(1, x), x)))
imports("Not")(_one(ops.logical_not))
imports("And")(_two(ops.logical_and))
imports("Or")(_two(ops.logical_or))
imports("Xor")(_two(lambda a, b: ops.logical_not(ops.equal(a, b))))
imports("Equal")(_two(ops.equal))
imports("Less")(_two(ops.less))
imports("Greater")(_two(lambda a, b: ops.less(b, a)))
imports("LessOrEqual")(_two(ops.less_equal))
imports("GreaterOrEqual")(_two(lambda a, b: ops.less_equal(b, a)))
imports("IsNaN")(_one(lambda x: ops.logical_not(ops.equal(x, x))))


@imports("IsInf")
def is_infinite(call: Call, x: Value) -> Value:
    """Tell which entries are infinite, of one sign or both."""
    above = ops.equal(x, constant(np.inf, x))
    below = ops.equal(x, constant(-np.inf, x))
    nowhere = call.zeros(x.shape, "bool")
    found = above if call.flag("detect_positive", True) else nowhere
    return ops.logical_or(found, below) if call.flag("detect_negative", True) else found


@imports("Pow")
def power(call: Call, a: Value, b: Value) -> Value:
    """Return a to the power of b, in the dtype of a; the exponent may be of another."""
    if a.type.is_float:
        exponent = b if b.dtype == a.dtype else ops.cast(b, a.dtype)
        known = exponent.data if exponent.is_literal and exponent.size == 1 else None
        if known is not None and float(known.reshape(())) == 2.0 and exponent.ndim <= a.ndim:
            return a * a  # the same, and quicker
        return ops.power(a, exponent)
    exact = ops.power(ops.cast(a, WIDE), ops.cast(b, WIDE))
    return ops.cast(exact, a.dtype)


def _many(function: Callable[[Value, Value], Value], share: bool = False) -> Callable[..., Value]:
    def rule(call: Call, first: Value, *others: Value) -> Value:
        one_kind(call, first, *others)
        result = first
        for other in others:
            result = function(result, other)
        return result * (1.0 / (1 + len(others))) if share else result

    return rule


imports("Max")(_many(ops.maximum))
imports("Min")(_many(ops.minimum))
imports("Sum")(_many(ops.add))
imports("Mean")(_many(ops.add, share=True))


@imports("Clip")
def clip(call: Call, x: Value, low: Value | None = None, high: Value | None = None) -> Value:
    """Return x, nowhere below `low` nor above `high`; where they cross, `high`."""
    least, most = call.number("min", None), call.number("max", None)
    if low is None and least is not None:
        low = constant(least, x)
    if high is None and most is not None:
        high = constant(most, x)
    if low is not None:
        x = ops.maximum(x, low)
    return x if high is None else ops.minimum(x, high)


@imports("Where")
def where(call: Call, condition: Value, a: Value, b: Value) -> Value:
    """Return a where the condition holds, else b."""
    return ops.where(condition, *one_kind(call, a, b))


def converted(x: Value, dtype: str) -> Value:
    """Return x as another kind of number; to truth values, whether it is not 0."""
    if x.dtype == dtype:
        return x
    if dtype == "bool":
        return ops.logical_not(ops.equal(x, constant(0, x)))
    return ops.cast(x, dtype)


@imports("Cast")
def cast(call: Call, x: Value) -> Value:
    """Return x as another kind of number."""
    call.ignores("saturate", "round_mode")  # of 8-bit floats only, which are refused
    return converted(x, call.dtype(call.whole("to")))


@imports("CastLike")
def cast_like(call: Call, x: Value, like: Value) -> Value:
    """Return x as the kind of number that another input is."""
    call.ignores("saturate", "round_mode")
    return converted(x, like.dtype)
