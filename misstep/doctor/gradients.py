"""How strongly each layer is blamed, measured against its own weights, from first layer to last.

Knows evidence; no rule. A gradient by itself says little: it has the scale of the loss, and of the
weights that it is of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from misstep.doctor.evidence import Array, Evidence
from misstep.record import LayerDescription, ParameterDescription, Role

# Layers whose weights connect one layer to the next.
CONNECTING = frozenset({Role.AFFINE, Role.RECURRENT, Role.ATTENTION})


@dataclass(frozen=True)
class RelativeGradient:
    """The gradient's norm over that of the weights, at each look. `steps`, `values`: (looks,)."""

    layer: LayerDescription
    parameter: ParameterDescription
    steps: Array
    values: Array


def relative_gradients(evidence: Evidence) -> list[RelativeGradient]:
    """Return them of the weights that connect and may learn, in the order in which a row passes.

    Weights of norm 0 are left out, for theirs is infinite, and so are looks that saw no number.
    """
    found = []
    for layer, parameter in evidence.weights:
        if layer.role not in CONNECTING or not parameter.learns:
            continue
        steps, gradients = evidence.series("gradient_norm", parameter.name)
        _, weights = evidence.series("weight_norm", parameter.name)
        if not len(steps) or len(gradients) != len(weights):
            continue
        usable = (weights > 0) & np.isfinite(gradients) & np.isfinite(weights)
        if usable.any():
            values = gradients[usable] / weights[usable]
            found.append(RelativeGradient(layer, parameter, steps[usable], values))
    return found


def total_gradient(evidence: Evidence) -> tuple[Array, Array]:
    """Return steps, and √Σ g² over all parameters at each look, (looks,) each."""
    squares: dict[int, float] = {}
    for _, parameter in evidence.parameters():
        steps, values = evidence.series("gradient_norm", parameter.name)
        with np.errstate(over="ignore"):
            for step, square in zip(steps.tolist(), (values**2).tolist(), strict=True):
                squares[step] = squares.get(step, 0.0) + square
    ordered = sorted(squares)
    return np.array(ordered, "int64"), np.sqrt(np.array([squares[step] for step in ordered]))
