"""The mean of the vectors of 100 words, and two dense layers on it.

With an optimizer that has no memory (plain SGD), only the rows that were looked up need to move:
PyTorch gets sparse gradients for it, and JAX takes the gradient of the looked-up rows and adds it
to the table, instead of making a table full of zeros. Adam moves every row, so there the gradient
is as large as the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from benchmarks.networks.family import Family, Product, Weights, dense_product, he

if TYPE_CHECKING:
    import torch

    import misstep as ms


@dataclass(frozen=True)
class EmbeddingBag(Family):
    """x: (batch, words) whole numbers below `vocabulary`. `sparse`: only touched rows move."""

    vocabulary: int = 20_000
    width: int = 64
    words: int = 100
    units: int = 64
    classes: int = 2
    sparse: bool = False

    kind: ClassVar[str] = "embedding-bag"

    @property
    def looked_up(self) -> str | None:  # type: ignore[override]
        """Return the table's name where only some of its rows move."""
        return "embedding.vectors" if self.sparse else None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Return (words,)."""
        return (self.words,)

    @property
    def outputs(self) -> int:
        """Return one number for each class."""
        return self.classes

    def products(self, batch: int) -> list[Product]:
        """Return two dense layers; looking up is no product."""
        return [
            dense_product(batch, self.width, self.units),
            dense_product(batch, self.units, self.classes),
        ]

    def weights(self, random: np.random.Generator, dtype: str) -> Weights:
        """Return normal vectors and weights of He's spread."""
        return {
            "embedding.vectors": random.normal(size=(self.vocabulary, self.width)).astype(dtype),
            "dense1.weight": he(random, (self.width, self.units), self.width, dtype),
            "dense1.bias": np.zeros(self.units, dtype),
            "dense2.weight": he(random, (self.units, self.classes), self.units, dtype),
            "dense2.bias": np.zeros(self.classes, dtype),
        }

    def ours(self) -> ms.Module:
        """Return misstep's layers."""
        import misstep as ms

        return ms.Sequential(
            ms.Embedding(self.vocabulary, self.width),
            ms.nn.GlobalAveragePool1D(),
            ms.Dense(self.units),
            ms.ReLU(),
            ms.Dense(self.classes),
        )

    def torch_model(self, weights: Weights) -> torch.nn.Module:
        """Return PyTorch's module."""
        from torch import nn

        from benchmarks.networks import torch_parts as parts

        class MeanThenDense(nn.Module):
            def __init__(self, lookup: nn.EmbeddingBag, rest: nn.Module) -> None:
                super().__init__()
                self.lookup, self.rest = lookup, rest

            def forward(self, x: torch.Tensor, rows: torch.Tensor | None = None) -> torch.Tensor:
                return self.rest(self.lookup(x) if rows is None else rows.mean(1))

        table = parts.tensor(weights["embedding.vectors"])
        bag = nn.EmbeddingBag.from_pretrained(table, freeze=False, mode="mean", sparse=self.sparse)
        first, second = parts.linear(weights, "dense1"), parts.linear(weights, "dense2")
        return MeanThenDense(bag, nn.Sequential(first, nn.ReLU(), second))

    def jax_forward(
        self,
        parameters: Mapping[str, Any],
        running: Mapping[str, Any],
        x: Any,
        training: bool,
        key: Any = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Return the outputs; `looked_up` among the parameters are the rows for x."""
        import jax

        from benchmarks.networks import jax_parts as parts

        rows = parameters.get("looked_up")
        if rows is None:
            rows = parameters["embedding.vectors"].at[x].get(mode="promise_in_bounds")
        h = jax.nn.relu(parts.dense(parameters, "dense1", rows.mean(1)))
        return parts.dense(parameters, "dense2", h), dict(running)
