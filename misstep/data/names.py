"""How to guess which name was meant: the nearest among those that exist.

Knows words only, neither files nor tables. Used wherever an error can say "did you mean".
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean", "nearest_name"]

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
