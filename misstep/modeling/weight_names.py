"""Which weight of a network people mean by "dense1.weight[3,5]": its name, its Value, its entry.

Entries are counted from 0, as in the formulas of an explanation.
"""

from __future__ import annotations

from misstep.errors import ArgumentError
from misstep.ir import Value
from misstep.modeling.model import RowGraph
from misstep.text.names import did_you_mean

__all__ = ["find_weight"]


def find_weight(graph: RowGraph, weight: str) -> tuple[str, Value, tuple[int, ...] | None]:
    """Return name, Value and entry of a weight as people write it, such as dense1.weight[3,5].

    Without an entry in brackets it is None. Raises ArgumentError with the nearest name, or the
    range of entries.
    """
    name, bracket, rest = weight.strip().partition("[")
    name = name.strip()
    within = [known for known in graph.parameters if known.endswith(f".{name}")]
    if name not in graph.parameters and len(within) == 1:
        # In a network of several branches, the end of a name is enough where it is the only one.
        (name,) = within
    if name not in graph.parameters:
        raise ArgumentError(
            f"weight={weight}",
            needed="the name of a weight of this network",
            got=repr(name),
            try_=did_you_mean(name, graph.parameters),
        )
    value = graph.parameters[name]
    if not bracket:
        return name, value, None
    numbers = [number.strip() for number in rest.removesuffix("]").split(",")]
    last = [length - 1 for length in value.shape]
    whole = rest.endswith("]") and all(each.isascii() and each.isdigit() for each in numbers)
    index = tuple(int(each) for each in numbers) if whole else ()
    fits = len(index) == len(last) and all(at <= top for at, top in zip(index, last, strict=True))
    if not fits:
        near = [min(at, top) for at, top in zip(index, last, strict=False)]
        raise ArgumentError(
            f"weight={weight}",
            needed=f"an entry from {_entry(name, [0] * len(last))} to {_entry(name, last)}",
            got=repr(weight),
            try_=f'weight="{_entry(name, near if len(near) == len(last) else last)}"',
        )
    return name, value, index


def _entry(name: str, index: list[int]) -> str:
    return f"{name}[{','.join(map(str, index))}]"
