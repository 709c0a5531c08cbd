"""What lower floors may ask of upper ones, by name: who repairs, who draws, who reports.

A floor imports only floors below it; where a person looks for something on an object of a lower one
(`run.report()`, `model.plot(…)`, `fit(repair=True)`), that object asks here, and the roof,
`misstep/__init__.py`, says where it is. What is offered is loaded when it is first asked for.
Knows names; the contract of each offer stands where it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from misstep.errors import MisstepError

__all__ = ["ask", "offer"]

# The module and the name in it, by what it is offered as.
_offers: dict[str, tuple[str, str]] = {}


def offer(what: str, module: str, name: str) -> None:
    """Let `what` be what has this name in a module; whoever offers last is asked."""
    _offers[what] = module, name


def ask(what: str) -> Any:
    """Return what is offered under a name. Raises MisstepError where nobody offers it."""
    if what not in _offers:
        raise MisstepError(what, needed="somebody who offers it", got="nobody")
    module, name = _offers[what]
    return getattr(import_module(module), name)
