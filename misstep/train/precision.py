"""In what precision products of a training are taken, as a setting. Knows words, no numbers."""

from __future__ import annotations

from misstep.errors import ArgumentError

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
