"""The code of one element, in all lanes at once: what an op's `lower` sees.

Arithmetic, comparing and choosing come from `Code`, functions of mathematics from `vector_math`.
An op needs to know no more: its `lower` reads like its formula. Knows no op.
"""

from __future__ import annotations

from misstep.compiler import vector_math
from misstep.compiler.code import Code, Number


class ElementCode(Code):
    """Code with the functions of mathematics, each entry by entry, for floats and doubles."""

    def exp(self, x: Number) -> Number:
        """Return e^x."""
        return vector_math.exp(self, x)

    def expm1(self, x: Number) -> Number:
        """Return e^x − 1, exact for small x."""
        return vector_math.expm1(self, x)

    def log(self, x: Number) -> Number:
        """Return ln x."""
        return vector_math.log(self, x)

    def log1p(self, x: Number) -> Number:
        """Return ln(1 + x), exact for small x."""
        return vector_math.log1p(self, x)

    def sin(self, x: Number) -> Number:
        """Return the sine of x in radians."""
        return vector_math.sin(self, x)

    def cos(self, x: Number) -> Number:
        """Return the cosine of x in radians."""
        return vector_math.cos(self, x)

    def tanh(self, x: Number) -> Number:
        """Return the hyperbolic tangent of x."""
        return vector_math.tanh(self, x)

    def sigmoid(self, x: Number) -> Number:
        """Return 1 / (1 + e^−x)."""
        return vector_math.sigmoid(self, x)

    def softplus(self, x: Number) -> Number:
        """Return ln(1 + e^x)."""
        return vector_math.softplus(self, x)

    def erf(self, x: Number) -> Number:
        """Return the error function of x."""
        return vector_math.erf(self, x)

    def power(self, a: Number, b: Number) -> Number:
        """Return a to the power of b."""
        return vector_math.power(self, a, b)
