"""`misstep explain`: one prediction taken apart, in words, tables and the chain rule.

Says what `modeling` attributes and what `misstep.explain` writes; computes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from misstep.cli.chain_rule_page import for_machines, report_command, row_words, say_weight_rule
from misstep.cli.exits import DONE
from misstep.cli.inputs import quoted, read_model, read_rows_for, split_in_words
from misstep.cli.output import write_json, write_output
from misstep.cli.page import Page
from misstep.data.preparation import Preparation
from misstep.errors import ArgumentError, NotYetError
from misstep.ir import Array
from misstep.modeling import (
    Attribution,
    Contribution,
    Contributions,
    ForecastAttribution,
    ForecastModel,
    Model,
    Section,
    Seen,
    SingleRow,
    attribute_forecast,
    attribute_row,
    contribution_sections,
    error_words,
    neuron_section,
    row_objective,
    seen_words,
    share_words,
    steps_section,
    take_row,
)
from misstep.report.weight_rules import WeightRule, weight_rule
from misstep.text.figures import amount, figure, four_figures
from misstep.text.lists import and_so_on

# Steps ahead that are listed.
MOST_STEPS = 24
# Classes that are named beside the predicted one.
MOST_OTHERS = 3
# Paths of a chain rule that are written out; the rest is added up.
MOST_PATHS = 5
# Larger images would fill more than a window.
LARGEST_IMAGE = 32
SHADES = " .:-=+*#%@"


@dataclass(frozen=True)
class ExplainRequest:
    """What a person asked `misstep explain`. `row`: None is the first, of a series the last.

    `report`: whether to report on the prediction above the chain rule of a weight; `latex`: whether
    to print that as LaTeX. `memory`: what rows may take; None: a share of what is available.
    `answer`: which of several answers of a row.
    """

    row: int | None
    step: int
    weight: str | None
    top: int
    json: bool
    report: bool = False
    latex: bool = False
    memory: str | None = None
    answer: str | None = None


def explain_row(path: Path, source: str, request: ExplainRequest) -> int:
    """Explain the prediction for one row of `source`; return the exit code."""
    top, json, latex = request.top, request.json, request.latex
    if top < 1:
        raise ArgumentError(f"--top {top}", needed="1 or more", got=str(top), try_="--top 8")
    if latex and request.weight is None:
        raise ArgumentError(
            "--latex",
            needed="a weight to write the chain rule of",
            got="none",
            try_="--weight NAME",
        )
    model = read_model(path)
    if isinstance(model, ForecastModel):
        return explain_forecast(model, path, source, request)
    assert isinstance(model, Model)
    if model.target.is_joint and request.answer is not None:
        model = model.part(request.answer)
    elif request.answer is not None:
        raise ArgumentError(
            f"--answer {request.answer}", needed="a model of several answers", got="one of one"
        )
    row, weight = 1 if request.row is None else request.row, request.weight
    which = "" if request.answer is None else f" --answer {quoted(request.answer)}"
    with Preparation.passing(request.memory) as preparation:
        rows = read_rows_for(source, model, preparation)
        taken = take_row(model, rows, row, source)
    place = f"{source}{split_in_words(rows)}"
    page = Page(to_error=json or latex)
    rule = None
    if weight is not None:
        rule = weight_rule(model, row_objective(model, taken), weight, MOST_PATHS)
    if rule is not None and not request.report:
        _say_row(page, taken, place, _seen(model, taken))
        page.say(row_words(model, rule.objective), indent=2)
        say_weight_rule(page, rule, report_command(path, source, row, rule.weight) + which)
        found = for_machines(model, rule, source)
    else:
        attribution = attribute_row(model, taken)
        _say_report(page, model, attribution, place, top)
        if rule is not None:
            say_weight_rule(page, rule)
        else:
            page.title("Try next: the chain rule for the first layer's most blamed weight")
            name = next(iter(attribution.graph.parameters), "")
            page.commands(
                [
                    f"misstep explain {quoted(path)} {quoted(source)} --row {row}{which} --weight "
                    f"{name}"
                ]
            )
        found = _for_machines(model, attribution, source, rule)
    if json:
        write_json(found)
    elif latex and rule is not None:
        write_output(rule.explanation.latex() + "\n")
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
    page.say(found.seen_words, "dim", indent=2)
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


def _seen(model: Model, row: SingleRow) -> Seen:
    known = model.training_rows
    return Seen.UNKNOWN if known is None else known.seen(row.features[0])


def _say_report(page: Page, model: Model, attribution: Attribution, source: str, top: int) -> None:
    _say_row(page, attribution.row, source, attribution.seen)
    _say_prediction(page, model, attribution)
    for section in contribution_sections(attribution, top):
        say_section(page, section)
    if attribution.neurons:
        unit = "the prediction" if model.target.is_number else f"the {attribution.unit}"
        say_section(page, neuron_section(attribution.neurons, attribution.more_neurons, unit, top))


def _say_row(page: Page, row: SingleRow, source: str, seen: Seen) -> None:
    name = row.sample_name
    header = ", a header not counted" if name == "row" else ""
    called = f", {row.title}," if row.title else ""
    page.say(f"{name.capitalize()} {row.number:,}{called} of {source}, counted from 1{header}")
    for note in row.notes:
        page.say(note, "dim", indent=2)
    page.say(seen_words(seen, name), "dim", indent=2)
    if row.image is not None and max(row.image.shape) <= LARGEST_IMAGE:
        page.lines(drawn(row.image), 4)


def drawn(image: Array) -> str:
    """Return an image, (height, width) from 0 to 1, as lines of letters, darker for larger."""
    steps = (image * (len(SHADES) - 1)).round().astype(int)
    # Twice, because a letter is twice as high as it is wide.
    return "\n".join("".join(SHADES[step] * 2 for step in line).rstrip() for line in steps)


def _say_prediction(page: Page, model: Model, attribution: Attribution) -> None:
    page.title(f"Prediction of {model.target.name}")
    prediction, answer = attribution.prediction, attribution.answer
    if model.target.is_number:
        page.fact("prediction", amount(prediction))
        if answer is not None:
            gap = prediction - answer
            way = "too high" if gap > 0 else "too low"
            judged = f"{four_figures(abs(gap))} {way}" if gap else "right"
            page.fact("answer", f"{amount(answer)}: the prediction is {judged}")
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
        meaning = error_words(model.loss, model.target.logarithm is not None)
        page.fact("error", f"{figure(attribution.error)}, {meaning}")


def _for_machines(
    model: Model, attribution: Attribution, source: str, rule: WeightRule | None
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
        "weight": None if rule is None else for_machines(model, rule, source)["weight"],
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
