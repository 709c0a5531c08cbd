"""`RowParts`: one row taken apart into what people can replace in it, and put together again.

A part is a column of a table, a word of a text, a region of an image, some steps of a channel: all
the features that stem from it go together. Any selection of the parts may be replaced by a
baseline's; the row that results is what the network would get if it stood so in the file. Knows
rows, no network; who asks for which replacements is not its business.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BaselineRow", "FeatureParts", "Part", "RowParts"]

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class BaselineRow:
    """What a part is replaced by: what training rows held on average, or most often.

    `cells`: by column of a table, means of numbers, the most frequent categories, mean dates as
    texts. `features`: (features,) the mean of encoded rows, where a row has no columns; or None.
    `rows`: how many training rows it was measured on.
    """

    rows: int
    cells: Mapping[str, float | str] = field(default_factory=dict)
    features: Floats | None = None


@dataclass(frozen=True)
class Part:
    """Something in a row that can be replaced.

    `name`: as people know it. `cell`: what stands in the row; `replacement`: what would stand there
    instead; None: nothing. `place`: its line and column on a map of all parts, if there is one.
    """

    name: str
    cell: Any
    replacement: Any
    place: tuple[int, int] | None = None


class RowParts(ABC):
    """The parts of one row.

    `parts`: in their order. `noun`: what one of them is called. `baseline`: in words, what the
    replacements are. `lines`, `columns`: headings of the map that the places of parts are on.
    `places`: how many words of texts are encoded anew for each selection. `details`: some parts
    taken apart further, by number; all other parts stay then.
    """

    noun: str
    baseline: str
    parts: Sequence[Part]
    lines: Sequence[str] = ()
    columns: Sequence[str] = ()
    places: int = 0
    details: Sequence[tuple[int, RowParts]] = ()

    @abstractmethod
    def mixed(self, kept: NDArray[np.bool_]) -> Floats:
        """Return encoded rows, (rows, features), that keep those parts and replace the others.

        kept: (rows, parts).
        """


class FeatureParts(RowParts):
    """Parts that are features of their own: where one is replaced, its features are the baseline's.

    `members`: (features,) the number of the part that each feature belongs to; −1: none, it stays.
    `replaced`: (features,) the baseline's.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        noun: str,
        baseline: str,
        features: Floats,
        replaced: Floats,
        members: NDArray[np.int64],
        lines: Sequence[str] = (),
        columns: Sequence[str] = (),
    ) -> None:
        self.parts, self.noun, self.baseline = parts, noun, baseline
        self.lines, self.columns = lines, columns
        self._features = np.asarray(features, np.float32)
        self.replaced: Floats = np.asarray(replaced, np.float32)
        self.members = members

    def mixed(self, kept: NDArray[np.bool_]) -> Floats:
        # One more column, always kept, for features that belong to no part.
        whole = np.column_stack([kept, np.ones(len(kept), bool)])
        return np.where(whole[:, self.members], self._features, self.replaced)
