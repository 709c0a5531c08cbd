"""What is searched: the domains of hyperparameters, as a plan or a person gives them.

A line such as "learning_rate=1e-4..1e-2" is read here, and a domain becomes what Optuna draws from.
Knows names and numbers; not what they do.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

from misstep.errors import ArgumentError
from misstep.modeling.hyperparameters import Choice, Domain, Hyperparameter, Integers, Reals
from misstep.text.names import did_you_mean
from misstep.tuning.requirement import optuna

__all__ = [
    "Space",
    "checked_space",
    "distribution_of",
    "is_drawable",
    "parse_space",
    "read_space",
    "rounded",
    "suggested",
]

# What is searched, by name; None: all that the plan leaves open.
Space = Mapping[str, Domain]
# Ends of a range so many times apart are searched by their logarithm.
DECADES_APART = 10.0
# What drawn numbers are brought to: figures, steps of a range, sizes.
FIGURES, STEPS_OF_RANGE = 2, 20
SIZES = sorted([2**power for power in range(31)] + [3 * 2**power for power in range(30)])
EXAMPLE = "learning_rate=1e-4..1e-2, or units=32,64,128"


def parse_space(lines: Iterable[str]) -> dict[str, Domain]:
    """Return the space that lines such as "dropout=0..0.3" and "units=32,64" mean, by name.

    Raises ArgumentError for a line that is neither a range nor a list.

    >>> parse_space(["dropout=0..0.3", "units=32,64"])["units"]
    Choice(values=(32, 64))
    """
    space: dict[str, Domain] = {}
    for line in lines:
        name, equals, words = (part.strip() for part in line.partition("="))
        if not (name and equals and words):
            raise ArgumentError("the space", needed=f"such as {EXAMPLE}", got=repr(line))
        low, dots, high = words.partition("..")
        if not dots:
            space[name] = Choice(tuple(_value(word) for word in words.split(",")))
            continue
        space[name] = _range(name, _value(low), _value(high), words)
    return space


def read_space(given: Mapping[str, Any] | None) -> dict[str, Domain] | None:
    """Return a person's space by name: domains as they are, lists as choices, texts as lines.

    Raises ArgumentError for what is none of these.
    """
    if given is None:
        return None
    if not isinstance(given, Mapping) or not given:
        raise ArgumentError(
            "the space", needed='such as {"dropout": Reals(0, 0.3)}', got=repr(given)
        )
    space: dict[str, Domain] = {}
    for name, domain in given.items():
        if isinstance(domain, Domain):
            space[name] = domain
        elif isinstance(domain, str):
            space |= parse_space([f"{name}={domain}"])
        elif isinstance(domain, list | tuple | range) and len(domain):
            space[name] = Choice(tuple(domain))
        else:
            raise ArgumentError(
                f"the space of {name}",
                needed='Reals, Integers or Choice of ms.modeling, a list, or a text such as "0..1"',
                got=repr(domain),
            )
    return space


def checked_space(space: Space, known: Mapping[str, Hyperparameter]) -> dict[str, Domain]:
    """Return a person's space in the plan's own terms: its kind of number, its logarithm.

    `known`: the hyperparameters of the plan. Raises ArgumentError for a name that the plan does not
    have, and for values that it does not take.
    """
    checked: dict[str, Domain] = {}
    for name, domain in space.items():
        if name not in known:
            raise ArgumentError(
                f"the space of {name}",
                needed=f"a hyperparameter of these data: {', '.join(known) or 'there is none'}",
                got=repr(name),
                try_=did_you_mean(name, list(known)),
            )
        own = known[name].domain
        if isinstance(own, Reals) and isinstance(domain, Integers):
            domain = Reals(float(domain.low), float(domain.high), domain.log)
        if isinstance(domain, Reals | Integers):
            plain = isinstance(own, Reals | Integers) and not own.log
            domain = replace(domain, log=domain.log and not plain)
        for value in _ends(domain):
            if value != known[name].default and not own.takes(value):
                raise ArgumentError(f"the space of {name}", needed=own.words, got=repr(value))
        checked[name] = domain
    return checked


def distribution_of(domain: Domain, default: Any) -> Any:
    """Return what Optuna draws from, wide enough for the default where that is of its kind."""
    distributions = optuna().distributions
    if isinstance(domain, Reals):
        low, high = _with(domain.low, domain.high, default, domain.log)
        return distributions.FloatDistribution(float(low), float(high), log=domain.log)
    if isinstance(domain, Integers):
        low, high = _with(domain.low, domain.high, default, domain.log)
        return distributions.IntDistribution(int(low), int(high), log=domain.log)
    assert isinstance(domain, Choice)
    values = domain.values if _is_in(default, domain) else (default, *domain.values)
    return distributions.CategoricalDistribution(values)


def suggested(trial: Any, name: str, distribution: Any) -> Any:
    """Return what Optuna's trial draws from a distribution."""
    distributions = optuna().distributions
    if isinstance(distribution, distributions.CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    whole = isinstance(distribution, distributions.IntDistribution)
    suggest = trial.suggest_int if whole else trial.suggest_float
    return suggest(name, distribution.low, distribution.high, log=distribution.log)


def is_drawable(domain: Domain, default: Any) -> bool:
    """Tell whether a default is among what Optuna may draw once the range reaches to it."""
    if isinstance(domain, Choice):
        return _is_plain(default)
    whole = isinstance(default, Integral) and not isinstance(default, bool)
    if isinstance(domain, Integers):
        return whole and not (domain.log and default <= 0)
    number = isinstance(default, Real) and not isinstance(default, bool)
    return (
        number
        and math.isfinite(default)
        and not (isinstance(domain, Reals) and domain.log and default <= 0)
    )


def rounded(value: Any, domain: Domain) -> Any:
    """Return a drawn value as it is used: a number as people would write it.

    A whole number that is searched by its logarithm becomes 2ᵏ or 3 · 2ᵏ, a number of a plain range
    a multiple of a twentieth of it, another number keeps two figures. Programs of such sizes run
    well, and are found again where another trial had the same; what is printed is what was used.

    >>> rounded(117, Integers(16, 512, log=True)), rounded(0.2345, Reals(0.0, 0.5))
    (128, 0.225)
    >>> rounded(0.0034567, Reals(1e-4, 1e-1, log=True))
    0.0035
    """
    if isinstance(domain, Integers) and domain.log:
        sizes = [size for size in SIZES if domain.low <= size <= domain.high]
        return min(sizes, key=lambda size: abs(math.log(size / value)), default=value)
    if isinstance(domain, Reals) and domain.log:
        return float(f"{value:.{FIGURES}g}")
    if isinstance(domain, Reals):
        step = (domain.high - domain.low) / STEPS_OF_RANGE
        return float(f"{domain.low + step * round((value - domain.low) / step):.6g}")
    return value


def _with(low: float, high: float, default: Any, log: bool) -> tuple[float, float]:
    """Return the ends of a range that reaches to the default."""
    number = isinstance(default, Real) and not isinstance(default, bool)
    if not number or not math.isfinite(default) or (log and default <= 0):
        return low, high
    return min(low, float(default)), max(high, float(default))


def _is_in(value: Any, domain: Choice) -> bool:
    return domain.takes(value) or not _is_plain(value)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | bool | int | float)


def _ends(domain: Domain) -> list[Any]:
    if isinstance(domain, Choice):
        return list(domain.values)
    assert isinstance(domain, Reals | Integers)
    return [domain.low, domain.high]


def _value(word: str) -> Any:
    """Return the number, the True, False or None, or the word that a text means."""
    word = word.strip()
    named = {"true": True, "false": False, "none": None}
    if word.lower() in named:
        return named[word.lower()]
    try:
        number = json.loads(word)
    except ValueError:
        try:
            return float(word)
        except ValueError:
            return word
    return number if isinstance(number, int | float) else word


def _range(name: str, low: Any, high: Any, words: str) -> Domain:
    numbers = [isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high)]
    if not all(numbers) or not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ArgumentError(
            f"the space of {name}", needed="a lower and a higher number", got=repr(words)
        )
    log = low > 0 and high / low >= DECADES_APART
    if isinstance(low, int) and isinstance(high, int):
        return Integers(low, high, log)
    return Reals(float(low), float(high), log)
