"""Several words in a row, and long ones cut: what does not fit is counted or marked, never lost.

Knows texts only.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["and_so_on", "joined", "listed", "shortened"]


def joined(words: Sequence[str]) -> str:
    """Return words as a sentence lists them.

    >>> joined(["a"]), joined(["a", "b"]), joined(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def listed(words: Sequence[str], most: int = 12) -> str:
    """Return words with commas between them, the rest beyond `most` counted.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    if len(words) <= most:
        return ", ".join(words)
    return f"{', '.join(words[:most])} and {len(words) - most:,} more"


def and_so_on(words: Sequence[str], most: int) -> str:
    """Return words with commas between them, and dots where there are more than `most`.

    >>> and_so_on(["a", "b", "c"], most=2), and_so_on(["a", "b"], most=2)
    ('a, b, …', 'a, b')
    """
    return ", ".join([*words[:most], *["…"][: len(words) > most]])


def shortened(words: str, most: int) -> str:
    """Return `words` in at most `most` letters.

    >>> shortened("a long name", 8), shortened("short", 8)
    ('a long…', 'short')
    """
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"
