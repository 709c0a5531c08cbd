"""One text taken apart into its words, and put together again without some of them.

A word goes with all its repetitions, in capitals or not. Knows single texts; tokens are what a
network makes of them (`tokens.py`), pieces what people see in them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from misstep.data.text.tokens import LINK_PLACE, MAIL_PLACE, NUMBER, WORD
from misstep.data.text.unspaced import SIGN, normalized

__all__ = ["TextPieces", "pieces_of"]

_PIECE = re.compile(rf"{LINK_PLACE}|{MAIL_PLACE}|{WORD}|{NUMBER}|{SIGN}|[^\s]", re.IGNORECASE)


@dataclass(frozen=True)
class TextPieces:
    """The words of a text.

    `words`: different ones, in small letters, in the order of their first place. `counts`: how
    often each stands there. `order`: for each place in the text which word it is; `spelled`: how it
    is written there, with the blanks before it.
    """

    words: tuple[str, ...]
    counts: tuple[int, ...]
    order: tuple[int, ...]
    spelled: tuple[str, ...]

    def text(self, kept: NDArray[np.bool_] | Sequence[bool]) -> str:
        """Return the text with those words only, kept: (words,)."""
        return "".join(
            spelled for word, spelled in zip(self.order, self.spelled, strict=True) if kept[word]
        ).lstrip()


def pieces_of(text: str) -> TextPieces:
    """Return the words of a text; numbers, marks, links and addresses are words too.

    >>> pieces = pieces_of("Call NOW, call me")
    >>> pieces.words, pieces.counts
    (('call', 'now', ',', 'me'), (2, 1, 1, 1))
    >>> pieces.text([False, True, True, True])
    'NOW, me'
    """
    numbers: dict[str, int] = {}
    counts: list[int] = []
    order, spelled, end = [], [], 0
    for match in _PIECE.finditer(text):
        word = normalized(match.group().lower())
        number = numbers.setdefault(word, len(numbers))
        if number == len(counts):
            counts.append(0)
        counts[number] += 1
        order.append(number)
        spelled.append(text[end : match.end()])
        end = match.end()
    return TextPieces(tuple(numbers), tuple(counts), tuple(order), tuple(spelled))
