"""Pass: many entries divided by few numbers are multiplied by the reciprocals, computed once.

Changes bits: the result may differ from the rounded quotient by 1 in the last place. A division
costs a processor several products.

That holds up to |s| = 8e37 for float32. Beyond, 1 / s is subnormal, which is zero to programs, and
so is the result: 1e38 / 1e38 would be 0. Sums of weights, batch sizes, norms and corrections of
moments are far from there. For s = 0 (and subnormal ones, which are zeros), ±inf and NaN the
answers are those of the division.
"""

from __future__ import annotations

from collections import Counter

from misstep.compiler.passes.rewriting import Rewriting
from misstep.compiler.passes.rules import Pass
from misstep.ir import Graph, Value, make_input, make_literal
from misstep.ops.arithmetic import Divide, Multiply

# A division costs as much as some ten products on current x86-64 and AArch64 processors (vector
# divisions take 8 to 16 cycles, products ½ to 1), so from here on one is always worth it.
ENTRIES_PER_DIVISION = 16


class DivideByUniform(Pass):
    """Counts the entries that are divided by each value, in all the program, and then decides.

    So it makes no difference whether the parameters are updated all at once or one by one.
    """

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with products by reciprocals."""
        entries: Counter[Value] = Counter()
        for value in graph.values:
            if isinstance(value.op, Divide):
                entries[value.inputs[1]] += value.size
        few = {s for s, count in entries.items() if count >= ENTRIES_PER_DIVISION * max(s.size, 1)}
        if not few:
            return graph
        here = Rewriting(graph)
        reciprocals: dict[Value, Value] = {}
        for value in graph.values:
            here.at(value)
            if isinstance(value.op, Divide) and value.inputs[1] in few:
                x, s = here.now(value.inputs[0]), here.now(value.inputs[1])
                if s not in reciprocals:
                    reciprocals[s] = here.make(Divide(), here.number(1.0, s), s)
                here.set(value, here.make(Multiply(), x, reciprocals[s], type_=value.type))
            else:
                here.set(value, here.copy(value))
        return here.result()


divide_by_uniform = DivideByUniform(
    "divide_by_uniform", "many divisions by one number become products", exact=False
)


@divide_by_uniform.example
def _() -> Graph:
    x, s = make_input("x", (4, 16)), make_input("s", (4, 1))
    return Graph(x / s)


@divide_by_uniform.example
def _() -> Graph:
    return Graph(make_input("x", (32,)) / make_literal(3.0, "float32"))
