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
from misstep.ir import Value, ancestors, located_at, make_literal
from misstep.ir.graph import variable_of_line
from misstep.ops import as_value, reshape


@overload
def gradient(loss: Value, wrt: Value, upstream: Value | None = None) -> Value: ...
@overload
def gradient(loss: Value, wrt: Sequence[Value], upstream: Value | None = None) -> list[Value]: ...


def gradient(
    loss: Value, wrt: Value | Sequence[Value], upstream: Value | None = None
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
    wanted = [wrt] if isinstance(wrt, Value) else list(wrt)
    _check(loss, wanted, upstream)
    seed = upstream if upstream is not None else make_literal(np.ones(loss.shape), loss.dtype)
    blame = _walk({loss: as_value(seed)}, wanted)
    results = []
    for value in wanted:
        found = blame.get(value)
        if found is None:
            found = make_literal(np.zeros(value.shape), value.dtype)
        results.append(found)
    return results[0] if isinstance(wrt, Value) else results


def _check(loss: Value, wanted: list[Value], upstream: Value | None) -> None:
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
    for value in [loss, *wanted]:
        if not value.type.is_float:
            raise DtypeError(
                f"the gradient with {value.describe()}",
                needed="floating-point numbers",
                got=value.dtype,
                try_='ms.ops.cast(value, "float32")',
            )


def blames(seeds: Mapping[Value, Value], wanted: Sequence[Value]) -> list[Value | None]:
    """Return what each of `wanted` is blamed for when the keys of `seeds` are for their values.

    None where nothing flows. For those who write gradients themselves; `gradient` is for people.
    """
    found = _walk(dict(seeds), list(wanted))
    return [found.get(value) for value in wanted]


def _walk(seeds: dict[Value, Value], wanted: list[Value]) -> dict[Value, Value]:
    """Return the blame of every Value on a way from what has some to what is wanted."""
    order = ancestors(list(seeds))
    on_the_way = set(wanted)
    for value in order:
        if any(given in on_the_way for given in value.inputs):
            on_the_way.add(value)
    # What a line of the user's assigns to a variable is called so, and its gradient after it.
    last_of_line = {value.location: value for value in order}
    blame = dict(seeds)
    given_before = set(seeds.values())
    for value in reversed(order):
        upstream = blame.get(value)
        if upstream is None:
            continue
        # Only now is it the whole blame: all that uses the value has been passed.
        if upstream not in given_before and upstream.op is not None and upstream.name is None:
            name = value.name
            if name is None and value is last_of_line[value.location]:
                name = variable_of_line(value)
            upstream.name = f"gradient_{name}" if name else None
        if value.op is None or value not in on_the_way:
            continue
        if not any(given in on_the_way for given in value.inputs):
            continue
        place = value.location
        with located_at(replace(place, backward=True) if place is not None else None):
            shares = value.op.gradient(value, upstream)
            for given, share in zip(value.inputs, shares, strict=True):
                if share is None or given not in on_the_way or not given.type.is_float:
                    continue
                share = _unbroadcast(share, given)
                known = blame.get(given)
                blame[given] = share if known is None else known + share
    return blame


def _unbroadcast(share: Value, given: Value) -> Value:
    """Return `share` summed over the axes along which `given` was repeated."""
    if share.shape == given.shape:
        return share
    new = share.ndim - given.ndim
    repeated = [
        axis
        for axis in range(share.ndim)
        if axis < new or (given.shape[axis - new] == 1 and share.shape[axis] != 1)
    ]
    summed = ops.sum(share, repeated) if repeated else share
    return reshape(summed, given.shape)
