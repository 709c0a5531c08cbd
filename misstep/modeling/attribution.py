"""Who contributed to a prediction: every part of a row replaced by a baseline's, and measured.

Nothing is approximated by a slope: each number is a difference of predictions that the model really
makes, so that anybody can check it by replacing a cell in the file. Knows a model, one row of data
(`single_row.py`) and its parts; puts nothing into words (`attribution_text.py`).
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.data import RowParts, TaskType
from misstep.errors import DataError
from misstep.ir import Array, Value
from misstep.modeling.model import Model, RowGraph, TrainedModel, check_one_answer
from misstep.modeling.neurons import Neuron, neurons_of
from misstep.modeling.shapley import Effects, effects
from misstep.modeling.single_row import SingleRow, rows_to_explain, take_row
from misstep.modeling.training_rows import Seen
from misstep.nn.losses import CrossEntropy
from misstep.text.plain import printable

__all__ = ["Attribution", "Contribution", "Contributions", "attribute", "attribute_row"]

# Selections of parts that are asked for, so that an explanation takes a second or two: as many as
# these multiply-adds pay for, at least so many, and of few parts or of many no more than settle the
# shares: 200 orders of 20 parts have standard errors of some hundredths of the largest.
WORK = 1e10
FEWEST_ASKED, MOST_ASKED, MOST_ORDERS = 300, 4_096, 20
# Words of texts that are encoded anew, in all selections together.
MOST_WORDS = 300_000
# A network computes in float32, whose sums carry about this relative error: what moves a prediction
# less than that moves nothing.
NOISE = 2e-6


@dataclass(frozen=True)
class Contribution:
    """What a part of a row did.

    `cell`: what stands in the row; `replacement`: what stands in the baseline row. `replaced`: the
    prediction with this part alone replaced: a number, or the probability of the predicted class.
    `contribution`: what is lost thereby, in `Contributions.unit`. `share`: its part of what all
    columns do together; shares add up. `share_error`: standard error of the share, 0 where it is
    exact, None where it is not known. `place`: line and column on a map of all parts, or None.
    """

    name: str
    cell: Any
    replacement: Any
    replaced: float
    contribution: float
    share: float
    share_error: float | None
    place: tuple[int, int] | None


@dataclass(frozen=True, repr=False)
class Contributions:
    """A prediction and what the parts of its row did to it, the largest contribution first.

    `subject`: what is predicted; `heading`: that with the row; `row_noun`: what a row is called.
    `prediction`: a label or a number; `shown`: that number, or the probability of the class
    `probability_of`, which is None for numbers. `noun`: what a part is called; `replacements`: in
    words, what parts are replaced by. `unit`: of contributions and shares, in words. `score`: the
    prediction in it; `baseline_score`: that of the baseline row, in which all parts are replaced.
    `baseline_prediction`: as `shown`, of the baseline row. `orders`: how many orders of parts
    shares are means over; 0: all. `seen`: what training did with the row. `lines`, `columns`:
    headings of the map. `words`: by column of texts what its words did, the rest of the row as it
    is; their shares add up to the contribution of the column.
    """

    subject: str
    heading: str
    row_noun: str
    prediction: Any
    shown: float
    probability_of: str | None
    noun: str
    replacements: str
    unit: str
    score: float
    baseline_score: float
    baseline_prediction: float
    inputs: list[Contribution]
    orders: int
    seen: Seen
    lines: Sequence[str]
    columns: Sequence[str]
    words: dict[str, list[Contribution]]

    @property
    def contributions(self) -> dict[str, float]:
        """Return by name what the prediction loses where this part alone is the baseline's."""
        return {each.name: each.contribution for each in self.inputs}

    @property
    def shares(self) -> dict[str, float]:
        """Return by name the shares, which add up to `score` less `baseline_score`."""
        return {each.name: each.share for each in self.inputs}

    @property
    def baseline(self) -> dict[str, Any]:
        """Return by name what stands in the baseline row."""
        return {each.name: each.replacement for each in self.inputs}

    @property
    def completeness_error(self) -> float:
        """Return by how much shares miss the score less the baseline's, as a share of that."""
        whole = self.score - self.baseline_score
        missed = abs(sum(each.share for each in self.inputs) - whole)
        return missed / abs(whole) if whole else missed

    @property
    def interaction(self) -> float:
        """Return what contributions leave of the score less the baseline's: done together."""
        together = sum(each.contribution for each in self.inputs)
        return self.score - self.baseline_score - together

    @property
    def notes(self) -> list[str]:
        """Return what was noticed of the row, in words."""
        return []

    @property
    def seen_words(self) -> str:
        """Return what training did with the row, in words."""
        from misstep.modeling.attribution_text import seen_words

        return seen_words(self.seen, self.row_noun)

    def _repr_html_(self) -> str:
        """Return it for a notebook, as it is printed."""
        return f"<pre>{html.escape(str(self), quote=False)}</pre>"

    def __repr__(self) -> str:
        # What a prompt shows of it: a page, not thousands of numbers.
        from misstep.modeling.attribution_text import attribution_text

        return printable(attribution_text(self))


