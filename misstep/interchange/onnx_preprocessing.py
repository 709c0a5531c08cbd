"""What brings people's rows to those of a network, written in ONNX's words where it has some.

Numbers, their gaps, logarithms and scales, categories and pixels have words; dates, texts,
sequences and series have none: such a model's file takes prepared rows. A rule for each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from misstep.data import ImageScaling, MatrixScaling, Preprocessing, Preprocessor
from misstep.data.standardization import CLIP, FARTHEST, Standard
from misstep.data.table.column_transformers import CategoryTransformer, NumberTransformer
from misstep.interchange.onnx_reading import Port
from misstep.onnx_operators.exporting import Maker
from misstep.onnx_operators.node import CLASSIC_DOMAIN

FLOAT, DOUBLE, STRING = 1, 11, 8
# How an open number of rows is called.
OPEN = "rows"


def put_preprocessing(
    maker: Maker, preprocessing: Preprocessing
) -> tuple[list[Port], list[str], Callable[[], str]] | None:
    """Return what goes in, a note on each, and what writes the features (rows, features).

    None where ONNX has no words for some of it.
    """
    if isinstance(preprocessing, MatrixScaling):
        port = Port("x", DOUBLE, (OPEN, len(preprocessing.names)))
        notes = [f"x: numbers, the columns {', '.join(preprocessing.names)}"]
        return [port], notes, lambda: _matrix(maker, preprocessing)
    if isinstance(preprocessing, ImageScaling):
        port = Port("x", FLOAT, (OPEN, *preprocessing.shape))
        note = (
            f"x: images of {preprocessing.height} × {preprocessing.width} pixels, channels last, "
            f"from 0 to {preprocessing.largest:g}"
        )
        return [port], [note], lambda: _images(maker, preprocessing)
    if not isinstance(preprocessing, Preprocessor):
        return None
    transformers = preprocessing.transformers
    if not all(type(one) in _COLUMNS for one in transformers):
        return None
    ports, notes = [], []
    for one in transformers:
        element, words = _KINDS[type(one)]
        name = maker.fresh(one.column)
        ports.append(Port(name, element, (OPEN, 1)))
        notes.append(f"{name}: {words}")
    return ports, notes, lambda: _table(maker, transformers, [port.name for port in ports])


def _matrix(maker: Maker, scaling: MatrixScaling) -> str:
    centers = maker.constant(np.array(scaling.centers, "float64"))
    scales = maker.constant(np.array(scaling.scales, "float64"))
    z = maker.node("Div", [maker.node("Sub", ["x", centers]), scales])
    return maker.cast(_held(maker, z), "float32")


def _images(maker: Maker, scaling: ImageScaling) -> str:
    low, high = map(np.float32, scaling.used or (0.0, scaling.largest))
    width = scaling.number_of_features
    flat = maker.node("Reshape", ["x", maker.constant(np.array([-1, width]))])
    moved = maker.node("Sub", [flat, maker.constant(low)])
    ends = [maker.number(0.0, "float32"), maker.number(1.0, "float32")]
    return maker.node("Clip", [maker.node("Div", [moved, maker.constant(high - low)]), *ends])


def _table(maker: Maker, transformers: Sequence[Any], names: Sequence[str]) -> str:
    parts: list[str] = []
    for one, name in zip(transformers, names, strict=True):
        parts += _COLUMNS[type(one)](maker, one, name)
    return maker.node("Concat", parts, axis=1) if len(parts) > 1 else parts[0]


def _number(maker: Maker, one: NumberTransformer, name: str) -> list[str]:
    gaps = maker.node("IsNaN", [name])
    filled = maker.node("Where", [gaps, maker.number(one.fill, "float64"), name])
    parts = [maker.cast(_standard(maker, one.standard, filled), "float32")]
    return parts + [maker.cast(gaps, "float32")] * one.indicator


def _standard(maker: Maker, standard: Standard, x: str) -> str:
    if standard.log:
        size = maker.node("Add", [maker.node("Abs", [x]), maker.number(1.0, "float64")])
        x = maker.node("Mul", [maker.node("Sign", [x]), maker.node("Log", [size])])
    apart = maker.node("Sub", [x, maker.number(standard.center, "float64")])
    z = _held(maker, maker.node("Div", [apart, maker.number(standard.scale, "float64")]))
    if standard.clip:
        share = maker.node("Div", [z, maker.number(CLIP, "float64")])
        square = maker.node("Mul", [share, share])
        root = maker.node("Sqrt", [maker.node("Add", [square, maker.number(1.0, "float64")])])
        z = maker.node("Div", [z, root])
    return z


def _held(maker: Maker, z: str) -> str:
    ends = [maker.number(-FARTHEST, "float64"), maker.number(FARTHEST, "float64")]
    return maker.node("Clip", [z, *ends])


def _category(maker: Maker, one: CategoryTransformer, name: str) -> list[str]:
    width = len(one.feature_names)
    if not width:
        return []
    other = len(one.values) if one.other else width
    places = {"": width - 1 if one.indicator else width}
    places |= {value: place for place, value in enumerate(one.values)}
    numbers = maker.node(
        "LabelEncoder",
        [name],
        domain=CLASSIC_DOMAIN,
        keys_strings=tuple(places),
        values_int64s=tuple(places.values()),
        default_int64=other,
    )
    hits = maker.node("Equal", [numbers, maker.constant(np.arange(width).reshape(1, -1))])
    return [maker.cast(hits, "float32")]


_COLUMNS: dict[type, Callable[[Maker, Any, str], list[str]]] = {
    NumberTransformer: _number,
    CategoryTransformer: _category,
}
_KINDS: dict[type, tuple[int, str]] = {
    NumberTransformer: (DOUBLE, "a number, NaN where it is missing"),
    CategoryTransformer: (STRING, "a category as a text, empty where it is missing"),
}
