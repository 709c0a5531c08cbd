"""Made-up networks, losses, optimizers and data, and steps of them as graphs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from misstep.autodiff import gradient
from misstep.ir import Array, Graph, make_input
from misstep.nn import (
    AveragePool1D,
    AveragePool2D,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool1D,
    MaxPool2D,
    Module,
    Network,
    ReLU,
    Residual,
    Sequential,
    Tanh,
    registered_layers,
)
from misstep.nn.activations import Activation
from misstep.nn.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Loss,
    SquaredError,
)
from misstep.ops import concatenate, reshape
from misstep.optim import (
    L1,
    L2,
    ClipNorm,
    Clipping,
    ClipValue,
    Optimizer,
    Regularizer,
    registered_optimizers,
)

ACTIVATIONS: list[Module] = [
    layer
    for kind in registered_layers().values()
    if issubclass(kind, Activation)
    for layer in {repr(layer): layer for layer, _ in kind.examples()}.values()
]
OPTIMIZERS: list[Optimizer] = [
    example for kind in registered_optimizers().values() for example in kind.examples()
]


@dataclass(frozen=True)
class Case:
    """A network with all that training it takes, and rows to learn from."""

    layers: Module
    input_shape: tuple[int, ...]
    loss: Loss
    optimizer: Optimizer
    clipping: list[Clipping]
    regularizers: list[Regularizer]
    rows: int
    dtype: str
    seed: int
    weighted: bool
    x: Array = field(repr=False, compare=False)
    y: Array = field(repr=False, compare=False)
    weights: Array | None = field(repr=False, compare=False)

    def network(self, dtype: str | None = None) -> Network:
        """Return the network with its first numbers; those of float32 also in float64."""
        network = Network(self.layers, self.input_shape, dtype=self.dtype, seed=self.seed)
        random = np.random.default_rng(self.seed)
        # Biases that start at 0 would put kinks where all is 0.
        network.parameters += random.normal(0, 0.1, network.parameters.shape).astype(self.dtype)
        if dtype in (None, self.dtype):
            return network
        other = Network(self.layers, self.input_shape, dtype=dtype, seed=self.seed)
        other.parameters[:] = network.parameters
        return other

    def graph(self, network: Network) -> tuple[Graph, dict[str, Any]]:
        """Return prediction, loss and gradient of the whole batch as a graph, and its feeds."""
        dtype = network.dtype
        x = make_input("x", self.x.shape, dtype)
        parameters = make_input("parameters", network.parameters.shape, dtype)
        kind = "int64" if self.loss.target_dtype == "int" else dtype
        y = make_input("y", self.y.shape, kind)
        seed, step = make_input("seed", (), "int64"), make_input("step", (), "int64")
        raw, trace = network.apply(x, parameters, training=True, seed=seed, step=step)
        weights = make_input("weights", (self.rows,), dtype) if self.weighted else None
        loss = self.loss(raw, y, weights)
        for regularizer in self.regularizers:
            for name, specification in trace.parameters.items():
                if specification.regularized:
                    loss = loss + regularizer.penalty(trace.values[name])
        gradients = gradient(loss, [trace.values[name] for name in trace.parameters])
        flat = concatenate([reshape(value, (-1,)) for value in gradients])
        for clipping in self.clipping:
            flat = clipping.clip(flat)
        graph = Graph({"prediction": self.loss.predict(raw), "loss": loss, "gradient": flat})
        feeds = {
            "x": self.x,
            "y": self.y,
            "parameters": network.parameters,
            "seed": self.seed,
            "step": 5,
        }
        if self.weights is not None:
            feeds["weights"] = self.weights
        return graph, feeds


@st.composite
def seen_layers(draw: st.DrawFn, axes: int) -> list[Module]:
    """Return layers for images (two axes of space) or sequences (one): convolution, pooling."""
    convolution, pools = (
        (Conv1D, (MaxPool1D, AveragePool1D)) if axes == 1 else (Conv2D, (MaxPool2D, AveragePool2D))
    )
    parts: list[Module] = []
    for _ in range(draw(st.sampled_from([0, 1, 1, 2]))):
        groups = draw(st.sampled_from([1, 1, 1, 2])) if parts else 1
        filters = draw(st.sampled_from([2, 4, 8, 16, 18, 34]))
        parts.append(
            convolution(
                filters,
                draw(st.sampled_from([1, 2, 3])),
                stride=draw(st.sampled_from([1, 1, 2])),
                padding="same",
                dilation=draw(st.sampled_from([1, 1, 2])),
                groups=groups,
                bias=draw(st.booleans()),
            )
        )
        parts.append(draw(st.sampled_from(ACTIVATIONS)))
        if draw(st.integers(0, 2)) == 0:
            kind = draw(st.sampled_from(pools))
            parts.append(kind(2, stride=draw(st.sampled_from([None, 1])), padding="same"))
    return parts


@st.composite
def cases(draw: st.DrawFn, dtype: str | None = None) -> Case:
    """Return a small network of any kind, and what it may be trained with."""
    seed = draw(st.integers(0, 2**31))
    random = np.random.default_rng(seed)
    dtype = dtype or draw(st.sampled_from(["float32", "float64"]))
    rows = draw(st.sampled_from([1, 2, 3, 5, 7, 8, 8, 8, 16, 20]))
    # Mostly one tile's worth: each kind of tail in a product is code of its own.
    width = st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 16, 17])
    shapes = st.sampled_from([(3, 4), (2, 2, 3), (9, 2), (6, 5, 1), (8, 8, 3), (5, 7, 8)])
    shape = draw(st.one_of(width.map(lambda one: (one,)), shapes))
    parts: list[Module] = []
    if len(shape) > 1:
        parts += draw(seen_layers(len(shape) - 1))
        parts.append(Flatten())
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2, 2, 3]))):
        units = draw(width)
        bias = draw(st.booleans())
        parts.append(Dense(units) if bias else Dense(units, bias=False))
        parts.append(draw(st.sampled_from(ACTIVATIONS)))
        extra = draw(st.integers(0, 5))
        if extra == 0:
            parts.append(Dropout(draw(st.sampled_from([0.1, 0.5]))))
        elif extra == 1:
            parts.append(Residual(Dense(units), draw(st.sampled_from([Tanh(), ReLU()]))))
    kind = draw(st.integers(0, 4))
    outputs = draw(st.sampled_from([1, 2, 3, 10, 17])) if kind != 4 else draw(st.integers(2, 11))
    parts.append(Dense(outputs))
    loss: Loss
    y: Array
    if kind == 4:
        balance = tuple(random.uniform(0.5, 2, outputs)) if draw(st.booleans()) else None
        loss, y = CrossEntropy(balance), random.integers(0, outputs, rows)
    elif kind == 3:
        balance = (0.5, 2.0) if outputs == 1 and draw(st.booleans()) else None
        loss = BinaryCrossEntropy(balance)
        y = random.integers(0, 2, (rows, outputs)).astype(dtype)
    else:
        loss = (SquaredError(half=draw(st.booleans())), AbsoluteError(), Huber(0.7))[kind]
        y = random.normal(0, 1, (rows, outputs)).astype(dtype)
    clipping: list[Clipping] = draw(
        st.sampled_from([[], [], [ClipNorm(0.5)], [ClipValue(0.05)], [ClipValue(0.1), ClipNorm(1)]])
    )
    regularizers: list[Regularizer] = draw(
        st.sampled_from([[], [], [L2(0.01)], [L1(0.01), L2(0.1)]])
    )
    weighted = draw(st.booleans())
    return Case(
        Sequential(*parts),
        shape,
        loss,
        draw(st.sampled_from(OPTIMIZERS)),
        clipping,
        regularizers,
        rows,
        dtype,
        seed,
        weighted,
        random.normal(0, 1, (rows, *shape)).astype(dtype),
        y,
        random.uniform(0, 2, rows).astype(dtype) if weighted else None,
    )
