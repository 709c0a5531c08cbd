"""Parts of pure JAX networks: convolution and normalization on images as ours lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

Arrays = Mapping[str, Any]
# PyTorch's defaults, and ours.
EPSILON, MOMENTUM = 1e-5, 0.1


def dense(parameters: Arrays, name: str, x: Any) -> Any:
    """Return x W + b, or x W; W is dense.weight or, of a part of it, attention.input_weight."""
    stem = f"{name}_" if f"{name}_weight" in parameters else f"{name}."
    y = x @ parameters[f"{stem}weight"]
    bias = parameters.get(f"{stem}bias")
    return y if bias is None else y + bias


def convolution(parameters: Arrays, name: str, x: Any, *, stride: int = 1, padding: int = 0) -> Any:
    """Return the convolution of images (batch, height, width, channels)."""
    y = jax.lax.conv_general_dilated(
        x,
        parameters[f"{name}.weight"],
        (stride, stride),
        [(padding, padding)] * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    bias = parameters.get(f"{name}.bias")
    return y if bias is None else y + bias


def batch_normalization(
    parameters: Arrays, running: dict[str, Any], name: str, x: Any, training: bool
) -> Any:
    """Return x normalized over all axes but the last; put the new statistics into `running`."""
    axes = tuple(range(x.ndim - 1))
    mean, variance = running[f"{name}.mean"], running[f"{name}.variance"]
    if training:
        count = x.size // x.shape[-1]
        seen, spread = x.mean(axes), x.var(axes)
        running[f"{name}.mean"] = (1 - MOMENTUM) * mean + MOMENTUM * seen
        unbiased = spread * (count / (count - 1))
        running[f"{name}.variance"] = (1 - MOMENTUM) * variance + MOMENTUM * unbiased
        mean, variance = seen, spread
    factor = jax.lax.rsqrt(variance + EPSILON) * parameters[f"{name}.scale"]
    return (x - mean) * factor + parameters[f"{name}.shift"]


def layer_normalization(parameters: Arrays, name: str, x: Any) -> Any:
    """Return x normalized over its last axis."""
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    normal = (x - mean) * jax.lax.rsqrt(variance + EPSILON)
    return normal * parameters[f"{name}.scale"] + parameters[f"{name}.shift"]


def max_pool(x: Any) -> Any:
    """Return the largest of each 2 × 2 patch."""
    window = (1, 2, 2, 1)
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")
