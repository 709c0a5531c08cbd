"""The code of one element, in all lanes at once: what an op's `lower` sees.

Arithmetic and choosing come from `Code`, functions of mathematics from `vector_math`; here is what
depends on a program's own dtypes. An op needs to know no more: its `lower` reads like its formula.
Knows no op.
"""

from __future__ import annotations

from misstep.compiler.language import vector_math
from misstep.compiler.language.code import LLVM_TYPES, Code, Number

# How many bits whole numbers have, by LLVM's names.
BITS = {"i32": 32, "i64": 64}


class ElementCode(Code):
    """Code with all that elementwise ops need. `signed`: whether whole numbers have a sign."""

    # --- comparing and converting whole numbers -----------------------------------------------

    def less(self, a: Number, b: Number, *, signed: bool = True) -> Number:
        """Return a < b."""
        return super().less(a, b) if signed or a.is_float else self.compare("ult", a, b)

    def less_equal(self, a: Number, b: Number, *, signed: bool = True) -> Number:
        """Return a ≤ b."""
        return super().less_equal(a, b) if signed or a.is_float else self.compare("ule", a, b)

    def maximum(self, a: Number, b: Number, *, signed: bool = True) -> Number:
        """Return the larger, NaN if either is (NumPy's maximum; which of 0 and −0 is open)."""
        if a.is_float:
            return super().maximum(a, b)
        return self.select(self.less(a, b, signed=signed), b, a)

    def minimum(self, a: Number, b: Number, *, signed: bool = True) -> Number:
        """Return the smaller, NaN if either is (NumPy's minimum; which of 0 and −0 is open)."""
        if a.is_float:
            return super().minimum(a, b)
        return self.select(self.less(b, a, signed=signed), b, a)

    def cast(self, x: Number, from_dtype: str, to_dtype: str) -> Number:
        """Return numbers of one of a program's dtypes as another of them.

        Whole numbers wrap around, fractions are cut off. What no int32 or int64 can hold, NaN too,
        becomes the least one: so does NumPy's conversion on x86-64, where C leaves it open. For
        uint32 it is that of int64, of which the lower half is taken (there NumPy itself differs
        from entry to entry).
        """
        llvm_type = LLVM_TYPES[to_dtype]
        if x.is_float and llvm_type in BITS:
            return self._whole(x, "i64" if to_dtype == "uint32" else llvm_type, llvm_type)
        return self.convert(x, llvm_type, signed=from_dtype != "uint32")

    def _whole(self, x: Number, first: str, llvm_type: str) -> Number:
        edge = 2.0 ** (BITS[first] - 1)
        inside = self.and_(
            self.less_equal(self.like(-edge, x), x), self.less(x, self.like(edge, x))
        )
        # LLVM leaves open what comes of other numbers, so they are never converted.
        whole = self.convert(self.select(inside, x, self.like(0.0, x)), first)
        whole = self.select(inside, whole, self.like(-(2 ** (BITS[first] - 1)), whole))
        return self.convert(whole, llvm_type)

    # --- functions of mathematics, for float and double ---------------------------------------

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

    def power(self, a: Number, b: Number) -> Number:
        """Return a to the power of b."""
        return vector_math.power(self, a, b)

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
