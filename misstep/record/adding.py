"""Events that are added to the record of a run that is over: what was tried or found later.

Knows the file; nothing of what the events say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from misstep.errors import MisstepError
from misstep.record.writer import RecordWriter

__all__ = ["add_events"]


def add_events(path: Path | str, events: Iterable[Mapping[str, Any]]) -> MisstepError | None:
    """Add events to the record in a folder, or to the file; return what was in the way, if so.

    events: each with its `kind`, its `words` and its facts.
    """
    try:
        with RecordWriter(path, {}) as writer:
            for event in events:
                writer.event(**event)
    except MisstepError as error:
        return error
    # Lines that found no room were tried once more as it was closed.
    return writer.trouble
