"""The hyperparameters of a plan, listed: what each is called, what it is, and what it may be.

Knows names, values and domains; not what they do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from misstep.cli.page import Page
from misstep.modeling.hyperparameters import Hyperparameter

__all__ = ["plain_space", "say_hyperparameters", "settings", "value_words"]


def say_hyperparameters(page: Page, space: Mapping[str, Hyperparameter]) -> None:
    """Say one a line: its name, its value, the default where that is another, its domain."""
    if not space:
        page.say("none: the plan for these data and options leaves nothing open", indent=2)
        return
    table = []
    for one in space.values():
        same = one.value == one.default
        default = "the default" if same else f"default {value_words(one.default)}"
        table.append([one.name, value_words(one.value), default, one.domain.words])
    page.table(table, ["name", "value", "", "may be"], always=True)


def plain_space(space: Mapping[str, Hyperparameter]) -> dict[str, dict[str, Any]]:
    """Return the same as plain JSON by name."""
    return {
        one.name: {"value": one.value, "default": one.default, "domain": one.domain.words}
        for one in space.values()
    }


def value_words(value: Any) -> str:
    """Return a value as a command line would have it.

    >>> value_words(0.0123456789), value_words(None), value_words(True)
    ('0.0123457', 'none', 'true')
    """
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def settings(values: Mapping[str, Any]) -> list[str]:
    """Return NAME=VALUE for each, to the last bit, as --set takes it.

    >>> settings({"dropout": 0.1, "members": 1, "embeddings": False})
    ['dropout=0.1', 'members=1', 'embeddings=false']
    """
    return [
        f"{name}={value!r}" if isinstance(value, float) else f"{name}={value_words(value)}"
        for name, value in values.items()
    ]
