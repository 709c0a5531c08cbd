"""Modules from plain JSON, as a model file holds it. One line of text is read in `text.py`.

Builds only layers of the library, and the kinds that a caller names; nothing is imported or run.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from misstep.errors import FileFormatError, MisstepError
from misstep.nn.containers import ByAxes, Residual, Sequential
from misstep.nn.ensemble import Ensemble
from misstep.nn.former_names import present_name, present_settings
from misstep.nn.initializers import Initializer, registered_initializers
from misstep.nn.losses import Loss, registered_losses
from misstep.nn.module import Module, registered_layers
from misstep.nn.parallel import Parallel

# A model file may nest modules this deep; real networks stay far below.
DEEPEST = 50


def build_module(
    configuration: Any, modules: Iterable[type[Module]] = (), depth: int = 0
) -> Module:
    """Return the module that `configuration()` described.

    `modules`: kinds of the caller's own that may be made too. Raises FileFormatError for anything
    that is not a known layer with fitting settings.
    """
    if depth > DEEPEST:
        raise FileFormatError("the network in a model file", needed=f"at most {DEEPEST} levels")
    modules = tuple(modules)
    own = {kind.__name__: kind for kind in modules}
    kinds: dict[str, type[Module]] = {**registered_layers(), **own}
    kind, settings = _kind(configuration, kinds, "layer")
    if issubclass(kind, ByAxes):
        return _called(kind, [_choices(settings, modules, depth)], {})
    if issubclass(kind, Sequential):
        shortcut = settings.pop("shortcut", None) if issubclass(kind, Residual) else None
        # A container's own setting beside its layers.
        settled = ("join",) if issubclass(kind, Parallel) else ()
        settled = ("members",) if issubclass(kind, Ensemble) else settled
        named = {one: settings.pop(one) for one in settled if one in settings}
        made = _layers(kind, settings, modules, depth)
        if shortcut is None:
            return _called(kind, made, named)
        return _called(kind, made, {"shortcut": build_module(shortcut, modules, depth + 1)})
    if isinstance(settings.get("initializer"), Mapping):
        settings["initializer"] = build_initializer(settings["initializer"])
    return _make(kind, settings)


def _layers(
    kind: type[Module], settings: dict[str, Any], modules: tuple[type[Module], ...], depth: int
) -> list[Module]:
    """Return the layers of a container, which are all of its settings that are left."""
    layers = settings.pop("layers", None)
    if not isinstance(layers, list) or settings:
        raise FileFormatError(f"{kind.__name__} in a model file", needed="a list of layers")
    made: list[Module] = []
    for layer in layers:
        again = layer.get("again") if isinstance(layer, Mapping) and len(layer) == 1 else None
        if type(again) is int and 1 <= again <= len(made):
            made.append(made[again - 1])
        else:
            made.append(build_module(layer, modules, depth + 1))
    return made


def _choices(
    settings: dict[str, Any], modules: tuple[type[Module], ...], depth: int
) -> dict[int, Module]:
    choices = settings.pop("choices", None)
    if (
        not isinstance(choices, Mapping)
        or settings
        or not all(isinstance(axes, str) and axes in ("1", "2", "3", "4") for axes in choices)
    ):
        raise FileFormatError("ByAxes in a model file", needed="layers by numbers of axes")
    return {int(axes): build_module(one, modules, depth + 1) for axes, one in choices.items()}


def build_initializer(configuration: Any) -> Initializer:
    """Return the initializer that `configuration()` described. Raises FileFormatError."""
    made: Initializer = _make(*_kind(configuration, registered_initializers(), "initializer"))
    return made


def build_loss(configuration: Any) -> Loss:
    """Return the loss that `configuration()` described. Raises FileFormatError."""
    kind, settings = _kind(configuration, registered_losses(), "loss")
    made: Loss = _make(kind, settings)
    return made


def _kind(configuration: Any, kinds: Mapping[str, type], what: str) -> tuple[Any, dict[str, Any]]:
    if not isinstance(configuration, Mapping) or not isinstance(configuration.get("kind"), str):
        raise FileFormatError(f"a {what} in a model file", needed="an object with its kind")
    settings = dict(configuration)
    name = present_name(settings.pop("kind"), kinds)
    if name not in kinds:
        raise FileFormatError(
            f"the {what} {name!r} in a model file",
            needed="a kind that misstep knows",
            got="an unknown one",
            try_=f"in Python, if it is a module of your own: load_model(path, modules=[{name}])"
            if what == "layer" and name.isidentifier()
            else "a newer misstep",
        )
    return kinds[name], present_settings(name, settings)


def _make(kind: Any, settings: dict[str, Any]) -> Any:
    allowed = (
        {one.name for one in dataclasses.fields(kind)}
        if dataclasses.is_dataclass(kind)
        else set(inspect.signature(kind).parameters)
    )
    if not all(isinstance(name, str) and name in allowed for name in settings):
        raise FileFormatError(
            f"the settings of {kind.__name__} in a model file",
            needed=f"some of {sorted(allowed)}",
            got=str(sorted(settings)),
        )
    for name, setting in settings.items():
        plain = setting is None or isinstance(setting, bool | int | float | str | Initializer)
        numbers = isinstance(setting, list) and all(isinstance(one, int | float) for one in setting)
        if not plain and not numbers:
            raise FileFormatError(f"{name} of {kind.__name__} in a model file", needed="plain JSON")
        if isinstance(setting, list):
            settings[name] = tuple(setting)
    return _called(kind, (), settings)


def _called(kind: Any, layers: Sequence[Any], settings: dict[str, Any]) -> Any:
    try:
        return kind(*layers, **settings)
    except (MisstepError, TypeError, ValueError) as error:
        raise FileFormatError(f"{kind.__name__} in a model file", got=str(error)) from error
