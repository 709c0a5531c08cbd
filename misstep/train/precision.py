"""In what precision products of a training are taken, as a setting. Knows words, no numbers."""

from __future__ import annotations

from misstep.errors import ArgumentError
from misstep.nn import Network
from misstep.nn.layers import Dense

PRECISIONS = ("float32", "bfloat16")


def check_precision(precision: object, dtype: str) -> str:
    """Return what was asked for. Raises ArgumentError for another word, or bfloat16 in float64."""
    if precision not in PRECISIONS:
        raise ArgumentError(
            "precision of a Trainer", needed='"float32" or "bfloat16"', got=repr(precision)
        )
    if precision == "bfloat16" and dtype != "float32":
        raise ArgumentError(
            'precision "bfloat16" of a Trainer',
            needed="a network of float32 numbers",
            got=dtype,
            try_='dtype="float32"',
        )
    return str(precision)


def check_rounds(precision: str, network: Network) -> None:
    """Raise ArgumentError where nothing of a network would be of the precision asked for."""
    layers = (network.module, *network.layers.values())
    if precision != "float32" and not any(isinstance(layer, Dense) for layer in layers):
        raise ArgumentError(
            f'precision "{precision}" of a Trainer',
            needed="a network with an ms.Dense layer, whose products alone are rounded",
            got="none",
            try_='precision="float32"',
        )
