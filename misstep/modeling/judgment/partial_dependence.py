"""What a model says as one input goes through its values, all else of each row as it is.

The mean over rows is the partial dependence (Friedman, "Greedy function approximation", 2001), the
curves of single rows are individual conditional expectations (Goldstein and others, 2015): where
they do not run alike, the input acts together with others. It says what the model does, not what
the world would do; and rows may come to be that nobody ever saw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.data import Sweep, TaskType
from misstep.ir import Array
from misstep.modeling.held_out import HeldOut
from misstep.modeling.judgment.copies import outputs_of_copies, work_of_row
from misstep.modeling.judgment.importance import Importance, drawn_positions
from misstep.modeling.model import Model

__all__ = ["PartialDependence", "partial_dependence_of", "partial_dependences_of"]

# Values that an input goes through, rows that each is set in, and rows whose own curves are kept.
POINTS, MOST_ROWS, FEWEST_ROWS, CURVES = 20, 200, 20, 24
# Multiply-adds that one input may cost.
WORK = 2_000_000_000
# Inputs whose curves are told of importance: the first ones.
INPUTS = 3
LEVELS = (0.1, 0.9)


@dataclass(frozen=True)
class PartialDependence:
    """What a model says at each value of an input.

    `kind`: number, category or date; `values`, `numbers`, `counts`: as in `Sweep`. `subjects`: what
    is said of: the predicted number, the second of two classes, or each of several. `mean`, `low`,
    `high`: (subjects, values) the mean over rows, and between which eight rows of ten lie; `unit`:
    of these: the target's, or "probability". `curves`: (subjects, rows, values) of some rows, by
    `rows_of_curves`, positions in the held-out rows. `rows`: how many were looked at, of `of`.
    """

    name: str
    kind: str
    values: tuple[Any, ...]
    numbers: tuple[float, ...]
    counts: tuple[int, ...]
    unit: str
    subjects: tuple[str, ...]
    mean: Array
    low: Array
    high: Array
    curves: Array
    rows_of_curves: Array
    rows: int
    of: int

    @property
    def reach(self) -> Array:
        """Return by how much the mean goes up and down, (subjects,)."""
        return np.asarray(np.ptp(self.mean, axis=1))

    def plain(self) -> dict[str, Any]:
        """Return all but the single curves as plain JSON."""
        return {
            "name": self.name,
            "kind": self.kind,
            "values": list(self.values),
            "counts": list(self.counts),
            "unit": self.unit,
            "subjects": list(self.subjects),
            "mean": self.mean.tolist(),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "rows": self.rows,
            "of": self.of,
        }


def partial_dependences_of(
    model: Model, held_out: HeldOut, importance: Importance, *, most: int = INPUTS
) -> tuple[PartialDependence, ...]:
    """Return what the model says as each of the most important inputs goes through its values.

    importance: of the inputs, as `importances_of` gives it first; at most `most` of them, those
    whose loss matters at all. Inputs without values of their own, such as texts, are left out.
    """
    found: list[PartialDependence] = []
    for one in importance.inputs:
        if len(found) == most or one.loss <= 0:
            break
        dependence = partial_dependence_of(model, held_out, one.number)
        if dependence is not None:
            found.append(dependence)
    return tuple(found)


def partial_dependence_of(
    model: Model, held_out: HeldOut, number: int, *, points: int = POINTS
) -> PartialDependence | None:
    """Return what the model says as input `number` goes through its values.

    number: as in `InputImportance.number`. None where the input has no values that could be gone
    through, or a single one.
    """
    if not len(held_out):
        return None
    sweep = model.preprocessing.sweep(number, held_out.data, held_out.x, points)
    if sweep is None:
        return None
    budget = WORK // (work_of_row(model) * len(sweep.values))
    at = drawn_positions(len(held_out), max(FEWEST_ROWS, min(MOST_ROWS, budget)))
    changed = outputs_of_copies(model, held_out.x[at], _changes(sweep), len(held_out))
    said = np.array([_shown(model, each) for each in changed])
    curves = np.moveaxis(said, 0, -1)  # (subjects, rows, values)
    low, high = np.quantile(curves, LEVELS, axis=1)
    kept = _spread_curves(curves)
    return PartialDependence(
        sweep.name,
        sweep.kind,
        sweep.values,
        sweep.numbers,
        sweep.counts,
        model.target.name if model.target.is_number else "probability",
        _subjects(model),
        curves.mean(axis=1),
        low,
        high,
        curves[:, kept],
        at[kept],
        len(at),
        len(held_out),
    )


def _changes(sweep: Sweep) -> Iterator[Callable[[Array], object]]:
    for block in sweep.blocks:
        yield _set(sweep.features, block)


def _set(features: Array, block: Array) -> Callable[[Array], object]:
    def change(rows: Array) -> None:
        rows[:, features] = block

    return change


def _shown(model: Model, outputs: Array) -> Array:
    """Return what is shown of outputs, (subjects, rows)."""
    target = model.target
    if target.is_number:
        return np.asarray(target.decode_outputs(outputs.reshape(-1)), np.float64)[None]
    if target.task is TaskType.BINARY:
        return outputs[:, 1].astype(np.float64)[None]
    return outputs.astype(np.float64).T


def _subjects(model: Model) -> tuple[str, ...]:
    target = model.target
    if target.is_number:
        return (target.name,)
    names = tuple(map(str, target.classes))
    return names[1:] if target.task is TaskType.BINARY else names


def _spread_curves(curves: Array) -> Array:
    """Return which rows' curves are kept: evenly, by where they lie in the mean."""
    levels = curves[0].mean(axis=1)
    order = np.argsort(levels, kind="stable")
    places = np.linspace(0, len(order) - 1, min(CURVES, len(order))).round().astype(np.int64)
    return np.sort(order[np.unique(places)])
