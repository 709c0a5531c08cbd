"""Reverse mode: from a graph to a bigger graph that also holds the gradients.

Walks from the loss back to what was asked for. Un-broadcasting happens here and only here. What no
wanted gradient needs is never part of the result. Knows the contract of ops, and none of them but
the sums that shares are added up and un-broadcast with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import overload

import numpy as np

from misstep import ops
from misstep.errors import DtypeError, ShapeError
from misstep.ir import Value, ancestors, located_at, make_literal, serial_by_now
from misstep.ir.graph import variable_of_line
from misstep.ops import as_value, reshape

# For each Value that the reverse walk passed: the serials between which its gradient was made.
Steps = list[tuple[Value, int, int]]


@overload
def gradient(
    loss: Value, wrt: Value, upstream: Value | None = None, *, steps: Steps | None = None
) -> Value: ...
@overload
def gradient(
    loss: Value, wrt: Sequence[Value], upstream: Value | None = None, *, steps: Steps | None = None
) -> list[Value]: ...


def gradient(
    loss: Value,
    wrt: Value | Sequence[Value],
    upstream: Value | None = None,
    *,
    steps: Steps | None = None,
) -> Value | list[Value]:
    """Return the derivative of `loss` by each of `wrt`, as Values of the same shapes.

    `loss`: one number, unless `upstream` (of the shape of `loss`) says how much each entry weighs.
    `wrt`: a Value or several; any Value that the loss is computed from may be asked for, not just
    parameters. What the loss does not depend on has a gradient of zeros. The result is a Value like
    any other, so gradients of gradients work.

    Raises ShapeError when the loss has several entries and no `upstream` is given, DtypeError when
    the loss or a wanted Value holds no floating-point numbers.

    >>> import misstep as ms
    >>> w = ms.parameter(3.0, name="w")
    >>> ms.gradient(w * w, w)
    6
    """
    targets = [wrt] if isinstance(wrt, Value) else list(wrt)
    _check(loss, targets, upstream)
    seed = upstream if upstream is not None else make_literal(np.ones(loss.shape), loss.dtype)
    adjoint_of = _walk({loss: as_value(seed)}, targets, steps)
    results = []
    for value in targets:
        adjoint = adjoint_of.get(value)
        if adjoint is None:
            adjoint = make_literal(np.zeros(value.shape), value.dtype)
        results.append(adjoint)
    return results[0] if isinstance(wrt, Value) else results


def _check(loss: Value, targets: list[Value], upstream: Value | None) -> None:
    if upstream is None and loss.size != 1:
        raise ShapeError(
            f"the gradient of {loss.describe()}",
            needed="a loss that is one number",
            got=f"{loss.size} entries",
            try_="ms.mean(loss) or ms.ops.sum(loss), or upstream=, how much each entry weighs",
        )
    if upstream is not None and upstream.shape != loss.shape:
        raise ShapeError(
            "upstream", needed=f"the shape of the loss, {loss.shape}", got=str(upstream.shape)
        )
    for value in [loss, *targets]:
        if not value.type.is_float:
            raise DtypeError(
                f"the gradient with {value.describe()}",
                needed="floating-point numbers",
                got=value.dtype,
                try_='ms.ops.cast(value, "float32")',
            )


def adjoints(seeds: Mapping[Value, Value], targets: Sequence[Value]) -> list[Value | None]:
    """Return the adjoint of each of `targets`: how the loss behind `seeds` answers to it.

    `seeds`: adjoints by the Values that they are of. None where nothing flows. For those who write
    gradients themselves; `gradient` is for people.
    """
    adjoint_of = _walk(dict(seeds), list(targets))
    return [adjoint_of.get(value) for value in targets]


def _walk(
    seeds: dict[Value, Value], targets: list[Value], steps: Steps | None = None
) -> dict[Value, Value]:
    """Return the adjoint of every Value on a way from `seeds`, which are known, to `targets`."""
    order = ancestors(list(seeds))
    on_the_way = set(targets)
    for value in order:
        if any(operand in on_the_way for operand in value.inputs):
            on_the_way.add(value)
    # What a line of the user's assigns to a variable is called so, and its gradient after it.
    last_of_line = {value.location: value for value in order}
    adjoint_of = dict(seeds)
    seeded = set(seeds.values())
    for value in reversed(order):
        upstream = adjoint_of.get(value)
        if upstream is None:
            continue
        # Only now is it the whole adjoint: all that uses the value has been passed.
        if upstream not in seeded and upstream.op is not None and upstream.name is None:
            name = value.name
            if name is None and value is last_of_line[value.location]:
                name = variable_of_line(value)
            upstream.name = f"gradient_{name}" if name else None
        if value.op is None or value not in on_the_way:
            continue
        if not any(operand in on_the_way for operand in value.inputs):
            continue
        location = value.location
        first = serial_by_now() if steps is not None else 0
        with located_at(replace(location, backward=True) if location is not None else None):
            shares = value.op.gradient(value, upstream)
            for operand, share in zip(value.inputs, shares, strict=True):
                if share is None or operand not in on_the_way or not operand.type.is_float:
                    continue
                share = _unbroadcast(share, operand)
                known = adjoint_of.get(operand)
                adjoint_of[operand] = share if known is None else known + share
        if steps is not None:
            steps.append((value, first, serial_by_now()))
    return adjoint_of


def _unbroadcast(share: Value, operand: Value) -> Value:
    """Return `share` summed over the axes along which `operand` was repeated."""
    if share.shape == operand.shape:
        return share
    new = share.ndim - operand.ndim
    repeated = [
        axis
        for axis in range(share.ndim)
        if axis < new or (operand.shape[axis - new] == 1 and share.shape[axis] != 1)
    ]
    summed = ops.sum(share, repeated) if repeated else share
    return reshape(summed, operand.shape)
