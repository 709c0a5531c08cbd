"""The signs that a formula, written as text, is made of; for whoever sets it in another way.

Knows letters; what becomes of a token is for `latex.py` and `mathml.py` to say.
"""

from __future__ import annotations

import re

__all__ = ["FUNCTIONS", "LOWERED", "OPERATORS", "PROSE", "TOKEN"]

# Words that every setter has a sign for, words that are operators, and words of a sentence.
FUNCTIONS = frozenset(
    {
        *("exp", "ln", "max", "min", "sin", "cos", "tan", "arcsin", "arccos", "arctan"),
        *("sinh", "cosh", "tanh"),
    }
)
OPERATORS = frozenset(
    {
        *("sign", "erf", "softmax", "argmax", "mean", "NaN", "arsinh", "arcosh", "artanh"),
        *("floor", "ceil", "round", "trunc", "mod", "fmod"),
    }
)
PROSE = frozenset(
    {
        *("if", "else", "where", "part", "of", "padded", "reversed", "at", "it", "is", "the", "in"),
        *("largest", "larger", "smaller", "equal", "terms", "numbers", "taken", "picked"),
        *("shared", "constants", "tie", "a", "more"),
    }
)
# Raised figures as plain ones.
LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")

# Letters to Unicode, but signs of their own in a formula, whatever word they stand behind.
_ALONE = "²³½¼ᵀₖΣ⁰¹⁴⁵⁶⁷⁸⁹"

TOKEN = re.compile(
    r"(?P<power>×10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)"
    r"|(?P<number>\d+(?:,\d{3})*(?:\.\d+)?)"
    rf"|(?P<word>(?![\d{_ALONE}])\w(?:(?![{_ALONE}])\w|\.(?=\w))*)(?P<index>\[[^\[\]]*\])?"
    r"|(?P<root>√\()|(?P<raised>\^\()"
    r"|(?P<sign>.)",
    re.DOTALL,
)
