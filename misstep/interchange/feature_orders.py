"""In which order features of an image lie in a row: here, and where channels come first.

A row made of an image (height, width, channels) holds here all channels of the first place, then
those of the next; where images are (channels, height, width), it holds the whole first channel
first. A dense layer behind it has the same shapes in both and other weights. Follows what a network
computes and says of each layer in which order features come in and go out. Knows networks, no
files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from misstep.errors import NotYetError
from misstep.ir import Array, Value, ancestors
from misstep.nn import (
    GRU,
    LSTM,
    RNN,
    AveragePool1D,
    Bidirectional,
    Conv1D,
    Conv1DTranspose,
    Dense,
    Embedding,
    LayerNorm,
    MaxPool1D,
    MultiHeadAttention,
    Network,
    PositionEmbedding,
    TransformerBlock,
)
from misstep.ops.elementwise import Binary, Unary

# Whose sequences have channels first elsewhere, and whose have them last there too. Images have
# them first behind any layer.
CHANNELS_FIRST = (Conv1D, Conv1DTranspose, MaxPool1D, AveragePool1D)
CHANNELS_LAST = (
    *(RNN, GRU, LSTM, Bidirectional, MultiHeadAttention, TransformerBlock),
    *(Embedding, PositionEmbedding, Dense, LayerNorm),
)
# Ops beside those that work entry by entry which leave features where they are.
IN_PLACE = {"where", "normalize", "softmax", "cast"}
WITHOUT_FEATURES = {"sum", "max", "argmax"}
FLAT_AXES = 2  # batch, features
IMAGE_AXES = 4  # batch, height, width, channels
# Of the pass that is followed.
ROWS = 2


@dataclass
class FeatureOrders:
    """Where the feature that stands here at a place stands elsewhere, by path of the layer.

    Only layers are in it whose features stand elsewhere. `unknown`: layers of which it can't be
    told.
    """

    into: dict[str, Array] = field(default_factory=dict)
    out_of: dict[str, Array] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)

    def check(self, path: str) -> None:
        """Raise NotYetError where the order of a layer's features can't be told."""
        if path in self.unknown:
            raise NotYetError(
                f"the layer {path}, whose features are made of an image and cut or moved",
                needed="an image that is flattened, and then layers that keep features in place",
                try_='channels="last" if features stand in the same order there',
            )


def feature_orders(network: Network) -> FeatureOrders:
    """Return in which order the features of each layer stand where channels come first."""
    following = _Following(network)
    trace, found = following.trace, FeatureOrders()
    for path, output in trace.outputs.items():
        into = trace.inputs[path]
        if into in following.lost or output in following.lost_behind:
            found.unknown.add(path)
        given = following.order.get(into, following.behind.get(into))
        if given is not None and not _is_plain(given):
            found.into[path] = given
        made = following.behind.get(output, following.order.get(output))
        if made is not None and not _is_plain(made):
            found.out_of[path] = made
    return found


def flattened(space: tuple[int, ...], channels: int) -> Array:
    """Return where each feature of a flattened image stands if channels come first."""
    places = math.prod(space)
    return np.arange(channels * places).reshape(channels, places).T.reshape(-1)


class _Following:
    """The pass of a network, followed forwards from what is flattened, and back from images."""

    def __init__(self, network: Network) -> None:
        self.x, raw, self.trace = network.named_pass(ROWS)
        self.makers: dict[Value, object] = {}
        for path, value in self.trace.outputs.items():
            self.makers.setdefault(value, self.trace.layers[path])
        self.consumers: dict[Value, list[object]] = {}
        for path, value in self.trace.inputs.items():
            self.consumers.setdefault(value, []).append(self.trace.layers[path])
        # What is known of a Value (rows, features): its order, as images gave it or as images need
        # it; and where that is lost.
        self.order: dict[Value, Array] = {}
        self.behind: dict[Value, Array] = {}
        self.lost: set[Value] = set()
        self.lost_behind: set[Value] = set()
        values = sorted(ancestors([raw]), key=lambda value: value.serial)
        self.takers: dict[Value, list[Value]] = {}
        for value in values:
            for operand in value.inputs:
                self.takers.setdefault(operand, []).append(value)
        for value in values:
            self._forwards(value)
        for value in reversed(values):
            self._backwards(value)

    def _forwards(self, value: Value) -> None:
        op = value.op
        if op is None or value.ndim != FLAT_AXES:
            return
        given = [one for one in value.inputs if one in self.order or one in self.lost]
        if not given:
            source = value.inputs[0] if op.name == "reshape" else None
            if source is not None and _is_image_of(source, value) and self._came_first(source):
                self.order[value] = flattened(source.shape[1:-1], source.shape[-1])
            return
        if op.products(value) or op.name in WITHOUT_FEATURES:
            return
        width = value.shape[1]
        if not any(one in self.lost for one in given):
            if _is_in_place(value) or (op.name == "reshape" and value.shape == given[0].shape):
                orders = [self.order[one] for one in given if len(self.order[one]) == width]
                if orders and all(np.array_equal(orders[0], one) for one in orders):
                    self.order[value] = orders[0]
                    return
            elif op.name == "concatenate" and sum(one.shape[1] for one in value.inputs) == width:
                parts, before = [], 0
                for one in value.inputs:
                    part = self.order.get(one)
                    parts.append(before + (np.arange(one.shape[1]) if part is None else part))
                    before += one.shape[1]
                self.order[value] = np.concatenate(parts)
                return
        self.lost.add(value)

    def _backwards(self, value: Value) -> None:
        if value.ndim != FLAT_AXES:
            return
        for taker in self.takers.get(value, ()):
            if taker.op is not None and taker.op.name == "reshape" and _is_image_of(taker, value):
                if self._goes_first(taker):
                    self.behind[value] = flattened(taker.shape[1:-1], taker.shape[-1])
            elif taker.shape == value.shape and (taker in self.behind or taker in self.lost_behind):
                same = taker.op is not None and (_is_in_place(taker) or taker.op.name == "reshape")
                if same and taker in self.behind:
                    self.behind[value] = self.behind[taker]
                elif taker.op is not None and not taker.op.products(taker):
                    self.lost_behind.add(value)
            elif (
                taker in self.behind
                and taker.op is not None
                and not taker.op.products(taker)
                and not _is_in_place(taker)
            ):
                self.lost_behind.add(value)

    def _came_first(self, source: Value) -> bool:
        """Tell whether an image or a sequence that is flattened has channels first elsewhere."""
        if source.ndim >= IMAGE_AXES:
            return True
        waiting, seen = [source], {source}
        while waiting:
            value = waiting.pop(0)
            maker = self.makers.get(value)
            if isinstance(maker, CHANNELS_FIRST):
                return True
            if isinstance(maker, CHANNELS_LAST):
                return False
            news = [one for one in value.inputs if one not in seen]
            seen.update(news)
            waiting += news
        return False

    def _goes_first(self, image: Value) -> bool:
        """Tell whether an image or a sequence made of features has channels first elsewhere."""
        if image.ndim >= IMAGE_AXES:
            return True
        waiting, seen = [image], {image}
        while waiting:
            value = waiting.pop(0)
            layers = self.consumers.get(value, [])
            if any(isinstance(layer, CHANNELS_FIRST) for layer in layers):
                return True
            if any(isinstance(layer, CHANNELS_LAST) for layer in layers):
                return False
            news = [one for one in self.takers.get(value, []) if one not in seen]
            seen.update(news)
            waiting += news
        return False


def _is_image_of(image: Value, flat: Value) -> bool:
    """Tell whether the features of `flat` are the places and channels of `image`."""
    rows, *space, channels = image.shape if image.ndim > FLAT_AXES else (0, 0)
    return rows == flat.shape[0] and math.prod(space) * channels == flat.shape[1]


def _is_in_place(value: Value) -> bool:
    op = value.op
    return isinstance(op, Unary | Binary) or (op is not None and op.name in IN_PLACE)


def _is_plain(order: Array) -> bool:
    return bool((order == np.arange(len(order))).all())
