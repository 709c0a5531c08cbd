"""`Link`: all that a playground is at a moment, as a short text for the end of an address.

Settings at the beginning, what was changed at which update, how many updates are done, what is
looked at. The engine is exact: the same link gives the same bits. What is as by default is left
out, so that `VERSION` must grow when a default changes. Knows settings; no training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import parse_qsl, quote

from misstep.errors import ArgumentError, MisstepError
from misstep.playground.choice import Choice
from misstep.playground.problems.problem import OWN
from misstep.playground.row_choice import RowChoice
from misstep.playground.settings import Settings

__all__ = ["MOST_CHANGES", "VERSION", "Link"]

VERSION = 1
# What a link may hold, at most, so that a stranger's costs little to read.
MOST_SIGNS, MOST_CHANGES = 8_000, 200
# Updates that a link may ask for.
MOST_UPDATES = 1_000_000
# Signs that separate nothing in a link, left as they are.
SAFE = ",.:-"

_KEYS = {one.metadata["key"]: one.name for one in fields(Settings)}
_NAMES = {name: key for key, name in _KEYS.items()}
_DEFAULTS = Settings()


@dataclass(frozen=True)
class Link:
    """Where a playground stands.

    `begins`: the settings at the beginning. `changes`: at which update which settings became
    others, in their order. `update`: how many are done. `choice`: the weight or unit that is looked
    at. `row`: the row. `digest`: tells a person's own rows from others; empty for toy problems.

    >>> Link(Settings(layers=(4,)), update=20).text()
    'v=1&l=4&u=20'
    """

    begins: Settings = field(default_factory=Settings)
    changes: Sequence[tuple[int, Mapping[str, Any]]] = ()
    update: int = 0
    choice: Choice | None = None
    row: RowChoice = field(default_factory=RowChoice)
    digest: str = ""

    def text(self) -> str:
        """Return the link, without a # in front. Raises ArgumentError for too many changes."""
        if len(self.changes) > MOST_CHANGES:
            raise ArgumentError(
                "a link to the playground",
                needed=f"at most {MOST_CHANGES} changes on the way",
                got=str(len(self.changes)),
                try_="beginning anew with the settings of now",
            )
        parts = [("v", str(VERSION))]
        parts += _written(_DEFAULTS.differences(self.begins))
        for update, changed in self.changes:
            both = ",".join(f"{key}:{value}" for key, value in _written(changed))
            parts.append((f"c{update}", both))
        if self.update:
            parts.append(("u", str(self.update)))
        if self.choice is not None:
            parts.append(("k", self.choice.text()))
        if self.row != RowChoice():
            parts.append(("row", f"{'h' if self.row.held_out else 't'}{self.row.number}"))
        if self.digest:
            parts.append(("rows", self.digest))
        return "&".join(f"{key}={quote(value, safe=SAFE)}" for key, value in parts)

    @classmethod
    def read(cls, text: str) -> Link:
        """Return what a link says. Raises ArgumentError for a text that is none."""
        text = text.strip().removeprefix("#")
        if len(text) > MOST_SIGNS:
            raise _no_link(f"{len(text):,} signs", f"at most {MOST_SIGNS:,} signs")
        begins: dict[str, Any] = {}
        changes: list[tuple[int, Mapping[str, Any]]] = []
        facts: dict[str, Any] = {}
        for key, value in _pairs(text):
            if key in _KEYS:
                begins[_KEYS[key]] = _value(key, value)
            elif key[:1] == "c" and key[1:].isdecimal():
                changes.append((_whole(key[1:]), _changed(value)))
            elif key == "v":
                if value != str(VERSION):
                    raise _no_link(f"version {value}", f"version {VERSION}")
            elif key == "u":
                facts["update"] = _whole(value)
            elif key == "k":
                facts["choice"] = Choice.read(value)
            elif key == "row":
                facts["row"] = _row(value)
            elif key == "rows":
                facts["digest"] = value
            else:
                raise _no_link(key, f"what a link holds, as in {cls().text()}")
        updates = [at for at, _ in changes]
        if updates != sorted(set(updates)) or (updates and updates[0] < 1):
            raise _no_link(str(updates), "changes in their order, from update 1 on")
        if len(changes) > MOST_CHANGES:
            raise _no_link(f"{len(changes)} changes", f"at most {MOST_CHANGES} changes")
        settings = Settings.of(begins)
        link = cls(settings, tuple(changes), **facts)
        link.settings_on_the_way()
        return link

    def settings_on_the_way(self) -> list[tuple[int, Settings]]:
        """Return at which update the settings become which. Raises ArgumentError."""
        made, now = [], self.begins
        for update, changed in self.changes:
            after = now.changed(changed)
            if not now.keeps_weights(after):
                raise _no_link(
                    ", ".join(now.differences(after)), "changes on the way that keep weights"
                )
            made.append((update, after))
            now = after
        return made

    @property
    def is_of_own_rows(self) -> bool:
        """Return whether it is of rows that a person brought."""
        return self.begins.problem == OWN


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict")
    except ValueError as error:
        raise _no_link(str(error), "pairs such as l=8.8&lr=0.1") from error


def _written(changed: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (
            _NAMES[name],
            ".".join(map(str, value)) if isinstance(value, tuple | list) else _plain(value),
        )
        for name, value in changed.items()
    ]


def _plain(value: Any) -> str:
    """Return a word, or a number such that it is read again bit for bit."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    return str(value)


def _value(key: str, text: str) -> Any:
    """Return the value of a setting; what it may be, `Settings` says."""
    default = getattr(_DEFAULTS, _KEYS[key])
    if isinstance(default, str):
        return text
    if isinstance(default, bool):
        if text not in ("0", "1"):
            raise _no_link(f"{key}={text}", "0 or 1")
        return text == "1"
    try:
        if isinstance(default, tuple):
            return tuple(int(one) for one in text.split(".") if one)
        return int(text) if isinstance(default, int) else float(text)
    except ValueError as error:
        raise _no_link(f"{key}={text}", "a number") from error


def _changed(text: str) -> Mapping[str, Any]:
    changed: dict[str, Any] = {}
    for part in text.split(","):
        key, colon, value = part.partition(":")
        if not colon or key not in _KEYS:
            raise _no_link(part, "settings such as lr:0.01")
        changed[_KEYS[key]] = _value(key, value)
    return changed


def _row(text: str) -> RowChoice:
    if text[:1] not in ("h", "t"):
        raise _no_link(f"row={text}", "a row such as h3, held out, or t3, learned from")
    return RowChoice(_whole(text[1:]), text[0] == "h")


def _whole(text: str) -> int:
    # A thousand digits are a number to Python, which would take its time.
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) > MOST_UPDATES:
        raise _no_link(text[:12], f"a whole number from 0 to {MOST_UPDATES:,}")
    return int(text)


def _no_link(got: str, needed: str) -> MisstepError:
    return ArgumentError("a link to the playground", needed=needed, got=repr(got[:80]))
