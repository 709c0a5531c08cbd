"""The chain rule for one entry as plain parts: what was computed, paths, check, update, remarks.

These parts know no graph any more: names, formulas as text, and numbers. `explaining.py` makes
them, `wording.py` writes them as text, `latex.py` as LaTeX.
"""

from __future__ import annotations

from dataclasses import dataclass

Index = tuple[int, ...]


@dataclass(frozen=True)
class Computation:
    """One computation on the way: `name[index] = formula = with_numbers = number`.

    `label`: the entry as it stands in formulas.
    """

    name: str
    index: Index
    formula: str
    with_numbers: str
    number: float
    label: str


@dataclass(frozen=True)
class LocalDerivative:
    """A local derivative, ∂name[index]/∂by[by_index], all other named values held still.

    `number`: that of the derivative; `value`: that of `name[index]`. `formula`, and the same
    `with_numbers`: put together as far as can be; None where it would be too long to read.
    `derivation`: the same as the `rules` of calculus wrote it, where that shows more. `notes`: what
    else matters here, such as which side of a ReLU. `label`, `by_label`: the two entries as they
    stand in formulas.
    """

    name: str
    index: Index
    value: float
    by: str
    by_index: Index
    formula: str | None
    with_numbers: str | None
    number: float
    derivation: str | None
    rules: tuple[str, ...]
    notes: tuple[str, ...]
    label: str
    by_label: str


@dataclass(frozen=True)
class Path:
    """One path from the entry to the loss: its links, the loss's own first, and their product."""

    links: tuple[LocalDerivative, ...]
    product: float


@dataclass(frozen=True)
class Difference:
    """The measured slope: the loss a step further on less the loss a step back, over both steps.

    `left` and `right`: the slopes to either side. `rounding`: how far roundings on the way may move
    the measured slope. `agrees`: whether the measured slope is the gradient, as far as rounding
    lets it show. `kink`: the sides differ however small the step.
    """

    step: float
    slope: float
    left: float
    right: float
    relative_difference: float
    rounding: float
    agrees: bool
    kink: bool


@dataclass(frozen=True)
class Update:
    """What one step of gradient descent makes of the entry, and the loss before and after."""

    old: float
    new: float
    learning_rate: float
    loss_before: float
    loss_after: float


@dataclass(frozen=True)
class Meaning:
    """A line of the legend: a symbol with what its axes count, and what it stands for."""

    symbol: str
    meaning: str


@dataclass(frozen=True)
class ChainRule:
    """The chain rule for one entry, with numbers; `Explanation` tells what the fields mean."""

    loss_name: str
    loss: float
    name: str
    index: Index
    shape: tuple[int, ...]
    value: float
    chosen: bool
    gradient: float
    difference: Difference
    forward: tuple[Computation, ...]
    paths: tuple[Path, ...]
    number_of_paths: int
    all_paths_counted: bool
    other_paths_sum: float
    update: Update | None
    remarks: tuple[str, ...]
    label: str
    sentence: str
    legend: tuple[Meaning, ...]

    @property
    def finite_difference(self) -> float:
        """Return the slope as measured by moving the entry a little both ways."""
        return self.difference.slope
