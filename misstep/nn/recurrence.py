"""Recurrent steps along time, as functions of Values: rnn, gru, lstm.

The weighted input of all steps is one matrix product before the scan; inside are only the product
with what the last step left, and the gates. Where a mask says that an entry does not count, a step
leaves all as it was. Knows ops and reverse mode's memory; the layers are in `recurrent.py`.

Conventions are PyTorch's where it has one: gates in the order input, forget, cell, output (LSTM)
and reset, update, new (GRU); a GRU resets the product, not what is multiplied. Weights are
(features, gates · units) and (units, gates · units): PyTorch's, transposed. One bias does for both
of PyTorch's, but for a GRU's new gate, whose second bias is reset as well.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from misstep.autodiff import remembering
from misstep.errors import ShapeError
from misstep.ir import Value, make_literal
from misstep.ops import (
    broadcast_to,
    relu,
    reshape,
    scan,
    sigmoid,
    slice_axis,
    tanh,
    transpose,
    where,
)

FUNCTIONS: dict[str, Callable[[Value], Value]] = {"tanh": tanh, "relu": relu}


def rnn(
    x: Value,
    weight: Value,
    recurrent: Value,
    bias: Value | None = None,
    *,
    initial: Value | None = None,
    mask: Value | None = None,
    reverse: bool = False,
    training: bool = False,
    activation: str = "tanh",
) -> Value:
    """Return h at each step: h' = f(x W + h U + b) (Elman, 1990).

    x: (batch, time, features) → (batch, time, units). W: (features, units), U: (units, units),
    b: (units,). `initial`: (batch, units), zeros when not given. `mask`: (batch, time), 0 where an
    entry does not count. `reverse`: from the last step to the first. `training`: keep what the
    gradient will need.
    """
    function = FUNCTIONS[activation]

    def step(h: Value, z: Value, u: Value) -> list[Value]:
        return [function(z + h @ u)]

    return _along(step, x, weight, bias, [recurrent], initial, mask, reverse, training)


def gru(
    x: Value,
    weight: Value,
    recurrent: Value,
    bias: Value | None = None,
    recurrent_bias: Value | None = None,
    *,
    initial: Value | None = None,
    mask: Value | None = None,
    reverse: bool = False,
    training: bool = False,
    reset_first: bool = False,
) -> Value:
    """Return h at each step of a gated recurrent unit (Cho and others, 2014).

    r = σ(x Wᵣ + h Uᵣ + bᵣ), z = σ(x W_z + h U_z + b_z), n = tanh(x Wₙ + bₙ + r ∘ (h Uₙ + c)),
    h' = (1 − z) ∘ n + z ∘ h. W: (features, 3 · units), U: (units, 3 · units), b: (3 · units,),
    c: (units,). `reset_first`: what is multiplied is reset, not the product, as in the paper:
    n = tanh(x Wₙ + bₙ + (r ∘ h) Uₙ + c). The rest as for `rnn`.
    """
    units = recurrent.shape[0]

    def reset_step(h: Value, z: Value, u: Value, *c: Value) -> list[Value]:
        a = h @ slice_axis(u, 1, 0, 2 * units)
        reset = sigmoid(_gate(z, 0, units) + _gate(a, 0, units))
        update = sigmoid(_gate(z, 1, units) + _gate(a, 1, units))
        inner = (reset * h) @ slice_axis(u, 1, 2 * units, 3 * units)
        new = tanh(_gate(z, 2, units) + (inner + c[0] if c else inner))
        return [(1.0 - update) * new + update * h]

    def step(h: Value, z: Value, u: Value, *c: Value) -> list[Value]:
        a = h @ u
        reset = sigmoid(_gate(z, 0, units) + _gate(a, 0, units))
        update = sigmoid(_gate(z, 1, units) + _gate(a, 1, units))
        inner = _gate(a, 2, units)
        new = tanh(_gate(z, 2, units) + reset * (inner + c[0] if c else inner))
        return [(1.0 - update) * new + update * h]

    constants = [recurrent] if recurrent_bias is None else [recurrent, recurrent_bias]
    whole = reset_step if reset_first else step
    return _along(whole, x, weight, bias, constants, initial, mask, reverse, training)


def lstm(
    x: Value,
    weight: Value,
    recurrent: Value,
    bias: Value | None = None,
    *,
    initial: Value | None = None,
    mask: Value | None = None,
    reverse: bool = False,
    training: bool = False,
    peepholes: Value | None = None,
) -> Value:
    """Return h and c side by side at each step of a long short-term memory.

    i, f, o = σ(x W + h U + b) and g = tanh(x W + h U + b), each of its own columns; c' = f ∘ c +
    i ∘ g, h' = o ∘ tanh(c') (Hochreiter and Schmidhuber, 1997; Gers and others, 2000).
    x: (batch, time, features) → (batch, time, 2 · units). W: (features, 4 · units), U: (units,
    4 · units), b: (4 · units,), in the order i, f, g, o. `initial`: (batch, 2 · units), h and c.
    `peepholes`: (3 · units,), by which the gates i, f and o see the cell: i and f with p ∘ c, o
    with p ∘ c' (Gers and Schmidhuber, 2000). The rest as for `rnn`.
    """
    units = recurrent.shape[0]

    def step(carry: Value, z: Value, u: Value, *p: Value) -> list[Value]:
        h, c = _gate(carry, 0, units), _gate(carry, 1, units)
        a = z + h @ u
        inward, forget, outward = (_gate(a, k, units) for k in (0, 1, 3))
        if p:
            inward = inward + slice_axis(p[0], 0, 0, units) * c
            forget = forget + slice_axis(p[0], 0, units, 2 * units) * c
        cell = sigmoid(forget) * c + sigmoid(inward) * tanh(_gate(a, 2, units))
        if p:
            outward = outward + slice_axis(p[0], 0, 2 * units, 3 * units) * cell
        return [sigmoid(outward) * tanh(cell), cell]

    constants = [recurrent] if peepholes is None else [recurrent, peepholes]
    return _along(step, x, weight, bias, constants, initial, mask, reverse, training, 2)


def _gate(x: Value, index: int, units: int) -> Value:
    return slice_axis(x, 1, index * units, (index + 1) * units)


def _along(
    step: Callable[..., list[Value]],
    x: Value,
    weight: Value,
    bias: Value | None,
    constants: list[Value],
    initial: Value | None,
    mask: Value | None,
    reverse: bool,
    training: bool,
    states: int = 1,
) -> Value:
    """Return what `step` leaves at each point in time, with the weighted input of all steps."""
    batch, time, features = x.shape
    carried = states * constants[0].shape[0]
    if initial is None:
        initial = broadcast_to(make_literal(np.zeros(()), x.dtype), (batch, carried))
    if initial.shape != (batch, carried):
        raise ShapeError(
            "the initial state of a recurrent layer",
            needed=f"shape {(batch, carried)}",
            got=str(initial.shape),
        )
    # Step after step, as scans leave their results: what layers hand on is never turned around.
    z = reshape(transpose(x, (1, 0, 2)), (time * batch, features)) @ weight
    if bias is not None:
        z = z + bias
    sequences = [transpose(reshape(z, (time, batch, weight.shape[1])), (1, 0, 2))]
    whole: Callable[..., list[Value]] = step
    if mask is not None:
        if mask.shape != (batch, time):
            raise ShapeError(
                "the mask of a recurrent layer",
                needed=f"shape {(batch, time)}",
                got=str(mask.shape),
            )
        sequences.append(reshape(mask, (batch, time, 1)) > 0.5)

        def masked(carry: Value, z: Value, counts: Value, *fixed: Value) -> list[Value]:
            outputs, start = [], 0
            for output in step(carry, z, *fixed):
                stop = start + output.shape[1]
                outputs.append(where(counts, output, slice_axis(carry, 1, start, stop)))
                start = stop
            return outputs

        whole = masked
    result = scan(whole, initial, sequences, constants, reverse=reverse)
    return remembering(result) if training else result
