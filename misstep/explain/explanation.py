"""`Explanation`: the chain rule for one entry, to be printed, set in LaTeX or MathML, kept as JSON.

The parts are in `chain_rule.py`; `explaining.py` makes one of a graph.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from misstep.explain.chain_rule import ChainRule
from misstep.explain.latex import write_latex
from misstep.explain.mathml import write_mathml
from misstep.explain.wording import write_text
from misstep.text.plain import printable


@dataclass(frozen=True, repr=False)
class Explanation(ChainRule):
    """The chain rule for one entry, with numbers. Print it, or use its parts as data.

    `number_of_paths` is exact if `all_paths_counted`, else there are more. `other_paths_sum`: the
    sum of the paths that are not in `paths`. `chosen`: the entry was not asked for, but taken as
    the one with the largest gradient. `remarks`: sentences on what is special here. `label`: the
    entry as it stands in formulas; `sentence`: what it is, in words, or "". `legend`: what the
    names in it mean, where that was given.

    >>> import misstep as ms
    >>> w = ms.parameter(0.4, name="w")
    >>> explanation = ms.explain((1.0 - w) ** 2, wrt=w, learning_rate=0.1)
    >>> round(explanation.gradient, 4), round(explanation.update.new, 4)
    (-1.2, 0.52)
    >>> explanation.paths[0].links[0].by
    'w'
    """

    def text(self) -> str:
        """Return the explanation in words, formulas and numbers."""
        return printable(write_text(self))

    def latex(self) -> str:
        """Return the explanation as one `align*` environment (needs the package amsmath)."""
        return write_latex(self)

    def mathml(self, heading: str = "h4") -> str:
        """Return the explanation as HTML with MathML Core, which browsers set without a script.

        heading: the element that its parts are headed by, as fits the page that it stands in.
        """
        return write_mathml(self, heading=heading)

    def _repr_html_(self) -> str:
        """Return it for a notebook, with formulas that a browser sets."""
        return self.mathml()

    def _repr_latex_(self) -> str:
        """Return it for a notebook that sets LaTeX."""
        return self.latex()

    def to_dict(self) -> dict[str, Any]:
        """Return the parts as plain JSON: numbers that JSON lacks become the texts NaN, ∞, −∞."""
        parts: dict[str, Any] = _plain(dataclasses.asdict(self))
        parts["finite_difference"] = _plain(self.finite_difference)
        return parts

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return self.text()


def _plain(part: Any) -> Any:
    """Return a part of an explanation with nothing in it but what JSON knows."""
    if isinstance(part, dict):
        return {name: _plain(each) for name, each in part.items()}
    if isinstance(part, list | tuple):
        return [_plain(each) for each in part]
    if isinstance(part, float) and not math.isfinite(part):
        return "NaN" if math.isnan(part) else "∞" if part > 0 else "−∞"
    return part
