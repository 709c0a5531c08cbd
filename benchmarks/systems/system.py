"""What a system is: a default training on a real file, the rows it is judged on, what was asked.

The test rows of files without a test part of their own are those of `test_rows.json`, the same in
every comparison.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
# Scores of which less is better.
ERRORS = ("rmse", "mae")


@dataclass(frozen=True)
class System:
    """A default training on real data.

    `run`: takes a seed and how many threads may be used, and returns scores by name, those of the
    network and, under names such as "linear accuracy", those of baselines. `asked`: the least
    scores (the largest errors) by name. `seeds`: over how many the mean is asked. `minutes`: what a
    run may take on two cores. `beside`: what a user would pick otherwise, in words.
    """

    name: str
    run: Callable[[int, int | None], Mapping[str, float]]
    asked: Mapping[str, float]
    seeds: int = 1
    minutes: float = 5.0
    beside: str = ""


@cache
def _test_rows() -> dict[str, list[int]]:
    found: dict[str, list[int]] = json.loads((DATA / "test_rows.json").read_text())
    return found


def split(name: str, rows: int) -> tuple[Any, Any]:
    """Return the numbers of the rows to learn from and to be judged on, for a file in the data."""
    test = np.asarray(_test_rows()[name])
    return np.setdiff1d(np.arange(rows), test), test
