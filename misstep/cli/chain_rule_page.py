"""`misstep explain --weight`: the chain rule from one weight to the error of one row, as a page.

Says what `misstep.explain` writes, with the names of the model's inputs and layers; computes
nothing.
"""

from __future__ import annotations

from typing import Any

from misstep.cli.inputs import quoted
from misstep.cli.page import Page
from misstep.modeling import Model, RowObjective
from misstep.report.weight_rules import WeightRule
from misstep.text.counts import counted
from misstep.text.figures import amount, figure, percent

# A network with more paths than this from a weight to the error reads better when it is smaller.
MANY_PATHS = 40
SMALL_NETWORK = "--network dense4"


def say_weight_rule(page: Page, rule: WeightRule, report: str | None = None) -> None:
    """Write out the chain rule; `report`: the command that shows the prediction as well."""
    objective, explanation = rule.objective, rule.explanation
    page.title(f"The chain rule for {rule.weight}")
    page.lines(explanation.text(), 2)
    if explanation.number_of_paths > MANY_PATHS or not explanation.all_paths_counted:
        paths = counted(explanation.number_of_paths, "path")
        more = "" if explanation.all_paths_counted else "more than "
        page.blank()
        advice = f"train one with {SMALL_NETWORK}, and explain that"
        if objective.row.sample_name != "row":
            advice = "train one with fewer layers and units (--network), and explain that"
        page.say(
            f"Of {more}{paths} the largest are shown. In a small network all of them fit on a "
            f"screen: {advice}.",
            "dim",
            indent=2,
        )
    if objective.graph.loss is None:
        page.blank()
        page.say(_WITHOUT_ANSWER[objective.name], "dim", indent=2)
    if report is not None:
        page.title("The whole report on this prediction, with the chain rule at its end")
        page.commands([report])


_WITHOUT_ANSWER = {
    "prediction": "The answer is not known, so this is about the prediction itself, in deviations.",
    "lead": "The answer is not known, so this is about the lead of the one class over the other.",
}


def row_words(model: Model, objective: RowObjective) -> str:
    """Return what was predicted for a row, its answer and its error in one line."""
    if model.target.is_number:
        prediction, answer = amount(objective.prediction), "not known"
        if objective.answer is not None:
            answer = amount(objective.answer)
    else:
        share = objective.probabilities.get(str(objective.prediction))
        prediction = str(objective.prediction)
        prediction += "" if share is None else f" ({percent(share)})"
        answer = "not known" if objective.answer is None else str(objective.answer)
    words = f"{model.target.name}: predicted {prediction}, the answer is {answer}"
    return words if objective.error is None else f"{words}, error {figure(objective.error)}"


def for_machines(model: Model, rule: WeightRule, source: str) -> dict[str, Any]:
    """Return what --json says."""
    objective = rule.objective
    return {
        "source": source,
        "row": objective.row.number,
        "target": model.target.name,
        "prediction": objective.prediction,
        "probabilities": objective.probabilities or None,
        "answer": objective.answer,
        "error": objective.error,
        "weight": rule.explanation.to_dict() | {"weight": rule.weight},
    }


def report_command(path: Any, source: str, row: int, weight: str) -> str:
    """Return the command that shows the whole report above the chain rule."""
    return (
        f"misstep explain {quoted(path)} {quoted(source)} --row {row} --weight {quoted(weight)} "
        "--report"
    )
