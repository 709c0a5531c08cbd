"""The backward pass of one mistake, drawn on the network that made it.

Knows the facts of `modeling/judgment/blame.py` and the chart; what stands around it, the section
knows.
"""

from __future__ import annotations

from misstep.drawing import Drawing
from misstep.drawing.charts import Link, Unit, UnitColumn, backward_pass
from misstep.modeling import Blame, Mistake, Model
from misstep.modeling.judgment.blame import BlamedLayer, BlamedLink, BlamedUnit
from misstep.text.counts import plural
from misstep.text.figures import percent, some_figures, three_figures
from misstep.text.lists import joined

__all__ = ["blame_drawing", "short_figure"]

# Connections drawn between two layers: more would hide each other.
MOST_LINKS = 16
# Layers whose first units are named in words.
NAMED = 2


def blame_drawing(blame: Blame, mistake: Mistake, model: Model) -> Drawing:
    """Return the network with what the loss of one row hands back to its layers."""
    layers = blame.layers
    names = _ends([layer.name for layer in layers])
    columns = [
        UnitColumn(
            names[at],
            [_unit(layer, unit, mistake, model, last=layer is layers[-1]) for unit in layer.units],
            layer.norm,
            layer.left_out,
            f"more {plural(layer.left_out, layer.noun)}",
        )
        for at, layer in enumerate(layers)
    ]
    links = []
    for at in range(len(layers) - 1):
        between = [link for link in blame.links if link.layer == at][:MOST_LINKS]
        links += [
            Link(at, link.start, link.end, link.handed, _link_words(layers, link))
            for link in between
        ]
    norms = joined([f"{layer.name} {short_figure(layer.norm)}" for layer in reversed(layers)])
    first = [
        f"of {layer.name} {layer.units[0].name}, which {_wish(layer.units[0])}"
        for layer in reversed(layers[:-1])
        if layer.units
    ]
    return backward_pass(
        columns,
        links,
        title=f"What the mistake on {mistake.name} hands back",
        description=f"the loss of {three_figures(blame.loss)} goes from right to left; the length "
        f"of its gradient by each layer: {norms}; blamed most is {joined(first[:NAMED])}",
    )


def _ends(paths: list[str]) -> list[str]:
    """Return the last step of each path where that tells it from the others, else all of it."""
    ends = [path.rpartition(".")[2] for path in paths]
    return [end if ends.count(end) == 1 else path for end, path in zip(ends, paths, strict=True)]


def short_figure(number: float) -> str:
    """Return a number with three figures, small ones with their power of ten."""
    if number == 0 or abs(number) >= 0.01:
        return three_figures(number)
    return some_figures(number, 2)


def _wish(unit: BlamedUnit) -> str:
    return "should be smaller" if unit.gradient > 0 else "should be larger"


def _unit(
    layer: BlamedLayer, unit: BlamedUnit, mistake: Mistake, model: Model, *, last: bool
) -> Unit:
    words = _output_words(unit, mistake, model) if last else unit.name
    return Unit(unit.name, unit.gradient, words, unit.activation)


def _output_words(unit: BlamedUnit, mistake: Mistake, model: Model) -> str:
    """Return what was said of an output, and whether it is right."""
    target = model.target
    if mistake.off is not None:
        said, right = some_figures(mistake.predicted, 4), some_figures(mistake.answer, 6)
        return f"said {said}, right {right}"
    if len(target.classes) == 2:
        share = mistake.probabilities.get(str(target.classes[1]))
        said = "" if share is None else f" {percent(share)}"
        return f"said {target.classes[1]}{said}, right {mistake.answer}"
    share = mistake.probabilities.get(unit.name)
    said = f"{unit.name}" if share is None else f"{unit.name}: said {percent(share)}"
    return f"{said}, right" if unit.name == str(mistake.answer) else said


def _link_words(layers: tuple[BlamedLayer, ...], link: BlamedLink) -> str:
    start = layers[link.layer].units[link.start].name
    end = layers[link.layer + 1].units[link.end].name
    words = f"{end} hands back {short_figure(link.handed)} to {start}"
    if link.weight is not None:
        words += f" over {link.weight_name}, {short_figure(link.weight)}"
    return words
