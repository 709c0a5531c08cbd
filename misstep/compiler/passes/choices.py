"""Pass: choices that are made already, questions asked twice, conversions there and back.

`where`, truth values and casts. Bits stay: what is chosen is what was chosen before.
"""

from __future__ import annotations

from misstep.compiler.passes.facts import number_of, same_number
from misstep.compiler.passes.rewriting import Rewriting
from misstep.compiler.passes.rules import Rules
from misstep.ir import FLOATS, Graph, Value, make_input, make_literal
from misstep.ops import cast, logical_and, logical_not, logical_or, where
from misstep.ops.comparison import And, Cast, Not, Or, Where

choices = Rules("choices", "choices and conversions that change nothing are left out")

# Dtypes that hold every number of another one.
HELD_BY = {
    "bool": ("uint32", "int32", "int64", "float32", "float64"),
    "uint32": ("int64", "float64"),
    "int32": ("int64", "float64"),
    "float32": ("float64",),
}


@choices.on(Where)
def made_already(here: Rewriting, value: Value) -> Value | None:
    """Take the branch of a literal condition, or what both branches are."""
    condition, a, b = value.inputs
    known = number_of(condition)
    if known is not None:
        return here.broadcast(a if known else b, value.shape)
    if a is b or same_number(a, b):
        return here.broadcast(a if a.ndim <= b.ndim else b, value.shape)
    return None


@choices.on(Where)
def turned_around(here: Rewriting, value: Value) -> Value | None:
    """Where not c: a, else b = where c: b, else a."""
    condition, a, b = value.inputs
    if not isinstance(condition.op, Not):
        return None
    return here.make(Where(), condition.inputs[0], b, a)


@choices.on(Where)
def asked_twice(here: Rewriting, value: Value) -> Value | None:
    """Where c: (where c: a, else b), else d = where c: a, else d; so with the other branch."""
    condition, a, b = value.inputs
    inner_a, inner_b = _branch(a, condition, 1), _branch(b, condition, 2)
    if inner_a is a and inner_b is b:
        return None
    return here.broadcast(here.make(Where(), condition, inner_a, inner_b), value.shape)


def _branch(value: Value, condition: Value, index: int) -> Value:
    while isinstance(value.op, Where) and value.inputs[0] is condition:
        value = value.inputs[index]
    return value


@choices.on(Where)
def truth_itself(here: Rewriting, value: Value) -> Value | None:
    """Where c: true, else false = c."""
    condition, a, b = value.inputs
    if value.dtype != "bool":
        return None
    yes, no = number_of(a), number_of(b)
    if yes is None or no is None or yes == no:
        return None
    return here.broadcast(condition if yes else here.make(Not(), condition), value.shape)


@choices.on(Not)
def not_not(here: Rewriting, value: Value) -> Value | None:
    """¬¬x = x."""
    (x,) = value.inputs
    return x.inputs[0] if isinstance(x.op, Not) else None


@choices.on(And, Or)
def known_part(here: Rewriting, value: Value) -> Value | None:
    """x ∧ true = x, x ∧ false = false, x ∧ x = x; so with ∨."""
    deciding = isinstance(value.op, Or)
    if value.inputs[0] is value.inputs[1]:
        return value.inputs[0]
    for x, other in (value.inputs, value.inputs[::-1]):
        known = number_of(other)
        if known is not None:
            return here.broadcast(other if bool(known) == deciding else x, value.shape)
    return None


@choices.on(Cast)
def cast_of_cast(here: Rewriting, value: Value) -> Value | None:
    """Convert once when the dtype in between holds every number, or not at all."""
    assert isinstance(value.op, Cast)
    (x,) = value.inputs
    if x.dtype == value.dtype:
        return x
    if not isinstance(x.op, Cast):
        return None
    (source,) = x.inputs
    if x.dtype not in HELD_BY.get(source.dtype, ()):
        return None
    if source.dtype == value.dtype:
        return source
    # Whole numbers out of range have no one answer: a processor's differ by the dtype they are
    # from.
    return here.make(value.op, source) if value.dtype in (*FLOATS, "bool") else None


@choices.example
def _() -> Graph:
    x, y = make_input("x", (3,)), make_input("y", (2, 1))
    yes = make_literal(True)
    c, d = x < 0.5, y < x
    return Graph(
        {
            "known": where(yes, x, y),
            "same": where(c, y, y),
            "not": where(logical_not(d), x, y),
            "twice": where(c, where(c, x, 2.0), where(c, 1.0, y)),
        }
    )


@choices.example
def _() -> Graph:
    x = make_input("x", (3,))
    c, yes, no = x < 0.5, make_literal(True), make_literal(False)
    return Graph(
        {
            "and": logical_and(logical_and(c, yes), logical_and(c, c)),
            "or": logical_or(no, logical_or(c, logical_not(logical_not(c)))),
            "itself": where(c, yes, no),
        }
    )


@choices.example
def _() -> Graph:
    x, n = make_input("x", (3,)), make_input("n", (3,), "int32")
    return Graph(cast(cast(x, "float64"), "float32") + cast(cast(n, "int64"), "float32"))
