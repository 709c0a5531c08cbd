"""A residual network with batch normalization for images of 32 × 32 (He and others, 2016).

A convolution, three stages of two blocks with 16, 32 and 64 channels, mean over all places, a dense
layer. The first block of the second and third stage halves the image; its shortcut is a 1 × 1
convolution of the same stride. Convolutions have no biases: the normalization would undo them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from benchmarks.networks.family import Family, Product, Weights, dense_product, glorot, he

if TYPE_CHECKING:
    import torch

    import misstep as ms


@dataclass(frozen=True)
class Block:
    """One block: its name, channels in and out, stride, and the side of what comes out."""

    name: str
    inputs: int
    outputs: int
    stride: int
    side: int

    @property
    def projects(self) -> bool:
        """Return whether the shortcut needs a convolution."""
        return self.stride != 1 or self.inputs != self.outputs


@dataclass(frozen=True)
class ResidualCNN(Family):
    """`channels` of each stage, `blocks` in each."""

    side: int = 32
    colors: int = 3
    channels: tuple[int, ...] = (16, 32, 64)
    blocks: int = 2
    classes: int = 10

    kind: ClassVar[str] = "residual-cnn"
    convolves: ClassVar[bool] = True

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Return (height, width, channels)."""
        return (self.side, self.side, self.colors)

    @property
    def outputs(self) -> int:
        """Return one number for each class."""
        return self.classes

    def each_block(self) -> Iterator[Block]:
        """Yield the blocks in their order."""
        inputs, side = self.channels[0], self.side
        for stage, outputs in enumerate(self.channels, start=1):
            for place in range(1, self.blocks + 1):
                stride = 2 if stage > 1 and place == 1 else 1
                side //= stride
                yield Block(f"stage{stage}-{place}", inputs, outputs, stride, side)
                inputs = outputs

    def convolutions(self) -> Iterator[tuple[str, tuple[int, int, int, int], int]]:
        """Yield name, shape of the weights and side of the result, in misstep's order."""
        yield "stem", (3, 3, self.colors, self.channels[0]), self.side
        for one in self.each_block():
            yield f"{one.name}-first", (3, 3, one.inputs, one.outputs), one.side
            yield f"{one.name}-second", (3, 3, one.outputs, one.outputs), one.side
            if one.projects:
                yield f"{one.name}-shortcut", (1, 1, one.inputs, one.outputs), one.side

    def products(self, batch: int) -> list[Product]:
        """Return all convolutions and the dense layer."""
        made = [
            dense_product(
                batch * side**2, height * width * inputs, outputs, backward=1 + (name != "stem")
            )
            for name, (height, width, inputs, outputs), side in self.convolutions()
        ]
        return [*made, dense_product(batch, self.channels[-1], self.classes)]

    def weights(self, random: np.random.Generator, dtype: str) -> Weights:
        """Return weights of He's spread; scales are 1, shifts 0."""
        made: Weights = {}
        for name, shape, _ in self.convolutions():
            made[f"{name}.weight"] = he(random, shape, int(np.prod(shape[:-1])), dtype)
            made[f"{name}-norm.scale"] = np.ones(shape[-1], dtype)
            made[f"{name}-norm.shift"] = np.zeros(shape[-1], dtype)
        made["dense.weight"] = glorot(random, self.channels[-1], self.classes, dtype)
        made["dense.bias"] = np.zeros(self.classes, dtype)
        return made

    def running(self, dtype: str) -> Weights:
        """Return means and variances."""
        made: Weights = {}
        for name, shape, _ in self.convolutions():
            made[f"{name}-norm.mean"] = np.zeros(shape[-1], dtype)
            made[f"{name}-norm.variance"] = np.ones(shape[-1], dtype)
        return made

    def ours(self) -> ms.Module:
        """Return misstep's layers."""
        import misstep as ms

        def normal(channels: int, stride: int = 1, side: int = 3) -> list[ms.Module]:
            # One zero on each side of an image, also where a stride leaves the last one unused.
            padding = side // 2
            convolution = ms.Conv2D(channels, side, stride=stride, padding=padding, bias=False)
            return [convolution, ms.BatchNorm()]

        layers: list[ms.Module] = [*normal(self.channels[0]), ms.ReLU()]
        for one in self.each_block():
            first, second = normal(one.outputs, one.stride), normal(one.outputs)
            shortcut = None
            if one.projects:
                shortcut = ms.Sequential(*normal(one.outputs, one.stride, 1))
            layers += [ms.Residual(*first, ms.ReLU(), *second, shortcut=shortcut), ms.ReLU()]
        return ms.Sequential(*layers, ms.GlobalAveragePool2D(), ms.Dense(self.classes))

    def torch_model(self, weights: Weights) -> torch.nn.Module:
        """Return PyTorch's module."""
        import torch
        from torch import nn

        from benchmarks.networks import torch_parts as parts

        def normal(name: str, stride: int = 1, padding: int = 1) -> list[nn.Module]:
            convolution = parts.convolution(weights, name, stride=stride, padding=padding)
            return [convolution, parts.normalization(weights, f"{name}-norm", nn.BatchNorm2d)]

        class Residual(nn.Module):
            def __init__(self, one: Block) -> None:
                super().__init__()
                first, second = normal(f"{one.name}-first", one.stride), f"{one.name}-second"
                self.layers = nn.Sequential(*first, nn.ReLU(inplace=True), *normal(second))
                self.shortcut = nn.Sequential(
                    *(normal(f"{one.name}-shortcut", one.stride, 0) if one.projects else [])
                )

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.relu_(self.layers(x) + self.shortcut(x))

        blocks = [Residual(one) for one in self.each_block()]
        return nn.Sequential(
            parts.Images(),
            *normal("stem"),
            nn.ReLU(inplace=True),
            *blocks,
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            parts.linear(weights, "dense"),
        )

    def jax_forward(
        self,
        parameters: Mapping[str, Any],
        running: Mapping[str, Any],
        x: Any,
        training: bool,
        key: Any = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Return outputs and running statistics."""
        import jax

        from benchmarks.networks import jax_parts as parts

        relu, after = jax.nn.relu, dict(running)

        def normal(name: str, x: Any, stride: int = 1, padding: int = 1) -> Any:
            y = parts.convolution(parameters, name, x, stride=stride, padding=padding)
            return parts.batch_normalization(parameters, after, f"{name}-norm", y, training)

        x = relu(normal("stem", x))
        for one in self.each_block():
            y = relu(normal(f"{one.name}-first", x, one.stride))
            y = normal(f"{one.name}-second", y)
            x = normal(f"{one.name}-shortcut", x, one.stride, 0) if one.projects else x
            x = relu(y + x)
        return parts.dense(parameters, "dense", x.mean((1, 2))), after
