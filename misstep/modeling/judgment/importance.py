"""Which inputs a model goes by: how much worse it is where one of them says nothing any more.

A column of a table, a channel or a time of sequences is taken from other rows, drawn at random
(permutation importance: Breiman, "Random forests", 2001; of any model: Fisher, Rudin, Dominici,
2019); a region of an image becomes that of the average image; a word is taken out of the texts that
have it. What two inputs both say, either may lose at little cost: then both look unimportant.

Knows rows as they are encoded. How much is asked for is counted in work, never in time, so that the
same rows give the same numbers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.data import Inputs
from misstep.ir import Array
from misstep.modeling.held_out import HeldOut
from misstep.modeling.judgment.copies import outputs_of_copies, work_of_row
from misstep.modeling.judgment.row_losses import row_losses
from misstep.modeling.metrics import Metric, target_scores
from misstep.modeling.model import Model, TrainedModel

__all__ = ["Importance", "InputImportance", "importances_of", "main_metric"]

SEED = 0
# Multiply-adds and the like, as `work_of_row` counts them, that all inputs may cost together: a
# second at most on one thread of a processor that does 6 in a nanosecond where layers are narrow,
# and 20 or more where they are wide.
WORK = 6_000_000_000
# Rows and permutations: more change no figure that is shown; fewer say little. A region that is
# replaced is nothing drawn at random, and a map of all of them from few rows tells more than one
# that has holes.
MOST_ROWS, FEWEST_ROWS, FEWEST_REPLACED = 1_000, 100, 8
MOST_REPEATS, FEWEST_REPEATS = 5, 2
# Changed copies of all rows: measuring one costs a quarter of a millisecond however few rows it
# has, and nobody looks at hundreds of inputs.
MOST_COPIES = 1_000


@dataclass(frozen=True)
class InputImportance:
    """How much worse a model is without what one input says.

    `number`: which of the inputs it is. `loss`: by how much the mean loss rises; `loss_spread`:
    deviation of that over the permutations, 0 where nothing is drawn; `loss_error`: its standard
    error, by how it varies from row to row. `score`: by how much the score gets worse, in its own
    unit; `score_spread`: as of the loss. `rows`: on how many rows. Of words only, which
    a row has or has not: `having`, how many rows have it, and `moved`, what it adds to each
    probability, (classes,), or to the predicted number, (1,), in the mean. `place`: on a map.
    """

    name: str
    number: int
    loss: float
    loss_spread: float
    loss_error: float
    score: float
    score_spread: float
    rows: int
    having: int = 0
    moved: tuple[float, ...] = ()
    place: tuple[int, int] | None = None


@dataclass(frozen=True)
class Importance:
    """Inputs by how much worse the model is without them, the worst first.

    `noun`: what an input is called. `manner`: "permuted", "replaced" or "taken out"; `replacement`:
    by what it is replaced, in words. `loss_name`, `metric`: names of the loss and of the score.
    `loss`, `score`: on the rows as they are. `rows`: how many were looked at, of `of` there are;
    `repeats`: how many permutations, 1 where nothing is drawn. `left`: inputs that were not
    measured: those whose features move least with what the model says. `lines`, `columns`: headings
    of the map that the places of inputs are on. `about`: which column words are of.
    """

    noun: str
    manner: str
    loss_name: str
    metric: str
    loss: float
    score: float
    inputs: tuple[InputImportance, ...]
    rows: int
    of: int
    repeats: int
    left: int = 0
    replacement: str = ""
    lines: Sequence[str] = ()
    columns: Sequence[str] = ()
    about: str = ""

    def plain(self) -> dict[str, Any]:
        """Return all of it as plain JSON."""
        return {
            "noun": self.noun,
            "manner": self.manner,
            "loss_name": self.loss_name,
            "metric": self.metric,
            "loss": self.loss,
            "score": self.score,
            "rows": self.rows,
            "of": self.of,
            "repeats": self.repeats,
            "left": self.left,
            "inputs": [
                {name: value for name, value in vars(each).items() if name != "number"}
                for each in self.inputs
            ],
        }


def main_metric(model: Model) -> Metric:
    """Return the score that people go by first: the accuracy, or the RMSE."""
    return Metric.registry["rmse" if model.target.is_number else "accuracy"]


def importances_of(model: Model, held_out: HeldOut, *, work: int = WORK) -> tuple[Importance, ...]:
    """Return how important inputs are on held-out rows, in each way that they go together.

    One for tables and images; for sequences by channel and by time; nothing without a row, or where
    the model says what is no number. Words of texts are in `words.py`. `work`: about how many
    multiply-adds it may take.
    """
    if not len(held_out) or not np.isfinite(held_out.outputs).all():
        return ()
    baseline = None if model.training_rows is None else model.training_rows.baseline
    groups = model.preprocessing.inputs(baseline)
    return tuple(_importance(model, held_out, inputs, work // len(groups)) for inputs in groups)


def _importance(model: Model, held_out: HeldOut, inputs: Inputs, work: int) -> Importance:
    def measure(at: Array) -> Measure:
        return RowMeasure(model, held_out.x[at], held_out.outputs[at], held_out.answers[at])

    return importance_of(model, inputs, held_out.x, held_out.outputs, measure, work)


def importance_of(
    model: TrainedModel,
    inputs: Inputs,
    x: Array,
    outputs: Array,
    measure_of: Callable[[Array], Measure],
    work: int,
) -> Importance:
    """Return how important inputs are for rows x, (rows, features), of which `outputs` are said.

    `measure_of`: what is made of outputs of rows at these positions.
    """
    drawn, count = inputs.replaced is None, len(x)
    rows, repeats, most = _sizes(count, len(inputs), work // work_of_row(model), drawn)
    at = drawn_positions(count, rows)
    measure, some = measure_of(at), x[at]
    chosen = telling_inputs(inputs, some, outputs[at], most)
    orders = permutations(rows, repeats) if drawn else []

    def changes() -> Iterator[Callable[[Array], object]]:
        for number in chosen:
            features = inputs.features_of(number)
            if inputs.replaced is not None:
                yield _replace(features, inputs.replaced)
            for order in orders:
                yield _permute(features, order)

    changed = outputs_of_copies(model, some, changes(), count)
    found = []
    for number in chosen:
        copies = [next(changed) for _ in range(repeats)]
        place = inputs.places[number] if inputs.places else None
        found.append(measure.input(inputs.names[number], number, copies, place=place))
    return Importance(
        inputs.noun,
        "permuted" if drawn else "replaced",
        measure.loss_name,
        measure.metric.name,
        measure.loss,
        measure.score,
        in_order(found),
        rows,
        count,
        repeats,
        len(inputs) - len(chosen),
        inputs.replacement,
        inputs.lines,
        inputs.columns,
    )


class Measure(ABC):
    """By how much what a model says of rows is worse after a change of them.

    `outputs`: of the rows as they are; `metric`: the score; `loss_name`: of the losses of rows.
    """

    def __init__(self, outputs: Array, metric: Metric, loss_name: str) -> None:
        self.metric, self.loss_name = metric, loss_name
        self._losses = self.losses_of(outputs)
        self.loss = float(self._losses.mean())
        self.score = self.score_of(outputs)

    @abstractmethod
    def losses_of(self, outputs: Array) -> Array:
        """Return the loss of each row, (rows,), where the model says that."""

    @abstractmethod
    def score_of(self, outputs: Array) -> float:
        """Return the score where the model says that."""

    def input(
        self,
        name: str,
        number: int,
        copies: Sequence[Array],
        *,
        place: tuple[int, int] | None = None,
    ) -> InputImportance:
        """Return how important an input is; copies: outputs after each change of it."""
        losses = np.array([self.losses_of(each) for each in copies]) - self._losses
        scores = np.array([self.score_of(each) for each in copies]) - self.score
        if not self.metric.is_error:
            scores = -scores
        rises = losses.mean(axis=1)
        rows = losses.shape[1]
        error = losses.mean(axis=0).std(ddof=1) / np.sqrt(rows) if rows > 1 else 0.0
        spread = len(copies) > 1
        return InputImportance(
            name,
            number,
            float(rises.mean()),
            float(rises.std(ddof=1)) if spread else 0.0,
            float(error),
            float(scores.mean()),
            float(scores.std(ddof=1)) if spread else 0.0,
            rows,
            place=place,
        )


class RowMeasure(Measure):
    """The loss that was learned by, and the accuracy or the RMSE, of rows with an answer each."""

    def __init__(self, model: Model, x: Array, outputs: Array, answers: Array) -> None:
        self._model, self._x, self._answers = model, x, answers
        super().__init__(outputs, main_metric(model), model.loss.name)

    def losses_of(self, outputs: Array) -> Array:
        return row_losses(self._model, self._x, outputs, self._answers)

    def score_of(self, outputs: Array) -> float:
        return target_scores(outputs, self._answers, self._model.target)[self.metric.name]


def in_order(found: Sequence[InputImportance]) -> tuple[InputImportance, ...]:
    """Return inputs with the largest rise of the loss first."""
    return tuple(sorted(found, key=lambda each: (-each.loss, each.number)))


def drawn_positions(count: int, most: int) -> Array:
    """Return at most `most` of `count` rows, drawn at random, in their order; always the same."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(SEED).choice(count, most, replace=False))


