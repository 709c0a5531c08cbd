"""Activations: entry by entry, and those that compare the entries along an axis."""

from __future__ import annotations

import math

import numpy as np

from misstep import ops
from misstep.ir import Value, make_literal
from misstep.onnx_operators.importing.call import Call
from misstep.onnx_operators.importing.elementwise import constant
from misstep.onnx_operators.importing.rules import imports
from misstep.ops.shape import axes_of

# Defaults of the operator Selu (Klambauer and others, "Self-Normalizing Neural Networks", 2017).
SELU_ALPHA = 1.67326319217681884765625
SELU_GAMMA = 1.05070102214813232421875


@imports("Relu")
def relu(call: Call, x: Value) -> Value:
    """Return max(0, x)."""
    return ops.relu(x) if x.type.is_float else ops.maximum(x, constant(0, x))


@imports("Sigmoid")
def sigmoid(call: Call, x: Value) -> Value:
    """Return 1 / (1 + e^−x)."""
    return ops.sigmoid(x)


@imports("LeakyRelu")
def leaky_relu(call: Call, x: Value) -> Value:
    """Return x above 0, else alpha · x."""
    return ops.where(x < 0, x * call.number("alpha", 0.01), x)


@imports("PRelu")
def parametric_relu(call: Call, x: Value, slope: Value) -> Value:
    """Return x above 0, else slope · x."""
    return ops.where(x < constant(0, x), x * slope, x)


@imports("ThresholdedRelu")
def thresholded_relu(call: Call, x: Value) -> Value:
    """Return x above alpha, else 0."""
    return ops.where(x > call.number("alpha", 1.0), x, 0.0)


def _below_zero(x: Value) -> Value:
    # e^x − 1 only where it is asked for: it would overflow above, and its gradient with it.
    return ops.expm1(ops.minimum(x, 0.0))


@imports("Elu")
def elu(call: Call, x: Value) -> Value:
    """Return x above 0, else alpha · (e^x − 1)."""
    return ops.where(x < 0, _below_zero(x) * call.number("alpha", 1.0), x)


@imports("Selu")
def selu(call: Call, x: Value) -> Value:
    """Return gamma · x above 0, else gamma · alpha · (e^x − 1)."""
    alpha, gamma = call.number("alpha", SELU_ALPHA), call.number("gamma", SELU_GAMMA)
    return ops.where(x > 0, x, _below_zero(x) * alpha) * gamma


@imports("Celu")
def celu(call: Call, x: Value) -> Value:
    """Return x above 0, else alpha · (e^(x / alpha) − 1)."""
    alpha = call.number("alpha", 1.0)
    return ops.maximum(x, 0.0) + _below_zero(x * (1.0 / alpha)) * alpha


@imports("HardSigmoid")
def hard_sigmoid(call: Call, x: Value) -> Value:
    """Return alpha · x + beta, held between 0 and 1."""
    line = x * call.number("alpha", 0.2) + call.number("beta", 0.5)
    return ops.maximum(ops.minimum(line, 1.0), 0.0)


@imports("HardSwish")
def hard_swish(call: Call, x: Value) -> Value:
    """Return x times a hard sigmoid of slope 1/6."""
    return x * ops.maximum(ops.minimum(x * (1.0 / 6.0) + 0.5, 1.0), 0.0)


@imports("Softplus")
def softplus(call: Call, x: Value) -> Value:
    """Return ln(1 + e^x)."""
    return ops.softplus(x)


@imports("Softsign")
def softsign(call: Call, x: Value) -> Value:
    """Return x / (1 + |x|)."""
    return x / (ops.absolute(x) + 1.0)


@imports("Mish")
def mish(call: Call, x: Value) -> Value:
    """Return x · tanh(ln(1 + e^x)) (Misra, 2019)."""
    return x * ops.tanh(ops.softplus(x))


def gelu_of(call: Call, x: Value, approximate: str) -> Value:
    """Return x · Φ(x), Φ the normal distribution, or its approximation by tanh."""
    if approximate == "tanh":
        inner = (x + x * x * x * 0.044715) * math.sqrt(2.0 / math.pi)
        return x * 0.5 * (ops.tanh(inner) + 1.0)
    return x * 0.5 * (ops.erf(x * math.sqrt(0.5)) + 1.0)


@imports("Gelu", since=20)
def gelu(call: Call, x: Value) -> Value:
    """Return x · Φ(x) (Hendrycks and Gimpel, 2016)."""
    return gelu_of(call, x, call.one_of("approximate", ("none", "tanh"), "none"))


@imports("Swish", since=24)
def swish(call: Call, x: Value) -> Value:
    """Return x · σ(alpha · x)."""
    return x * ops.sigmoid(x * call.number("alpha", 1.0))


@imports("Shrink")
def shrink(call: Call, x: Value) -> Value:
    """Return x moved by `bias` towards 0 beyond `lambd` on either side, else 0."""
    bias, edge = call.number("bias", 0.0), call.number("lambd", 0.5)
    return ops.where(x < -edge, x + bias, ops.where(x > edge, x - bias, 0.0))


def _in_rows(call: Call, x: Value) -> tuple[Value, int]:
    """Return what is compared along an axis, and the axis; before version 13, rows of a matrix."""
    axis = call.whole("axis", 1 if call.version < 13 else -1)
    (axis,) = axes_of(x, axis)
    if not 0 <= axis < max(x.ndim, 1):
        raise call.broken(f"an axis of {x.shape}", str(axis))
    if call.version >= 13:
        return x, axis
    return ops.reshape(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))), 1


@imports("Softmax")
def softmax(call: Call, x: Value) -> Value:
    """Return shares along an axis that add up to 1."""
    rows, axis = _in_rows(call, x)
    return ops.reshape(ops.softmax(rows, axis), x.shape)


@imports("LogSoftmax")
def log_softmax(call: Call, x: Value) -> Value:
    """Return the logarithm of the softmax."""
    rows, axis = _in_rows(call, x)
    return ops.reshape(ops.log_softmax(rows, axis), x.shape)


@imports("Hardmax")
def hardmax(call: Call, x: Value) -> Value:
    """Return 1 at the first of the largest along an axis, else 0."""
    rows, axis = _in_rows(call, x)
    length = rows.shape[axis]
    counting = np.arange(length).reshape([length if at == axis else 1 for at in range(rows.ndim)])
    first = ops.argmax(rows, axis)
    shape = [1 if at == axis else size for at, size in enumerate(rows.shape)]
    hits = ops.equal(ops.reshape(first, shape), make_literal(counting, "int64"))
    return ops.reshape(ops.cast(hits, x.dtype), x.shape)
