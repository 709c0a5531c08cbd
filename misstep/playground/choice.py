"""`Choice`: the weight, bias or unit that a person looks at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from misstep.errors import ArgumentError

__all__ = ["Choice"]

_UNIT = "unit"
_TEXT = re.compile(r"[a-z_]+[0-9]{0,3}(?:\.[a-z_]+[0-9]{0,3}){0,3}(?:\.[0-9]{1,4}){1,4}")


@dataclass(frozen=True)
class Choice:
    """An entry of a parameter, such as dense1.weight at (0, 3), or a unit: "unit" at (layer, unit).

    Layers are counted from 1, the outputs last; entries and units from 0.

    >>> Choice("dense1.weight", (0, 3)).text()
    'dense1.weight.0.3'
    """

    of: str
    index: tuple[int, ...]

    @property
    def is_unit(self) -> bool:
        """Return whether it is a unit rather than a weight or a bias."""
        return self.of == _UNIT

    @classmethod
    def unit(cls, layer: int, number: int) -> Choice:
        """Return the choice of a unit."""
        return cls(_UNIT, (layer, number))

    def text(self) -> str:
        """Return it as a link holds it."""
        return ".".join([self.of, *map(str, self.index)])

    @classmethod
    def read(cls, text: str) -> Choice:
        """Return the choice that `text` gave. Raises ArgumentError for another text."""
        if not isinstance(text, str) or not _TEXT.fullmatch(text):
            raise ArgumentError(
                "what to look at",
                needed="a weight such as dense1.weight.0.3, or a unit such as unit.1.3",
                got=repr(text),
            )
        parts = text.split(".")
        numbers = [part for part in parts if part.isdecimal()]
        return cls(".".join(parts[: len(parts) - len(numbers)]), tuple(map(int, numbers)))

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {"of": self.of, "index": list(self.index), "text": self.text()}
