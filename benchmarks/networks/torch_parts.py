"""Parts of PyTorch's modules made from misstep's weights, and images in the faster memory order.

`channels_last` is a memory order: PyTorch still counts axes as (batch, channels, height, width),
but images lie as (batch, height, width, channels), as ours do, so that nothing is copied. It was
the faster one for both convolutional networks.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from benchmarks.networks.family import Array, Weights


def tensor(array: Array) -> torch.Tensor:
    """Return a copy of an array as a tensor of the same numbers."""
    return torch.tensor(array)


def fill(parameter: torch.Tensor, array: Array) -> None:
    """Put an array into a parameter."""
    with torch.no_grad():
        parameter.copy_(tensor(array))


def named(weights: Weights, layer: str, part: str) -> Array | None:
    """Return a layer's array, dense.weight, or one of its parts, attention.input_weight."""
    whole = f"{layer}_{part}" if f"{layer}_weight" in weights else f"{layer}.{part}"
    return weights.get(whole)


def linear(weights: Weights, name: str) -> nn.Linear:
    """Return the dense layer `name`, whose weight is transposed here."""
    weight, bias = named(weights, name, "weight"), named(weights, name, "bias")
    assert weight is not None
    layer = nn.Linear(*weight.shape, bias=bias is not None, dtype=tensor(weight).dtype)
    fill(layer.weight, weight.T)
    if bias is not None:
        fill(layer.bias, bias)
    return layer


def convolution(weights: Weights, name: str, *, stride: int = 1, padding: int = 0) -> nn.Conv2d:
    """Return the convolution `name`, in which channels come first."""
    weight, bias = weights[f"{name}.weight"], weights.get(f"{name}.bias")
    height, width, inputs, outputs = weight.shape
    layer = nn.Conv2d(
        inputs,
        outputs,
        (height, width),
        stride,
        padding,
        bias=bias is not None,
        dtype=tensor(weight).dtype,
    )
    fill(layer.weight, weight.transpose(3, 2, 0, 1))
    if bias is not None:
        fill(layer.bias, bias)
    return layer.to(memory_format=torch.channels_last)


def normalization(
    weights: Weights, name: str, make: Callable[..., nn.BatchNorm1d | nn.BatchNorm2d | nn.LayerNorm]
) -> nn.Module:
    """Return the normalization `name` of one kind."""
    scale = weights[f"{name}.scale"]
    layer = make(len(scale), dtype=tensor(scale).dtype)
    fill(layer.weight, scale)
    fill(layer.bias, weights[f"{name}.shift"])
    return layer


class Images(nn.Module):
    """Takes images (batch, height, width, channels) to where PyTorch looks for channels."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 3, 1, 2)


class FlattenImages(nn.Module):
    """Makes rows (height · width · channels) of images that lie in channels_last: no copy."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)
