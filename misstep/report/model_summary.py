"""A trained model as a small piece of HTML: its network, decisions, and the losses as curves.

One string that needs nothing else: no scripts, no files, every text escaped. Its drawings are
pictures, so that their looks stay theirs whatever page they stand in. Knows the model and its
history, not estimators.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from misstep.data import Decision
from misstep.drawing import Drawing
from misstep.drawing.charts import LayerBox, Line, line_chart, network_chart
from misstep.modeling import TrainedModel
from misstep.report.markup import Markup, folded, paragraph, table, tag
from misstep.text.counts import counted
from misstep.text.figures import four_figures

__all__ = ["model_summary"]

CURVES = (("training_loss", "training"), ("validation_loss", "validation"))


def model_summary(
    model: TrainedModel, history: Sequence[Mapping[str, float]], decisions: Iterable[Decision]
) -> str:
    """Return the network with its parameters, the curve of losses and the decisions, as HTML."""
    network = model.network
    facts = (
        f"{counted(network.parameter_count, 'parameter')}, "
        f"{counted(len(model.feature_names), 'feature')}"
        f"{', ' + counted(len(history), 'epoch') if history else ''}; "
        f"ended: {model.facts.get('ended', 'not known')}"
    )
    reasons = [(each.what, each.choice, each.reason) for each in decisions]
    chosen = table(("what", "choice", "because"), reasons)
    losses = _losses(history)
    return str(
        tag(
            "div",
            paragraph(f"Predicts {model.target.name}: {model.target.task}. {facts}."),
            None if losses is None else picture_of(losses),
            folded("Network", picture_of(_network(model))),
            folded("Decisions", chosen) if reasons else None,
            class_="misstep-summary",
        )
    )


def picture_of(drawing: Drawing) -> Markup:
    """Return a drawing as a picture that stands alone."""
    return tag("p", Markup(drawing.picture()))


def _network(model: TrainedModel) -> Drawing:
    boxes = [
        LayerBox(
            str(row["layer"]),
            str(row["path"]),
            shape=" × ".join(map(str, row["output"])),
            parameters=int(row["parameters"]),
            classes=("series-1",) if row["parameters"] else ("series-5",),
        )
        for row in model.network.summary()
    ]
    told = f"{counted(len(boxes), 'layer')}, {counted(model.network.parameter_count, 'parameter')}"
    return network_chart(boxes, title="The network", description=told)


def _losses(history: Sequence[Mapping[str, float]]) -> Drawing | None:
    """Return the curves of losses by epoch; None for fewer than two epochs."""
    if len(history) < 2:
        return None
    epochs = list(range(1, len(history) + 1))
    known = [(name, words) for name, words in CURVES if all(name in one for one in history)]
    lines = [Line(words, epochs, [one[name] for one in history]) for name, words in known]
    told = ", ".join(f"{words} {four_figures(history[-1][name])} at last" for name, words in known)
    return line_chart(
        lines,
        title="Loss by epoch",
        description=told,
        across="epoch",
        up="loss",
        whole=True,
        logarithmic=None,
    )