def permutations(rows: int, repeats: int) -> list[Array]:
    """Return orders of rows, (rows,) each, always the same."""
    random = np.random.default_rng(SEED)
    return [random.permutation(rows) for _ in range(repeats)]


def telling_inputs(inputs: Inputs, x: Array, outputs: Array, most: int) -> list[int]:
    """Return at most `most` of the inputs: those whose features move most with the outputs.

    Measured by the largest correlation of one of their features with one of the outputs.
    """
    count = len(inputs)
    if count <= most:
        return list(range(count))
    strength = np.zeros(count)
    known = inputs.members >= 0
    sizes = np.abs(correlations(x, outputs)).max(axis=1)
    np.maximum.at(strength, inputs.members[known], sizes[known])
    return sorted(np.argsort(-strength, kind="stable")[:most].tolist())


def correlations(x: Array, outputs: Array) -> Array:
    """Return how features move with outputs, (features, outputs); 0 for what never moves."""
    features = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    said = outputs.astype(np.float64) - outputs.mean(axis=0, dtype=np.float64)
    # Without a product of matrices, whose sums may depend on threads.
    both = np.einsum("rf,ro->fo", features, said)
    sizes = np.sqrt((features**2).sum(axis=0))[:, None] * np.sqrt((said**2).sum(axis=0))[None]
    result = np.zeros_like(both)
    np.divide(both, sizes, out=result, where=sizes > 0)
    return result


def _sizes(rows: int, inputs: int, row_budget: int, drawn: bool) -> tuple[int, int, int]:
    """Return how many rows, permutations and inputs a budget of rows pays for.

    Permutations are saved first, then rows; then inputs are left out.
    """
    repeats = MOST_REPEATS if drawn else 1
    used = min(rows, MOST_ROWS)
    while repeats > FEWEST_REPEATS and (
        used * repeats * inputs > row_budget or repeats * inputs > MOST_COPIES
    ):
        repeats -= 1
    if used * repeats * inputs > row_budget:
        fewest = FEWEST_ROWS if drawn else FEWEST_REPLACED
        used = min(used, max(fewest, row_budget // (repeats * inputs)))
    paid = min(row_budget // used, MOST_COPIES) // repeats
    return used, repeats, max(1, min(inputs, paid))


def _permute(features: Array, order: Array) -> Callable[[Array], object]:
    def change(rows: Array) -> None:
        rows[:, features] = rows[order[:, None], features]

    return change


def _replace(features: Array, replaced: Array) -> Callable[[Array], object]:
    def change(rows: Array) -> None:
        rows[:, features] = replaced[features]

    return change
