"""`Fault`: a change of a setup, in several strengths, and the causes that name it rightly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from benchmarks.doctor.setups import Setup

# Returns None for a program that can't have the fault.
Change = Callable[[Setup, Any, np.random.Generator], Setup | None]


class Harm(StrEnum):
    """Where a fault's harm is seen, beside the healthy program with the same seed."""

    SCORE = "score"  # a lower score on rows of practice
    CLAIM = "claim"  # the validation score promises more than practice keeps
    TURN = "turn"  # the validation loss turned up and stayed up


@dataclass(frozen=True)
class Fault:
    """A way to break programs.

    `name`: the slug of its cause, and which way where there are several. `accepted`: slugs that
    say rightly what was broken; more than one only where the change is two causes at once.
    `strengths`: from weak to strong. `stage`: faults of one stage can't be combined.
    """

    name: str
    accepted: frozenset[str]
    strengths: tuple[Any, ...]
    change: Change
    harm: Harm
    stage: str

    @property
    def slug(self) -> str:
        """Return the cause."""
        return self.name.split("/")[0]


FAULTS: dict[str, Fault] = {}


def fault(
    name: str,
    strengths: Sequence[Any],
    *,
    also: Sequence[str] = (),
    harm: Harm = Harm.SCORE,
    stage: str,
) -> Callable[[Change], Change]:
    """Register a change under `name`, whose first part is the slug; `also`: other right names."""

    def register(change: Change) -> Change:
        slug = name.split("/")[0]
        accepted = frozenset({slug, *also})
        FAULTS[name] = Fault(name, accepted, tuple(strengths), change, harm, stage)
        return change

    return register
