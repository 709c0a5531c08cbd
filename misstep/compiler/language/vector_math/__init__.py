"""Functions of mathematics on vectors of any number of lanes, written with `Code`.

For doubles to at most 2 units in the last place, for floats to at most 1: these are worked out in
double with shorter polynomials and rounded once. Only operations whose result IEEE 754 fixes are
used (no approximate reciprocals), and choices are made by selecting, so that the bits depend on
neither processor nor vector width. Limits are NumPy's. Subnormal numbers, given and returned, are
zeros, as in all arithmetic of a program (`codegen/entry.py`); without that setting, logarithms and
powers of them are wrong. Knows numbers, no op; one family per file.
"""

from misstep.compiler.language.vector_math.error_function import erf
from misstep.compiler.language.vector_math.exponentials import exp, expm1
from misstep.compiler.language.vector_math.hyperbolic import acosh, asinh, atanh, cosh, sinh
from misstep.compiler.language.vector_math.inverse_angles import acos, asin, atan
from misstep.compiler.language.vector_math.logarithms import log, log1p
from misstep.compiler.language.vector_math.powers import power
from misstep.compiler.language.vector_math.sigmoids import sigmoid, softplus, tanh
from misstep.compiler.language.vector_math.trigonometry import cos, sin, tan

__all__ = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "cos",
    "cosh",
    "erf",
    "exp",
    "expm1",
    "log",
    "log1p",
    "power",
    "sigmoid",
    "sin",
    "sinh",
    "softplus",
    "tan",
    "tanh",
]
