"""What reading some formats needs beside the core, and what is said where it isn't installed."""

from __future__ import annotations

from typing import Any

from misstep import extras
from misstep.errors import DataError

__all__ = ["required"]


def required(module: str, which: str) -> Any:
    """Return a module of the extra "formats", imported now.

    `which`: what needs it. Raises DataError where its package isn't installed.
    """
    return extras.required(module, "formats", which, kind=DataError)
