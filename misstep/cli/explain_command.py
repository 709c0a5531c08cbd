"""`misstep explain`: one prediction taken apart, in words, tables and the chain rule.

Says what `decisive.py` found and what `misstep.explain` writes; computes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from misstep.cli.decisive import Decision, Mover, decide
from misstep.cli.exits import DONE
from misstep.cli.given import part_in_words, quoted, read_given_rows, read_model
from misstep.cli.one_row import OneRow, pick_row
from misstep.cli.page import Page
from misstep.cli.weight_names import weight_named
from misstep.errors import ArgumentError, NotYetError
from misstep.explain import Explanation, explain
from misstep.ir import Array
from misstep.modeling import Model
from misstep.text.counts import counted
from misstep.text.figures import amount, figure, percent
from misstep.text.lists import shortened
from misstep.text.plain import json_line

LONGEST_NAME, LONGEST_CELL = 38, 20
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
    if model.purpose == "forecast":
        raise NotYetError(
            f"{path}",
            needed="a model that makes one prediction for each row",
            got="a forecast, which can't be explained yet",
            try_=f"misstep summary {quoted(path)}",
        )
    rows = read_given_rows(source, model)
    one = pick_row(model, rows, row, source)
    decision = decide(model, one)
    written = None if weight is None else _chain_rule(decision, weight)
    page = Page(to_error=json)
    page.say(
        f"{one.kind.capitalize()} {row:,} of {source}{part_in_words(rows)}, counted from 1"
        f"{', a header not counted' if one.kind == 'row' else ''}"
    )
    for note in one.notes:
        page.say(note, "dim", indent=2)
    if one.image is not None and max(one.image.shape) <= LARGEST_IMAGE:
        page.lines(drawn(one.image), 4)
    _say_prediction(page, model, decision)
    _say_movers(page, model, decision, one, top)
    if written is not None:
        _say_chain_rule(page, decision, one, written)
    else:
        page.title("Try next: the chain rule for the first layer's most blamed weight")
        name = next(iter(decision.graph.parameters), "")
        told = f"misstep explain {quoted(path)} {quoted(source)} --row {row} --weight {name}"
        page.commands([told])
    if json:
        print(json_line(_for_machines(model, decision, one, source, written)))
    return DONE


def drawn(image: Array) -> str:
    """Return an image, (height, width) from 0 to 1, as lines of letters, darker for larger."""
    steps = (image * (len(SHADES) - 1)).round().astype(int)
    # Twice, because a letter is twice as high as it is wide.
    return "\n".join("".join(SHADES[step] * 2 for step in line).rstrip() for line in steps)


def _chain_rule(decision: Decision, weight: str) -> Explanation:
    """Return how an entry of a weight moves the error, or the score where there is no error."""
    graph = decision.graph
    name, value, index = weight_named(graph, weight)
    names = {graph.features: "x", graph.output: "output", value: name}
    for known, one in graph.hidden.items():
        # A dropout that does nothing here is the same Value as what it is given.
        names.setdefault(one, known)
    if graph.loss is not None:
        return explain(graph.loss, value, index, names=names | {graph.loss: "error"})
    score = "prediction" if decision.rival is None else "lead"
    return explain(decision.score, value, index, names=names | {decision.score: score})


def _say_chain_rule(page: Page, decision: Decision, one: OneRow, written: Explanation) -> None:
    entry = ",".join(map(str, written.index))
    page.title(f"The chain rule for {written.name}[{entry}]")
    if len(written.index) == 2 and written.name == next(iter(decision.graph.parameters)):
        place, neuron = written.index
        page.say(
            f"It is the weight from input {place} ({one.names[place]}) to neuron {neuron} of the "
            "first layer; both counted from 0.",
            "dim",
            indent=2,
        )
    if decision.error is None:
        page.say(_SCORES[decision.rival is None], "dim", indent=2)
    page.blank()
    page.lines(written.text(), 2)


_SCORES = {
    True: "The answer is not known, so this is about the prediction itself, in deviations.",
    False: "The answer is not known, so this is about the lead of the one class over the other.",
}


def _say_prediction(page: Page, model: Model, decision: Decision) -> None:
    page.title(f"Prediction of {model.target.name}")
    if model.target.is_number:
        prediction = float(str(decision.prediction))
        page.fact("prediction", amount(prediction))
        if decision.answer is not None:
            answer = float(str(decision.answer))
            gap = amount(abs(prediction - answer))
            way = "too high" if prediction > answer else "too low"
            page.fact("answer", f"{amount(answer)}: it is {gap} {way}")
    else:
        ranked = sorted(decision.shares.items(), key=lambda one: -one[1])
        first, *others = [f"{label} ({_probability(share)})" for label, share in ranked[:4]]
        more = ", …" if len(ranked) > 4 else ""
        page.fact("prediction", f"{first}; then {', '.join(others)}{more}")
        if decision.answer is not None:
            page.fact("answer", f"{decision.answer}: {'right' if decision.right else 'wrong'}")
    if decision.error is None:
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
        page.fact("error", f"{figure(decision.error)}, {meaning}")


def _probability(share: float) -> str:
    if 0.0005 <= share < 0.9995:
        return percent(share)
    return "under 0.1%" if share < 0.5 else "over 99.9%"


def _say_movers(page: Page, model: Model, decision: Decision, one: OneRow, top: int) -> None:
    blamed = decision.error is not None
    if model.target.is_number:
        page.title("What moved the prediction: inputs")
        unit = f"in the unit of {model.target.name}"
    else:
        page.title(f"What speaks for {decision.prediction} rather than {decision.rival}: inputs")
        unit = "in log-odds of the one over the other"
    zero = "blank" if one.image is not None else "average, or a category not there"
    page.say(
        f"contribution: value × slope, what would be lost, to first order, if the value were 0 "
        f"({zero}); {unit}",
        "dim",
        indent=2,
    )
    if blamed:
        page.say(
            "to the error: the same for the error; below 0, it made it smaller", "dim", indent=2
        )
    numbers = ["value", "slope", "contribution", *["to the error"][:blamed]]
    rows = [
        [
            shortened(one.names[mover.index[-1]], LONGEST_NAME),
            shortened(one.cells[mover.index[-1]], LONGEST_CELL),
            *_numbers(mover),
        ]
        for mover in decision.inputs[:top]
    ]
    page.table(rows, ["input", "in the row", *numbers], range(1, 6))
    _say_rest(page, decision.inputs, top, "input")
    if decision.neurons:
        page.title("The same for the hidden neurons, after their activation")
        rows = [[mover.name, *_numbers(mover)] for mover in decision.neurons[:top]]
        page.table(rows, ["neuron", *numbers], range(1, 5))
        _say_rest(page, decision.neurons, top, "neuron")


def _numbers(mover: Mover) -> list[str]:
    numbers = [mover.value, mover.slope, mover.contribution, mover.to_error]
    return [amount(one) for one in numbers if one is not None]


def _say_rest(page: Page, movers: Sequence[Mover], top: int, noun: str) -> None:
    rest = movers[top:]
    if not rest:
        return
    words = f"… and {counted(len(rest), f'more {noun}')}"
    if noun == "input":
        # Neurons of several layers can't be added up: what one says is in what the next one says.
        words += f", together {amount(sum(one.contribution for one in rest))}"
    page.say(words, "dim", indent=2)


def _for_machines(
    model: Model, decision: Decision, one: OneRow, source: str, written: Explanation | None
) -> dict[str, Any]:
    """Return what --json says."""

    def plain(mover: Mover, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "value": mover.value,
            "slope": mover.slope,
            "contribution": mover.contribution,
            "to_error": mover.to_error,
        }

    features = model.feature_names
    return {
        "source": source,
        "row": one.number,
        "target": model.target.name,
        "prediction": decision.prediction,
        "probabilities": decision.shares or None,
        "rival": decision.rival,
        "answer": decision.answer,
        "error": decision.error,
        "inputs": [plain(mover, features[mover.index[-1]]) for mover in decision.inputs],
        "neurons": [plain(mover, mover.name) for mover in decision.neurons],
        "weight": None if written is None else written.to_dict(),
        "notes": one.notes,
    }
