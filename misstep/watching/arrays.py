"""Tensors of PyTorch as arrays, as cheaply as can be. Imports no torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# Kinds of number that NumPy does not know, or not well.
_NARROW = ("torch.bfloat16", "torch.float16")


def as_array(tensor: Any) -> Array:
    """Return a tensor's numbers, on the CPU without a copy: to be looked at, not to be kept."""
    plain = tensor.detach()
    if plain.device.type != "cpu":
        plain = plain.cpu()
    if str(plain.dtype) in _NARROW:
        plain = plain.float()
    array: Array = plain.numpy()
    return array


def copied(tensor: Any) -> Array:
    """Return a tensor's numbers, in memory of their own."""
    return np.array(as_array(tensor))
