"""`shown_words`: words that come from data, as matplotlib may show them.

Two dollar signs would begin a formula, an underscore in front takes a curve out of its legend, and
a column may be called anything. Knows texts only.
"""

from __future__ import annotations

from misstep.text.lists import shortened
from misstep.text.plain import printable

__all__ = ["shown_words"]

# Letters of a name: more would leave no room for what is drawn.
LONGEST = 48


def shown_words(words: object) -> str:
    r"""Return a name from data so that it is shown as it stands, cut where it is very long.

    >>> shown_words("$ or $"), shown_words("_id"), shown_words("a\x07b")
    ('\\$ or \\$', ' _id', 'a\\x07b')
    """
    shown = printable(str(words).replace("\n", " "))
    shown = shortened(shown, LONGEST).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown
