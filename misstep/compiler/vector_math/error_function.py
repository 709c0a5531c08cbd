"""The error function, erf(x) = 2/√π ∫₀ˣ e^(−t²) dt.

For floats one polynomial reaches to where erf rounds to 1. For doubles one reaches to 1.25; from
there on ln(1 − erf) is smooth enough for another, and matters less the farther out.
"""

from __future__ import annotations

from misstep.compiler.code import Code, Number
from misstep.compiler.vector_math.evaluation import at_most, long_polynomial, polynomial
from misstep.compiler.vector_math.exponentials import exp_of_double

# erf(x) / x in terms of x², 0 ≤ x ≤ 3.93; relative error: 2^−29.9.
SHORT = (
    1.128379165938658,
    -0.3761263450790488,
    0.11283763083917422,
    -0.02686541679065306,
    0.005222909243325259,
    -0.0008538957109751902,
    0.00012000034598268559,
    -1.4693665379499607e-05,
    1.5743416441544065e-06,
    -1.4675067342049237e-07,
    1.172101759205448e-08,
    -7.840817710228648e-10,
    4.268651348943758e-11,
    -1.8259634734709494e-12,
    5.862960677788962e-14,
    -1.3211105577536978e-15,
    1.8550867954211745e-17,
    -1.2177582111748211e-19,
)
# erf(x) / x − 1 in terms of x², 0 ≤ x ≤ 1.25; relative error of erf: 2^−55.2.
NEAR = (
    0.1283791670955126,
    -0.37612638903183726,
    0.11283791670954088,
    -0.02686617064496401,
    0.005223977624030362,
    -0.0008548326951820555,
    0.0001205533061957872,
    -1.4925597292221549e-05,
    1.646128002123086e-06,
    -1.6356550395433497e-07,
    1.4733917738379857e-08,
    -1.188811258801674e-09,
    7.936805192173506e-11,
    -3.2618801148828516e-12,
)
# ln(1 − erf(x)) in terms of x − 1.5, 1.25 ≤ x ≤ 5.95; relative error of erf: 2^−55.2.
FAR = (
    -3.3844920895515522,
    -3.5088008017795196,
    -0.8926403306151316,
    -0.025824140634529192,
    0.006006746391349606,
    -0.0012572166672869564,
    0.00021596319515091746,
    -2.2473726845134156e-05,
    -2.645933192197956e-06,
    2.369292204224111e-06,
    -8.188595828246394e-07,
    1.9619478968369367e-07,
    -3.352993644320482e-08,
    3.6918845145034913e-09,
    -1.9510409322586506e-10,
)
NEAR_END, FAR_CENTER = 1.25, 1.5
# Further out erf rounds to 1, and so do the polynomials here.
FLOAT_END, DOUBLE_END = 3.93, 5.95


def erf(code: Code, x: Number) -> Number:
    """Return the error function of x."""
    size = code.absolute(x)
    if x.kind == "double":
        return code.copy_sign(_erf_of_positive(code, size), x)
    wide = code.convert(at_most(code, size, FLOAT_END), "double")
    made = code.multiply(wide, long_polynomial(code, code.multiply(wide, wide), SHORT))
    return code.copy_sign(code.convert(made, "float"), x)


def _erf_of_positive(code: Code, x: Number) -> Number:
    square = code.multiply(x, x)
    near = code.fma(x, polynomial(code, square, NEAR), x)
    beyond = code.subtract(at_most(code, x, DOUBLE_END), code.like(FAR_CENTER, x))
    rest = exp_of_double(code, polynomial(code, beyond, FAR))
    far = code.subtract(code.like(1.0, x), rest)
    return code.select(code.less(x, code.like(NEAR_END, x)), near, far)
