"""A Transformer's encoder with normalization first, the mean over its tokens and a dense layer.

A block (Vaswani and others, 2017; Xiong and others, 2020): layer normalization, self-attention,
residual; layer normalization, dense, GELU (exact), dense, residual. Query, key and value come from
one product with a weight of three parts, which is the fastest way for everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from benchmarks.networks.family import Family, Product, Weights, dense_product, glorot

if TYPE_CHECKING:
    import torch

    import misstep as ms


@dataclass(frozen=True)
class Transformer(Family):
    """x: (batch, tokens, width) → (batch, classes). `inner`: width of the dense layer inside."""

    tokens: int = 64
    width: int = 128
    heads: int = 4
    inner: int = 512
    blocks: int = 2
    classes: int = 10

    kind: ClassVar[str] = "transformer"

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Return (tokens, width)."""
        return (self.tokens, self.width)

    @property
    def outputs(self) -> int:
        """Return one number for each class."""
        return self.classes

    def names(self) -> Iterator[str]:
        """Yield the blocks' names."""
        for place in range(1, self.blocks + 1):
            yield f"block{place}"

    def products(self, batch: int) -> list[Product]:
        """Return dense layers, and in each block scores and their sums over values."""
        places, width, inner = batch * self.tokens, self.width, self.inner
        # The first normalization has weights of its own, so its output wants a gradient too.
        block = [
            dense_product(places, width, 3 * width),
            Product(2 * places * self.tokens * width),
            Product(2 * places * self.tokens * width),
            dense_product(places, width, width),
            dense_product(places, width, inner),
            dense_product(places, inner, width),
        ]
        return [*block * self.blocks, dense_product(batch, width, self.classes)]

    def weights(self, random: np.random.Generator, dtype: str) -> Weights:
        """Return weights of Glorot's spread; scales are 1, biases and shifts 0."""
        made: Weights = {}

        def dense(name: str, inputs: int, outputs: int, copies: int = 1) -> None:
            made[f"{name}weight"] = glorot(random, inputs, outputs, dtype, copies)
            made[f"{name}bias"] = np.zeros(copies * outputs, dtype)

        def norm(name: str) -> None:
            made[f"{name}.scale"] = np.ones(self.width, dtype)
            made[f"{name}.shift"] = np.zeros(self.width, dtype)

        for name in self.names():
            norm(f"{name}.attention_norm")
            dense(f"{name}.attention.input_", self.width, self.width, copies=3)
            dense(f"{name}.attention.output_", self.width, self.width)
            norm(f"{name}.dense_norm")
            dense(f"{name}.hidden_", self.width, self.inner)
            dense(f"{name}.output_", self.inner, self.width)
        dense("dense.", self.width, self.classes)
        return made

    def ours(self) -> ms.Module:
        """Return misstep's layers."""
        import misstep as ms

        blocks = [ms.nn.TransformerBlock(self.heads, self.inner) for _ in range(self.blocks)]
        return ms.Sequential(*blocks, ms.nn.GlobalAveragePool1D(), ms.Dense(self.classes))

    def torch_model(self, weights: Weights) -> torch.nn.Module:
        """Return PyTorch's module."""
        import torch.nn.functional as functional
        from torch import nn

        from benchmarks.networks import torch_parts as parts

        heads = self.heads

        class Attention(nn.Module):
            def __init__(self, name: str) -> None:
                super().__init__()
                self.inputs = parts.linear(weights, f"{name}.attention.input")
                self.together = parts.linear(weights, f"{name}.attention.output")

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                batch, tokens, width = x.shape
                parted = self.inputs(x).view(batch, tokens, 3, heads, width // heads)
                q, k, v = parted.permute(2, 0, 3, 1, 4).unbind(0)
                y = functional.scaled_dot_product_attention(q, k, v)
                return self.together(y.transpose(1, 2).reshape(batch, tokens, width))

        class Block(nn.Module):
            def __init__(self, name: str) -> None:
                super().__init__()
                self.norm1 = parts.normalization(weights, f"{name}.attention_norm", nn.LayerNorm)
                self.attention = Attention(name)
                self.norm2 = parts.normalization(weights, f"{name}.dense_norm", nn.LayerNorm)
                self.dense1 = parts.linear(weights, f"{name}.hidden")
                self.dense2 = parts.linear(weights, f"{name}.output")

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                x = x + self.attention(self.norm1(x))
                return x + self.dense2(functional.gelu(self.dense1(self.norm2(x))))

        class Encoder(nn.Module):
            def __init__(self, blocks: list[nn.Module]) -> None:
                super().__init__()
                self.blocks = nn.Sequential(*blocks)
                self.dense = parts.linear(weights, "dense")

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.dense(self.blocks(x).mean(1))

        return Encoder([Block(name) for name in self.names()])

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
        import jax.numpy as jnp

        from benchmarks.networks import jax_parts as parts

        def attention(name: str, x: Any) -> Any:
            parted = parts.dense(parameters, f"{name}.attention.input", x)
            shape = (*x.shape[:2], self.heads, self.width // self.heads)
            q, k, v = (one.reshape(shape) for one in jnp.split(parted, 3, axis=-1))
            scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) * shape[-1] ** -0.5
            y = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), v)
            return parts.dense(parameters, f"{name}.attention.output", y.reshape(x.shape))

        for name in self.names():
            h = parts.layer_normalization(parameters, f"{name}.attention_norm", x)
            x = x + attention(name, h)
            h = parts.layer_normalization(parameters, f"{name}.dense_norm", x)
            h = jax.nn.gelu(parts.dense(parameters, f"{name}.hidden", h), approximate=False)
            x = x + parts.dense(parameters, f"{name}.output", h)
        return parts.dense(parameters, "dense", x.mean(1)), dict(running)
