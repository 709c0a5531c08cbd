"""`HeldOut`: rows that a model did not learn from, beside what it says of them.

What pages show of mistakes, importance and calibration is computed of these. Knows no page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from misstep.data import Dataset
from misstep.ir import Array
from misstep.modeling.examples import Examples

__all__ = ["HeldOut", "HeldOutExamples"]


@dataclass(frozen=True)
class HeldOutExamples:
    """Examples that nothing is learned from. `names`: what each is called."""

    split: str
    examples: Examples
    names: Sequence[str]


@dataclass(frozen=True)
class HeldOut:
    """Rows beside what the model says of them.

    `split`: "test", or "validation" where nothing was tested; "data" where somebody gave the rows
    later. `data`: the rows as people have them,
    without an order of its own: its first row is the first of x. `x`: (rows, features), as the
    network takes them. `answers`: encoded, (rows,): class numbers or standardized numbers.
    `outputs`: probabilities (rows, classes), or standardized numbers (rows, 1). `names`: what each
    row is called. `learned`: how many of the rows the model learned from all the same, as far as it
    is known: what it says of these proves little.
    """

    split: str
    data: Dataset
    x: Array
    answers: Array
    outputs: Array
    names: Sequence[str]
    learned: int = 0

    def __len__(self) -> int:
        return len(self.x)
