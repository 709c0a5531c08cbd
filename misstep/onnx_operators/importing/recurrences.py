"""Recurrent operators: RNN, GRU and LSTM, one direction or both, as scans along time.

x: (time, batch, features), or with layout 1 (batch, time, features). W: (directions, gates · units,
features), R: (directions, gates · units, units), B: (directions, 2 · gates · units).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from misstep import ops
from misstep.ir import Value
from misstep.onnx_operators.importing.call import Call
from misstep.onnx_operators.importing.rules import imports

Function = Callable[[Value], Value]

# Activations that gates may have, and whether they take alpha and beta.
FUNCTIONS: dict[str, Function] = {
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "relu": ops.relu,
    "softplus": ops.softplus,
}


@dataclass(frozen=True)
class _Direction:
    """The numbers of one direction: weights turned over, biases, where it starts.

    weight: (features, gates · units); recurrent: (units, gates · units); bias: (2, gates · units)
    or None; initial: (batch, units) for each state; functions: of the gates.
    """

    weight: Value
    recurrent: Value
    bias: Value | None
    initial: list[Value]
    peepholes: Value | None
    functions: list[Function]
    reverse: bool


def _directions(
    call: Call,
    x: Value,
    w: Value,
    r: Value,
    b: Value | None,
    lengths: Value | None,
    states: Sequence[Value | None],
    peepholes: Value | None,
    gates: int,
    defaults: list[str],
) -> tuple[Value, list[_Direction], int]:
    """Return x as (batch, time, features), the directions, and the number of units."""
    direction = call.one_of("direction", ("forward", "reverse", "bidirectional"), "forward")
    count = 2 if direction == "bidirectional" else 1
    rows_first = call.flag("layout")
    if x.ndim != 3 or w.ndim != 3 or r.ndim != 3:
        raise call.broken("x, W and R of three axes", f"{x.shape}, {w.shape}, {r.shape}")
    units = call.whole("hidden_size", r.shape[2])
    x = x if rows_first else ops.transpose(x, (1, 0, 2))
    batch, time, features = x.shape
    expected = {
        "W": (w, (count, gates * units, features)),
        "R": (r, (count, gates * units, units)),
        **({"B": (b, (count, 2 * gates * units))} if b is not None else {}),
    }
    for name, (value, shape) in expected.items():
        if value.shape != shape:
            raise call.broken(f"{name} of shape {shape}", str(value.shape))
    if call.number("clip", None) is not None:
        raise call.refusal("no clip", "one")
    if lengths is not None:
        known = call.known(lengths, "sequence_lens")
        if not (known == time).all():
            raise call.refusal(f"sequences that are all {time} long", str(known.tolist())[:60])
    names = [one.lower() for one in call.texts("activations", tuple(defaults * count))]
    if len(names) != len(defaults) * count or not set(names) <= set(FUNCTIONS):
        raise call.refusal(f"activations among {', '.join(FUNCTIONS)}", ", ".join(names))
    for name in ("activation_alpha", "activation_beta"):
        if call.numbers(name, ()):
            raise call.refusal(f"no {name}", "some")
    made = []
    for number in range(count):

        def own(value: Value, at: int = number) -> Value:
            return ops.reshape(ops.slice_axis(value, 0, at, at + 1), value.shape[1:])

        initial = []
        for state in states:
            if state is None:
                initial.append(call.zeros((batch, units), x.dtype))
                continue
            state = ops.transpose(state, (1, 0, 2)) if rows_first else state
            if state.shape != (count, batch, units):
                raise call.broken(f"a first state {(count, batch, units)}", str(state.shape))
            initial.append(own(state))
        made.append(
            _Direction(
                ops.transpose(own(w)),
                ops.transpose(own(r)),
                None if b is None else ops.reshape(own(b), (2, gates * units)),
                initial,
                None if peepholes is None else own(peepholes),
                [FUNCTIONS[name] for name in names[number * len(defaults) :][: len(defaults)]],
                direction == "reverse" or number == 1,
            )
        )
    return x, made, units


def _part(value: Value, index: int, units: int) -> Value:
    return ops.slice_axis(value, value.ndim - 1, index * units, (index + 1) * units)


def _row(value: Value, index: int) -> Value:
    return ops.reshape(ops.slice_axis(value, 0, index, index + 1), value.shape[1:])


def _weighted(x: Value, one: _Direction, bias: Value | None) -> Value:
    """Return the weighted input of all steps: (batch, time, gates · units)."""
    batch, time, features = x.shape
    z = ops.reshape(ops.transpose(x, (1, 0, 2)), (time * batch, features)) @ one.weight
    z = z if bias is None else z + bias
    return ops.transpose(ops.reshape(z, (time, batch, one.weight.shape[1])), (1, 0, 2))


def _results(
    call: Call, outputs: list[Value], made: list[_Direction], units: int, states: int
) -> tuple[Value, ...]:
    """Return Y and the last states of scans, each (batch, time, states · units)."""
    rows_first = call.flag("layout")
    steps = [ops.slice_axis(one, 2, 0, units) for one in outputs]
    # Y: (time, directions, batch, units), or (batch, time, directions, units).
    order = (0, 1, 2) if rows_first else (1, 0, 2)
    axis = 2 if rows_first else 1
    apart = []
    for one in steps:
        turned = ops.transpose(one, order)
        shape = list(turned.shape)
        shape.insert(axis, 1)
        apart.append(ops.reshape(turned, shape))
    results = [ops.concatenate(apart, axis) if len(apart) > 1 else apart[0]]
    for state in range(states):
        last = []
        for one, direction in zip(outputs, made, strict=True):
            at = 0 if direction.reverse else one.shape[1] - 1
            found = ops.slice_axis(
                ops.slice_axis(one, 1, at, at + 1), 2, state * units, (state + 1) * units
            )
            last.append(ops.transpose(found, (0, 1, 2) if rows_first else (1, 0, 2)))
        if len(last) == 1:
            results.append(last[0])
        else:
            results.append(ops.concatenate(last, 1 if rows_first else 0))
    return tuple(results)


@imports("RNN")
def rnn(
    call: Call,
    x: Value,
    w: Value,
    r: Value,
    b: Value | None = None,
    lengths: Value | None = None,
    initial: Value | None = None,
) -> tuple[Value, ...]:
    """Return h at all steps and the last one: h' = f(x Wᵀ + h Rᵀ + b)."""
    x, made, units = _directions(call, x, w, r, b, lengths, [initial], None, 1, ["tanh"])
    outputs = []
    for one in made:
        bias = None if one.bias is None else _row(one.bias, 0) + _row(one.bias, 1)

        def step(h: Value, z: Value, u: Value, function: Function = one.functions[0]) -> Value:
            return function(z + h @ u)

        z = _weighted(x, one, bias)
        outputs.append(ops.scan(step, one.initial[0], [z], [one.recurrent], reverse=one.reverse))
    return _results(call, outputs, made, units, 1)


