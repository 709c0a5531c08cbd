"""An op's template, such as `2/√π · exp(−{0}²)`, read as an expression of the op's operands.

So that a derivative that an op states for readers can be put together with others, and simplified.
What isn't arithmetic (`1 if {0} > 0, else 0`) can't be read. Knows no graphs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from misstep.explain.algebra import (
    Expression,
    added,
    constant,
    divided,
    function,
    multiplied,
    raised,
    scaled,
)

FUNCTIONS: dict[str, Callable[[float], float]] = {
    "exp": math.exp,
    "ln": math.log,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "floor": math.floor,
    "trunc": math.trunc,
    "erf": math.erf,
    "σ": lambda x: 1.0 / (1.0 + math.exp(-x)) if x >= 0 else math.exp(x) / (1.0 + math.exp(x)),
}
# Written without brackets around a single name.
_BARE = {"ln", "sin", "cos"}
_TOKEN = re.compile(
    r"\s*(?:(?P<slot>\{(?:\d+|out)\})|(?P<number>\d+(?:\.\d+)?)|(?P<word>"
    r"exp|ln|sinh|cosh|sin|cos|tanh|erf|floor|trunc|σ)"
    r"|(?P<sign>\^\(|[+−·/()²³√π½]))"
)


def read_template(template: str, operands: Mapping[str, Expression]) -> Expression | None:
    """Return a template with its slots filled, or None where it isn't arithmetic.

    `operands`: by slot: "0", "1", …, "out".
    """
    tokens: list[tuple[str, str]] = []
    end = 0
    while end < len(template):
        found = _TOKEN.match(template, end)
        if found is None:
            return None
        tokens.append((found.lastgroup or "", found[0].strip()))
        end = found.end()
    reader = _Reader(tokens, operands)
    try:
        result = reader.sum()
    except _UnreadableError:
        return None
    return result if reader.at == len(tokens) else None


class _UnreadableError(Exception):
    """The template isn't arithmetic."""


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]], operands: Mapping[str, Expression]) -> None:
        self.tokens, self.operands, self.at = tokens, operands, 0

    def _next(self, *signs: str) -> str | None:
        """Return the next token and step over it, if it is one of `signs`."""
        if self.at < len(self.tokens) and self.tokens[self.at][1] in signs:
            self.at += 1
            return self.tokens[self.at - 1][1]
        return None

    def sum(self) -> Expression:
        sign = -1.0 if self._next("−") else 1.0
        parts = [scaled(self.product(), sign)]
        while word := self._next("+", "−"):
            parts.append(scaled(self.product(), 1.0 if word == "+" else -1.0))
        return added(parts)

    def product(self) -> Expression:
        result = self.factor()
        while word := self._next("·", "/"):
            other = self.factor()
            result = multiplied([result, other]) if word == "·" else divided(result, other)
        return result

    def factor(self) -> Expression:
        result = self.piece()
        while word := self._next("²", "³", "^("):
            if word != "^(":
                result = raised(result, 2.0 if word == "²" else 3.0)
                continue
            exponent = self.sum().constant
            if exponent is None or not self._next(")"):
                raise _UnreadableError
            result = raised(result, exponent)
        return result

    def piece(self) -> Expression:
        if self.at >= len(self.tokens):
            raise _UnreadableError
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "slot":
            if text[1:-1] not in self.operands:
                raise _UnreadableError
            return self.operands[text[1:-1]]
        if kind == "number":
            return constant(float(text))
        if kind == "word":
            return called(text, self.piece())
        if text == "(":
            inside = self.sum()
            if not self._next(")"):
                raise _UnreadableError
            return inside
        if text == "√":
            return raised(self.piece(), 0.5)
        if text in {"π", "½"}:
            return constant(math.pi if text == "π" else 0.5)
        raise _UnreadableError


def called(name: str, argument: Expression) -> Expression:
    """Return a function of an expression."""
    try:
        value = FUNCTIONS[name](argument.number)
    except (ValueError, OverflowError):
        value = math.inf if name == "exp" else math.nan
    if argument.constant is not None:
        return constant(value)
    return function(f"{name} {{0}}" if name in _BARE else f"{name}({{0}})", [argument], value)
