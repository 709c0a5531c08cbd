"""Whether a network is but a straight function of its inputs: tried, where its layers don't tell.

Knows networks and rows. A network whose own `forward` applies functions between its layers can only
be told from one that does not by what comes out.
"""

from __future__ import annotations

import numpy as np

from misstep.doctor.passage import bends, effective_layers
from misstep.ir import Array
from misstep.nn import Network
from misstep.record import LayerDescription, RunDescription

# Pairs of rows that are tried.
PAIRS = 32
# How far the output of a middle may lie from the middle of the outputs, as a share of what outputs
# differ by: a ReLU that cuts any row makes 10⁻² or more, rounding in float32 10⁻⁶, times how far
# rows lie from 0 by what they differ in. Beyond the last number rounding could pass for a bend.
TOLERANCE = 1e-3
FARTHEST = 100.0


def is_affine(network: Network, description: RunDescription, x: Array) -> bool | None:
    """Return whether outputs at the middle of two rows are the middle of the outputs.

    x: rows that the network gets, (rows, …). None where layers that bend are known, and where it
    can't be told: rows of positions, fewer than three rows, outputs that are all the same.
    """
    layers: list[LayerDescription] = effective_layers(description)
    if any(bends(layer) for layer in layers) or network.position_limits is not None or len(x) < 3:
        return None
    count = min(PAIRS, len(x))
    rows = x[np.arange(count) * len(x) // count]
    others = np.roll(rows, 1, axis=0)
    half = rows.dtype.type(0.5)
    # Of no overflow in the middle: each is halved before they are added.
    middles = rows * half + others * half
    with np.errstate(all="ignore"):
        of_all = network.inference(compiling=False).predict(np.concatenate([rows, middles]))
        outputs = of_all.reshape(2, count, -1).astype("float64")
        straight = (outputs[0] + np.roll(outputs[0], 1, axis=0)) / 2.0
        spread = float(outputs[0].std(axis=0).max())
        away = float(np.abs(outputs[1] - straight).max())
    if not np.isfinite(away) or not spread > 0:
        return None
    # In float64: squares of 1e20 overflow float32.
    apart = float(rows.astype("float64").std(axis=0).max())
    for numbers, differ in ((outputs[0], spread), (rows, apart)):
        if float(np.abs(numbers).max()) > FARTHEST * differ:
            return None
    return away <= TOLERANCE * spread
