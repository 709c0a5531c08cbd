"""Why a gradient is zero, tiny or not finite: the place where it happens, in words.

Follows which entries change at all, step by step, and finds where that ends. Knows a few ops by
name, for better words; any other op is still found and named.
"""

from __future__ import annotations

import numpy as np

from misstep.explain.evaluation import Evaluation
from misstep.explain.formulas import Formulas, Index, narrowed
from misstep.explain.local_derivatives import LocalDerivatives
from misstep.explain.naming import MOVING
from misstep.ir import Array, Value
from misstep.text.counts import counted
from misstep.text.figures import figure

# A sigmoid whose slope is below this is called saturated: a fortieth of its largest slope, ¼.
SATURATED = 0.00625
MOST_REASONS = 4
SATURATING = {"sigmoid", "tanh"}


class Reasons:
    """Finds reasons along one evaluation."""

    def __init__(
        self, evaluation: Evaluation, derivatives: LocalDerivatives, formulas: Formulas
    ) -> None:
        self.evaluation = evaluation
        self.derivatives = derivatives
        self.formulas = formulas

    def tell(self, value: Value, index: Index) -> str:
        """Return an entry as text: its name, or its formula."""
        return self.formulas.entry(value, index).names()

    def for_zero(self, start: Index, everywhere: bool = False) -> list[str]:
        """Return why the derivative of the loss by entry `start` is zero.

        `everywhere`: it is for all entries, so that the reasons are to be those of all.
        """
        evaluation = self.evaluation
        own, loss = self.tell(evaluation.wrt, start), self.tell(evaluation.loss, ())
        if not evaluation.active:
            return [self._no_way(own, loss)]
        reached = np.zeros(evaluation.wrt.shape, bool)
        reached[start] = True
        if everywhere:
            reached[...] = True
        reach: dict[Value, Array] = {evaluation.wrt: reached}
        reasons: list[str] = []
        random = np.random.default_rng(0)
        for value in evaluation.active[1:]:
            changed = np.zeros(value.shape, bool)
            stopped: list[int] = []
            for slot, operand in enumerate(value.inputs):
                mask = reach.get(operand)
                if mask is None or not mask.any():
                    continue
                # Random sizes, so that nothing cancels by chance.
                change = np.where(mask, random.uniform(0.5, 1.5, mask.shape), 0.0)
                result = self.derivatives.jvp(value, slot, change)
                if result is not None and result.any():
                    changed |= result != 0
                else:
                    stopped.append(slot)
            if stopped and not changed.any():
                reasons += [self._stop(value, slot, reach[value.inputs[slot]]) for slot in stopped]
            reach[value] = changed
        if reach[evaluation.loss].any():
            return [
                f"∂{loss}/∂{own} is 0 although there are paths: the blame that comes along them "
                "cancels out, or each stops at an entry that the loss doesn't answer to."
            ]
        reasons = list(dict.fromkeys(reasons))
        subject = f"∂{loss}/∂{own} is 0"
        if everywhere:
            subject = f"All slopes of {self.formulas.label(evaluation.wrt)} are 0"
        head = f"{subject} because every path has a factor 0:"
        more = len(reasons) - MOST_REASONS
        rest = [f"… and {more} more"] if more > 0 else []
        return [head, *(f"  {reason}" for reason in [*reasons[:MOST_REASONS], *rest])]

    def _no_way(self, own: str, loss: str) -> str:
        wrt = self.evaluation.wrt
        if all(value is not wrt for value in self.evaluation.graph.values):
            return f"There is no path from {own} to {loss}: {loss} isn't computed from it."
        cut = [
            value.op.name.replace("_", " ")
            for value in self.evaluation.graph.computed
            if value.op is not None and any(operand is wrt for operand in value.inputs)
        ]
        return (
            f"There is no path from {own} to {loss} along which blame can flow: it is used only "
            f"where no slope comes out ({', '.join(dict.fromkeys(cut))} and what follows)."
        )

    def _stop(self, value: Value, slot: int, mask: Array) -> str:
        """Return why nothing comes out of `value` when its input `slot` moves."""
        op = value.op
        assert op is not None
        operand = value.inputs[slot]
        indices = np.argwhere(mask)
        index: Index = tuple(int(at) for at in indices[0])
        number = figure(self.formulas.figure(operand, index))
        what = self.tell(operand, index)
        own = f"{what} = {number}" if what != number else what
        several = f" (and so for all {len(indices)} entries on the way)" if len(indices) > 1 else ""
        if op.name == "relu":
            return f"the ReLU of {own} is off: below 0 (and at 0) its slope is 0{several}."
        if op.name in SATURATING or op.name in {"softmax", "exp", "softplus", "erf"}:
            flat = f"the {op.name} of {own} is saturated"
            return f"{flat}: its slope there is 0 as far as float64 can tell{several}."
        if op.name in {"multiply", "matrix_product"}:
            other = value.inputs[1 - slot]
            name = self.formulas.whole(other).names() if not other.is_literal else "its factor"
            off = ""
            if self._is_relu(other):
                off = ", its ReLUs being off: units that are dead in these rows"
            return f"{what} is multiplied by zero ({name} is 0 there{off}){several}."
        if op.name == "where":
            return f"{what} isn't taken: the condition chooses the other side{several}."
        if op.name in {"maximum", "minimum", "max"}:
            word = "smaller" if op.name == "minimum" else "larger"
            return f"{own} isn't the {word} one, so it is left out{several}."
        if op.name in {"slice", "gather", "take_along_axis"}:
            return f"{what} isn't among the entries that are taken{several}."
        if op.name == "abs":
            return f"the slope of |{what}| at 0 is taken to be 0{several}."
        return f"{op.name.replace('_', ' ')} doesn't answer to {own}{several}."

    def _is_relu(self, value: Value) -> bool:
        """Tell whether a value is what a ReLU gives, perhaps moved."""
        while value.op is not None and value.op.name in MOVING:
            value = value.inputs[0]
        return value.op is not None and value.op.name == "relu"

    def for_saturation(self, steps: list[tuple[Value, int, Index]]) -> list[str]:
        """Return remarks on activations along a path whose slope is tiny.

        `steps`: an assignment, the slot of an operand in it, and the entry of the result.
        """
        remarks = []
        for value, slot, index in steps:
            if value.op is None or value.op.name not in SATURATING:
                continue
            local = self.derivatives.elementwise(value, slot)
            if local is not None and 0 < abs(local[index]) < SATURATED:
                argument = value.inputs[slot]
                number = figure(self.formulas.figure(argument, index))
                remarks.append(
                    f"The {value.op.name} of {self.tell(argument, index)} = {number} is saturated: "
                    f"its slope is only {figure(float(local[index]))}, so little blame passes."
                )
        return list(dict.fromkeys(remarks))

    def for_not_finite(self) -> list[str]:
        """Return where the first NaN or infinity arises, on the way forward or back."""
        numbers = self.evaluation.numbers
        for value in self.evaluation.graph.values:
            array = numbers[value]
            if not value.type.is_float or np.isfinite(array).all():
                continue
            index: Index = tuple(int(at) for at in np.argwhere(~np.isfinite(array))[0])
            bad = figure(float(array[index]))
            count = int((~np.isfinite(array)).sum())
            several = f", the first of {counted(count, 'such entry', 'such entries')}"
            several = several if count > 1 else ""
            if value.op is None:
                what = self.tell(value, index)
                return [f"{what} is {bad} to begin with{several}."]
            formula = self.formulas.formula(value, index)
            name = self.formulas.named(value, index)
            head = f"{name} = {formula.names()}" if name else formula.names()
            where = f" (made at {value.location})" if value.location else ""
            return [
                f"The first number that isn't finite: {head} = {formula.numbers()} = {bad}"
                f"{several}{where}."
            ]
        return self._not_finite_backward()

    def _not_finite_backward(self) -> list[str]:
        for value in reversed(self.evaluation.active):
            for slot, operand in enumerate(value.inputs):
                local = self.derivatives.elementwise(value, slot)
                if local is None or np.isfinite(local).all():
                    continue
                index: Index = tuple(int(at) for at in np.argwhere(~np.isfinite(local))[0])
                result = _label(self.formulas, value, index)
                op = value.op.name.replace("_", " ") if value.op is not None else ""
                operands = ", ".join(
                    f"{self.tell(each, narrowed(index, each))} = "
                    f"{figure(self.formulas.figure(each, narrowed(index, each)))}"
                    for each in value.inputs
                    if each is operand or not each.is_literal
                )
                return [
                    f"All numbers forward are finite, but the slope of {result} ({op}) at "
                    f"{operands} is {figure(float(local[index]))}."
                ]
        return ["A number on the way back isn't finite."]


def _label(formulas: Formulas, value: Value, index: Index) -> str:
    """Return the name or the formula of an entry."""
    return formulas.named(value, index) or formulas.formula(value, index).names()
