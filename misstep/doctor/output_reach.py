"""What the last activation lets outputs be, and what that means to the loss behind it.

Knows kinds of layers by name and arithmetic; no rule.
"""

from __future__ import annotations

import math

from misstep.record import LayerDescription, Role

# Between which numbers outputs of activations lie that have no two bounds; of the smooth ones their
# lowest points (Hendrycks and Gimpel, 2016; Ramachandran and others, 2017), and of SELU −λα.
_RANGES = {
    "relu": (0.0, math.inf),
    "relu6": (0.0, 6.0),
    "softplus": (0.0, math.inf),
    "exponential": (0.0, math.inf),
    "elu": (-1.0, math.inf),
    "selu": (-1.7581, math.inf),
    "gelu": (-0.17, math.inf),
    "silu": (-0.2785, math.inf),
    "swish": (-0.2785, math.inf),
    "mish": (-0.3089, math.inf),
    "logsoftmax": (-math.inf, 0.0),
    "logsigmoid": (-math.inf, 0.0),
    "softsign": (-1.0, 1.0),
    "hardtanh": (-1.0, 1.0),
}


def reach(layer: LayerDescription) -> tuple[float, float]:
    """Return between which numbers the outputs of a layer lie; ±∞ where they may be any."""
    if layer.bounds is not None:
        return layer.bounds
    if layer.role is not Role.ACTIVATION:
        return -math.inf, math.inf
    return _RANGES.get(layer.kind.lower().replace("_", ""), (-math.inf, math.inf))


def probability(logit: float) -> float:
    """Return the sigmoid, of ±∞ too."""
    if logit >= 0:
        return 1.0 / (1.0 + math.exp(-logit))
    return math.exp(logit) / (1.0 + math.exp(logit)) if logit > -700 else 0.0


def binary_floor(low: float, high: float, share: float) -> float:
    """Return the least cross-entropy of logits between `low` and `high`; `share`: of ones."""
    of_ones = -math.log(probability(high)) if share else 0.0
    of_zeros = -math.log(1.0 - probability(low)) if share < 1 else 0.0
    return share * of_ones + (1.0 - share) * of_zeros


def classes_floor(low: float, high: float, classes: int) -> float:
    """Return the least cross-entropy of `classes` logits between `low` and `high`.

    The right one is as high, all others as low as they can be.
    """
    return math.log1p((classes - 1) * math.exp(low - high))
