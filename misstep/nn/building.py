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
    own = {cls.__name__: cls for cls in modules}
    known: dict[str, type[Module]] = {**registered_layers(), **own}
    cls, settings = _class_of(configuration, known, "layer")
    if issubclass(cls, ByAxes):
        return _called(cls, [_choices(settings, modules, depth)], {})
    if issubclass(cls, Sequential):
        shortcut = settings.pop("shortcut", None) if issubclass(cls, Residual) else None
        # A container's own setting beside its layers.
        settled = ("join",) if issubclass(cls, Parallel) else ()
        settled = ("members",) if issubclass(cls, Ensemble) else settled
        named = {name: settings.pop(name) for name in settled if name in settings}
        layers = _layers(cls, settings, modules, depth)
        if shortcut is None:
            return _called(cls, layers, named)
        return _called(cls, layers, {"shortcut": build_module(shortcut, modules, depth + 1)})
    for name in ("initializer", "bias_initializer"):
        if isinstance(settings.get(name), Mapping):
            settings[name] = build_initializer(settings[name])
    return _built(cls, settings)


def _layers(
    cls: type[Module], settings: dict[str, Any], modules: tuple[type[Module], ...], depth: int
) -> list[Module]:
    """Return the layers of a container, which are all of its settings that are left."""
    layers = settings.pop("layers", None)
    if not isinstance(layers, list) or settings:
        raise FileFormatError(f"{cls.__name__} in a model file", needed="a list of layers")
    modules_made: list[Module] = []
    for layer in layers:
        again = layer.get("again") if isinstance(layer, Mapping) and len(layer) == 1 else None
        if type(again) is int and 1 <= again <= len(modules_made):
            modules_made.append(modules_made[again - 1])
        else:
            modules_made.append(build_module(layer, modules, depth + 1))
    return modules_made


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
    return {int(axes): build_module(layer, modules, depth + 1) for axes, layer in choices.items()}


def build_initializer(configuration: Any) -> Initializer:
    """Return the initializer that `configuration()` described. Raises FileFormatError."""
    initializer: Initializer = _built(
        *_class_of(configuration, registered_initializers(), "initializer")
    )
    return initializer


def build_loss(configuration: Any) -> Loss:
    """Return the loss that `configuration()` described. Raises FileFormatError."""
    cls, settings = _class_of(configuration, registered_losses(), "loss")
    loss: Loss = _built(cls, settings)
    return loss


def _class_of(
    configuration: Any, known: Mapping[str, type], what: str
) -> tuple[Any, dict[str, Any]]:
    if not isinstance(configuration, Mapping) or not isinstance(configuration.get("kind"), str):
        raise FileFormatError(f"a {what} in a model file", needed="an object with its kind")
    settings = dict(configuration)
    name = present_name(settings.pop("kind"), known)
    if name not in known:
        raise FileFormatError(
            f"the {what} {name!r} in a model file",
            needed=f"a kind of {what} that misstep knows, or one that is named when loading"
            if what == "layer"
            else f"a kind of {what} that misstep knows",
            try_=f"ms.load_model(path, modules=[{name}]) in Python if it is a class of your own; "
            "else a newer misstep"
            if what == "layer" and name.isidentifier()
            else "a newer misstep",
        )
    return known[name], present_settings(name, settings)


def _built(cls: Any, settings: dict[str, Any]) -> Any:
    allowed = (
        {field.name for field in dataclasses.fields(cls)}
        if dataclasses.is_dataclass(cls)
        else set(list(inspect.signature(cls.__init__).parameters)[1:])
    )
    if not all(isinstance(name, str) and name in allowed for name in settings):
        raise FileFormatError(
            f"the settings of {cls.__name__} in a model file",
            needed=f"some of {sorted(allowed)}",
            got=str(sorted(settings)),
        )
    for name, setting in settings.items():
        plain = setting is None or isinstance(setting, bool | int | float | str | Initializer)
        numbers = isinstance(setting, list) and all(
            isinstance(number, int | float) for number in setting
        )
        if not plain and not numbers:
            raise FileFormatError(f"{name} of {cls.__name__} in a model file", needed="plain JSON")
        if isinstance(setting, list):
            settings[name] = tuple(setting)
    return _called(cls, (), settings)


def _called(cls: Any, layers: Sequence[Any], settings: dict[str, Any]) -> Any:
    try:
        return cls(*layers, **settings)
    except MisstepError as error:
        raise FileFormatError(
            f"{cls.__name__} in a model file: {error.which}",
            needed=error.needed,
            got=error.got,
            try_=error.try_,
        ) from error
    except (TypeError, ValueError) as error:
        raise FileFormatError(f"{cls.__name__} in a model file", got=str(error)) from error
