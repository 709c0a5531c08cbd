"""How an optimizer gets from a gradient to a new weight, written out with the numbers of one entry.

The optimizer's own rule is asked, as a graph of single numbers, whichever it is. Knows optimizers
and Values; no network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.errors import MisstepError
from misstep.explain import explain
from misstep.explain.mathml import formula_in_mathml
from misstep.ir import Value, make_literal, make_parameter
from misstep.optim import Optimizer, StepContext
from misstep.text.figures import figure

__all__ = ["OptimizerStep", "written_step"]


_WORD = re.compile(r"[^\W\d]\w*")
# Letters for what optimizers keep, and what it is; others go by their own names.
LETTERS = {
    "mean": ("m", "the gradients so far, averaged"),
    "squares": ("s", "the squares of gradients so far, averaged or added up"),
    "velocity": ("v", "the velocity"),
}
# What else stands in the formulas.
OTHERS = {
    "w": "the weight",
    "g": "its gradient, as the optimizer gets it",
    "η": "the learning rate",
    "t": "the number of this update",
}


@dataclass(frozen=True)
class OptimizerStep:
    """`lines`: computations {label, formula, with_numbers, number, mathml}, the new weight last.

    `legend`: {symbol, meaning} of what stands in them; ′ means afterwards. `new`: what comes of
    them in float64, which the training's own number is next to.
    """

    lines: list[dict[str, Any]]
    legend: list[dict[str, str]]
    new: float


def written_step(
    optimizer: Optimizer,
    weight: float,
    gradient: float,
    slots: Mapping[str, float],
    scalars: Mapping[str, float],
    update: int,
) -> OptimizerStep:
    """Return how one entry moves; `slots`, `scalars`: what the optimizer keeps, by name.

    `update`: how many were done before.
    """
    w, g = _parameter("w", weight), _parameter("g", gradient)
    kept = {name: _parameter(name, number) for name, number in slots.items()}
    single = {name: _literal(name, number) for name, number in scalars.items()}
    context = StepContext(_literal("t", update + 1.0), _literal("η", optimizer.learning_rate))
    new, after = optimizer.update(w, g, {**kept, **single}, context)
    letters = {name: LETTERS[name][0] if name in LETTERS else name for name in kept}
    names: dict[Value, str] = {w: "w", g: "g"}
    names |= {value: letters[name] for name, value in kept.items()}
    # A slot that becomes the gradient itself, or the weight, goes by that name.
    names |= {
        value: f"{letters.get(name, name)}′" for name, value in after.items() if value not in names
    }
    names[new] = "w′"
    lines: dict[str, dict[str, Any]] = {}
    for value in (*(after[name] for name in kept if name in after), new):
        for line in _lines(value, g, names):
            lines.setdefault(line["label"], line)
    # The new weight comes last, however it was met.
    ordered = [line for label, line in lines.items() if label != "w′"]
    ordered += [lines["w′"]] if "w′" in lines else []
    meanings = OTHERS | {LETTERS[name][0]: LETTERS[name][1] for name in kept if name in LETTERS}
    used = set(_WORD.findall(" ".join(line["formula"] for line in ordered)))
    legend = [
        {"symbol": symbol, "meaning": meaning}
        for symbol, meaning in meanings.items()
        if symbol in used
    ]
    return OptimizerStep(ordered, legend, float(np.asarray(new.numpy())))


def _lines(value: Value, gradient: Value, names: dict[Value, str]) -> list[dict[str, Any]]:
    try:
        computed = explain(value, gradient, names=names).forward
    except MisstepError:
        # A rule of a person's own may hold what has no slope; its numbers stand all the same.
        return []
    return [
        {
            "label": one.label,
            "formula": one.formula,
            "with_numbers": one.with_numbers,
            "number": one.number,
            "mathml": _mathml(one.label, one.formula, one.with_numbers, figure(one.number)),
        }
        for one in computed
    ]


def _mathml(*parts: str) -> str:
    """Return parts that are equal as `math` elements one behind the other, to be broken between."""
    told = [part for at, part in enumerate(parts) if at == 0 or part != parts[at - 1]]
    pieces = [told[0], *(f"= {part}" for part in told[1:])]
    return " ".join(
        f'<math displaystyle="true">{formula_in_mathml(piece, after=at > 0)}</math>'
        for at, piece in enumerate(pieces)
    )


def _parameter(name: str, number: float) -> Value:
    return make_parameter(np.asarray(number, "float64"), name=name)


def _literal(name: str, number: float) -> Value:
    return make_literal(np.asarray(number, "float64"), "float64").named(name)
