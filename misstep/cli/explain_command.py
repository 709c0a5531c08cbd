"""`misstep explain`: one prediction taken apart, in words, tables and the chain rule.

Says what `modeling` attributes and what `misstep.explain` writes; computes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from misstep.cli.exits import DONE
from misstep.cli.inputs import quoted, read_model, read_rows_for, split_in_words
from misstep.cli.output import write_json
from misstep.cli.page import Page
from misstep.errors import ArgumentError, NotYetError
from misstep.explain import Explanation, explain
from misstep.ir import Array
from misstep.modeling import (
    Attribution,
    Contribution,
    Model,
    SingleRow,
    attribute_row,
    find_weight,
    take_row,
)
from misstep.text.counts import counted
from misstep.text.figures import amount, figure, percent
from misstep.text.lists import and_so_on, shortened

LONGEST_NAME, LONGEST_CELL = 38, 20
# Classes that are named beside the predicted one.
MOST_OTHERS = 3
# Larger images would fill more than a window.
LARGEST_IMAGE = 32
SHADES = " .:-=+*#%@"


def explain_row(
    path: Path, source: str, *, row: int, weight: str | None, top: int, json: bool
) -> int:
    """Explain the prediction for one row of `source`; return the exit code."""
    if top < 1:
        raise ArgumentError(f"--top {top}", needed="1 or more", got=str(top), try_="--top 8")
    model = read_model(path)
    if not isinstance(model, Model):
        raise NotYetError(
            f"{path}",
            needed="a model that makes one prediction for each row",
            got="a forecast, which can't be explained yet",
            try_=f"misstep summary {quoted(path)}",
        )
    rows = read_rows_for(source, model)
    attribution = attribute_row(model, take_row(model, rows, row, source))
    explanation = None if weight is None else _chain_rule(attribution, weight)
    page = Page(to_error=json)
    _say_row(page, attribution.row, f"{source}{split_in_words(rows)}")
    _say_prediction(page, model, attribution)
    _say_contributions(page, model, attribution, top)
    if explanation is not None:
        _say_chain_rule(page, attribution, explanation)
    else:
        page.title("Try next: the chain rule for the first layer's most blamed weight")
        name = next(iter(attribution.graph.parameters), "")
        page.commands(
            [f"misstep explain {quoted(path)} {quoted(source)} --row {row} --weight {name}"]
        )
    if json:
        write_json(_for_machines(model, attribution, source, explanation))
    page.settle()
    return DONE


def _say_row(page: Page, row: SingleRow, source: str) -> None:
    name = row.sample_name
    header = ", a header not counted" if name == "row" else ""
    page.say(f"{name.capitalize()} {row.number:,} of {source}, counted from 1{header}")
    for note in row.notes:
        page.say(note, "dim", indent=2)
    if row.image is not None and max(row.image.shape) <= LARGEST_IMAGE:
        page.lines(drawn(row.image), 4)


def drawn(image: Array) -> str:
    """Return an image, (height, width) from 0 to 1, as lines of letters, darker for larger."""
    steps = (image * (len(SHADES) - 1)).round().astype(int)
    # Twice, because a letter is twice as high as it is wide.
    return "\n".join("".join(SHADES[step] * 2 for step in line).rstrip() for line in steps)


def _chain_rule(attribution: Attribution, weight: str) -> Explanation:
    """Return how an entry of a weight moves the error, or the score where there is no error."""
    name, value, index = find_weight(attribution.graph, weight)
    names = {**attribution.value_names, value: name}
    return explain(attribution.objective, value, index, names=names)


def _say_chain_rule(page: Page, attribution: Attribution, explanation: Explanation) -> None:
    name, index = explanation.name, explanation.index
    page.title(f"The chain rule for {name}[{','.join(map(str, index))}]")
    if len(index) == 2 and name == next(iter(attribution.graph.parameters)):
        feature, neuron = index
        page.say(
            f"It is the weight from input {feature} ({attribution.row.names[feature]}) to neuron "
            f"{neuron} of the first layer; both counted from 0.",
            "dim",
            indent=2,
        )
    if attribution.error is None:
        page.say(_SCORES[attribution.runner_up is None], "dim", indent=2)
    page.blank()
    page.lines(explanation.text(), 2)


_SCORES = {
    True: "The answer is not known, so this is about the prediction itself, in deviations.",
    False: "The answer is not known, so this is about the lead of the one class over the other.",
}


def _say_prediction(page: Page, model: Model, attribution: Attribution) -> None:
    page.title(f"Prediction of {model.target.name}")
    prediction, answer = attribution.prediction, attribution.answer
    if model.target.is_number:
        page.fact("prediction", amount(prediction))
        if answer is not None:
            gap = amount(abs(prediction - answer))
            way = "too high" if prediction > answer else "too low"
            page.fact("answer", f"{amount(answer)}: it is {gap} {way}")
    else:
        ranked = sorted(attribution.probabilities.items(), key=lambda item: -item[1])
        first, *others = [f"{label} ({_probability(share)})" for label, share in ranked]
        page.fact("prediction", f"{first}; then {and_so_on(others, MOST_OTHERS)}")
        if answer is not None:
            page.fact("answer", f"{answer}: {'right' if attribution.correct else 'wrong'}")
    if attribution.error is None:
        page.fact(
            "answer",
            "not known, so there is no error to explain; below is what moved the prediction itself",
        )
    else:
        meaning = (
            "the square of how far it is off, in deviations of the training answers"
            if model.target.is_number
            else "the negative logarithm of the probability given to the answer"
        )
        page.fact("error", f"{figure(attribution.error)}, {meaning}")


def _probability(share: float) -> str:
    if 0.0005 <= share < 0.9995:
        return percent(share)
    return "under 0.1%" if share < 0.5 else "over 99.9%"


def _say_contributions(page: Page, model: Model, attribution: Attribution, top: int) -> None:
    row, inputs, neurons = attribution.row, attribution.inputs, attribution.neurons
    answered = attribution.error is not None
    if model.target.is_number:
        page.title("What moved the prediction: inputs")
        unit = f"in the unit of {model.target.name}"
    else:
        classes = f"{attribution.prediction} rather than {attribution.runner_up}"
        page.title(f"What speaks for {classes}: inputs")
        unit = "in log-odds of the one over the other"
    zero = "blank" if row.image is not None else "average, or a category not there"
    page.say(
        f"contribution: value × slope, what would be lost, to first order, if the value were 0 "
        f"({zero}); {unit}",
        "dim",
        indent=2,
    )
    if answered:
        page.say(
            "to the error: the same for the error; below 0, it made it smaller", "dim", indent=2
        )
    heads = ["value", "slope", "contribution", *["to the error"][:answered]]
    lines = [
        [
            shortened(row.names[each.index[-1]], LONGEST_NAME),
            shortened(cell_words(row.cells[each.index[-1]]), LONGEST_CELL),
            *_numbers(each),
        ]
        for each in inputs[:top]
    ]
    page.table(lines, ["input", "in the row", *heads], range(1, 6))
    _say_rest(page, inputs, top, "input")
    if neurons:
        page.title("The same for the hidden neurons, after their activation")
        lines = [[each.name, *_numbers(each)] for each in neurons[:top]]
        page.table(lines, ["neuron", *heads], range(1, 5))
        _say_rest(page, neurons, top, "neuron")


def cell_words(value: Any) -> str:
    """Return what stood in a cell, in few letters.

    >>> cell_words(float("nan")), cell_words(0.1 + 0.2), cell_words("red")
    ('missing', '0.3', 'red')
    """
    if value is None or value != value:
        return "missing"
    if hasattr(value, "item"):
        value = value.item()
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _numbers(each: Contribution) -> list[str]:
    numbers = [each.value, each.gradient, each.contribution, each.to_error]
    return [amount(number) for number in numbers if number is not None]


def _say_rest(page: Page, contributions: Sequence[Contribution], top: int, noun: str) -> None:
    rest = contributions[top:]
    if not rest:
        return
    words = f"… and {counted(len(rest), f'more {noun}')}"
    if noun == "input":
        # Neurons of several layers can't be added up: one layer's are in what the next one's are.
        words += f", together {amount(sum(each.contribution for each in rest))}"
    page.say(words, "dim", indent=2)


def _for_machines(
    model: Model, attribution: Attribution, source: str, explanation: Explanation | None
) -> dict[str, Any]:
    """Return what --json says."""

    def plain(each: Contribution, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "value": each.value,
            "slope": each.gradient,
            "contribution": each.contribution,
            "to_error": each.to_error,
        }

    features = model.feature_names
    return {
        "source": source,
        "row": attribution.row.number,
        "target": model.target.name,
        "prediction": attribution.prediction,
        "probabilities": attribution.probabilities or None,
        "rival": attribution.runner_up,
        "answer": attribution.answer,
        "error": attribution.error,
        "inputs": [plain(each, features[each.index[-1]]) for each in attribution.inputs],
        "neurons": [plain(each, each.name) for each in attribution.neurons],
        "weight": None if explanation is None else explanation.to_dict(),
        "notes": attribution.row.notes,
    }
