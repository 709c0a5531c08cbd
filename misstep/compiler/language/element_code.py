"""The code of one element, in all lanes at once: what an op's `lower` sees.

Arithmetic and choosing come from `Code`, functions of mathematics from `vector_math`; here is what
depends on a program's own dtypes. An op needs to know no more: its `lower` reads like its formula.
Knows no op.
"""

from __future__ import annotations

from misstep.compiler.language import vector_math
from misstep.compiler.language.code import LLVM_TYPES, Code, Number
from misstep.compiler.language.vector_math.remainders import remainder

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

    def tan(self, x: Number) -> Number:
        """Return the tangent of x in radians."""
        return vector_math.tan(self, x)

    def asin(self, x: Number) -> Number:
        """Return the angle from −π/2 to π/2 whose sine is x."""
        return vector_math.asin(self, x)

    def acos(self, x: Number) -> Number:
        """Return the angle from 0 to π whose cosine is x."""
        return vector_math.acos(self, x)

    def atan(self, x: Number) -> Number:
        """Return the angle from −π/2 to π/2 whose tangent is x."""
        return vector_math.atan(self, x)

    def sinh(self, x: Number) -> Number:
        """Return the hyperbolic sine of x."""
        return vector_math.sinh(self, x)

    def cosh(self, x: Number) -> Number:
        """Return the hyperbolic cosine of x."""
        return vector_math.cosh(self, x)

    def asinh(self, x: Number) -> Number:
        """Return the number whose hyperbolic sine is x."""
        return vector_math.asinh(self, x)

    def acosh(self, x: Number) -> Number:
        """Return the number from 0 on whose hyperbolic cosine is x."""
        return vector_math.acosh(self, x)

    def atanh(self, x: Number) -> Number:
        """Return the number whose hyperbolic tangent is x."""
        return vector_math.atanh(self, x)

    def remainder(self, a: Number, b: Number, *, signed: bool = True, down: bool = False) -> Number:
        """Return what is left of a after whole multiples of b, exactly.

        With the sign of a, or with `down` with that of b. For b = 0 it is NaN, of whole numbers 0.
        """
        if a.is_float:
            return remainder(self, a, b, down=down)
        # A processor stops at a division by 0, and at that of the least number by −1.
        easy = self.equal(b, self.like(0, b))
        if signed:
            easy = self.or_(easy, self.equal(b, self.like(-1, b)))
        divisor = self.select(easy, self.like(1, b), b)
        rest = self.binary("srem" if signed else "urem", a, divisor)
        if not (signed and down):
            return rest
        zero = self.like(0, b)
        opposite = self.xor(self.less(rest, zero), self.less(b, zero))
        moved = self.and_(opposite, self.not_(self.equal(rest, zero)))
        return self.select(moved, self.add(rest, b), rest)

    def quotient(self, a: Number, b: Number, *, signed: bool = True) -> Number:
        """Return the whole part of a / b, toward 0, of whole numbers; 0 for b = 0."""
        zero, one = self.like(0, b), self.like(1, b)
        none = self.equal(b, zero)
        easy = none
        if signed:
            minus = self.equal(b, self.like(-1, b))
            easy = self.or_(none, minus)
        result = self.binary("sdiv" if signed else "udiv", a, self.select(easy, one, b))
        if signed:
            result = self.select(minus, self.negate(a), result)
        return self.select(none, zero, result)

    def floor_quotient(self, a: Number, b: Number, *, signed: bool = True) -> Number:
        """Return a / b rounded down, of whole numbers; 0 for b = 0."""
        whole = self.quotient(a, b, signed=signed)
        if not signed:
            return whole
        rest, zero = self.remainder(a, b), self.like(0, b)
        other_side = self.xor(self.less(rest, zero), self.less(b, zero))
        down = self.and_(other_side, self.not_(self.equal(rest, zero)))
        return self.select(down, self.subtract(whole, self.like(1, whole)), whole)
