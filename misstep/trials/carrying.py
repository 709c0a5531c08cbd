"""What of a network's numbers goes over to a changed network: the first numbers of what stays.

Both begin alike wherever they are the same, so that only what was changed tells a trial from its
control. Trained numbers do not go over: a network that had learned before would be ahead of a
control that begins, and it would carry on what went wrong. Knows trainers and layers; no findings.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from misstep.errors import MisstepError
from misstep.nn import BufferSlice, Module, Network, ParameterSlice
from misstep.nn.module import module_paths
from misstep.train import Trainer
from misstep.trials.experiment import Arm
from misstep.trials.network_text import network_text
from misstep.trials.remedy import Change
from misstep.trials.setting import NotApplicableError


def carry(start: Network, other: Network) -> tuple[str, ...]:
    """Give `other` the numbers of `start` in the layers that both hold; return their names there.

    A layer is the same where it is the same object, or, of those left over on both sides, where it
    stands in the same order among layers with equal settings. Its numbers go over where they are
    drawn alike in both, in shape and deviation: a layer before another activation is another one.
    What was frozen by name stays so.
    """
    paths = dict(_same_layers(start, other))
    theirs = {one.specification.name: one for one in _slices(other)}
    numbers, places = start.arrays(), other.arrays()
    carried = []
    for one in _slices(start):
        path, _, name = one.specification.name.rpartition(".")
        if path not in paths:
            continue
        # Of a layer that is the whole network the path is empty.
        mine = f"{paths[path]}.{name}" if paths[path] else name
        found = theirs.get(mine)
        if found is None or not _drawn_alike(one.specification, found.specification):
            continue
        places[mine][...] = numbers[one.specification.name]
        carried.append(mine)
        if one.specification.name in start.frozen and not other.is_frozen(mine):
            other.freeze(mine)
    for path in start.frozen:
        if path in paths and paths[path] and not other.is_frozen(paths[path]):
            other.freeze(paths[path])
    return tuple(carried)


def rebuilt(start: Trainer, label: str, module: Module, advice: str, **more: Any) -> Change:
    """Return the run from its first weights with another network, and with what stays carried over.

    `more`: settings of the trainer, and `rows`, `validation` of the change. Raises
    NotApplicableError for layers that do not fit.
    """
    of_change = {name: more.pop(name) for name in ("rows", "validation") if name in more}
    try:
        trainer = start.variant(module, **more)
    except MisstepError as error:
        raise NotApplicableError(f"layers would not fit: {error}") from error
    carried = carry(start.network, trainer.network)
    # A line that says the network says all that was changed.
    line = network_text(trainer.network) if not more and not of_change else None
    options = {} if line is None else {"network": line}
    return Change(label, trainer, advice, carried=carried, options=options, **of_change)


def rebuilt_arms(start: Trainer, arms: Iterator[Arm]) -> Iterator[Change]:
    """Yield the arms of an experiment that changes nothing but the network, as changes.

    Raises NotApplicableError as the arms do.
    """
    for arm in arms:
        yield rebuilt(start, arm.label, arm.trainer.network.module, arm.advice)


def _same_layers(start: Network, other: Network) -> Iterator[tuple[str, str]]:
    """Yield the paths of layers that both networks hold: in `start`, and in `other`."""
    before, behind = with_numbers(start), with_numbers(other)
    paths = module_paths(other.module)
    left = []
    for path, layer in before:
        if id(layer) in paths:
            yield path, paths[id(layer)]
        else:
            left.append((path, layer))
    used = {id(layer) for _, layer in before}
    free = [(path, layer) for path, layer in behind if id(layer) not in used]
    for path, layer in left:
        for place, (its, candidate) in enumerate(free):
            # By what is written of it: a person's own layers may know no equality.
            if type(candidate) is type(layer) and repr(candidate) == repr(layer):
                yield path, its
                del free[: place + 1]
                break


def with_numbers(network: Network) -> list[tuple[str, Module]]:
    """Return the layers that have numbers of their own, in the order in which a row passes."""
    owners = {one.specification.name.rpartition(".")[0] for one in _slices(network)}
    layers: dict[str, Any] = {**network.layers, "": network.module}
    return [(path, layer) for path, layer in layers.items() if path in owners]


def _slices(network: Network) -> list[ParameterSlice | BufferSlice]:
    return [*network.parameter_slices, *network.buffer_slices]


def _drawn_alike(one: Any, other: Any) -> bool:
    """Return whether two parameters, or buffers, begin with numbers of the same kind."""
    alike = ("shape", "initializer", "fan_in", "fan_out")
    return type(one) is type(other) and all(
        getattr(one, name, None) == getattr(other, name, None) for name in alike
    )
