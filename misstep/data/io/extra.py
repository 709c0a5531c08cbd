"""What reading some formats needs beside the core, and what is said where it isn't installed."""

from __future__ import annotations

import importlib
from types import ModuleType

from misstep.errors import DataError

__all__ = ["required"]


def required(module: str, which: str) -> ModuleType:
    """Return a module of the extra "formats", imported now.

    `which`: what needs it. Raises DataError where its package isn't installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise DataError(
            which,
            needed=f"the package {package}",
            got="none" if isinstance(error, ModuleNotFoundError) else str(error)[:200],
            try_="pip install 'misstep[formats]'",
        ) from error
