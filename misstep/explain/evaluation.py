"""A graph made ready to be explained: in float64, with every number on the way.

Knows programs and reverse mode; knows no names and no words. `slopes.py` adds how each entry
answers to another, `naming.py` what things are called.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import numpy as np

from misstep.autodiff import gradient
from misstep.errors import AbstractValueError, ArgumentError, DtypeError, ShapeError
from misstep.ir import Array, Graph, Interpreter, Type, Value, make_literal, rebuild


class Evaluation:
    """The way from `wrt` to `loss` in float64.

    `loss`, `wrt`: the float64 copies. `copies`: from the Values given to their copies. `graph`: all
    that the loss needs. `numbers`: every Value's numbers. `on_way`: the Values, in order, that
    depend on `wrt` and that the loss depends on, `wrt` and the loss included if there is a way.
    """

    def __init__(self, loss: Value, wrt: Value, feeds: Mapping[Any, Any] | None = None) -> None:
        whole = Graph({"loss": loss, "wrt": wrt})
        leaf = _Leaves(whole, feeds or {})
        wide, self.copies = rebuild(whole, leaf=leaf, op=lambda op: op.in_float64())
        self.loss, self.wrt = self.copies[loss], self.copies[wrt]
        self.graph = Graph({"loss": self.loss})
        self.numbers: dict[Value, Array] = {
            value: np.asarray(array) for value, array in Interpreter(wide).trace().items()
        }
        self.on_way = self._way()
        self._gradients: dict[Value, Array] | None = None

    def forward(self, value: Value, array: Array) -> float:
        """Return the loss when `value` has the numbers of `array` instead of its own."""
        moved = {value: array}
        with np.errstate(all="ignore"):
            for one in self.graph.values:
                if one.op is None or one in moved:
                    continue
                if any(given in moved for given in one.inputs):
                    given = [moved.get(each, self.numbers[each]) for each in one.inputs]
                    moved[one] = np.asarray(one.op.run(*given))
        return float(moved.get(self.loss, self.numbers[self.loss]).reshape(()))

    @property
    def gradients(self) -> dict[Value, Array]:
        """Return the derivative of the loss by every Value on the way (and by `wrt`)."""
        if self._gradients is None:
            wanted = list(dict.fromkeys([*self.on_way, self.wrt]))
            slopes = gradient(self.loss, wanted)
            found = Interpreter(Graph(slopes)).run()
            self._gradients = dict(zip(wanted, found.values(), strict=True))
        return self._gradients

    @property
    def rounding(self) -> float:
        """Return, to first order, how far the roundings on the way may move the loss.

        Each entry v on the way is off by up to ε |v|, the loss thereby by ∂L/∂v · ε |v|: Σ of all
        (Higham, Accuracy and Stability of Numerical Algorithms, section 3). What cancels on the way
        counts: ln Σ exp(x) less one of the x is small, but rounded as its large parts are.
        """
        parts = 0.0
        with np.errstate(all="ignore"):
            for value in self.on_way:
                sizes = np.abs(self.gradients[value] * self.numbers[value])
                parts += float(sizes[np.isfinite(sizes)].sum())
        return float(np.finfo("float64").eps) * parts

    def _way(self) -> list[Value]:
        depends = {self.wrt}
        for value in self.graph.computed:
            if value.type.is_float and any(given in depends for given in value.inputs):
                depends.add(value)
        leads = {self.loss}
        for value in reversed(self.graph.values):
            if value in leads and value in depends and value is not self.wrt:
                leads.update(given for given in value.inputs if given in depends)
        return [value for value in self.graph.values if value in leads and value in depends]


class _Leaves:
    """Gives every leaf its numbers, in float64 where they are floating-point numbers."""

    def __init__(self, graph: Graph, feeds: Mapping[Any, Any]) -> None:
        shown = {value: name for value, name in graph.names().items() if value.is_input}
        self.feeds: dict[Value, Any] = {}
        by_name = {name: value for value, name in shown.items()}
        for one, name in shown.items():
            by_name.setdefault(one.name or name, one)
        for key, array in feeds.items():
            value = key if isinstance(key, Value) else by_name.get(key)
            if value is None or value not in shown:
                raise ArgumentError(
                    "feeds",
                    needed=f"names of inputs ({', '.join(map(repr, by_name)) or 'there are none'})",
                    got=repr(key),
                    try_=nearest(str(key), list(by_name)),
                )
            self.feeds[value] = array
        missing = [
            name for value, name in shown.items() if value.data is None and value not in self.feeds
        ]
        if missing:
            entries = ", ".join(f"{name!r}: ..." for name in missing)
            raise AbstractValueError(
                "explain",
                needed=f"numbers for the inputs {', '.join(map(repr, missing))}",
                got="none",
                try_=f"explain(..., feeds={{{entries}}})",
            )

    def __call__(self, leaf: Value) -> Value:
        dtype = "float64" if leaf.type.is_float else leaf.dtype
        if leaf.is_literal and leaf.data is not None:
            return leaf if dtype == leaf.dtype else make_literal(leaf.data, dtype, leaf.name)
        array = np.asarray(self.feeds.get(leaf, leaf.data)).astype(dtype)
        if array.shape != leaf.shape:
            raise ShapeError(
                f"the numbers fed to {leaf.name!r}",
                needed=f"shape {leaf.shape}",
                got=f"shape {array.shape}",
            )
        return Value(Type(leaf.shape, dtype), name=leaf.name, data=array, location=leaf.location)


def nearest(name: str, names: list[str]) -> str | None:
    """Return a phrase with the name most like `name`, or None if none is like it."""
    found = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"{found[0]!r}, the nearest name" if found else None


def check_loss(loss: Value, wrt: Value, what: str = "explain") -> None:
    """Raise ArgumentError, ShapeError or DtypeError unless `loss` by `wrt` can be explained."""
    for place, value in (("loss", loss), ("wrt", wrt)):
        if not isinstance(value, Value):
            raise ArgumentError(
                f"{what}: {place}",
                needed="a Value of a graph",
                got=f"a {type(value).__name__}",
                try_="ms.parameter(...) for numbers that may change",
            )
    if loss.size != 1:
        raise ShapeError(
            f"{what}: the loss, {loss.describe()}",
            needed="one number",
            got=f"{loss.size} entries",
            try_="ms.mean(loss) or ms.ops.sum(loss), or one entry of it such as loss[0]",
        )
    for value in (loss, wrt):
        if not value.type.is_float:
            raise DtypeError(
                f"{what}: {value.describe()}", needed="floating-point numbers", got=value.dtype
            )
    if wrt.size == 0:
        raise ShapeError(f"{what}: {wrt.describe()}", needed="at least one entry", got="none")
