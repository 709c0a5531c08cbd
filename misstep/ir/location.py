"""Where in the user's code a Value comes from: the first frame outside the library.

Knows Python frames and nothing of programs. A layer or the reverse walk may say, with `located_at`,
that what is made inside belongs to an older place.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = str(Path(__file__).resolve().parent.parent)
_state = threading.local()


@dataclass(frozen=True, slots=True)
class Location:
    """A line of the user's code."""

    file: str
    line: int
    # Whether the Value is part of the way back from a loss, made on behalf of that line.
    backward: bool = False

    @property
    def known(self) -> bool:
        """Tell whether there is a line that a person could look at."""
        return bool(self.file)

    def __str__(self) -> str:
        return f"{Path(self.file).name}:{self.line}{' (backward)' if self.backward else ''}"


# Of what no line of a user's made: a shell says so, whose own lines nobody wants to read.
NOWHERE = Location("", 0)


def current_location() -> Location | None:
    """Return the place set by `located_at`, else the nearest line outside the library."""
    override: Location | None = getattr(_state, "override", None)
    if override is not None:
        return override
    frame = sys._getframe(1)
    while frame is not None:
        if not frame.f_code.co_filename.startswith(_PACKAGE):
            return Location(frame.f_code.co_filename, frame.f_lineno)
        if frame.f_back is None:
            return None
        frame = frame.f_back
    return None


@contextmanager
def located_at(location: Location | None, *, by_line: bool = False) -> Iterator[None]:
    """Let every Value made inside carry this place (None changes nothing).

    `by_line`: let each carry the line that makes it, whatever was said around.
    """
    before = getattr(_state, "override", None)
    _state.override = None if by_line else location if location is not None else before
    try:
        yield
    finally:
        _state.override = before
