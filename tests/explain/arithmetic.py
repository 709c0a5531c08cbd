"""Formulas as they are printed, computed: what says it equals a number has to."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np

from misstep.explain import Explanation
from misstep.text.figures import in_full

SIGNS = {"·": "*", "−": "-", "²": "**2", "³": "**3", "^(": "**(", "√π": "root_pi", "√(": "sqrt("}


def largest(*numbers: float) -> float:
    return max(numbers)


KNOWN = {
    "exp": np.exp,
    "ln": np.log,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "erf": math.erf,
    "tan": math.tan,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": math.atan,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "arsinh": math.asinh,
    "arcosh": np.arccosh,
    "artanh": np.arctanh,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.rint,
    "trunc": np.trunc,
    "mod": np.mod,
    "fmod": np.fmod,
    "sqrt": np.sqrt,
    "max": largest,
    "min": lambda *numbers: min(numbers),
    "abs": abs,
    "root_pi": math.sqrt(math.pi),
    "σ": lambda x: 1 / (1 + np.exp(-x)),
}
UP = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


@contextmanager
def all_digits() -> Iterator[None]:
    """Write numbers in formulas with all their digits, so that formulas can be checked exactly."""
    with patch("misstep.explain.terms.figure", in_full):
        yield


def computed(formula: str) -> float | None:
    """Return what a formula with numbers comes to, or None if it isn't arithmetic."""
    text = re.sub(r"\[[\d,]+ more: ([^\]]*)\]", r"(\1)", formula)
    text = re.sub(r"×10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda power: f"e{power[1].translate(UP)}", text)
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    text = re.sub(r"\b(ln|sin|cos) (−?[\d.]+(e[−\d]+)?)", r"\1(\2)", text)
    for sign, python in SIGNS.items():
        text = text.replace(sign, python)
    if re.search(r"…|Σ|if|softmax|sign|∞|NaN|at ", text):
        return None
    with np.errstate(all="ignore"):
        return float(eval(text, {"__builtins__": {}}, KNOWN))


def assert_exact(one: Explanation, told: float = 0.0) -> int:
    """Assert that every formula of an explanation made with `all_digits` comes to its number.

    Returns how many local derivatives were computed. `told`: the part of them that must have been.
    """
    links = [link for path in one.paths for link in path.links]
    done = 0
    for step in one.forward:
        found = computed(step.with_numbers)
        assert found is None or math.isclose(found, step.number, rel_tol=1e-9, abs_tol=1e-12), step
    for link in links:
        assert link.formula is not None, link
        found = computed(link.with_numbers or "")
        if found is not None:
            done += 1
            assert math.isclose(found, link.number, rel_tol=1e-9, abs_tol=1e-12), link
    for path in one.paths:
        product = math.prod(link.number for link in path.links)
        assert math.isclose(product, path.product, rel_tol=1e-9, abs_tol=1e-300)
    added = sum(path.product for path in one.paths) + one.other_paths_sum
    scale = max([abs(one.gradient), *(abs(path.product) for path in one.paths)])
    assert abs(added - one.gradient) <= 1e-9 * scale
    assert one.difference.agrees
    assert done >= told * len(links), f"{done} of {len(links)}"
    return done
