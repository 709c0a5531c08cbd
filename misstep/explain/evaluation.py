"""A graph made ready to be explained: in float64, with every number on the way.

Knows programs and reverse mode; knows no names and no words. `local_derivatives.py` adds how each
entry answers to another, `naming.py` what things are called.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from misstep.autodiff import gradient
from misstep.errors import AbstractValueError, ArgumentError, DtypeError, ShapeError
from misstep.explain.unrolling import Unrolling
from misstep.ir import Array, Graph, Interpreter, Type, Value, make_literal, rebuild
from misstep.text.names import nearest_name


class Evaluation:
    """The way from `wrt` to `loss` in float64.

    `loss`, `wrt`: the float64 copies. `copies`: from the Values given to their copies. `graph`: all
    that the loss needs. `numbers`: every Value's numbers. `active`: the Values, in order, that
    depend on `wrt` and that the loss depends on, `wrt` and the loss included if there is a path.
    `step_names`: what the values of a recurrence that was written out are called; `unrolled`: what
    stands for its result.
    """

    def __init__(self, loss: Value, wrt: Value, feeds: Mapping[Any, Any] | None = None) -> None:
        whole = Graph({"loss": loss, "wrt": wrt})
        leaf = _Leaves(whole, feeds or {})
        unrolling = Unrolling()
        wide, self.copies = rebuild(whole, leaf=leaf, op=unrolling)
        self.step_names, self.unrolled = unrolling.names, unrolling.results
        self.loss, self.wrt = self.copies[loss], self.copies[wrt]
        self.graph = Graph({"loss": self.loss})
        self.numbers: dict[Value, Array] = {
            value: np.asarray(array) for value, array in Interpreter(wide).trace().items()
        }
        self.active = self._active()
        self._gradients: dict[Value, Array] | None = None

    def forward(self, value: Value, array: Array) -> float:
        """Return the loss when `value` has the numbers of `array` instead of its own."""
        moved = {value: array}
        with np.errstate(all="ignore"):
            for step in self.graph.values:
                if step.op is None or step in moved:
                    continue
                if any(operand in moved for operand in step.inputs):
                    operands = [moved.get(each, self.numbers[each]) for each in step.inputs]
                    moved[step] = np.asarray(step.op.run(*operands))
        return float(moved.get(self.loss, self.numbers[self.loss]).reshape(()))

    @property
    def gradients(self) -> dict[Value, Array]:
        """Return the derivative of the loss by every active Value (and by `wrt`)."""
        if self._gradients is None:
            values = list(dict.fromkeys([*self.active, self.wrt]))
            arrays = Interpreter(Graph(gradient(self.loss, values))).run()
            self._gradients = dict(zip(values, arrays.values(), strict=True))
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
            for value in self.active:
                sizes = np.abs(self.gradients[value] * self.numbers[value])
                parts += float(sizes[np.isfinite(sizes)].sum())
        return float(np.finfo("float64").eps) * parts

    def _active(self) -> list[Value]:
        depends = {self.wrt}
        for value in self.graph.computed:
            if value.type.is_float and any(operand in depends for operand in value.inputs):
                depends.add(value)
        leads = {self.loss}
        for value in reversed(self.graph.values):
            if value in leads and value in depends and value is not self.wrt:
                leads.update(operand for operand in value.inputs if operand in depends)
        return [value for value in self.graph.values if value in leads and value in depends]


class _Leaves:
    """Gives every leaf its numbers, in float64 where they are floating-point numbers."""

    def __init__(self, graph: Graph, feeds: Mapping[Any, Any]) -> None:
        names = {value: name for value, name in graph.names().items() if value.is_input}
        self.feeds: dict[Value, Any] = {}
        by_name = {name: value for value, name in names.items()}
        for value, name in names.items():
            by_name.setdefault(value.name or name, value)
        for key, array in feeds.items():
            fed = key if isinstance(key, Value) else by_name.get(key)
            if fed is None or fed not in names:
                near = nearest_name(str(key), by_name)
                raise ArgumentError(
                    "feeds",
                    needed=f"names of inputs ({', '.join(map(repr, by_name)) or 'there are none'})",
                    got=repr(key),
                    try_=near and f"{near!r}, the nearest name",
                )
            self.feeds[fed] = array
        missing = [
            name for value, name in names.items() if value.data is None and value not in self.feeds
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


def check_loss(loss: Value, wrt: Value, what: str = "explain") -> None:
    """Raise ArgumentError, ShapeError or DtypeError unless `loss` by `wrt` can be explained."""
    for name, value in (("loss", loss), ("wrt", wrt)):
        if not isinstance(value, Value):
            raise ArgumentError(
                f"{what}: {name}",
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
