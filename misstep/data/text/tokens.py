"""How a text falls into tokens: words in lower case, numbers by their length, single marks.

Where words are not set apart by blanks, a token is a single sign of the writing, with what belongs
to it (`unspaced.py`). How tokens are made has a version, which a model keeps. Also the signals of a
text, numbers that its words do not tell: how long it is, how much of it is capitals or digits, how
many marks and links. Knows single texts, no vocabulary and no model.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from misstep.data.text.unspaced import JOINERS, MARKS, SIGN, SIGNS, has_signs, is_sign, normalized

__all__ = ["LATEST", "SIGNALS", "signals_of", "terms_of", "tokens_of"]

# The first version knew signs of Chinese and Japanese only, cut words at accents that are signs of
# their own and let a link end at a blank alone; models of that time keep it.
FIRST, LATEST = 1, 2

LINK, MAIL, MONEY = "<link>", "<e-mail>", "<money>"
CURRENCIES = frozenset("$€£¥")
# Longer numbers are telephone numbers, prices, codes: each is met once, so that only their length
# can be learned from. Shorter ones are counted by people ("2 for 1", "7 out of 10").
LONGEST_KEPT_NUMBER = 2
# Beyond so many digits all numbers are alike.
LONGEST_NUMBER = 12
# Longer runs of letters are no words of a language; only their beginning is kept.
LONGEST_WORD = 40

_FIRST_SIGNS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_FIRST_TOKEN = re.compile(
    rf"<(?:link|e-mail)>|[^\W\d_{_FIRST_SIGNS}]+(?:'[^\W\d_]+)*|\d+(?:[.,:]\d+)*|[{_FIRST_SIGNS}]"
    r"|[^\w\s]|_"
)
_FIRST_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_FIRST_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")
# Letters with the accents and vowels that are written as marks of their own.
_LETTERS = rf"[^\W\d_{SIGNS}]+(?:[{MARKS}{JOINERS}]+[^\W\d_{SIGNS}]*)*"
WORD = rf"{_LETTERS}(?:['’]{_LETTERS})*"
NUMBER = r"\d+(?:[.,:]\d+)*"
# Signs, which no address has, may follow without a blank; so may the marks between sentences.
LINK_PLACE = rf"(?:https?://|www\.)[^\s{SIGNS}\u3000-\u303f\uff00-\uffef]+"
_IN_MAIL = rf"[^\W{SIGNS}]"
MAIL_PLACE = rf"{_IN_MAIL}(?:{_IN_MAIL}|[.+-]){{0,63}}@(?:{_IN_MAIL}|-)+(?:\.(?:{_IN_MAIL}|-)+)+"
_TOKEN = re.compile(rf"<(?:link|e-mail)>|{WORD}|{NUMBER}|{SIGN}|[^\w\s]|_")
_LINK = re.compile(LINK_PLACE, re.IGNORECASE)
_MAIL = re.compile(MAIL_PLACE)
_TAG = re.compile(r"</?[a-z][^<>]{0,200}>", re.IGNORECASE)
_SHOUTED = re.compile(r"\b[^\W\d_a-zß-öø-ÿ]{2,}\b")
_LETTER = re.compile(r"[^\W\d_]")
_CAPITAL = re.compile(r"[A-ZÀ-ÖØ-ÞΑ-ΩА-Я]")
_DIGIT = re.compile(r"\d")
_LONG_NUMBER = re.compile(r"\d{5,}")
_LINKS = re.compile(r"https?://|www\.", re.IGNORECASE)


def tokens_of(text: str, version: int = LATEST) -> list[str]:
    """Return the tokens of a text in their order; tags as in web pages are left out.

    `version`: of how tokens are made, `FIRST` to `LATEST`. Composed and decomposed letters are the
    same, and full-width ones are those of plain width (from version 2 on).

    >>> tokens_of("WIN £1,000 now!! www.win.example")
    ['win', '<money>', '<4 digits>', 'now', '!', '!', '<link>']
    >>> tokens_of("手机iPhone很好")
    ['手', '机', 'iphone', '很', '好']
    """
    first = version == FIRST
    if not first:
        text = normalized(text)
    # Most texts have none of these, and looking for a sign is quicker than for a pattern.
    if "<" in text:
        text = _TAG.sub(" ", text)
    if "://" in text or "ww." in text or "WW." in text:
        text = (_FIRST_LINK if first else _LINK).sub(LINK, text)
    if "@" in text:
        text = (_FIRST_MAIL if first else _MAIL).sub(MAIL, text)
    plain = text.lower().replace("’", "'")
    tokens: list[str] = (_FIRST_TOKEN if first else _TOKEN).findall(plain)
    for i, token in enumerate(tokens):
        if token[0].isdigit():
            digits = sum(letter.isdigit() for letter in token)
            if digits != len(token) or digits > LONGEST_KEPT_NUMBER:
                tokens[i] = f"<{min(digits, LONGEST_NUMBER)} digits>"
        elif token in CURRENCIES:
            tokens[i] = MONEY
        elif len(token) > LONGEST_WORD:
            tokens[i] = token[:LONGEST_WORD]
    return tokens


def terms_of(text: str, version: int = LATEST) -> list[str]:
    """Return the tokens of a text and its pairs of neighbors, as in "not good".

    Two signs of a writing without blanks make a pair without one (from version 2 on).

    >>> terms_of("Not good.")
    ['not', 'good', '.', 'not good', 'good .']
    >>> terms_of("很好 ok")
    ['很', '好', 'ok', '很好', '好 ok']
    """
    tokens = tokens_of(text, version)
    if version == FIRST or not has_signs(text):
        return [*tokens, *map(" ".join, itertools.pairwise(tokens))]
    signs = [is_sign(token) for token in tokens]
    pairs = [
        f"{one}{'' if together else ' '}{other}"
        for (one, other), together in zip(
            itertools.pairwise(tokens), map(all, itertools.pairwise(signs)), strict=True
        )
    ]
    return [*tokens, *pairs]


def _counted(number: float) -> float:
    """Return log(1 + number): from 0 to 1 is more than from 10 to 11."""
    return math.log1p(number)


def _words_in_capitals(text: str) -> float:
    return _counted(len(_SHOUTED.findall(text)))


def _share_of_capitals(text: str) -> float:
    letters = len(_LETTER.findall(text))
    return len(_CAPITAL.findall(text)) / max(letters, 1)


def _share_of_digits(text: str) -> float:
    return len(_DIGIT.findall(text)) / max(len(text), 1)


# Each takes a text; all but shares and lengths of words are logarithms of counts.
SIGNALS: dict[str, Callable[[str], float]] = {
    "characters": lambda text: _counted(len(text)),
    "words": lambda text: _counted(len(text.split())),
    "length of words": lambda text: len(text) / max(len(text.split()), 1),
    "share of capitals": _share_of_capitals,
    "words in capitals": _words_in_capitals,
    "share of digits": _share_of_digits,
    "long numbers": lambda text: _counted(len(_LONG_NUMBER.findall(text))),
    "exclamation marks": lambda text: _counted(text.count("!")),
    "question marks": lambda text: _counted(text.count("?")),
    "links": lambda text: _counted(len(_LINKS.findall(text))),
    "currency signs": lambda text: _counted(sum(map(text.count, CURRENCIES))),
}


def signals_of(texts: list[str], names: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the signals of these names, (texts, signals).

    >>> signals_of(["Call NOW", "ok"], ("share of capitals",)).round(2)
    array([[0.57],
           [0.  ]])
    """
    rows = [[SIGNALS[name](text) for name in names] for text in texts]
    return np.asarray(rows, np.float64).reshape(len(texts), len(names))
