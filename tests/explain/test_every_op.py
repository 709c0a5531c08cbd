"""Every op of the vocabulary can be explained, and what its formulas say is what it computes."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from misstep import ops as ms
from misstep.explain import explain
from misstep.ir import Value, make_parameter, registered_ops

SIGNS = {"·": "*", "−": "-", "²": "**2", "³": "**3", "^(": "**(", "√π": "root_pi", "√(": "sqrt("}
KNOWN = {
    "exp": math.exp,
    "ln": math.log,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "erf": math.erf,
    "sqrt": math.sqrt,
    "max": lambda *numbers: max(numbers),
    "min": lambda *numbers: min(numbers),
    "abs": abs,
    "root_pi": math.sqrt(math.pi),
    "σ": lambda x: 1 / (1 + math.exp(-x)),
}
UP = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def computed(formula: str) -> float | None:
    """Return what a formula with numbers comes to, or None if it isn't arithmetic."""
    text = re.sub(r"×10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda power: f"e{power[1].translate(UP)}", formula)
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    text = re.sub(r"\b(ln|sin|cos) (−?[\d.e]+)", r"\1(\2)", text)
    for sign, python in SIGNS.items():
        text = text.replace(sign, python)
    if re.search(r"…|Σ|if|softmax|sign|∞|NaN|at ", text):
        return None
    return float(eval(text, {"__builtins__": {}}, KNOWN))


def near(formula: str | None, number: float) -> bool:
    """Tell whether a formula comes to a number, as far as four decimals let it."""
    found = computed(formula) if formula else None
    return found is None or math.isclose(found, number, rel_tol=0.02, abs_tol=5e-3)


def balanced(latex: str) -> bool:
    depth = 0
    for sign in re.sub(r"\\[{}]", "", latex):
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            return False
    return depth == 0


@pytest.mark.parametrize("name", registered_ops())
def test_an_op_can_be_explained(name: str) -> None:
    random = np.random.default_rng(0)
    kind = registered_ops()[name]
    for _ in range(3):
        for op, arrays in kind.examples(random):
            leaves = [
                make_parameter(array, f"v{place}", np.asarray(array).dtype.name)
                for place, array in enumerate(arrays)
            ]
            out = op(*leaves).named("out")
            if not out.type.is_float or not out.size:
                continue
            loss = ms.sum(out * random.uniform(1, 2, out.shape)).named("loss")
            for leaf in leaves:
                if leaf.type.is_float and leaf.size:
                    check(loss, leaf)


def check(loss: Value, leaf: Value) -> None:
    one = explain(loss, leaf)
    text, latex = one.text(), one.latex()
    assert not re.search(r"[{}]", text)
    assert one.difference.agrees, text
    assert latex.isascii(), latex
    assert balanced(latex), latex
    added = sum(path.product for path in one.paths) + one.other_paths_sum
    assert math.isclose(added, one.gradient, rel_tol=1e-9, abs_tol=1e-12)
    for step in one.forward:
        assert near(step.with_numbers, step.number), text
    for path in one.paths:
        for link in path.links:
            assert near(link.with_numbers, link.number), text
            if link.factors:
                product = math.prod(factor.number for factor in link.factors)
                assert math.isclose(product, link.number, rel_tol=1e-9), text
    if one.gradient == 0:
        assert one.remarks


@pytest.mark.parametrize("name", registered_ops())
def test_an_op_can_be_explained_inside_an_unnamed_formula(name: str) -> None:
    random = np.random.default_rng(1)
    for op, arrays in registered_ops()[name].examples(random):
        leaves = [
            make_parameter(array, f"v{place}", np.asarray(array).dtype.name)
            for place, array in enumerate(arrays)
        ]
        moved = [leaf * 1.25 - 0.0 if leaf.type.is_float else leaf for leaf in leaves]
        out = op(*moved)
        if not out.type.is_float or not out.size:
            continue
        loss = ms.mean((out - 0.5) * out).named("loss")
        for leaf in leaves:
            if leaf.type.is_float and leaf.size:
                check(loss, leaf)
