"""The chain rule from one weight of a model to the error of one row, with people's own names.

Joins a model's row with `misstep.explain`: what its inputs, layers and weights are called in the
formulas. Shows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from misstep.explain import EntryName, Explanation, explain, network_names
from misstep.ir import Value
from misstep.modeling import Mistake, Model, RowObjective, find_weight, row_objective
from misstep.modeling.single_row import encoded_row

__all__ = ["WeightRule", "chain_rule_of_mistake", "names_of", "weight_rule"]

_MEANINGS = {
    "error": "the error of this row",
    "prediction": "the prediction itself, in deviations of the {training}",
    "lead": "by how much the predicted class leads over the next",
}
# Paths that are listed of a mistake's chain rule.
PATHS = 3


@dataclass(frozen=True)
class WeightRule:
    """The chain rule of a weight: what it is called in the network, and in which row."""

    weight: str
    objective: RowObjective
    explanation: Explanation


def weight_rule(
    model: Model,
    objective: RowObjective,
    weight: str,
    paths: int,
    learning_rate: float | None = None,
) -> WeightRule:
    """Return how an entry of a weight moves the error of a row, or its prediction.

    `learning_rate`: also show the update that it makes. Raises ArgumentError where there is no such
    weight or entry.
    """
    name, value, index = find_weight(objective.graph, weight)
    explanation = explain(
        objective.value,
        value,
        index,
        names=names_of(model, objective),
        paths=paths,
        learning_rate=learning_rate,
    )
    place = f"[{','.join(map(str, explanation.index))}]" if explanation.index else ""
    return WeightRule(name + place, objective, explanation)


def chain_rule_of_mistake(
    model: Model, mistake: Mistake, weight: str, *, learning_rate: float | None = None
) -> Explanation:
    """Return how a weight, such as that of `Blame.explained`, moves a row's error.

    weight: such as dense1.weight[3,5]. `learning_rate`: also show the update that it makes. Raises
    ArgumentError where there is no such weight or entry.
    """
    row = encoded_row(model, mistake.data, mistake.features, mistake.truth)
    objective = row_objective(model, row)
    return weight_rule(model, objective, weight, PATHS, learning_rate).explanation


def names_of(model: Model, objective: RowObjective) -> dict[Value, EntryName]:
    """Return what the values and weights of the network are called in one row's chain rule."""
    graph, target = objective.graph, model.target
    several = graph.output.shape[-1] > 1 and not target.is_number
    names = network_names(
        {"": model.network.module, **model.network.layers},
        graph.hidden,
        graph.parameters,
        graph.features,
        objective.row.names,
        graph.output,
        [str(label) for label in target.classes] if several else (),
    )
    if graph.truth is not None and graph.truth.type.is_float:
        learned = f"the answer of this row, in deviations of the {_training(model)}"
        if not target.is_number:
            learned = (
                f"the answer of this row: 1 for {target.classes[-1]}, 0 for {target.classes[0]}"
            )
        names[graph.truth] = EntryName("t", learned, ("",) * graph.truth.ndim)
    if objective.value is not graph.output:
        names[objective.value] = EntryName(
            objective.name, _MEANINGS[objective.name].format(training=_training(model))
        )
    return names


def _training(model: Model) -> str:
    """Return what the network's answers are standardized by."""
    return "logarithms of the training answers" if model.target.logarithm else "training answers"
