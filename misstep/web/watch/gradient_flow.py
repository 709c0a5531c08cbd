"""How the gradient flows from the last layer back to the first, look by look, as a page draws it.

A gradient is measured against its own weights, and then against that of the last layer at the same
look, as the doctor compares layers: 1 is as strong, 0.01 a hundredth of it. Knows records.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from misstep.doctor import Evidence
from misstep.doctor.gradients import relative_gradients
from misstep.doctor.rules.exploding_gradients import FIRST_TO_LAST as TOO_LARGE
from misstep.doctor.rules.vanishing_gradients import FIRST_TO_LAST as TOO_SMALL
from misstep.drawing import Drawing, shortened
from misstep.drawing.charts import heat_strip
from misstep.record import Record
from misstep.text.figures import figure

__all__ = ["COLUMNS", "GradientFlow", "gradient_flow"]

Array = npt.NDArray[Any]

# Between them a layer learns about as well as the last one.
BAND = (TOO_SMALL, TOO_LARGE)
# Columns of a strip at most, and layers: a page has room for no more.
COLUMNS = 48
LAYERS = 24
# The share of a strip's width that names may take.
NAMES = 0.28


@dataclass(frozen=True)
class GradientFlow:
    """Strips of layers over time.

    `layers`: their names, the first one first. `steps`: (columns,), the last look of each.
    `shares`: (layers, columns), gradient ÷ weights as a share of the last layer's; `relative`:
    (layers, columns), gradient ÷ weights; NaN where nothing was seen. `left_out`: layers in the
    middle that there is no room for.
    """

    layers: list[str]
    steps: Array
    shares: Array
    relative: Array
    left_out: int = 0

    @cached_property
    def mark(self) -> str:
        """Return a short text that is another one for other numbers."""
        content = self.shares.tobytes() + repr(self.layers).encode()
        return hashlib.blake2b(content, digest_size=8).hexdigest()

    def drawing(self, width: float) -> Drawing:
        """Return it as strips, `width` pixels wide."""
        return heat_strip(
            [shortened(name, NAMES * width) for name in self.layers],
            self.steps,
            self.shares,
            band=BAND,
            title="Gradient flow",
            description=". ".join(f"{name}: {words}" for name, *_, words in self.rows()),
            across="updates",
            width=width,
        )

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return the latest look in words: layer, gradient ÷ weights, as a share, how that is."""
        return [
            (name, _figure(relative[-1]), _figure(share[-1]), _words(share[-1]))
            for name, relative, share in zip(self.layers, self.relative, self.shares, strict=True)
        ]


def gradient_flow(record: Record, columns: int = COLUMNS) -> GradientFlow | None:
    """Return how the gradient flows, of `columns` spans of looks at most; None if nobody looked."""
    if record.description is None:
        return None
    found = relative_gradients(Evidence(record))
    if not found:
        return None
    looks = np.unique(np.concatenate([one.steps for one in found]))
    table = np.full((len(found), len(looks)), np.nan)
    for row, one in enumerate(found):
        table[row, np.searchsorted(looks, one.steps)] = one.values
    names = [one.parameter.name.removesuffix(".weight") for one in found]
    left_out = max(len(found) - LAYERS, 0)
    if left_out:
        kept = [*range(LAYERS // 2), *range(len(found) - LAYERS + LAYERS // 2, len(found))]
        table, names = table[kept], [names[row] for row in kept]
    with np.errstate(all="ignore"):
        shares = table / table[-1]
    spans = np.arange(len(looks)) * columns // len(looks) if len(looks) > columns else None
    if spans is not None:
        first = np.flatnonzero(np.diff(spans, prepend=-1))
        looks = looks[np.append(first[1:], len(spans)) - 1]
        shares, table = _middle(shares, first), _middle(table, first)
    return GradientFlow(names, looks, shares, table, left_out)


def _middle(table: Array, first: Array) -> Array:
    """Return the geometric mean of each span of columns, which begin at `first`."""
    with np.errstate(all="ignore"):
        logs = np.log(np.where(table > 0, table, np.nan))
        known = np.isfinite(logs)
        sums = np.add.reduceat(np.where(known, logs, 0.0), first, axis=1)
        counts = np.add.reduceat(known.astype("float64"), first, axis=1)
        zeros = np.add.reduceat((table == 0).astype("float64"), first, axis=1)
        middles = np.exp(sums / counts)
    # Where nothing but zeros was seen, that is what was seen.
    return np.where(counts > 0, middles, np.where(zeros > 0, 0.0, np.nan))


def _words(share: float) -> str:
    if not np.isfinite(share):
        return "not known"
    if share < BAND[0]:
        return "too small"
    return "too large" if share > BAND[1] else "healthy"


def _figure(number: float) -> str:
    return figure(float(f"{number:.2g}")) if np.isfinite(number) else "none"
