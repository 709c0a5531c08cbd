"""Why a range test of learning rates suggests a rate, in words: one function for each rule.

Knows numbers only; the test itself is in `train/rate_range.py`.
"""

from __future__ import annotations

import math
from typing import Any

__all__ = ["rate_words"]


def steepest(**facts: Any) -> str:
    """Return that the rate is where the loss falls fastest.

    >>> print(steepest(first_loss=2.0, lowest_loss=0.5, steepest=0.01, best=0.1, diverges_at=None))
    the loss falls fastest at 0.01 (from 2 to 0.5 at 0.1)
    """
    words = (
        f"the loss falls fastest at {facts['steepest']:.2g} "
        f"(from {facts['first_loss']:.4g} to {facts['lowest_loss']:.4g} at {facts['best']:.2g})"
    )
    if facts["diverges_at"] is not None:
        words += f", and what was learned is undone at {facts['diverges_at']:.2g}"
    return words


def below_divergence(**facts: Any) -> str:
    """Return that the rate is a tenth of the one that undoes what was learned."""
    return (
        f"a tenth of {facts['diverges_at']:.2g}, where what was learned is undone; the loss falls "
        f"from {facts['first_loss']:.4g} to {facts['lowest_loss']:.4g} at {facts['best']:.2g}, "
        f"fastest at {facts['steepest']:.2g}"
    )


def ended_lower(**facts: Any) -> str:
    """Return that another rate than the curve tells ended lower when both were tried."""
    tried, suggestion = facts["tried"], facts["suggestion"]
    told = facts["told"]
    ended = "exploded" if tried[told] == math.inf else f"was {tried[told]:.4g}"
    return (
        f"the curve tells {told:.2g}, but after {facts['updates']} updates at that rate the loss "
        f"{ended}, and {tried[suggestion]:.4g} at {suggestion:.2g}"
    )


def nothing_falls(**facts: Any) -> str:
    """Return that no rate lets the loss fall."""
    return (
        f"the loss of {facts['first_loss']:.4g} does not fall at any rate from "
        f"{facts['lowest']:.2g} to {facts['highest']:.2g}"
    )


def explodes(**facts: Any) -> str:
    """Return that the loss explodes before it falls."""
    return (
        f"the loss of {facts['first_loss']:.4g} explodes without having fallen, at rates from "
        f"{facts['lowest']:.2g} on"
    )


def rate_words(choice: str, **facts: Any) -> str:
    """Return why a range test suggests what it does; `choice`: the name of a function above."""
    words: str = globals()[choice](**facts)
    return words
