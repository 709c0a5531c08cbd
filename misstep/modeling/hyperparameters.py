"""Hyperparameters: what a plan decides by a number or a word that others may want to choose.

A plan asks for each as it needs it (`Planner.hyperparameter`), so that what is open, its default
and its use stand in one line; asking also tells whoever searches what there is to search. Knows
names and values; not how they are searched, nor what they do.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from misstep.errors import ArgumentError
from misstep.text.lists import and_so_on
from misstep.text.names import did_you_mean

__all__ = ["Choice", "Domain", "Hyperparameter", "Integers", "Reals", "refuse_unknown"]

MOST_NAMED = 12


class Domain(ABC):
    """The values that a hyperparameter may take."""

    @abstractmethod
    def takes(self, value: Any) -> bool:
        """Tell whether a value is one of them."""

    @property
    @abstractmethod
    def words(self) -> str:
        """Return in words what they are."""

    @abstractmethod
    def read(self, text: str) -> Any:
        """Return the value that a person wrote as `text`; the text itself where it is none."""


@dataclass(frozen=True)
class Reals(Domain):
    """Numbers, searched from `low` to `high`; a person may give any from `least` on.

    `log`: searched by their logarithm, so that each decade counts alike.
    """

    low: float
    high: float
    log: bool = False
    least: float = 0.0

    def takes(self, value: Any) -> bool:
        """Tell whether a value is a finite number of `least` or more."""
        is_number = isinstance(value, Real) and not isinstance(value, bool)
        return is_number and math.isfinite(value) and float(value) >= self.least

    @property
    def words(self) -> str:
        """Return "a number, searched from 0.0001 to 0.1"."""
        return f"a number, searched from {self.low:g} to {self.high:g}"

    def read(self, text: str) -> Any:
        """Return the number that `text` is."""
        return _number(float, text)


@dataclass(frozen=True)
class Integers(Domain):
    """Whole numbers, searched from `low` to `high`; `log`, `least`: as of `Reals`."""

    low: int
    high: int
    log: bool = False
    least: int = 1

    def takes(self, value: Any) -> bool:
        """Tell whether a value is a whole number of `least` or more."""
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        return whole and int(value) >= self.least

    @property
    def words(self) -> str:
        """Return "a whole number, searched from 1 to 16"."""
        return f"a whole number, searched from {self.low} to {self.high}"

    def read(self, text: str) -> Any:
        """Return the whole number that `text` is."""
        return _number(int, text)


@dataclass(frozen=True)
class Choice(Domain):
    """One of a few values: words, numbers, True and False, or None."""

    values: tuple[Any, ...]

    def takes(self, value: Any) -> bool:
        """Tell whether a value is among them, True and 1 told apart."""
        return any(value == one and type(value) is type(one) for one in self.values)

    @property
    def words(self) -> str:
        """Return "one of relu, silu, tanh"."""
        return f"one of {', '.join(map(str, self.values))}"

    def read(self, text: str) -> Any:
        """Return the one that is written so, capitals aside: True, none, relu, 3."""
        return next((one for one in self.values if _is_written(one, text)), text)


@dataclass(frozen=True)
class Hyperparameter:
    """One that a plan left open.

    `name`: in the field's words. `domain`: what it may be. `default`: what the plan takes when
    nobody says anything. `value`: what it took.
    """

    name: str
    domain: Domain
    default: Any
    value: Any

    @classmethod
    def chosen(cls, name: str, domain: Domain, default: Any, value: Any) -> Hyperparameter:
        """Return the one that takes `value`; a text, as a command line has it, is read first.

        Raises ArgumentError where the value is none that it may take.
        """
        if isinstance(value, str) and not domain.takes(value):
            value = default if _is_written(default, value) else domain.read(value)
        one = cls(name, domain, default, value)
        one.check()
        return one

    def check(self) -> None:
        """Raise ArgumentError where its value is none that it may take."""
        if self.value != self.default and not self.domain.takes(self.value):
            raise ArgumentError(
                f"the hyperparameter {self.name}",
                needed=self.domain.words,
                got=repr(self.value),
                try_=f"{self.default!r}, the default for these data",
            )


def _number(kind: type[int] | type[float], text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        return text


def _is_written(value: Any, text: str) -> bool:
    return str(value).casefold() == text.strip().casefold()


def refuse_unknown(asked: Mapping[str, Any], space: Mapping[str, Hyperparameter]) -> None:
    """Raise ArgumentError for a hyperparameter that the plan of these data does not have.

    `space`: what it has, by name.
    """
    for name in asked:
        if name not in space:
            known = and_so_on(list(space), MOST_NAMED) if space else "none"
            raise ArgumentError(
                f"the hyperparameter {name}",
                needed=f"one that the network for these data has: {known}",
                got=repr(name),
                try_=did_you_mean(name, list(space)) if space else "leaving it out",
            )
