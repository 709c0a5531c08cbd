"""`misstep explain`: one prediction taken apart, in words, tables and the chain rule.

Says what `modeling` attributes and what `misstep.explain` writes; computes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    Contributions,
    ForecastAttribution,
    ForecastModel,
    Model,
    Section,
    attribute_forecast,
    attribute_row,
    contribution_sections,
    find_weight,
    neuron_section,
    seen_words,
    share_words,
    steps_section,
    take_row,
)
from misstep.text.figures import amount, figure
from misstep.text.lists import and_so_on

# Steps ahead that are listed.
MOST_STEPS = 24
# Classes that are named beside the predicted one.
MOST_OTHERS = 3
# Larger images would fill more than a window.
LARGEST_IMAGE = 32
SHADES = " .:-=+*#%@"


@dataclass(frozen=True)
class ExplainRequest:
    """What a person asked `misstep explain`. `row`: None is the first, of a series the last."""

    row: int | None
    step: int
    weight: str | None
    top: int
    json: bool


def explain_row(path: Path, source: str, request: ExplainRequest) -> int:
    """Explain the prediction for one row of `source`; return the exit code."""
    top, json = request.top, request.json
    if top < 1:
        raise ArgumentError(f"--top {top}", needed="1 or more", got=str(top), try_="--top 8")
    model = read_model(path)
    if isinstance(model, ForecastModel):
        return explain_forecast(model, path, source, request)
    assert isinstance(model, Model)
    row, weight = 1 if request.row is None else request.row, request.weight
    rows = read_rows_for(source, model)
    attribution = attribute_row(model, take_row(model, rows, row, source))
    explanation = None if weight is None else _chain_rule(attribution, weight)
    page = Page(to_error=json)
    _say_row(page, attribution, f"{source}{split_in_words(rows)}")
    _say_prediction(page, model, attribution)
    for section in contribution_sections(attribution, top):
        say_section(page, section)
    if attribution.neurons:
        unit = attribution.unit if model.target.is_number else f"the {attribution.unit}"
        say_section(page, neuron_section(attribution.neurons, attribution.more_neurons, unit, top))
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


def explain_forecast(model: ForecastModel, path: Path, source: str, request: ExplainRequest) -> int:
    """Explain a forecast for one step ahead, and each step in a line; return the exit code."""
    if request.weight is not None:
        raise NotYetError(
            f"--weight {request.weight}",
            needed="a model that makes one prediction for each row",
            got="a forecast, for whose weights the chain rule can't be written out yet",
            try_=f"misstep explain {quoted(path)} {quoted(source)}",
        )
    series = model.read(read_rows_for(source, model))
    found = attribute_forecast(model, series, request.row, request.step)
    page = Page(to_error=request.json)
    page.say(f"The forecast made once row {found.origin:,} of {source} is known, counted from 1")
    for note in model.notes:
        page.say(note, "dim", indent=2)
    page.say(seen_words(found.seen, found.row_noun), "dim", indent=2)
    page.title(found.heading)
    page.fact("forecast", amount(found.shown))
    page.fact("baseline", amount(found.baseline_prediction))
    for section in contribution_sections(found, request.top):
        say_section(page, section)
    if len(found.steps) > 1:
        say_section(page, steps_section(found.steps, MOST_STEPS))
    if request.json:
        write_json(_forecast_for_machines(model, found, source))
    page.settle()
    return DONE


def say_section(page: Page, section: Section) -> None:
    """Say a title, notes, a table or a map, and what follows."""
    page.title(section.title)
    for note in section.notes:
        page.say(note, "dim", indent=2)
    if section.rows:
        page.table(section.rows, section.heads, section.right)
    if section.map:
        page.lines(section.map, 2)
    for words in section.end:
        page.say(words, "dim", indent=2)


def _say_row(page: Page, attribution: Attribution, source: str) -> None:
    row = attribution.row
    name = row.sample_name
    header = ", a header not counted" if name == "row" else ""
    page.say(f"{name.capitalize()} {row.number:,} of {source}, counted from 1{header}")
    for note in row.notes:
        page.say(note, "dim", indent=2)
    page.say(seen_words(attribution.seen, name), "dim", indent=2)
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
        first, *others = [f"{label} ({share_words(share)})" for label, share in ranked]
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


def _for_machines(
    model: Model, attribution: Attribution, source: str, explanation: Explanation | None
) -> dict[str, Any]:
    """Return what --json says."""
    return {
        "source": source,
        "row": attribution.row.number,
        "target": model.target.name,
        "prediction": attribution.prediction,
        "probabilities": attribution.probabilities or None,
        "rival": attribution.runner_up,
        "answer": attribution.answer,
        "error": attribution.error,
        **_contributions(attribution),
        "words": {
            column: [_input(each) for each in words] for column, words in attribution.words.items()
        },
        "neurons": [
            {"name": each.name, "value": each.value, "contribution": each.contribution}
            for each in attribution.neurons
        ],
        "weight": None if explanation is None else explanation.to_dict(),
        "notes": attribution.row.notes,
    }


def _forecast_for_machines(
    model: ForecastModel, found: ForecastAttribution, source: str
) -> dict[str, Any]:
    """Return what --json says of a forecast."""
    return {
        "source": source,
        "row": found.origin,
        "target": model.target.name,
        "step": found.step,
        "date": found.date,
        "prediction": found.prediction,
        **_contributions(found),
        "steps": [
            {
                "step": each.step,
                "date": each.date,
                "prediction": each.prediction,
                "baseline_prediction": each.baseline_prediction,
                "contributions": each.contributions,
                "shares": each.shares,
            }
            for each in found.steps
        ],
        "notes": model.notes,
    }


def _contributions(found: Contributions) -> dict[str, Any]:
    return {
        "unit": found.unit,
        "score": found.score,
        "baseline": found.baseline,
        "baseline_words": found.replacements,
        "baseline_prediction": found.baseline_prediction,
        "baseline_score": found.baseline_score,
        "completeness_error": found.completeness_error,
        "interaction": found.interaction,
        "orders": found.orders or None,
        "seen_in": found.seen.value,
        "inputs": [_input(each) for each in found.inputs],
    }


def _input(each: Contribution) -> dict[str, Any]:
    return {
        "name": each.name,
        "in_row": None if each.cell != each.cell else each.cell,
        "baseline": each.replacement,
        "replaced_prediction": each.replaced,
        "contribution": each.contribution,
        "share": each.share,
        "share_error": each.share_error,
    }
