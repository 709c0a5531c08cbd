"""The error function, erf(x) = 2/√π ∫₀ˣ e^(−t²) dt.

One polynomial reaches to 1; from there on ln(1 − erf) is smooth enough for another, and matters
less the farther out.
"""

from __future__ import annotations

from misstep.compiler.language.code import Code, Number
from misstep.compiler.language.vector_math import powers_of_e
from misstep.compiler.language.vector_math.evaluation import at_most, polynomial
from misstep.compiler.language.vector_math.exponentials import exp_of_double

# erf(x) / x − 1 in terms of x², 0 ≤ x ≤ 1; relative error of erf: 2^−29.6.
NEAR_SHORT = (
    0.128379165726872,
    -0.37612625824816276,
    0.11283585153369902,
    -0.026853812085788287,
    0.005188327878799885,
    -0.0008010194522548241,
    7.853861868366878e-05,
)
# ln(1 − erf(x)) in terms of x − 1.5, 1 ≤ x ≤ 3.93; relative error of erf: 2^−25.9.
FAR_SHORT = (
    -3.3844916968310867,
    -3.508801809040588,
    -0.8926651044022466,
    -0.025846133234133446,
    0.006152680863997273,
    -0.0011572063368863815,
)
# erf(x) / x − 1 in terms of x², 0 ≤ x ≤ 1; relative error of erf: 2^−56.3.
NEAR = (
    0.1283791670955126,
    -0.3761263890318375,
    0.11283791670954857,
    -0.026866170645072896,
    0.005223977624780882,
    -0.0008548326978742865,
    0.00012055331036915008,
    -1.4925593507058626e-05,
    1.6460972816777951e-06,
    -1.6350025192426865e-07,
    1.4657879478290919e-08,
    -1.136566402561067e-09,
    5.945257717615258e-11,
)
# ln(1 − erf(x)) in terms of x − 1.5, 1 ≤ x ≤ 5.95; relative error of erf: 2^−55.6.
FAR = (
    -3.3844920895515527,
    -3.5088008017795245,
    -0.892640330615005,
    -0.02582414063380446,
    0.006006746385273567,
    -0.0012572166840748027,
    0.00021596331886677004,
    -2.2473714761151612e-05,
    -2.6469010911035666e-06,
    2.3709919961143393e-06,
    -8.186761474449856e-07,
    1.9217468668840478e-07,
    -2.7609449650604485e-08,
    -7.769264758973042e-10,
    1.804890971956764e-09,
    -5.34520434116838e-10,
    7.881842563812916e-11,
    -4.928765309465131e-12,
)
NEAR_END, FAR_CENTER = 1.0, 1.5
# Further out erf rounds to 1, and so do the polynomials here.
FLOAT_END, DOUBLE_END = 3.93, 5.95


def erf(code: Code, x: Number) -> Number:
    """Return the error function of x."""
    size = code.absolute(x)
    if x.llvm_type == "double":
        return code.copy_sign(_erf_of_positive(code, size), x)
    return code.copy_sign(_erf_of_positive_float(code, size), x)


def _erf_of_positive_float(code: Code, x: Number) -> Number:
    near = code.fma(x, polynomial(code, code.multiply(x, x), NEAR_SHORT), x)
    beyond = code.subtract(at_most(code, x, FLOAT_END), code.like(FAR_CENTER, x))
    rest = powers_of_e.power(code, polynomial(code, beyond, FAR_SHORT))
    far = code.subtract(code.like(1.0, x), rest)
    return code.select(code.less(x, code.like(NEAR_END, x)), near, far)


def _erf_of_positive(code: Code, x: Number) -> Number:
    square = code.multiply(x, x)
    near = code.fma(x, polynomial(code, square, NEAR), x)
    beyond = code.subtract(at_most(code, x, DOUBLE_END), code.like(FAR_CENTER, x))
    rest = exp_of_double(code, polynomial(code, beyond, FAR))
    far = code.subtract(code.like(1.0, x), rest)
    return code.select(code.less(x, code.like(NEAR_END, x)), near, far)
