"""The command line that does a run again, from what its record says of where it comes from.

Knows names and flags of options, not what they mean, and no command line itself.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from typing import Any

from misstep.modeling.options import Face, all_options
from misstep.record.description import COMMAND

__all__ = ["command_of", "flags_given"]


def flags_given(values: Mapping[str, Any], without: Collection[str] = ()) -> list[str]:
    """Return the words of a command line that give these values; defaults need none."""
    words: list[str] = []
    for each in all_options(Face.COMMAND):
        value = values.get(each.name, each.default)
        if each.name in without or (value or None) == (each.default or None):
            continue
        if isinstance(value, bool):
            words.append(each.flag.split("/")[0 if value else 1])
            continue
        if isinstance(value, Mapping):
            value = [f"{name}={one}" for name, one in value.items()]
        for one in value if isinstance(value, list | tuple) else [value]:
            words += [each.flag, str(one)]
    return words


def command_of(origin: Mapping[str, Any]) -> str:
    """Return the command that trained so; "" where no command line did, or a repair did after it.

    `origin`: as the record of a run says it: face, source, options.
    """
    options, source = origin.get("options", {}), origin.get("source")
    if origin.get("face") != COMMAND or not isinstance(source, str) or "repaired" in origin:
        return ""
    words = flags_given(options, without={"resume"}) if isinstance(options, Mapping) else []
    return " ".join(map(shlex.quote, ["misstep", "train", source, *words]))
