"""Which weight `--weight dense1.weight[3,5]` means: its name, its Value and its entry.

Entries are counted from 0, as in the formulas of an explanation.
"""

from __future__ import annotations

from misstep.errors import ArgumentError
from misstep.ir import Value
from misstep.modeling import RowGraph
from misstep.text.names import did_you_mean


def weight_named(graph: RowGraph, words: str) -> tuple[str, Value, tuple[int, ...] | None]:
    """Return name, Value and entry that `words` such as dense1.weight[3,5] name.

    Without an entry in brackets it is None. Raises ArgumentError with the nearest name, or the
    range of entries.
    """
    name, bracket, rest = words.strip().partition("[")
    name = name.strip()
    within = [known for known in graph.parameters if known.endswith(f".{name}")]
    if name not in graph.parameters and len(within) == 1:
        # In a network of several branches, the end of a name is enough where it is the only one.
        (name,) = within
    if name not in graph.parameters:
        raise ArgumentError(
            f"--weight {words}",
            needed="the name of a weight of this network",
            got=repr(name),
            try_=did_you_mean(name, graph.parameters),
        )
    value = graph.parameters[name]
    if not bracket:
        return name, value, None
    places = [part.strip() for part in rest.removesuffix("]").split(",")]
    last = [length - 1 for length in value.shape]
    wanted = f"{name}[{','.join('0' for _ in last)}] to {name}[{','.join(map(str, last))}]"
    whole = rest.endswith("]") and all(part.isascii() and part.isdigit() for part in places)
    index = tuple(int(part) for part in places) if whole else ()
    fits = len(index) == len(last) and all(at <= top for at, top in zip(index, last, strict=True))
    if not fits:
        near = [min(at, top) for at, top in zip(index, last, strict=False)]
        tried = near if len(near) == len(last) else last
        raise ArgumentError(
            f"--weight {words}",
            needed=f"an entry from {wanted}",
            got=repr(words),
            try_=f'--weight "{name}[{",".join(map(str, tried))}]"',
        )
    return name, value, index
