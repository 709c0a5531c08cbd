"""`Module`: a part of a network. Subclass it, make layers in `__init__`, combine them in `forward`.

A module describes; it holds no numbers. A `Network` gives it shapes and parameters. Subclassing
inside the library registers a layer, and the sweep tests find it there.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Iterator
from typing import Any, ClassVar

from misstep.errors import ArgumentError
from misstep.ir import Location, Value, current_location, located_at, serial_by_now
from misstep.nn.initializers import Initializer
from misstep.nn.tracing import BufferSpecification, ParameterSpecification, current_trace

LayerExample = tuple["Module", tuple[int, ...]]

_registry: dict[str, type[Module]] = {}


class _LayerClass(type):
    """What makes modules: takes `trainable` beside the arguments of any layer."""

    def __call__(cls, *arguments: Any, **options: Any) -> Any:
        trainable = options.pop("trainable", True) if not cls._asks_for_trainable() else True
        if not isinstance(trainable, bool):
            raise ArgumentError(
                f"trainable of {cls.__name__}", needed="True or False", got=repr(trainable)
            )
        module = super().__call__(*arguments, **options)
        made: Any = cls
        if not dataclasses.is_dataclass(cls) and made.configuration is Module.configuration:
            # From these a file remakes it.
            object.__setattr__(module, "_made_of", (arguments, options))
        if not trainable:
            object.__setattr__(module, "_is_trainable", False)
        return module

    def _asks_for_trainable(cls) -> bool:
        """Tell whether a person's own class has a setting of this name."""
        made = next(vars(base)["__init__"] for base in cls.__mro__ if "__init__" in vars(base))
        return "trainable" in getattr(made, "__annotations__", {})


