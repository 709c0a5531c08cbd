"""Gives Value its operators: + − * / ** @, comparisons, indexing. Nothing else stands here."""

from __future__ import annotations

from typing import Any

from misstep.ir import Value
from misstep.ops import arithmetic, comparison, functions
from misstep.ops.contraction import matmul
from misstep.ops.indexing import gather
from misstep.ops.lifting import Operand
from misstep.ops.shape import transpose
from misstep.ops.subscripts import index


def _get_item(self: Value, key: Any) -> Value:
    if isinstance(key, Value) or hasattr(key, "dtype") or isinstance(key, list):
        return gather(self, key)
    return index(self, key)


def _swapped(function: Any) -> Any:
    def operator(self: Value, other: Operand) -> Value:
        result: Value = function(other, self)
        return result

    return operator


def install() -> None:
    """Attach the operators to Value."""
    pairs = {
        "add": arithmetic.add,
        "sub": arithmetic.subtract,
        "mul": arithmetic.multiply,
        "truediv": arithmetic.divide,
        "pow": arithmetic.power,
        "matmul": matmul,
    }
    operators: dict[str, Any] = {}
    for name, function in pairs.items():
        operators[f"__{name}__"] = function
        operators[f"__r{name}__"] = _swapped(function)
    operators |= {
        "__neg__": arithmetic.negative,
        "__abs__": functions.absolute,
        "__lt__": comparison.less,
        "__le__": comparison.less_equal,
        "__gt__": _swapped(comparison.less),
        "__ge__": _swapped(comparison.less_equal),
        "__eq__": comparison.equal,
        "__ne__": lambda self, other: comparison.logical_not(comparison.equal(self, other)),
        "__getitem__": _get_item,
        "T": property(transpose),
    }
    for name, operator in operators.items():
        setattr(Value, name, operator)


install()
