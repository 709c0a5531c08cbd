"""The texts of one column in many rows, each of which can be encoded again without a word.

Knows texts and what encodes them; which words are worth taking out is not its business.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from misstep.data.text.text_parts import TextPieces, pieces_of
from misstep.data.text.text_transformer import TextTransformer

__all__ = ["TextsOfRows"]

Floats = NDArray[np.float32]


class TextsOfRows:
    """The texts of a column, (rows,).

    `name`: of the column; `features`: where its features stand in a row. `texts`: as they stand
    there, "" where one is missing.
    """

    def __init__(
        self, transformer: TextTransformer, features: slice, cells: Sequence[object]
    ) -> None:
        self.name = transformer.column
        self.features = features
        self.texts = ["" if cell is None or cell != cell else str(cell) for cell in cells]
        self._transformer = transformer
        self._pieces: dict[int, TextPieces] = {}

    def pieces(self, row: int) -> TextPieces:
        """Return the words of a text."""
        if row not in self._pieces:
            self._pieces[row] = pieces_of(self.texts[row])
        return self._pieces[row]

    def without(self, pairs: Sequence[tuple[int, int]]) -> Floats:
        """Return the features of texts without a word, (pairs, width).

        pairs: number of the row, and of the word in the `pieces` of that row.
        """
        import pandas

        texts = []
        for row, word in pairs:
            pieces = self.pieces(row)
            texts.append(pieces.text([at != word for at in range(len(pieces.words))]))
        series = pandas.Series(texts, dtype=object)
        return np.asarray(self._transformer.transform(series, _ignore), np.float32)


def _ignore(note: str) -> None:
    """Hear what was noticed: the rows themselves were looked at before."""
