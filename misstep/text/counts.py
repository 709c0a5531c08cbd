"""How many there are of something: a noun as its number asks, alone or behind its count.

Knows English nouns that are made plural by an s, and any other by being told.
"""

from __future__ import annotations

__all__ = ["counted", "plural", "without_article"]


def plural(count: float, noun: str, nouns: str | None = None) -> str:
    """Return a noun as `count` asks; `nouns`: its plural where that is not the noun and an s.

    >>> plural(1, "row"), plural(0, "row"), plural(2, "category", "categories")
    ('row', 'rows', 'categories')
    """
    return noun if count == 1 else nouns or f"{noun}s"


def counted(count: int, noun: str, nouns: str | None = None) -> str:
    """Return a count with its noun.

    >>> counted(1, "row"), counted(1200, "row"), counted(2, "category", "categories")
    ('1 row', '1,200 rows', '2 categories')
    """
    return f"{count:,} {plural(count, noun, nouns)}"


def without_article(noun: str) -> str:
    """Return a noun without the article before it.

    >>> without_article("a linear model"), without_article("the last value")
    ('linear model', 'last value')
    """
    return noun.removeprefix("a ").removeprefix("the ")
