"""What ops that work entry by entry are in ONNX."""

from __future__ import annotations

from misstep.errors import NotYetError
from misstep.onnx_operators.exporting.maker import Maker, Rule, Twin, exports
from misstep.onnx_operators.node import BFLOAT16, ELEMENT_OF_DTYPE

# Ops that ONNX has under another name and with the same meaning.
_SAME = {
    "abs": "Abs",
    "acos": "Acos",
    "acosh": "Acosh",
    "add": "Add",
    "asin": "Asin",
    "asinh": "Asinh",
    "atan": "Atan",
    "atanh": "Atanh",
    "bitwise_and": "BitwiseAnd",
    "bitwise_not": "BitwiseNot",
    "bitwise_or": "BitwiseOr",
    "bitwise_xor": "BitwiseXor",
    "ceil": "Ceil",
    "cos": "Cos",
    "cosh": "Cosh",
    "divide": "Div",
    "equal": "Equal",
    "erf": "Erf",
    "exp": "Exp",
    "floor": "Floor",
    "less": "Less",
    "less_equal": "LessOrEqual",
    "log": "Log",
    "logical_not": "Not",
    "maximum": "Max",
    "minimum": "Min",
    "multiply": "Mul",
    "negative": "Neg",
    "power": "Pow",
    "relu": "Relu",
    "round": "Round",
    "sigmoid": "Sigmoid",
    "sign": "Sign",
    "sin": "Sin",
    "sinh": "Sinh",
    "softplus": "Softplus",
    "sqrt": "Sqrt",
    "subtract": "Sub",
    "tan": "Tan",
    "tanh": "Tanh",
    "where": "Where",
}
# Ops of truth values, which are numbers to some of ours, by ONNX's operator for these.
_OF_TRUTH = {"add": "Or", "logical_and": "And", "logical_or": "Or", "multiply": "And"}
_OF_TRUTH |= {"maximum": "Or", "minimum": "And"}


def _same(name: str, operator: str) -> Rule:
    def rule(maker: Maker, value: Twin, inputs: list[str]) -> str:
        if name in _OF_TRUTH and value.operand(0).dtype == "bool":
            return maker.node(_OF_TRUTH[name], inputs)
        return maker.node(operator, inputs)

    return rule


for _name, _operator in _SAME.items():
    exports(_name)(_same(_name, _operator))
exports("logical_and")(_same("logical_and", "And"))
exports("logical_or")(_same("logical_or", "Or"))


@exports("cast")
def cast(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write Cast."""
    return maker.node("Cast", inputs, to=ELEMENT_OF_DTYPE[value.dtype])


@exports("round_to_bfloat16")
def round_to_bfloat16(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write Cast there and back; float64 numbers stay as they are."""
    if value.dtype != "float32":
        return maker.node("Identity", inputs)
    return maker.cast(maker.node("Cast", inputs, to=BFLOAT16), value.dtype)


@exports("round_slope")
def round_slope(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write Identity: only what flows back is rounded, and in a file nothing does."""
    return maker.node("Identity", inputs)


@exports("expm1")
def expm1(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write e^x − 1; by Elu below 0, which is that."""
    one, zero = maker.number(1.0, value.dtype), maker.number(0.0, value.dtype)
    above = maker.node("Sub", [maker.node("Exp", inputs), one])
    below = maker.node("Elu", inputs, alpha=1.0)
    return maker.node("Where", [maker.node("Less", [inputs[0], zero]), below, above])


@exports("log1p")
def log1p(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write ln(1 + x)."""
    return maker.node("Log", [maker.node("Add", [inputs[0], maker.number(1.0, value.dtype)])])


@exports("trunc")
def trunc(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write sign(x) · floor(|x|)."""
    size = maker.node("Floor", [maker.node("Abs", inputs)])
    return maker.node("Mul", [maker.node("Sign", inputs), size])


@exports("mod")
def mod(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write the remainder with the sign of the divisor."""
    if not value.dtype.startswith("float"):
        return maker.node("Mod", inputs)
    # x − y · floor(x / y), since Mod of fractions has the sign of what is divided.
    left = maker.node("Mod", inputs, fmod=1)
    zero = maker.number(0.0, value.dtype)
    apart = maker.node(
        "Xor", [maker.node("Less", [left, zero]), maker.node("Less", [inputs[1], zero])]
    )
    whole = maker.node("Not", [maker.node("Equal", [left, zero])])
    return maker.node(
        "Where", [maker.node("And", [apart, whole]), maker.node("Add", [left, inputs[1]]), left]
    )


@exports("fmod")
def fmod(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write the remainder with the sign of what is divided."""
    return maker.node("Mod", inputs, fmod=1)


@exports("floor_divide")
def floor_divide(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write the quotient rounded down."""
    if value.dtype.startswith("float"):
        return maker.node("Floor", [maker.node("Div", inputs)])
    left = maker.node("Mod", inputs)
    return maker.node("Div", [maker.node("Sub", [inputs[0], left]), inputs[1]])


def _shift(direction: str) -> Rule:
    def rule(maker: Maker, value: Twin, inputs: list[str]) -> str:
        if value.dtype == "uint32":
            return maker.node("BitShift", inputs, direction=direction)
        raise NotYetError(
            "bits of numbers with a sign, shifted", needed="uint32, as ONNX has it", got=value.dtype
        )

    return rule


exports("left_shift")(_shift("LEFT"))
exports("right_shift")(_shift("RIGHT"))


@exports("binary_cross_entropy")
def binary_cross_entropy(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write ln(1 + e^x) − y · x."""
    return maker.node("Sub", [maker.node("Softplus", inputs[:1]), maker.node("Mul", inputs)])
