"""The optimizers among the operators (ai.onnx.preview.training): one update each.

They take rate, number of the update, then parameters, their gradients and what is remembered of
each, kind by kind.
"""

from __future__ import annotations

from misstep import ops
from misstep.ir import Value
from misstep.onnx_operators.importing.call import Call
from misstep.onnx_operators.importing.rules import imports
from misstep.onnx_operators.node import TRAINING_DOMAIN


def _kinds(call: Call, values: tuple[Value, ...], kinds: int) -> list[tuple[Value, ...]]:
    """Return the inputs kind by kind."""
    count = len(values) // kinds
    if not count or len(values) % kinds:
        raise call.broken(f"{kinds} inputs for each parameter", str(len(values)))
    return [values[count * kind : count * (kind + 1)] for kind in range(kinds)]


@imports("Momentum", domain=TRAINING_DOMAIN)
def momentum(call: Call, rate: Value, step: Value, *values: Value) -> tuple[Value, ...]:
    """Return parameters and velocities after an update with momentum."""
    decay, beta = call.number("norm_coefficient"), call.number("beta")
    alpha = call.number("alpha")
    nesterov = call.one_of("mode", ("standard", "nesterov")) == "nesterov"
    updated, velocities = [], []
    for x, gradient, velocity in zip(*_kinds(call, values, 3), strict=True):
        g = gradient + x * decay
        first = int(call.known(step, "the number of the update").reshape(()))
        moved = velocity * alpha + g * (beta if first > 0 else 1.0)
        updated.append(x - rate * (g + moved * alpha if nesterov else moved))
        velocities.append(moved)
    return (*updated, *velocities)


@imports("Adagrad", domain=TRAINING_DOMAIN)
def adagrad(call: Call, rate: Value, step: Value, *values: Value) -> tuple[Value, ...]:
    """Return parameters and sums of squares after an update by Adagrad (Duchi and others, 2011)."""
    decay, epsilon = call.number("norm_coefficient", 0.0), call.number("epsilon", 1e-6)
    slower = call.number("decay_factor", 0.0)
    updated, sums = [], []
    for x, gradient, squares in zip(*_kinds(call, values, 3), strict=True):
        now = rate / (ops.cast(step, x.dtype) * slower + 1.0)
        g = gradient + x * decay
        total = squares + g * g
        updated.append(x - now * g / (ops.sqrt(total) + epsilon))
        sums.append(total)
    return (*updated, *sums)


@imports("Adam", domain=TRAINING_DOMAIN)
def adam(call: Call, rate: Value, step: Value, *values: Value) -> tuple[Value, ...]:
    """Return parameters and both moments after an update by Adam (Kingma and Ba, 2015)."""
    alpha, beta = call.number("alpha", 0.9), call.number("beta", 0.999)
    decay, after = call.number("norm_coefficient", 0.0), call.number("norm_coefficient_post", 0.0)
    epsilon = call.number("epsilon", 1e-6)
    updated, firsts, seconds = [], [], []
    for x, gradient, first, second in zip(*_kinds(call, values, 4), strict=True):
        g = gradient + x * decay
        mean, square = first * alpha + g * (1.0 - alpha), second * beta + g * g * (1.0 - beta)
        number = ops.cast(step, x.dtype)
        corrected = rate * ops.sqrt(1.0 - beta**number) / (1.0 - alpha**number)
        # The correction is for updates that were counted from 1 on.
        now = ops.where(number > 0, corrected, rate)
        moved = x - now * mean / (ops.sqrt(square) + epsilon)
        updated.append(moved * (1.0 - after))
        firsts.append(mean)
        seconds.append(square)
    return (*updated, *firsts, *seconds)
