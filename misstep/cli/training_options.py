"""The options of `misstep train`, made of the fields of `modeling.Options` when they are asked for.

Knows names, types and help of options, not what they mean.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from misstep.errors import ArgumentError
from misstep.modeling.options import Face, Option, all_options


def with_training_options(command: Callable[..., int], without: Collection[str] = ()) -> None:
    """Give a command whose last argument is `**options` an argument for each option there is.

    `without`: names of options that mean nothing for it. An argument of its own goes before an
    option of the same name.
    """
    # Options may have been added since this was done the last time.
    vars(command).pop("__signature__", None)
    own = inspect.signature(inspect.unwrap(command), eval_str=True, follow_wrapped=False).parameters
    options = [
        _parameter(each)
        for each in all_options(Face.COMMAND)
        if each.name not in own and each.name not in without
    ]
    first, *others = [
        parameter
        for parameter in own.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    # The source comes first, what says how to speak last.
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [first, *options, *(each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in others)]
    )


def given_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a command line as those of `Options`."""
    return {
        each.name: _given(each, values.get(each.name, each.default))
        for each in all_options(Face.COMMAND)
    }


def asked_for(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given, as plain JSON by their names."""
    defaults = {each.name: each.default for each in all_options(Face.COMMAND)}
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in given_options(values).items()
        if value not in (None, (), {}) and value != defaults[name]
    }


def assignments(flag: str, words: Iterable[str], example: str) -> dict[str, str]:
    """Return what NAME=VALUE says, by name. Raises ArgumentError, which shows an `example`."""
    values: dict[str, str] = {}
    for word in words:
        name, sign, value = (part.strip() for part in word.partition("="))
        if not (name and sign and value):
            raise ArgumentError(
                f"{flag} {word}", needed="a name, = and a value", got=repr(word), try_=example
            )
        if values.setdefault(name, value) != value:
            raise ArgumentError(
                f"{flag} {word}",
                needed="one value for each name",
                got=f"{name}={values[name]} before it",
                try_="one of the two",
            )
    return values


def _given(each: Option, value: Any) -> Any:
    """Return one value of a command line as that of `Options`."""
    if each.type is dict:
        return assignments(each.flag, value or (), "--set dropout=0.2") or None
    return tuple(value or ()) if _repeats(each) else value


def any_given(values: Mapping[str, Any]) -> bool:
    """Tell whether the values of a command line hold anything but defaults."""
    return any(
        (values[each.name] or None) != (each.default or None) for each in all_options(Face.COMMAND)
    )


def _parameter(each: Option) -> inspect.Parameter:
    annotation: Any = each.type if each.default is not None else each.type | None
    default = None if _repeats(each) else each.default
    if _repeats(each):
        annotation = list[str] | None
    shown = typer.Option(each.flag, metavar=each.metavar, help=each.help)
    return inspect.Parameter(
        each.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[annotation, shown],
    )


def _repeats(each: Option) -> bool:
    """Tell whether an option may be given several times."""
    return isinstance(each.default, tuple) or each.type is dict
