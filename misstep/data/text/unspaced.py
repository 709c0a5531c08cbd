"""Writings in which words are not set apart by blanks, and letters that can be written in two ways.

Chinese, Japanese, Thai, Lao, Khmer, Burmese and their kin: a sign there is a character with the
vowels and accents that belong to it. Korean has blanks, and so has Tibetan, in its way. Knows
single texts, and nothing of what is learned from them.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["JOINERS", "MARKS", "SIGN", "SIGNS", "has_signs", "is_sign", "normalized", "word_count"]

# Blocks of Unicode 15, as the inside of a character class.
_HAN_AND_KANA = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uf900-\ufaff\U00020000-\U000323af"
)
_OTHERS = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"  # Burmese, Shan and others of Myanmar
    "\u1780-\u17ff"  # Khmer
    "\u1950-\u19df\u1a20-\u1aaf\uaa80-\uaadf"  # Tai Le, New Tai Lue, Tai Tham, Tai Viet
    "\u1b00-\u1b7f\ua980-\ua9df\uaa00-\uaa5f"  # Balinese, Javanese, Cham
)
SIGNS = _HAN_AND_KANA + _OTHERS
# Accents and vowels that are written as characters of their own, after the letter.
MARKS = "".join(
    chr(code) for code in range(0x300, 0xFE30) if unicodedata.category(chr(code))[0] == "M"
)
# Said to be invisible, they stand inside of words.
JOINERS = "\u200c\u200d"
# Vowels of Thai and Lao that are letters by themselves: written before, or after, their consonant.
_BEFORE = "\u0e40-\u0e44\u0ec0-\u0ec4"
_AFTER = "\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3"
# Behind these a consonant is written below the one before (Khmer, Burmese).
_STACKING = "\u17d2\u1039"
_ONE = rf"(?=[^\W\d_])[{SIGNS}][{MARKS}{_AFTER}{JOINERS}]*"
# One sign, with all that belongs to it.
SIGN = rf"[{_BEFORE}]?{_ONE}(?:(?<=[{_STACKING}]){_ONE})*"
# Signs that make a word on average, for telling a sentence from a name: most Chinese words have
# two; those of the others have one syllable or two, of two signs or so.
_SIGNS_OF_WORD = 2.0

_SIGN = re.compile(SIGN)
_ANY_SIGN = re.compile(rf"[{SIGNS}]")
# Full-width Latin letters, digits and marks, and half-width kana.
_WIDTHS = re.compile("[\uff01-\uffef]+")
_PIECE = re.compile(r"\S+")
# Between the syllables of Tibetan.
_TSHEG = "\u0f0b"


def normalized(text: str) -> str:
    """Return `text` as it is compared: composed letters (NFC), all letters of plain width.

    >>> normalized("e\u0301te\u0301 ＡＢＣ！")
    'été ABC!'
    """
    if text.isascii():
        return text
    text = _WIDTHS.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    return unicodedata.normalize("NFC", text.replace(_TSHEG, " "))


def has_signs(text: str) -> bool:
    """Tell whether a text has signs of a writing without blanks between words."""
    return not text.isascii() and _ANY_SIGN.search(text) is not None


def is_sign(token: str) -> bool:
    """Tell whether a token is a sign of such a writing, not a word of another or a mark."""
    return _SIGN.match(token) is not None


def word_count(text: str) -> float:
    """Return about how many words a text has: pieces between blanks; signs, two to a word.

    >>> word_count("a good day"), word_count("这个产品很好"), word_count("手机iPhone 15")
    (3, 3.0, 3.0)
    """
    if not has_signs(text):
        return len(_PIECE.findall(text))
    rest, signs = _SIGN.subn(" ", text)
    pieces = [piece for piece in _PIECE.findall(rest) if any(map(str.isalnum, piece))]
    return len(pieces) + signs / _SIGNS_OF_WORD
