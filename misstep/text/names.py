"""Names that people write: how a class is called, and which name was meant by a wrong one.

Knows words only, neither files nor tables. Used wherever an error can say "did you mean".
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

__all__ = ["did_you_mean", "hyphenated", "nearest_name"]

# Below this likeness (difflib's ratio) a guess confuses more often than it helps; difflib's default
# is 0.6, and 0.5 still finds "prise" for "Price" once case is ignored.
LIKENESS = 0.5


def nearest_name(name: str, names: Iterable[str]) -> str | None:
    """Return the one of `names` that is most like `name` (case ignored), or None if none is."""
    by_lower = {other.lower(): other for other in names}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=LIKENESS)
    return by_lower[found[0]] if found else None


def did_you_mean(name: str, names: Iterable[str], most: int = 12) -> str:
    """Return a phrase that helps on: the nearest name, or else the first of those there are."""
    there = list(names)
    guess = nearest_name(name, there)
    if guess is not None:
        return f"{guess!r}, the nearest name"
    if not there:
        return "another source; this one has no names at all"
    shown = ", ".join(repr(other) for other in there[:most])
    return f"one of {shown}{', …' if len(there) > most else ''}"


def hyphenated(class_name: str) -> str:
    """Return how people call a class: AdamW is adamw, CrossEntropy is cross-entropy.

    A capital that begins a word of small letters, behind a small letter, begins a part.
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "-", class_name).lower()
