"""A small convolutional network for images of 28 × 28: two convolutions, pooling, two dense."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from benchmarks.networks.family import Family, Product, Weights, dense_product, modest

if TYPE_CHECKING:
    import torch

    import misstep as ms


@dataclass(frozen=True)
class SmallCNN(Family):
    """Convolution 3 × 3, ReLU, convolution 3 × 3, ReLU, pool 2, dense, ReLU, dense; no padding.

    `side` of the images; `first`, `second`: channels; `units` of the dense layer.
    """

    side: int = 28
    channels: int = 1
    first: int = 32
    second: int = 64
    units: int = 128
    classes: int = 10

    kind: ClassVar[str] = "small-cnn"
    convolves: ClassVar[bool] = True

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Return (height, width, channels)."""
        return (self.side, self.side, self.channels)

    @property
    def outputs(self) -> int:
        """Return one number for each class."""
        return self.classes

    @property
    def flat(self) -> int:
        """Return how many numbers an image has after pooling."""
        return ((self.side - 4) // 2) ** 2 * self.second

    def products(self, batch: int) -> list[Product]:
        """Return two convolutions and two dense layers."""
        places = batch * (self.side - 2) ** 2, batch * (self.side - 4) ** 2
        return [
            dense_product(places[0], 9 * self.channels, self.first, backward=1),
            dense_product(places[1], 9 * self.first, self.second),
            dense_product(batch, self.flat, self.units),
            dense_product(batch, self.units, self.classes),
        ]

    def weights(self, random: np.random.Generator, dtype: str) -> Weights:
        """Return modest weights, with biases 0.

        From He's, where rows are random, Adam's first steps throw the loss to 25 and units die.
        """
        made: Weights = {}
        for name, shape in (
            ("conv1", (3, 3, self.channels, self.first)),
            ("conv2", (3, 3, self.first, self.second)),
            ("dense1", (self.flat, self.units)),
            ("dense2", (self.units, self.classes)),
        ):
            made[f"{name}.weight"] = modest(random, shape, int(np.prod(shape[:-1])), dtype)
            made[f"{name}.bias"] = np.zeros(shape[-1], dtype)
        return made

    def ours(self) -> ms.Module:
        """Return misstep's layers."""
        import misstep as ms

        return ms.Sequential(
            ms.Conv2D(self.first, 3, padding="valid"),
            ms.ReLU(),
            ms.Conv2D(self.second, 3, padding="valid"),
            ms.ReLU(),
            ms.MaxPool2D(2),
            ms.Flatten(),
            ms.Dense(self.units),
            ms.ReLU(),
            ms.Dense(self.classes),
        )

    def torch_model(self, weights: Weights) -> torch.nn.Module:
        """Return PyTorch's module."""
        from torch import nn

        from benchmarks.networks import torch_parts as parts

        return nn.Sequential(
            parts.Images(),
            parts.convolution(weights, "conv1"),
            nn.ReLU(),
            parts.convolution(weights, "conv2"),
            nn.ReLU(),
            nn.MaxPool2d(2),
            parts.FlattenImages(),
            parts.linear(weights, "dense1"),
            nn.ReLU(),
            parts.linear(weights, "dense2"),
        )

    def jax_forward(
        self,
        parameters: Mapping[str, Any],
        running: Mapping[str, Any],
        x: Any,
        training: bool,
        key: Any = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Return the outputs."""
        import jax

        from benchmarks.networks import jax_parts as parts

        relu = jax.nn.relu
        x = relu(parts.convolution(parameters, "conv1", x))
        x = relu(parts.convolution(parameters, "conv2", x))
        x = parts.max_pool(x).reshape(len(x), -1)
        x = relu(parts.dense(parameters, "dense1", x))
        return parts.dense(parameters, "dense2", x), dict(running)
