"""Where a model errs most: the rows of the largest loss, with what it said and what was right.

Of a series, the forecasts that were farthest off, from origins that are not neighbors. Knows
held-out rows; why a row went wrong, `blame.py` says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.data import Dataset, Series, Target
from misstep.ir import Array
from misstep.modeling.forecast import BackTest
from misstep.modeling.held_out import HeldOut
from misstep.modeling.judgment.confusion import ConfusedPair, confusion_of
from misstep.modeling.judgment.row_losses import row_losses
from misstep.modeling.model import Model

__all__ = ["ForecastMistake", "Mistake", "Mistakes", "mistakes_of", "worst_forecasts"]

# Mistakes that are looked at one by one, pairs of classes, and classes named of a row.
MOST, MOST_PAIRS, MOST_CLASSES = 6, 6, 5
# Answers are encoded in float32, which keeps them to this part of their size.
ROUNDING = 1.2e-7


@dataclass(frozen=True)
class Mistake:
    """A row that a model is wrong about.

    `position`: among the held-out rows; `name`: what the row is called; `data`: the row alone;
    `cells`: what stands in it by column, for tables. `loss`: of the row; `share`: of the sum of all
    losses. `answer`, `predicted`: labels, or numbers in the target's unit. `probabilities`: the
    likeliest classes and the right one, by label, the likeliest first; empty for numbers. `off`:
    predicted less true, for numbers; else None. `wrong`: whether a class was predicted wrongly;
    of numbers, always. `features`: (1, features), `truth`: (1,), as the network takes them.
    """

    position: int
    name: str
    data: Dataset
    cells: dict[str, Any]
    loss: float
    share: float
    answer: Any
    predicted: Any
    probabilities: dict[str, float]
    off: float | None
    wrong: bool
    features: Array
    truth: Array

    @property
    def probability(self) -> float | None:
        """Return the probability that was given to the right answer; None for numbers."""
        return self.probabilities.get(str(self.answer)) if self.probabilities else None


@dataclass(frozen=True)
class Mistakes:
    """The worst mistakes, the largest loss first.

    Of classes only rows that were predicted wrongly, if there are any; else the ones that it was
    least sure of. `wrong`: how many rows of `rows` were predicted wrongly; None for numbers.
    `pairs`: classes that were taken for another most often. `loss_name`: of the losses;
    `mean_loss`: of all rows. `left_out`: rows of which nothing finite was said.
    """

    worst: tuple[Mistake, ...]
    rows: int
    wrong: int | None
    pairs: tuple[ConfusedPair, ...]
    loss_name: str
    mean_loss: float
    left_out: int = 0

    def plain(self) -> dict[str, Any]:
        """Return all of it as plain JSON, without the rows themselves."""
        named = ("name", "loss", "share", "answer", "predicted", "probabilities", "off", "wrong")
        return {
            "rows": self.rows,
            "wrong": self.wrong,
            "pairs": [vars(each) for each in self.pairs],
            "loss_name": self.loss_name,
            "mean_loss": self.mean_loss,
            "left_out": self.left_out,
            "worst": [{name: getattr(each, name) for name in named} for each in self.worst],
        }


def mistakes_of(model: Model, held_out: HeldOut, *, most: int = MOST) -> Mistakes:
    """Return the worst mistakes on held-out rows, at most `most`."""
    target = model.target
    losses = row_losses(model, held_out.x, held_out.outputs, held_out.answers)
    finite = np.isfinite(held_out.outputs).all(axis=1) & np.isfinite(losses)
    positions = np.flatnonzero(finite)
    total = float(losses[positions].sum())
    wrong: int | None = None
    pairs: tuple[ConfusedPair, ...] = ()
    order = positions[np.argsort(-losses[positions], kind="stable")]
    if not target.is_number:
        predicted = held_out.outputs.argmax(axis=1) if len(held_out) else np.zeros(0, int)
        missed = predicted != held_out.answers
        wrong = int((missed & finite).sum())
        pairs = tuple(confusion_of(held_out, target).pairs(MOST_PAIRS))
        if wrong:
            order = order[missed[order]]
    worst = [_mistake(model, held_out, int(at), float(losses[at]), total) for at in order[:most]]
    mean = total / len(positions) if len(positions) else float("nan")
    count = len(positions)
    name = model.loss.name
    return Mistakes(tuple(worst), count, wrong, pairs, name, mean, len(held_out) - count)


def _mistake(model: Model, held_out: HeldOut, at: int, loss: float, total: float) -> Mistake:
    target = model.target
    outputs, truth = held_out.outputs[at : at + 1], held_out.answers[at : at + 1]
    row = held_out.data.take(np.array([at]))
    predicted = _plain(model.decide(outputs)[0])
    answer = _number(target, truth[0]) if target.is_number else _plain(target.decode(truth)[0])
    off = float(predicted) - float(answer) if target.is_number else None
    return Mistake(
        at,
        str(held_out.names[at]),
        row,
        {
            name: _plain(cell)
            for name, cell in model.preprocessing.named_cells(row, target.name).items()
        },
        loss,
        loss / total if total else 0.0,
        answer,
        predicted,
        {} if target.is_number else _probabilities(target.classes, outputs[0], int(truth[0])),
        off,
        target.is_number or predicted != answer,
        held_out.x[at : at + 1],
        truth,
    )


def _number(target: Target, answer: Any) -> float:
    """Return a number as it stood in the data, as far as float32 has kept it."""
    number = float(target.decode(np.array([answer]))[0])
    if target.logarithm is not None:
        return float(f"{number:.6g}")
    error = target.scale * max(1.0, abs(float(answer))) * ROUNDING
    return round(number, -math.floor(math.log10(error)) - 1)


def _probabilities(classes: Any, outputs: Array, truth: int) -> dict[str, float]:
    ranked = np.argsort(-outputs, kind="stable").tolist()
    shown = ranked[:MOST_CLASSES]
    if truth not in shown:
        shown[-1] = truth
    return {str(classes[at]): float(outputs[at]) for at in shown}


@dataclass(frozen=True)
class ForecastMistake:
    """A forecast that was far off.

    `origin`: the last row that was known, from 0; `date`: of it, or None. `error`: the mean
    absolute error over the steps that were measured. `predicted`, `truth`: (horizon,) in the
    target's unit; `known`: which truths were measured, (horizon,). `before`: the values up to the
    origin, (steps,), as many as `before_steps` asked for or there are.
    """

    origin: int
    date: str | None
    error: float
    predicted: Array
    truth: Array
    known: Array
    before: Array


def worst_forecasts(
    series: Series, back_test: BackTest, *, most: int = 3, before_steps: int | None = None
) -> tuple[ForecastMistake, ...]:
    """Return the forecasts that were farthest off, at most `most`, the worst first.

    Those of neighbors miss the same thing: between two origins lies at least a horizon.
    before_steps: how many values before each are given; by default twice the horizon.
    """
    horizon = back_test.truth.shape[1]
    steps = 2 * horizon if before_steps is None else before_steps
    misses = np.where(back_test.known, np.abs(back_test.predicted - back_test.truth), 0.0)
    counts = back_test.known.sum(axis=1)
    errors = misses.sum(axis=1) / np.maximum(counts, 1)
    found: list[ForecastMistake] = []
    for place in np.argsort(-errors, kind="stable").tolist():
        origin = int(back_test.origins[place])
        near = any(abs(origin - each.origin) < horizon for each in found)
        if near or not counts[place] or not np.isfinite(errors[place]):
            continue
        dates = series.local
        found.append(
            ForecastMistake(
                origin,
                None if dates is None else _date_words(dates[origin]),
                float(errors[place]),
                back_test.predicted[place],
                back_test.truth[place],
                back_test.known[place],
                series.target[max(0, origin + 1 - steps) : origin + 1],
            )
        )
        if len(found) == most:
            break
    return tuple(found)


def _date_words(date: np.datetime64) -> str:
    """Return a date, without a time where it is a midnight."""
    day = date.astype("datetime64[D]")
    return str(day if day == date else date.astype("datetime64[s]")).replace("T", " ")


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
