"""Pass: powers that are something simpler.

Not bound to the bits of `np.power`, whose general way may be wrong in the last place, and which
takes these same short cuts from NumPy 2.4 on. Each short cut is the true power, rounded once,
with two exceptions that NumPy shares: √−∞ is NaN (the power ½ of −∞ is ∞) and √−0 is −0.
"""

from __future__ import annotations

from misstep.compiler.passes.facts import number_of
from misstep.compiler.passes.rewriting import Rewriting
from misstep.compiler.passes.rules import Rules
from misstep.ir import Graph, Value, make_input
from misstep.ops.arithmetic import Divide, Multiply, Power
from misstep.ops.functions import Sqrt

powers = Rules("powers", "powers become products, roots and quotients", exact=False)


@powers.on(Power)
def known_exponent(here: Rewriting, value: Value) -> Value | None:
    """x⁰ = 1 (of NaN as well), x¹ = x, x² = x · x, x^½ = √x, x⁻¹ = 1 / x."""
    x, exponent = value.inputs
    number = number_of(exponent)
    if number is None:
        return None
    match float(number):
        case 0.0:
            result = here.number(1.0, x)
        case 1.0:
            result = x
        case 2.0:
            result = here.make(Multiply(), x, x)
        case 0.5:
            result = here.make(Sqrt(), x)
        case -1.0:
            result = here.make(Divide(), here.number(1.0, x), x)
        case _:
            return None
    return here.broadcast(result, value.shape)


@powers.example
def _() -> Graph:
    x = make_input("x", (3,))
    return Graph([x**0, x**1, x**2, x**0.5, x**-1])
