"""The contract of a network family: one network told to every library, from the same first weights.

A family is a small frozen description. Its weights are NumPy arrays by name in misstep's layouts
and in the order in which misstep's network asks for them: dense (inputs, units), convolution
(kernel height, kernel width, channels in, channels out), recurrence (features, gates · units).
Libraries are imported inside the methods that need them, since each worker carries one only. What
several families share stands in `torch_parts.py` and `jax_parts.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

    import misstep as ms

Array = NDArray[Any]
Weights = dict[str, Array]


@dataclass(frozen=True)
class Product:
    """A matrix product of a step, or a convolution, which is one.

    `flops`: its floating-point operations, 2 · m · k · n. `backward`: of how many of its two
    factors the gradient is wanted, each of which costs as much again; the first layer's input
    wants none.
    """

    flops: int
    backward: int = 2


def dense_product(rows: int, inputs: int, units: int, backward: int = 2) -> Product:
    """Return the product of a dense layer on so many rows."""
    return Product(2 * rows * inputs * units, backward)


class Family:
    """A network.

    `kind`: the family's name. `needs`: what misstep must have for it. `dropout`: the rate; 0 where
    all libraries compute the same numbers. `torch_whole`: whether torch.compile takes the whole
    step as one graph; else it gets the forward and backward pass, and the optimizer stays the fused
    one. `convolves`: whether it has convolutions. `looked_up`: the name of a parameter of which a
    step reads the rows whose numbers are the input, and no other; an optimizer without memory need
    not touch the rest.
    """

    kind: ClassVar[str]
    looked_up: ClassVar[str | None] = None
    dropout: float = 0.0
    torch_whole: ClassVar[bool] = True
    convolves: ClassVar[bool] = False

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Return the shape of one row."""
        raise NotImplementedError

    @property
    def outputs(self) -> int:
        """Return how many numbers come out for a row."""
        raise NotImplementedError

    def products(self, batch: int) -> list[Product]:
        """Return the matrix products of a step; only they count as its work."""
        raise NotImplementedError

    def weights(self, random: np.random.Generator, dtype: str) -> Weights:
        """Return the first weights."""
        raise NotImplementedError

    def ours(self) -> ms.Module:
        """Return misstep's layers."""
        raise NotImplementedError

    def torch_model(self, weights: Weights) -> torch.nn.Module:
        """Return PyTorch's module with these weights; its input is as misstep's."""
        raise NotImplementedError

    def running(self, dtype: str) -> Weights:
        """Return what JAX must carry beside parameters, such as running statistics."""
        return {}

    def jax_parameters(self, weights: Weights) -> dict[str, Any]:
        """Return the weights as JAX trains them."""
        return dict(weights)

    def jax_forward(
        self,
        parameters: Mapping[str, Any],
        running: Mapping[str, Any],
        x: Any,
        training: bool,
        key: Any = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Return the outputs for `x`, and `running` after them; `key` draws dropout."""
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        """Return kind and settings as plain JSON."""
        return {"kind": self.kind, **asdict(self)}  # type: ignore[call-overload]


def he(random: np.random.Generator, shape: tuple[int, ...], inputs: int, dtype: str) -> Array:
    """Return weights of He's spread, for a layer before ReLU that sums over so many inputs."""
    return random.normal(0.0, np.sqrt(2.0 / inputs), shape).astype(dtype)


def modest(random: np.random.Generator, shape: tuple[int, ...], inputs: int, dtype: str) -> Array:
    """Return weights of the spread that PyTorch draws when nothing is asked: √(1 / 3 inputs)."""
    return random.normal(0.0, np.sqrt(1.0 / (3.0 * inputs)), shape).astype(dtype)


def glorot(
    random: np.random.Generator, inputs: int, outputs: int, dtype: str, copies: int = 1
) -> Array:
    """Return weights (inputs, copies · outputs) of Glorot's spread, so many matrices in a row."""
    spread = np.sqrt(2.0 / (inputs + outputs))
    return random.normal(0.0, spread, (inputs, copies * outputs)).astype(dtype)
