"""`Candidate`: another way to train than a plan's own, worth a trial. Knows names and values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Candidate:
    """Another way to train.

    `label`: what it is, in words. `hyperparameters`: with which the same plan becomes it. `cheap`:
    whether training it to its end costs next to nothing, so that a trial does that. `margin`: by
    how many standard errors of the mean difference it must be better to be taken.
    """

    label: str
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    cheap: bool = False
    margin: float = 2.0
