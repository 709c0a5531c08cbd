"""`EntryName`: a short name for a Value, names for its entries, and what the legend says of it.

Knows names and indices; `network_names.py` makes them for the layers of a network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# Signs that would end an entry's label too early.
_BRACKETS = str.maketrans("[]{}", "()()")


@dataclass(frozen=True)
class EntryName:
    """What a Value and its entries are called.

    `symbol`: such as z1. `meaning`: for the legend. `axes`: what each axis counts, for the legend;
    an axis called "" is not shown, as that of the batch where there is one row. `entries`: for an
    axis, names of its entries. `sentence`: what an entry is, {0} standing for its place along the
    first axis; `words`: for an axis, how the sentence calls its places.

    >>> name = EntryName("W1", "the weights", ("from", "to"), {0: ["age", "color=red"]})
    >>> name.label("W1", (1, 5)), name.legend("W1")
    ('W1[color=red, 5]', 'W1[from, to]')
    """

    symbol: str
    meaning: str = ""
    axes: tuple[str, ...] | None = None
    entries: Mapping[int, Sequence[str]] = field(default_factory=dict)
    sentence: str = ""
    words: Mapping[int, Sequence[str]] = field(default_factory=dict)

    def label(self, symbol: str, index: Sequence[int | str]) -> str:
        """Return the name of an entry, `symbol` being the one that is used in the end.

        index: whole numbers, or letters for places left open.
        """
        shown = [self._place(axis, at) for axis, at in enumerate(index) if self._is_shown(axis)]
        return f"{symbol}[{', '.join(shown)}]" if shown else symbol

    def legend(self, symbol: str) -> str:
        """Return the symbol with what its axes count."""
        shown = [name for axis, name in enumerate(self.axes or ()) if self._is_shown(axis)]
        return f"{symbol}[{', '.join(shown)}]" if shown else symbol

    def describe(self, index: Sequence[int]) -> str:
        """Return what an entry is, in words, or "" where nothing is known of it."""
        text = self.sentence
        for axis, at in enumerate(index):
            words = self.words.get(axis)
            text = text.replace(f"{{{axis}}}", str(at) if words is None else words[at])
        return text

    def _is_shown(self, axis: int) -> bool:
        return self.axes is None or axis >= len(self.axes) or self.axes[axis] != ""

    def _place(self, axis: int, at: int | str) -> str:
        names = self.entries.get(axis)
        if names is None or isinstance(at, str) or not 0 <= at < len(names) or not names[at]:
            return str(at)
        return str(names[at]).translate(_BRACKETS)
