"""What layers, their settings and their arrays were called in model files written before.

Whatever is renamed gets a line here, and files that hold its former name are opened as before. Only
files are translated: in Python each thing has one name. Knows names, no class.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypeVar

# What a class is called by what it was called.
CLASSES = {
    "RandomWarp": "RandomAffine",
    "TimePool": "TemporalPooling",
    "TimeSummary": "TemporalSummary",
    "WeightedBag": "EmbeddingBag",
}
# By a class as it is called now: what each renamed setting is called by what it was called.
SETTINGS: dict[str, dict[str, str]] = {
    "PeriodicEmbedding": {"places": "columns", "waves": "frequencies"}
}

_Item = TypeVar("_Item")


def present_name(name: str, known: Collection[str]) -> str:
    """Return what the class called `name` is called now; one that is `known` keeps its name."""
    return name if name in known else CLASSES.get(name, name)


def present_settings(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a class as they are called now; `name`: of the class, of today."""
    renamed = SETTINGS.get(name, {})
    return {renamed.get(setting, setting): value for setting, value in settings.items()}


def present_arrays(arrays: Mapping[str, _Item], configuration: Any) -> dict[str, _Item]:
    """Return arrays by the names that the network of a `configuration` has for them today.

    A part of a path that was made of a class's name and a number, as weightedbag1, follows the
    class. Only for classes that the configuration calls by a former name.
    """
    renamed = {
        former.lower(): CLASSES[former].lower()
        for former in set(_classes(configuration)) & set(CLASSES)
    }
    if not renamed:
        return dict(arrays)
    part = re.compile(rf"(?:^|(?<=\.))({'|'.join(renamed)})(?=_?\d+(?:\.|$))")
    return {
        part.sub(lambda match: renamed[match[1]], name): array for name, array in arrays.items()
    }


def _classes(configuration: Any) -> Iterator[str]:
    """Yield the name of every class in a configuration."""
    waiting = [configuration]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Mapping):
            if isinstance(item.get("kind"), str):
                yield item["kind"]
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
