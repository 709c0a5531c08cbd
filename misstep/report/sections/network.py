"""The network that learned: its layers with shapes and parameters, the loss, and what moved it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from misstep.drawing import Drawing
from misstep.drawing.charts import LayerBox, network_chart
from misstep.record import LayerDescription, Role, RunDescription
from misstep.report.markup import Markup, figure, joined, paragraph, tag
from misstep.report.material import Material
from misstep.report.section import Section
from misstep.text.counts import counted

# How the edge of a box looks, by what its layer does.
CLASSES = {
    Role.AFFINE: "series-1",
    Role.ACTIVATION: "series-2",
    Role.RECURRENT: "series-4",
    Role.ATTENTION: "series-4",
    Role.NORMALIZATION: "series-3",
    Role.EMBEDDING: "series-6",
    Role.DROPOUT: "series-7",
    Role.POOLING: "series-8",
}
# Containers whose layers each get the same.
SIDE_BY_SIDE = frozenset({"Parallel"})
# Containers that a row also goes around.
AROUND = frozenset({"Residual"})
# What the way around is called in paths.
AROUND_PATH = ".shortcut"
# Lengths of a list that is a shape; a longer one is a choice of many.
MOST_LENGTHS = 3
# Settings that say nothing beside the shape.
SILENT = frozenset({"initializer", "bias_initializer", "epsilon", "momentum", "shape"})


class TheNetwork(Section):
    """Layers, loss, optimizer."""

    slug: ClassVar[str] = "network"
    title: ClassVar[str] = "The network"
    place: ClassVar[int] = 20

    def content(self, material: Material) -> Markup | None:
        """Return the drawing of the network; None where no record describes one."""
        description = None if material.record is None else material.record.description
        if description is None or not description.layers:
            return None
        rows = [
            ("loss", _part(description.loss.kind, description.loss.settings)),
            ("optimizer", _optimizer(description)),
            *(("schedule", _part(one.kind, one.settings)) for one in _some(description.schedule)),
            *(("clipping", _part(one.kind, one.settings)) for one in description.clipping),
            *(("penalty", _part(one.kind, one.settings)) for one in description.penalties),
            ("batch", counted(description.batch_size * description.accumulate, "row")),
            *(
                [("products of dense layers", f"of {description.precision} numbers")]
                if description.precision != "float32"
                else []
            ),
            ("updates", f"{description.updates_per_epoch:,} in an epoch"),
        ]
        facts = [part for name, words in rows for part in (tag("dt", name), tag("dd", words))]
        return joined(
            [
                paragraph(_summary(description)),
                tag(
                    "div",
                    figure(network_drawing(description)),
                    tag("div", tag("h3", "How it learned"), tag("dl", *facts, class_="facts")),
                    class_="figures",
                ),
            ]
        )


def network_drawing(description: RunDescription) -> Drawing:
    """Return the layers that a run describes, as boxes."""
    return network_chart(
        layer_boxes(description),
        title="The network",
        description=_summary(description),
        first=_shape(description.input_shape),
    )


def layer_boxes(description: RunDescription) -> list[LayerBox]:
    """Return the layers of a network as boxes, those that hold others around them."""
    layers = list(description.layers)
    inside: dict[str, list[LayerDescription]] = {}
    paths = {layer.path for layer in layers if layer.role is Role.CONTAINER}
    for layer in layers:
        if not layer.path:
            continue
        parent = layer.path
        while parent:
            parent = parent.rpartition(".")[0]
            if parent in paths or not parent:
                break
        inside.setdefault(parent, []).append(layer)
    whole = next((layer for layer in layers if not layer.path), None)
    if whole is not None and (whole.kind in SIDE_BY_SIDE | AROUND or not inside):
        return [_box(whole, inside)]
    return [_box(layer, inside) for layer in inside.get("", [])]


def _box(layer: LayerDescription, inside: Mapping[str, list[LayerDescription]]) -> LayerBox:
    held = tuple(_box(one, inside) for one in inside.get(layer.path, []) if one is not layer)
    kinds = CLASSES.get(layer.role, "series-5")
    return LayerBox(
        layer.kind,
        layer.path,
        settings_words(layer.settings),
        _shape(layer.output_shape),
        sum(math.prod(one.shape) for one in layer.parameters),
        (kinds,),
        held,
        layer.kind in SIDE_BY_SIDE,
        layer.kind in AROUND,
        layer.path.endswith(AROUND_PATH),
    )


def settings_words(settings: Mapping[str, Any]) -> str:
    """Return plain settings of a layer in few words, those that say something."""
    return ", ".join(
        f"{name.replace('_', ' ')} {_plain(one)}"
        for name, one in settings.items()
        if name not in SILENT and one not in (None, False, True, 0) and _says(name, one)
    )


def _says(name: str, one: Any) -> bool:
    # What almost every such layer has.
    usual: dict[str, Any] = {"stride": 1, "dilation": 1, "groups": 1, "padding": "valid"}
    return usual.get(name) != one


def _plain(one: Any) -> str:
    if isinstance(one, float):
        return f"{one:g}"
    if isinstance(one, list | tuple):
        return " × ".join(map(str, one)) if len(one) <= MOST_LENGTHS else f"{len(one):,}"
    return str(one)


def _part(kind: str, settings: Mapping[str, Any]) -> str:
    words = ", ".join(
        f"{name.replace('_', ' ')} {_plain(one)}"
        for name, one in settings.items()
        if one not in (None, False, True)
    )
    return f"{kind} ({words})" if words else kind


def _optimizer(description: RunDescription) -> str:
    one = description.optimizer
    settings = {"learning_rate": one.learning_rate, **one.settings}
    return _part(one.kind, settings)


def _some(one: Any) -> list[Any]:
    return [] if one is None else [one]


def _summary(description: RunDescription) -> str:
    layers = [one for one in description.effective_layers if one.parameters]
    count = counted(description.parameter_count, "parameter")
    shapes = ""
    if description.input_shape and description.output_shape:
        shapes = f", from {_shape(description.input_shape)} to {_shape(description.output_shape)}"
    return f"{count} in {counted(len(layers), 'layer')} that learn{shapes}."


def _shape(shape: tuple[int, ...]) -> str:
    """Return the shape of a row: 8 × 8 × 24; one number is "1 number"."""
    if len(shape) == 1:
        return counted(shape[0], "number")
    return " × ".join(f"{length:,}" for length in shape)
