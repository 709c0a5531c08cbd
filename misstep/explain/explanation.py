"""An explanation as plain parts: what was computed, the paths, the check, the update, remarks.

These parts know no graph any more: names, formulas as text, and numbers. `wording.py` writes them
as text, `latex.py` as LaTeX, `explaining.py` makes them.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

Index = tuple[int, ...]


@dataclass(frozen=True)
class Computation:
    """One computation on the way: `name[index] = formula = with_numbers = number`."""

    name: str
    index: Index
    formula: str
    with_numbers: str
    number: float


@dataclass(frozen=True)
class Factor:
    """One factor inside a link: its formula, that formula with numbers, and its number."""

    formula: str
    with_numbers: str
    number: float


@dataclass(frozen=True)
class Link:
    """A local derivative, ∂name[index]/∂by[by_index], all other named values held still.

    `number`: that of the derivative; `value`: that of `name[index]`. `formula` is None when the
    link adds up more routes than can be told (`routes` of them). `factors`: what the formula
    multiplies, op by op, from the outside in; empty when it is a single one. `through`: which way
    the link takes, when another link joins the same two names in another way.
    """

    name: str
    index: Index
    value: float
    by: str
    by_index: Index
    formula: str | None
    with_numbers: str | None
    number: float
    factors: tuple[Factor, ...]
    routes: int
    through: str | None


@dataclass(frozen=True)
class Path:
    """One path from the entry to the loss: its links, the loss's own first, and their product."""

    links: tuple[Link, ...]
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
class Explanation:
    """The chain rule for one entry, with numbers. Print it, or use its parts as data.

    `number_of_paths` is exact if `all_paths_counted`, else there are more. `other_paths_sum`: the
    sum of the paths that are not in `paths`. `chosen`: the entry was not asked for, but taken as
    the one with the largest gradient. `remarks`: sentences on what is special here.

    >>> import misstep as ms
    >>> w = ms.parameter(0.4, name="w")
    >>> found = ms.explain((1.0 - w) ** 2, wrt=w, learning_rate=0.1)
    >>> round(found.gradient, 4), round(found.update.new, 4), found.paths[0].links[0].by
    (-1.2, 0.52, 'w')
    """

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

    @property
    def finite_difference(self) -> float:
        """Return the slope as measured by moving the entry a little both ways."""
        return self.difference.slope

    def text(self) -> str:
        """Return the explanation in words, formulas and numbers."""
        from misstep.explain.wording import write_text

        return write_text(self)

    def latex(self) -> str:
        """Return the explanation as one `align*` environment (needs the package amsmath)."""
        from misstep.explain.latex import write_latex

        return write_latex(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the parts as plain JSON: numbers that JSON lacks become the texts NaN, ∞, −∞."""
        parts: dict[str, Any] = plain(dataclasses.asdict(self))
        parts["finite_difference"] = plain(self.finite_difference)
        return parts

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return self.text()


def plain(part: Any) -> Any:
    """Return a part of an explanation with nothing in it but what JSON knows."""
    if isinstance(part, dict):
        return {name: plain(each) for name, each in part.items()}
    if isinstance(part, list | tuple):
        return [plain(each) for each in part]
    if isinstance(part, float) and not math.isfinite(part):
        return "NaN" if math.isnan(part) else "∞" if part > 0 else "−∞"
    return part
