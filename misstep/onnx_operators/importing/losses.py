"""The losses among the operators: negative log-likelihood, cross-entropy of raw outputs."""

from __future__ import annotations

import numpy as np

from misstep import ops
from misstep.ir import Value, make_literal
from misstep.onnx_operators.importing.call import Call
from misstep.onnx_operators.importing.elementwise import constant
from misstep.onnx_operators.importing.rules import imports


def likelihood(call: Call, logs: Value, target: Value, weight: Value | None) -> Value:
    """Return the loss of log-probabilities (batch, classes, …) for classes (batch, …)."""
    reduction = call.one_of("reduction", ("mean", "sum", "none"), "mean")
    ignored = call.whole("ignore_index", None)
    if logs.ndim < 2 or target.shape != (logs.shape[0], *logs.shape[2:]):
        raise call.broken(f"classes for {logs.shape}", str(target.shape))
    classes = logs.shape[1]
    last = ops.transpose(logs, (0, *range(2, logs.ndim), 1))
    whole = ops.cast(target, "int64")
    counts: Value | None = None
    if ignored is not None:
        counts = ops.logical_not(ops.equal(whole, constant(ignored, whole)))
        whole = ops.where(counts, whole, constant(0, whole))
    loss = -ops.take_along_axis(last, whole)
    shares: Value | None = None
    if weight is not None:
        if weight.shape != (classes,):
            raise call.broken(f"a weight for each of {classes} classes", str(weight.shape))
        shares = ops.gather(weight, whole)
    if counts is not None:
        every = make_literal(np.ones(()), logs.dtype) if shares is None else shares
        shares = ops.where(counts, every, 0.0)
    if shares is not None:
        loss = loss * shares
    if reduction == "none":
        return loss
    total = ops.sum(loss)
    if reduction == "sum":
        return total
    return total / (float(loss.size) if shares is None else ops.sum(shares))


@imports("NegativeLogLikelihoodLoss")
def negative_log_likelihood(
    call: Call, logs: Value, target: Value, weight: Value | None = None
) -> Value:
    """Return the loss of log-probabilities."""
    return likelihood(call, logs, target, weight)


@imports("SoftmaxCrossEntropyLoss")
def softmax_cross_entropy(
    call: Call, scores: Value, target: Value, weight: Value | None = None
) -> tuple[Value, Value]:
    """Return the loss of raw outputs, and the log-probabilities that it is made of."""
    logs = ops.log_softmax(scores, 1)
    return likelihood(call, logs, target, weight), logs
