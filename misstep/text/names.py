"""Names that people write: how a class is called, and which name was meant by a wrong one.

Knows words only, neither files nor tables. Used wherever an error can say "did you mean".
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

from misstep.text.lists import joined, listed

__all__ = ["did_you_mean", "hyphenated", "missing_names", "nearest_name"]

# Below this likeness (difflib's ratio) a guess confuses more often than it helps; difflib's default
# is 0.6, and 0.5 still finds "prise" for "Price" once case is ignored.
LIKENESS = 0.5
# Names that a message lists in full.
MOST_MISSING = 30


def nearest_name(name: str, names: Iterable[str]) -> str | None:
    """Return the one of `names` that is most like `name` (case ignored), or None if none is.

    It is never `name` itself, which was refused.
    """
    by_lower = {_composed(other).lower(): other for other in names if other != name}
    found = difflib.get_close_matches(_composed(name).lower(), by_lower, n=1, cutoff=LIKENESS)
    return by_lower[found[0]] if found else None


def did_you_mean(name: object, names: Iterable[object], most: int = 12) -> str:
    """Return a phrase that helps on: the nearest name, or else the first of those there are.

    `name`: what was refused; it is never offered again. Of a name that looks the same, how it
    differs is said.

    >>> did_you_mean("prise", ["Price"]), did_you_mean("0", [0, 1])
    ("'Price', the nearest name", "0, a number, where '0' is a text")
    """
    name = _plain(name)
    there = [other for other in map(_plain, names) if not _same(other, name)]
    twin = _twin(name, there)
    if twin is not None:
        return twin
    guess = nearest_name(str(name), map(str, there))
    if guess is not None:
        return f"{guess!r}, the nearest name"
    if not there:
        return "another source; this one has no names at all"
    shown = ", ".join(repr(other) for other in there[:most])
    return f"one of {shown}{', …' if len(there) > most else ''}"


def missing_names(missing: Iterable[str], there: Iterable[str], wanted: Iterable[str]) -> str:
    """Return which names are missing, all of them, and which of those there may be meant.

    `there`: all that are there. `wanted`: all that should be; one of these that is there is not
    meant by another.

    >>> missing_names(["Fare", "Sex"], ["Age", "fare"], ["Age", "Fare", "Sex"])
    "'Fare' and 'Sex' are missing; 'fare' is there instead of 'Fare'?"
    """
    absent, expected = list(missing), set(wanted)
    others = [name for name in there if name not in expected]
    shown = [repr(name) for name in absent]
    named = joined(shown) if len(shown) <= MOST_MISSING else listed(shown, MOST_MISSING)
    words = f"{named} {'is' if len(absent) == 1 else 'are'} missing"
    for name in absent:
        near = nearest_name(name, others)
        if near is not None:
            return f"{words}; {near!r} is there instead of {name!r}?"
    return words


def _twin(name: object, names: list[Any]) -> str | None:
    """Return what looks the same as `name`, or nearly, and how it differs; else None."""
    for other in names:
        if type(other) is not type(name) and str(other) == str(name):
            return f"{other!r}, {_kind(other)}, where {name!r} is {_kind(name)}"
    if not isinstance(name, str):
        return None
    texts = [other for other in names if isinstance(other, str)]
    for alike, words in _ALIKE:
        for other in texts:
            if alike(other) == alike(name):
                return f"{other!r}, the nearest name; {words(other, name)}"
    return None


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _without_blanks(name: str) -> str:
    return "".join(_composed(name).split())


def _visible(name: str) -> str:
    """Return a name without what can't be seen, and with one sign for those that look alike."""
    plain = unicodedata.normalize("NFKC", name)
    seen = (sign for sign in plain if unicodedata.category(sign) not in ("Cf", "Cc", "Zs"))
    return "".join(seen).casefold()


def _signs(other: str, name: str) -> str:
    return f"its signs are {other!a}, and {name!a} came"


# How two names may be the same to a reader, and what is said of it.
_ALIKE: tuple[tuple[Callable[[str], str], Callable[[str, str], str]], ...] = (
    (_composed, lambda other, name: f"its accents are composed differently: {_signs(other, name)}"),
    (_without_blanks, lambda other, name: "only blanks differ"),
    (lambda name: _composed(name).casefold(), lambda other, name: "only capitals differ"),
    (_visible, _signs),
)


def _plain(name: Any) -> Any:
    """Return a NumPy number or text as Python's own."""
    return name.item() if hasattr(name, "item") and getattr(name, "ndim", 1) == 0 else name


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


def _kind(name: object) -> str:
    if isinstance(name, bool):
        return "true or false"
    if isinstance(name, str):
        return "a text"
    return "a number" if isinstance(name, int | float) else f"a {type(name).__name__}"


def hyphenated(class_name: str) -> str:
    """Return how people call a class: AdamW is adamw, CrossEntropy is cross-entropy.

    A capital that begins a word of small letters, behind a small letter, begins a part.
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "-", class_name).lower()