class Module(metaclass=_LayerClass):
    """A part of a network: a layer, or something made of layers.

    Every layer takes `trainable=False`: training then leaves its parameters, and those of all
    layers inside of it, as they are. `Network.freeze` does the same by name.

    >>> import misstep as ms
    >>> class Bottleneck(ms.Module):
    ...     def __init__(self, narrow, wide):
    ...         self.narrow = ms.Dense(narrow)
    ...         self.wide = ms.Dense(wide)
    ...     def forward(self, x):
    ...         return self.wide(ms.relu(self.narrow(x)))
    >>> ms.Network(Bottleneck(2, 4), input_shape=(3,)).parameter_count
    20
    """

    # Numbers between which the output lies, for the share of saturated entries; None: unbounded.
    bounds: ClassVar[tuple[float, float] | None] = None
    # Whether units can be switched off for every input (ReLU and relatives), for dead units.
    can_die: ClassVar[bool] = False
    _location: Location | None = None
    _is_trainable: bool = True

    def __init_subclass__(cls, abstract: bool = False, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__module__.startswith("misstep.") and not abstract:
            _registry[cls.__name__] = cls

    def __new__(cls, *arguments: Any, **options: Any) -> Module:
        """Remember the line that made the layer: the Values of its forward pass point there."""
        module = super().__new__(cls)
        object.__setattr__(module, "_location", current_location())
        return module

    def forward(self, x: Value) -> Value:
        """Return the output for the input `x`, whose first axis is the batch."""
        raise NotImplementedError

    def __call__(self, x: Value) -> Value:
        trace = current_trace()
        path = trace.paths.get(id(self))
        if path is None:
            raise ArgumentError(
                f"a layer of kind {type(self).__name__} made inside forward",
                needed="layers that are attributes of their module",
                got="one the network can't find",
                try_="making it in __init__ as self.name = ...",
            )
        trace.count_call()
        first = serial_by_now()
        # Lines of a person's own forward are theirs to look at, those of the library are not.
        with located_at(self._location, by_line=not type(self).__module__.startswith("misstep.")):
            output = self.forward(x)
        trace.calls.append((path, first, serial_by_now()))
        trace.count_numbers(output)
        if path and path not in trace.outputs:
            trace.inputs[path] = x
            trace.outputs[path] = output
            trace.layers[path] = self
        return output

    def parameter(
        self,
        name: str,
        shape: tuple[int, ...],
        initializer: Initializer,
        *,
        fan_in: int = 1,
        fan_out: int = 1,
        regularized: bool = True,
    ) -> Value:
        """Return this module's parameter `name`; call it inside `forward`.

        `fan_in`, `fan_out`: what initializers scale by. `regularized`: whether L1 and L2 apply.
        """
        specification = ParameterSpecification(
            self._full(name), tuple(shape), initializer, fan_in, fan_out, regularized
        )
        return current_trace().parameter(specification)

    def buffer(self, name: str, shape: tuple[int, ...], initializer: Initializer) -> Value:
        """Return this module's numbers `name` that no gradient moves; call it inside `forward`.

        They are kept with the parameters, and change only where `becomes` says so.
        """
        return current_trace().buffer(
            BufferSpecification(self._full(name), tuple(shape), initializer)
        )

    def becomes(self, name: str, value: Value) -> None:
        """Say what the buffer `name` is after a pass in training; else it stays as it was.

        No gradient flows through it: what it becomes is no part of the loss of this pass.
        """
        trace = current_trace()
        if trace.training:
            trace.becomes(self._full(name), value)

    def _full(self, name: str) -> str:
        path = current_trace().paths[id(self)]
        return f"{path}.{name}" if path else name

    def is_frozen(self) -> bool:
        """Tell, inside `forward`, whether training leaves this module as it is."""
        trace = current_trace()
        return trace.is_frozen(trace.paths[id(self)])

    def children(self) -> Iterator[tuple[str, Module]]:
        """Yield the modules directly inside this one with their names: its attributes and lists."""
        for name, attribute in vars(self).items():
            if isinstance(attribute, Module):
                yield name, attribute
            elif isinstance(attribute, list | tuple):
                for number, item in enumerate(attribute, start=1):
                    if isinstance(item, Module):
                        yield f"{name}{number}", item
            elif isinstance(attribute, dict):
                for key, item in attribute.items():
                    if isinstance(item, Module):
                        yield f"{name}_{key}", item

    def configuration(self) -> dict[str, Any]:
        """Return the class and the settings as plain JSON, from which `build_module` remakes it.

        Of a class that is no dataclass they are the arguments that it was made with, if these are
        numbers, texts and lists of numbers. Raises ArgumentError for others.
        """
        if not dataclasses.is_dataclass(self):
            return {"kind": type(self).__name__, **_plain_arguments(self)}
        settings = {}
        for field in dataclasses.fields(self):
            setting = getattr(self, field.name)
            if setting is None and field.name == "bias_initializer":
                continue  # earlier versions do not know it
            if isinstance(setting, Initializer):
                setting = setting.configuration()
            settings[field.name] = setting
        return {"kind": type(self).__name__, **settings}

    def describe(self) -> str:
        """Return the layer in a few words, as people say it: LeakyReLU, slope 0.01."""
        fields: Any = dataclasses.fields(self) if dataclasses.is_dataclass(self) else ()
        settings = [
            f"{field.name} {getattr(self, field.name)}".replace("_", " ") for field in fields
        ]
        return ", ".join([type(self).__name__, *settings])

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        """Yield layers with an input shape (without the batch) that must work."""
        raise NotImplementedError

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        """Yield functions that make a layer, with an input shape, that must be refused."""
        yield from ()


def frozen_paths(root: Module) -> Iterator[str]:
    """Yield the paths of the modules in `root` that were made with `trainable=False`."""
    paths = module_paths(root)
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        module = waiting.pop()
        if id(module) not in seen:
            seen.add(id(module))
            waiting += [child for _, child in module.children()]
            if not module._is_trainable:
                yield paths[id(module)]


def registered_layers() -> dict[str, type[Module]]:
    """Return every layer of the library by name, sorted.

    A class that an example in a docstring makes says it is of that file, but the file has it not.
    """
    return {
        name: cls
        for name, cls in sorted(_registry.items())
        if getattr(sys.modules.get(cls.__module__), name, None) is cls
    }


def module_paths(root: Module) -> dict[int, str]:
    """Return the path of every module in `root` by its id; the root's own path is empty.

    Raises ArgumentError when a module contains itself, or when two would have the same path (and
    so, without a word, the same parameters).
    """
    paths: dict[int, str] = {}
    used: set[str] = set()

    def walk(module: Module, path: str, above: tuple[int, ...]) -> None:
        if id(module) in above:
            raise ArgumentError(
                f"the network at {path}", needed="modules that do not contain themselves"
            )
        if id(module) in paths:
            return
        if path in used:
            raise ArgumentError(
                f"two parts of a network called {path}",
                needed="a name of its own for each",
                try_="renaming the attribute, list or key that holds one of them",
            )
        used.add(path)
        paths[id(module)] = path
        for name, child in module.children():
            walk(child, f"{path}.{name}" if path else name, (*above, id(module)))

    walk(root, "", ())
    return paths


def _plain_arguments(module: Module) -> dict[str, Any]:
    """Return what a module was made with, by name, as plain JSON. Raises ArgumentError."""
    arguments, options = vars(module).get("_made_of", ((), {}))
    own = inspect.signature(type(module).__init__)
    bound = own.bind(module, *arguments, **options)
    plain: dict[str, Any] = {}
    for name, value in list(bound.arguments.items())[1:]:
        kind = bound.signature.parameters[name].kind
        several = kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        numbers = isinstance(value, list | tuple) and all(
            type(one) in (int, float) for one in value
        )
        single = value is None or type(value) in (bool, int, float, str)
        if name == "kind" or several or not (single or numbers):
            raise ArgumentError(
                f"saving a module of kind {type(module).__name__}",
                needed="a configuration() method, or arguments that are numbers, texts or lists of "
                "numbers",
                got=f"{name}={value!r}"[:100],
                try_="adding configuration(), and load_model(path, modules=[...])",
            )
        plain[name] = list(value) if numbers else value
    return plain
