"""`Listener`: a hook on a module of PyTorch that copies of the module do not inherit.

A loop may copy its model (the best one so far, a moving average) or save it whole. A copy has the
hooks of the original, and with a bound method a copy of everything that is watched. Knows no
torch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

# What copies have in its place takes anything and returns None. It is not of this library, so that
# a model saved while it is watched can be read where this library is not.
_NOBODY = contextlib.nullcontext()


class Listener:
    """Calls `tell` with what it is called with; in a copy, nobody is told."""

    __slots__ = ("tell",)

    def __init__(self, tell: Callable[..., None]) -> None:
        self.tell = tell

    def __call__(self, *arguments: Any) -> None:
        """Tell of it. Hooks that return None change nothing."""
        self.tell(*arguments)

    def __deepcopy__(self, memory: Any) -> Any:
        return _NOBODY.__exit__

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (_NOBODY, "__exit__")
