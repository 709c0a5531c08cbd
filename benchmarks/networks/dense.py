"""Dense networks: layers with ReLU or sigmoid between, dropout or batch normalization if wanted.

With batch normalization hidden layers have no biases: the normalization takes them away again, so
that their gradients are 0 but for roundings, and Adam would turn roundings into steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from benchmarks.networks.family import Family, Product, Weights, dense_product

if TYPE_CHECKING:
    import torch

    import misstep as ms


@dataclass(frozen=True)
class Dense(Family):
    """`sizes`: units from input to output. `activation`: relu or sigmoid. `normalized`: or not."""

    sizes: tuple[int, ...]
    activation: str = "relu"
    dropout: float = 0.0
    normalized: bool = False

    kind: ClassVar[str] = "dense"

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        """Return what misstep must have."""
        return ("BatchNorm",) if self.normalized else ()

    @property
    def layers(self) -> list[tuple[int, int]]:
        """Return inputs and outputs of each layer."""
        return list(pairwise(self.sizes))

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Return (inputs,)."""
        return self.sizes[:1]

    @property
    def outputs(self) -> int:
        """Return the last layer's units."""
        return self.sizes[-1]

    def products(self, batch: int) -> list[Product]:
        """Return one for each layer."""
        return [
            dense_product(batch, inputs, outputs, backward=2 if place else 1)
            for place, (inputs, outputs) in enumerate(self.layers)
        ]

    def weights(self, random: np.random.Generator, dtype: str) -> Weights:
        """Return weights of He's spread before ReLU, of Glorot's before sigmoid; biases are 0."""
        made: Weights = {}
        for place, (inputs, outputs) in enumerate(self.layers, start=1):
            fans = inputs if self.activation == "relu" else (inputs + outputs) / 2
            spread = np.sqrt((2.0 if self.activation == "relu" else 1.0) / fans)
            weight = random.normal(0.0, spread, (inputs, outputs)).astype(dtype)
            made[f"dense{place}.weight"] = weight
            if not self.normalized or place == len(self.layers):
                made[f"dense{place}.bias"] = np.zeros(outputs, dtype)
            else:
                made[f"norm{place}.scale"] = np.ones(outputs, dtype)
                made[f"norm{place}.shift"] = np.zeros(outputs, dtype)
        return made

    def running(self, dtype: str) -> Weights:
        """Return means and variances where there is normalization."""
        made: Weights = {}
        for place, units in enumerate(self.sizes[1:-1] if self.normalized else (), start=1):
            made[f"norm{place}.mean"] = np.zeros(units, dtype)
            made[f"norm{place}.variance"] = np.ones(units, dtype)
        return made

    def ours(self) -> ms.Module:
        """Return misstep's layers."""
        import misstep as ms

        activation = {"relu": ms.ReLU, "sigmoid": ms.Sigmoid}[self.activation]
        layers: list[ms.Module] = []
        for units in self.sizes[1:-1]:
            layers.append(ms.Dense(units, bias=not self.normalized))
            if self.normalized:
                layers.append(ms.BatchNorm())
            layers.append(activation())
            if self.dropout:
                layers.append(ms.Dropout(self.dropout))
        return ms.Sequential(*layers, ms.Dense(self.sizes[-1]))

    def torch_model(self, weights: Weights) -> torch.nn.Module:
        """Return PyTorch's module."""
        from torch import nn

        from benchmarks.networks import torch_parts

        layers: list[nn.Module] = []
        for place in range(1, len(self.sizes)):
            layers.append(torch_parts.linear(weights, f"dense{place}"))
            if place + 1 == len(self.sizes):
                break
            if self.normalized:
                layers.append(torch_parts.normalization(weights, f"norm{place}", nn.BatchNorm1d))
            layers.append(nn.ReLU() if self.activation == "relu" else nn.Sigmoid())
            if self.dropout:
                layers.append(nn.Dropout(self.dropout))
        return nn.Sequential(*layers)

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
        import jax.numpy as jnp

        from benchmarks.networks import jax_parts

        activation = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid}[self.activation]
        after = dict(running)
        for place in range(1, len(self.sizes)):
            x = jax_parts.dense(parameters, f"dense{place}", x)
            if place + 1 == len(self.sizes):
                break
            if self.normalized:
                name = f"norm{place}"
                x = jax_parts.batch_normalization(parameters, after, name, x, training)
            x = activation(x)
            if training and self.dropout:
                kept = 1.0 - self.dropout
                mask = jax.random.bernoulli(jax.random.fold_in(key, place - 1), kept, x.shape)
                x = jnp.where(mask, x / kept, 0.0)
        return x, after