@imports("GRU")
def gru(
    call: Call,
    x: Value,
    w: Value,
    r: Value,
    b: Value | None = None,
    lengths: Value | None = None,
    initial: Value | None = None,
) -> tuple[Value, ...]:
    """Return h at all steps and the last one; gates in the order update, reset, new."""
    after = call.flag("linear_before_reset")
    x, made, units = _directions(call, x, w, r, b, lengths, [initial], None, 3, ["sigmoid", "tanh"])
    outputs = []
    for one in made:
        f, g = one.functions

        def step(
            h: Value, z: Value, u: Value, *more: Value, f: Function = f, g: Function = g
        ) -> Value:
            gates = h @ ops.slice_axis(u, 1, 0, 2 * units)
            if more:
                gates = gates + ops.slice_axis(more[0], 0, 0, 2 * units)
            update = f(_part(z, 0, units) + _part(gates, 0, units))
            reset = f(_part(z, 1, units) + _part(gates, 1, units))
            own = ops.slice_axis(u, 1, 2 * units, 3 * units)
            inner = h @ own if after else (reset * h) @ own
            if more:
                inner = inner + ops.slice_axis(more[0], 0, 2 * units, 3 * units)
            new = g(_part(z, 2, units) + (reset * inner if after else inner))
            return (1.0 - update) * new + update * h

        bias = None if one.bias is None else _row(one.bias, 0)
        constants = [one.recurrent] + ([] if one.bias is None else [_row(one.bias, 1)])
        z = _weighted(x, one, bias)
        outputs.append(ops.scan(step, one.initial[0], [z], constants, reverse=one.reverse))
    return _results(call, outputs, made, units, 1)


@imports("LSTM")
def lstm(
    call: Call,
    x: Value,
    w: Value,
    r: Value,
    b: Value | None = None,
    lengths: Value | None = None,
    initial: Value | None = None,
    cell: Value | None = None,
    peepholes: Value | None = None,
) -> tuple[Value, ...]:
    """Return h at all steps, the last h and the last cell; gates in the order i, o, f, g."""
    if call.flag("input_forget"):
        raise call.refusal("input_forget of 0", "1")
    x, made, units = _directions(
        call, x, w, r, b, lengths, [initial, cell], peepholes, 4, ["sigmoid", "tanh", "tanh"]
    )
    outputs = []
    for one in made:
        f, g, out = one.functions

        def step(
            carry: Value,
            z: Value,
            u: Value,
            *p: Value,
            f: Function = f,
            g: Function = g,
            out: Function = out,
        ) -> list[Value]:
            h, c = _part(carry, 0, units), _part(carry, 1, units)
            a = z + h @ u
            i, o, forget = _part(a, 0, units), _part(a, 1, units), _part(a, 2, units)
            if p:
                i, forget = i + c * _part(p[0], 0, units), forget + c * _part(p[0], 2, units)
            cell = f(forget) * c + f(i) * g(_part(a, 3, units))
            if p:
                o = o + cell * _part(p[0], 1, units)
            return [f(o) * out(cell), cell]

        bias = None if one.bias is None else _row(one.bias, 0) + _row(one.bias, 1)
        constants = [one.recurrent] + ([] if one.peepholes is None else [one.peepholes])
        start = ops.concatenate(one.initial, 1)
        z = _weighted(x, one, bias)
        outputs.append(ops.scan(step, start, [z], constants, reverse=one.reverse))
    return _results(call, outputs, made, units, 2)
