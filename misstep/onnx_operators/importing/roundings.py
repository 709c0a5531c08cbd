"""Operators that round, take remainders, work on bits, and functions of angles."""

from __future__ import annotations

from misstep import ops
from misstep.ir import Value
from misstep.onnx_operators.importing.call import Call
from misstep.onnx_operators.importing.elementwise import one_kind
from misstep.onnx_operators.importing.rules import imports

_FUNCTIONS = {
    "Acos": ops.acos,
    "Acosh": ops.acosh,
    "Asin": ops.asin,
    "Asinh": ops.asinh,
    "Atan": ops.atan,
    "Atanh": ops.atanh,
    "BitwiseNot": ops.bitwise_not,
    "Ceil": ops.ceil,
    "Cosh": ops.cosh,
    "Floor": ops.floor,
    "Round": ops.round,
    "Sinh": ops.sinh,
    "Tan": ops.tan,
}
_PAIRS = {"BitwiseAnd": ops.bitwise_and, "BitwiseOr": ops.bitwise_or, "BitwiseXor": ops.bitwise_xor}


def _one(operator: str) -> None:
    function = _FUNCTIONS[operator]

    def rule(call: Call, x: Value) -> Value:
        return function(x)

    imports(operator)(rule)


def _two(operator: str) -> None:
    function = _PAIRS[operator]

    def rule(call: Call, a: Value, b: Value) -> Value:
        return function(*one_kind(call, a, b))

    imports(operator)(rule)


for _operator in _FUNCTIONS:
    _one(_operator)
for _operator in _PAIRS:
    _two(_operator)


@imports("BitShift")
def bit_shift(call: Call, x: Value, by: Value) -> Value:
    """Return bits moved to the left or to the right."""
    shift = ops.left_shift if call.text("direction") == "LEFT" else ops.right_shift
    return shift(*one_kind(call, x, by))


@imports("Mod")
def mod(call: Call, a: Value, b: Value) -> Value:
    """Return the remainder: with the sign of b, or as C has it, with that of a."""
    return (ops.fmod if call.flag("fmod") else ops.mod)(*one_kind(call, a, b))
