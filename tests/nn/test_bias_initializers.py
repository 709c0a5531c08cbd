"""Biases start from what is asked for, are saved with it, and start from 0 otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.errors import ArgumentError
from misstep.nn import build_module

LAYERS: list[tuple[Any, dict[str, Any], tuple[int, ...]]] = [
    (ms.Dense, {"units": 3}, (2,)),
    (ms.MemberDense, {"units": 3}, (2, 2)),
    (ms.Conv1D, {"filters": 3, "kernel": 2}, (5, 2)),
    (ms.Conv2D, {"filters": 3, "kernel": 2}, (5, 5, 2)),
    (ms.nn.Conv2DTranspose, {"filters": 3, "kernel": 2}, (5, 5, 2)),
]


@pytest.mark.parametrize(("layer", "settings", "shape"), LAYERS)
def test_a_bias_starts_from_what_is_asked_for(
    layer: Any, settings: dict[str, Any], shape: tuple[int, ...]
) -> None:
    start = ms.initializers.Constant(0.25)
    made = layer(**settings, bias_initializer=start)
    network = ms.Network(made, shape)
    assert (network.arrays()["bias"] == np.float32(0.25)).all()
    assert build_module(made.configuration()) == made
    plain = layer(**settings)
    assert "bias_initializer" not in plain.configuration()
    assert (ms.Network(plain, shape).arrays()["bias"] == 0).all()
    for wrong in ("ones", 0.25):
        with pytest.raises(ArgumentError, match="bias_initializer"):
            layer(**settings, bias_initializer=wrong)
    with pytest.raises(ArgumentError, match="a layer with a bias"):
        layer(**settings, bias=False, bias_initializer=start)