@dataclass(frozen=True, repr=False)
class Attribution(Contributions):
    """A prediction for a row, with what moved it.

    `runner_up`: the answer where the prediction is wrong, else the class that came second, and None
    for numbers. `answer`: the label or number in the data, or None. `probabilities`: by label, or
    empty. `error`: the loss, or None where the answer is not known. `graph`: of the row; `lead`:
    the Value of the predicted number, or of the lead of the class over the runner-up. `neurons`:
    hidden neurons, each measured silent.
    """

    row: SingleRow
    graph: RowGraph
    lead: Value
    runner_up: Any
    answer: Any
    probabilities: dict[str, float]
    error: float | None
    neurons: list[Neuron]
    more_neurons: int

    @property
    def notes(self) -> list[str]:
        """Return what was noticed of the row, in words."""
        return self.row.notes

    @property
    def correct(self) -> bool:
        """Tell whether a class was predicted rightly."""
        return self.answer is not None and str(self.prediction) == str(self.answer)

    @property
    def objective(self) -> Value:
        """Return what a weight is to be explained by: the error or, if it is not known, the lead.

        See `misstep.explain.explain`.
        """
        return self.lead if self.graph.loss is None else self.graph.loss


def attribute(model: Model, data: Any, row: int = 1) -> Attribution:
    """Return what `model` predicts for one row of `data`, and what moved it.

    data: a path, a table, a frame or another `Dataset`; row: counted from 1, a header not counted.
    Raises DataError, StorageError or ArgumentError.

    >>> import misstep as ms
    >>> x = [[0.0, 5.0], [1.0, 5.0], [2.0, 5.0], [3.0, 4.0]] * 10
    >>> ms.Regressor(epochs=5).fit(x, [each[0] for each in x]).save("model.misstep")
    >>> attribution = attribute(ms.load_model("model.misstep"), {"0": [2.0], "1": [5.0]})
    >>> attribution.inputs[0].name
    'column_1'
    """
    rows, source = rows_to_explain(model, data)
    return attribute_row(model, take_row(model, rows, row, source))


def attribute_row(model: Model, row: SingleRow) -> Attribution:
    """Return what `model` predicts for `row`, and what moved it.

    Raises DataError for rows that can't be taken apart.
    """
    check_one_answer(model, "explaining a row")
    outputs = model.answers_of(row.features)
    target = model.target
    graph = model.row_graph(row.features, row.answer)
    probabilities: dict[str, float] = {}
    runner_up, named, predicted = None, None, 0
    if target.is_number:
        lead, unit = graph.output[0, 0], target.name
    else:
        predicted = int(outputs[0].argmax())
        second = _runner_up(outputs[0], predicted, row.answer)
        runner_up = _plain(target.class_array[second])
        probabilities = dict(zip(map(str, target.classes), outputs[0].tolist(), strict=True))
        named = str(_plain(target.class_array[predicted]))
        unit = f"log-odds of {named}"
        if target.task is TaskType.BINARY and graph.output.shape[-1] == 1:
            # The one output is the lead of the second class over the first.
            lead = graph.output[0, 0] if predicted == 1 else -graph.output[0, 0]
        else:
            lead = graph.output[0, predicted] - graph.output[0, second]
    parts = model.preprocessing.parts_of(row.data, row.features[0], _baseline_of(model))
    if parts is None:
        raise DataError("the row", needed="parts that can be replaced", got="another kind of data")

    def value(kept: Array) -> Array:
        return _scores(model, parts, predicted, kept)

    def score(output: Array) -> float:
        return float(scores_of(model, output, predicted)[0, 0])

    neurons, more = neurons_of(model.network, graph, lead, score)
    return Attribution(
        subject=target.name,
        heading=f"Prediction of {target.name} for {row.sample_name} {row.number}",
        row_noun=row.sample_name,
        prediction=_plain(model.decide(outputs)[0]),
        probability_of=named,
        unit=unit,
        **measured(parts, measure(parts, value, selections(model, parts)), column=0, shown=1),
        words={
            parts.parts[number].name: _details(model, detail, predicted)
            for number, detail in parts.details
        },
        seen=Seen.UNKNOWN
        if model.training_rows is None
        else model.training_rows.seen(row.features[0]),
        row=row,
        graph=graph,
        lead=lead,
        runner_up=runner_up,
        answer=None if row.answer is None else _plain(target.decode(row.answer)[0]),
        probabilities=probabilities,
        error=None if graph.loss is None else float(np.asarray(graph.loss.numpy())),
        neurons=neurons,
        more_neurons=more,
    )


