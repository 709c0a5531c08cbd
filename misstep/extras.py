"""Packages beside the core: loaded when they are first needed, one clear sentence where they lack.

Knows names of packages and of extras; what they are for, who asks says.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from misstep.errors import MisstepError

__all__ = ["required"]


def required(
    module: str,
    extra: str,
    what: str,
    *,
    package: str = "",
    kind: type[MisstepError] = MisstepError,
) -> Any:
    """Return the module called `module`, of a package of the `extra`, imported now.

    `what` needs it; `package`: what installs it, where that is called otherwise. Raises an error of
    the `kind`, which says how to install it, where it is not there or can't be loaded.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise kind(
            what,
            needed=f"the package {package or module.partition('.')[0]}",
            got="none" if isinstance(error, ModuleNotFoundError) else str(error)[:200],
            try_=f'pip install "misstep[{extra}]"',
        ) from error
