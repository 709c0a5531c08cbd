"""Gives Value its operators: + − * / ** @, comparisons, indexing, and NumPy's names for ours."""

from __future__ import annotations

from typing import Any

from misstep.errors import DtypeError
from misstep.ir import Value
from misstep.ops import (
    angles,
    arithmetic,
    bits,
    comparison,
    functions,
    questions,
    remainders,
    rounding,
)
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


def _from_numpy(self: Value, ufunc: Any, method: str, *operands: Any, **options: Any) -> Value:
    """Return what a function of NumPy's means for Values, where one of ours is the same.

    Raises DtypeError otherwise: NumPy would take a Value for an array of objects.
    """
    ours = _NUMPY.get(ufunc.__name__)
    if ours is not None and method == "__call__" and not options:
        result: Value = ours(*operands)
        return result
    called = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
    raise DtypeError(
        f"{called}{' with ' + ', '.join(options) if options else ''} of {self.describe()}",
        needed="a function of misstep's own, since a value is a step of a program and no array",
        got=called,
        try_="ms.ops.sum, ms.where and others (dir(ms.ops)), or value.numpy() for plain numbers",
    )


def _compared(function: Any, other_way: bool = False, opposite: bool = False) -> Any:
    def operator(first: Operand, second: Operand) -> Value:
        answer: Value = function(second, first) if other_way else function(first, second)
        return comparison.logical_not(answer) if opposite else answer

    return operator


# NumPy's functions by name, which `array * value` and `np.exp(value)` come to.
_NUMPY: dict[str, Any] = {
    "add": arithmetic.add,
    "subtract": arithmetic.subtract,
    "multiply": arithmetic.multiply,
    "divide": arithmetic.divide,
    "power": arithmetic.power,
    "negative": arithmetic.negative,
    "matmul": matmul,
    "less": comparison.less,
    "less_equal": comparison.less_equal,
    "greater": _compared(comparison.less, other_way=True),
    "greater_equal": _compared(comparison.less_equal, other_way=True),
    "equal": comparison.equal,
    "not_equal": _compared(comparison.equal, opposite=True),
    "maximum": comparison.maximum,
    "minimum": comparison.minimum,
    "absolute": functions.absolute,
    "cos": functions.cos,
    "exp": functions.exp,
    "expm1": functions.expm1,
    "log": functions.log,
    "log1p": functions.log1p,
    "sign": functions.sign,
    "sin": functions.sin,
    "sqrt": functions.sqrt,
    "tanh": functions.tanh,
    "tan": angles.tan,
    "arcsin": angles.asin,
    "arccos": angles.acos,
    "arctan": angles.atan,
    "sinh": angles.sinh,
    "cosh": angles.cosh,
    "arcsinh": angles.asinh,
    "arccosh": angles.acosh,
    "arctanh": angles.atanh,
    "floor": rounding.floor,
    "ceil": rounding.ceil,
    "rint": rounding.round,
    "trunc": rounding.trunc,
    "remainder": remainders.mod,
    "fmod": remainders.fmod,
    "floor_divide": remainders.floor_divide,
    "bitwise_and": bits.bitwise_and,
    "bitwise_or": bits.bitwise_or,
    "bitwise_xor": bits.bitwise_xor,
    "invert": bits.bitwise_not,
    "left_shift": bits.left_shift,
    "right_shift": bits.right_shift,
    "logical_and": comparison.logical_and,
    "logical_or": comparison.logical_or,
    "logical_not": comparison.logical_not,
    "logical_xor": questions.logical_xor,
    "isnan": questions.isnan,
    "isinf": questions.isinf,
    "isfinite": questions.isfinite,
}


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
        "__array_ufunc__": _from_numpy,
    }
    for name, operator in operators.items():
        setattr(Value, name, operator)


install()
