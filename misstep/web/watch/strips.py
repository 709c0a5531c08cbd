"""What was seen inside of a network, as strips over time: drawn as in the report, and in words.

Knows records and drawings; nothing of pages.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from misstep.doctor import Strip
from misstep.record import Record
from misstep.report.sections.flow import ASIDE, TITLES, WORDS, strip_drawing, strips_of
from misstep.text.figures import figure

__all__ = ["Strips"]


@dataclass(frozen=True)
class Strips:
    """The strips of one run; gradient flow comes first. `of`: makes them of a record."""

    strips: tuple[Strip, ...]

    @classmethod
    def of(cls, record: Record) -> Strips:
        """Return what was seen; none where nobody looked."""
        return cls(tuple(strips_of(record)))

    @cached_property
    def mark(self) -> str:
        """Return a short text that is another one for other numbers; empty without any."""
        if not self.strips:
            return ""
        content = b"".join(one.numbers.tobytes() + one.steps.tobytes() for one in self.strips)
        return hashlib.blake2b(content, digest_size=8).hexdigest()

    def plain(self, width: float) -> list[dict[str, Any]]:
        """Return each as plain JSON: title, what it is, SVG `width` pixels wide, latest numbers."""
        return [
            {
                "title": TITLES[one.signal],
                "aside": f"{ASIDE[one.signal]} Healthy: {one.source}.",
                "svg": strip_drawing(one, width).svg(),
                "rows": [list(row) for row in rows_of(one)],
            }
            for one in self.strips
        ]


def rows_of(strip: Strip) -> list[tuple[str, str, str]]:
    """Return name, latest number and what that is, of each layer or weight, in words."""
    low, high = strip.band
    too_small, healthy, too_large = WORDS[strip.signal]
    rows = []
    for name, number in zip(strip.names, strip.latest.tolist(), strict=True):
        if not np.isfinite(number):
            rows.append((name, "no number", "not known"))
            continue
        words = too_small if number < low else too_large if number > high else healthy
        rows.append((name, figure(float(f"{number:.2g}")), words))
    return rows