def _scores(model: Model, parts: RowParts, predicted: int, kept: Array) -> Array:
    return scores_of(model, model.network.predict(parts.mixed(kept)), predicted)


def _details(model: Model, parts: RowParts, predicted: int) -> list[Contribution]:
    """Return what the parts of a part did, the largest contribution first."""
    found = measure(
        parts, lambda kept: _scores(model, parts, predicted, kept), selections(model, parts)
    )
    return measured(parts, found, column=0, shown=1)["inputs"]


def measured(parts: RowParts, found: Effects, *, column: int, shown: int) -> dict[str, Any]:
    """Return the fields of `Contributions` that measuring gives, by name.

    `found`: what the parts do; `column`: which of the values is the score, `shown`: which is what a
    reader sees.
    """
    inputs = _inputs(parts, found, column, shown)
    return {
        "noun": parts.noun,
        "replacements": parts.baseline,
        "score": float(found.whole[column]),
        "shown": float(found.whole[shown]),
        "baseline_score": float(found.empty[column]),
        "baseline_prediction": float(found.empty[shown]),
        "inputs": sorted(inputs, key=lambda each: -abs(each.contribution)),
        "orders": found.orders,
        "lines": parts.lines,
        "columns": parts.columns,
    }


def measure(parts: RowParts, value: Any, budget: int) -> Effects:
    """Return what the parts do to the values, also where there is no part at all."""
    count = len(parts.parts)
    if count:
        return effects(value, count, budget)
    whole = np.asarray(value(np.ones((1, 0), bool)), np.float64)[0]
    none = np.empty((0, len(whole)))
    return Effects(whole, whole, none, none, none, 0)


def _inputs(parts: RowParts, found: Effects, column: int, shown: int) -> list[Contribution]:
    alone, shares = found.alone[:, column], found.shares[:, column]
    errors = found.errors[:, column]
    size = max([abs(found.whole[column]), abs(found.empty[column]), *np.abs(alone), 0.0])
    # Rounding is not told as if it were an effect; of shares it is kept, so that they add up.
    alone = np.where(np.abs(alone) <= NOISE * size, 0.0, alone)
    return [
        Contribution(
            part.name,
            _plain(part.cell),
            _plain(part.replacement),
            float(found.without[number, shown]),
            float(alone[number]),
            float(shares[number]),
            None if np.isnan(errors[number]) else float(errors[number]),
            part.place,
        )
        for number, part in enumerate(parts.parts)
    ]


def scores_of(model: Model, raw: Array, predicted: int) -> Array:
    """Return what raw outputs, (rows, outputs), say, (rows, 2): score, and what a reader sees.

    The predicted number twice, or the log-odds of class number `predicted` and its probability.
    """
    outputs = np.asarray(raw, np.float64)
    if model.target.is_number:
        numbers = np.asarray(model.decide(outputs), np.float64).reshape(-1)
        return np.column_stack([numbers, numbers])
    if model.target.task is TaskType.BINARY and outputs.shape[1] == 1:
        odds = outputs[:, 0] if predicted == 1 else -outputs[:, 0]
    else:
        # Their probabilities are softmax; the odds are of this class against all others.
        assert isinstance(model.loss, CrossEntropy)
        others = np.delete(outputs, predicted, axis=1)
        with np.errstate(invalid="ignore"):
            odds = outputs[:, predicted] - np.logaddexp.reduce(others, axis=1)
    with np.errstate(over="ignore"):
        return np.column_stack([odds, 1 / (1 + np.exp(-odds))])


def selections(model: TrainedModel, parts: RowParts) -> int:
    """Return how many selections of parts are to be asked for."""
    work = max(1, sum(model.network.operations.values()))
    settled = max(MOST_ASKED, MOST_ORDERS * len(parts.parts))
    most = min(settled, WORK / work, MOST_WORDS / max(1, parts.places))
    return int(max(FEWEST_ASKED, most))


def _baseline_of(model: TrainedModel) -> Any:
    return None if model.training_rows is None else model.training_rows.baseline


def _runner_up(probabilities: Array, predicted: int, answer: Array | None) -> int:
    if answer is not None and int(answer[0]) != predicted:
        return int(answer[0])
    ranked = np.argsort(-probabilities, kind="stable").tolist()
    return int(next(each for each in ranked if each != predicted))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
