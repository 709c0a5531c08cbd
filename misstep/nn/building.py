"""Modules from words: from plain JSON (as a model file holds it) and from one line of text.

Builds only layers of the library, and the kinds that a caller names; nothing is imported or run.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from misstep.errors import ArgumentError, FileFormatError, MisstepError
from misstep.nn.activations import ELU, GELU, SELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh
from misstep.nn.containers import Sequential
from misstep.nn.initializers import Initializer, registered_initializers
from misstep.nn.layers import Dense, Dropout, Flatten
from misstep.nn.losses import Loss, registered_losses
from misstep.nn.module import Module, registered_layers

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
    if issubclass(kind, Sequential):
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
        return _called(kind, made, {})
    if isinstance(settings.get("initializer"), Mapping):
        settings["initializer"] = build_initializer(settings["initializer"])
    return _make(kind, settings)


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
    name = settings.pop("kind")
    if name not in kinds:
        raise FileFormatError(
            f"the {what} {name!r} in a model file",
            needed="a kind that misstep knows",
            got="an unknown one",
            try_=f"in Python, if it is a module of your own: load_model(path, modules=[{name}])"
            if what == "layer" and name.isidentifier()
            else "a newer misstep",
        )
    return kinds[name], settings


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


def _called(kind: Any, layers: Sequence[Module], settings: dict[str, Any]) -> Any:
    try:
        return kind(*layers, **settings)
    except (MisstepError, TypeError, ValueError) as error:
        raise FileFormatError(f"{kind.__name__} in a model file", got=str(error)) from error


_WORDS: dict[str, type[Module]] = {
    "elu": ELU,
    "flatten": Flatten,
    "gelu": GELU,
    "leakyrelu": LeakyReLU,
    "relu": ReLU,
    "selu": SELU,
    "sigmoid": Sigmoid,
    "silu": SiLU,
    "softplus": Softplus,
    "tanh": Tanh,
}
_PART = re.compile(r"^([a-z]+)(\d+(?:\.\d+)?|\.\d+)?$")


def layers_from_text(text: str) -> list[Module]:
    """Return the layers that one line describes, as in "dense128-drop0.1-dense64-tanh".

    Parts are joined by "-": dense<units>, drop<share>, flatten, or an activation. A dense layer
    without an activation behind it is followed by a ReLU; a bare number means a dense layer.
    Raises ArgumentError that names the part and the nearest known word.

    >>> layers_from_text("dense8")
    [Dense(units=8, bias=True, initializer=None), ReLU()]
    """
    if not isinstance(text, str):
        raise ArgumentError("a network in one line", needed="text", got=repr(text))
    parts = [part for part in text.strip().lower().split("-") if part]
    if not parts:
        raise ArgumentError("a network in one line", needed='parts such as "dense64-dense32"')
    layers: list[Module] = []
    for place, part in enumerate(parts):
        found = _PART.match(f"dense{part}" if part.isdigit() else part)
        word, number = found.groups() if found else (part, None)
        if word == "dense" and number is not None:
            if not number.isdigit() or not 1 <= int(number) <= 100_000:
                raise ArgumentError(
                    f"the part {part!r} of the network {text!r}", needed="dense1 to dense100000"
                )
            layers.append(Dense(int(number)))
            after = parts[place + 1] if place + 1 < len(parts) else ""
            if after not in _WORDS or after == "flatten":
                layers.append(ReLU())
        elif word == "drop" and number is not None:
            if float(number) >= 1:
                raise ArgumentError(
                    f"the part {part!r} of the network {text!r}",
                    needed="drop and a share below 1", got=number,
                    try_="drop0.5 to drop half of the entries",
                )  # fmt: skip
            layers.append(Dropout(float(number)))
        elif word in _WORDS and number is None:
            layers.append(_WORDS[word]())
        else:
            known = ["dense64", "drop0.1", *_WORDS]
            near = difflib.get_close_matches(part, known, 1, 0.4)
            raise ArgumentError(
                f"the part {part!r} of the network {text!r}",
                needed=f"one of {', '.join(known)}",
                try_=f"{near[0]}" if near else None,
            )
    return layers
