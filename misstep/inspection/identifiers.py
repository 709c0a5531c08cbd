"""Names of emitted source: human, valid in Python, each used once, the same on every run.

Knows Values and Python's rules for identifiers; knows nothing of how source is laid out.
"""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Collection

from misstep.ir import Graph, Value
from misstep.ir.graph import variable_of_line

# Names that emitted source must not hide: Python's own and those that every file imports.
RESERVED = frozenset(
    {*dir(builtins), *keyword.kwlist, *keyword.softkwlist, "annotations", "base64", "np", "scipy"}
)
_LONGEST = 40  # characters; a line of source must still show what is computed
_GAP = re.compile(r"_+")
# What a graph calls an output that nobody named.
_NO_ROLE = re.compile(r"out\d*")


def as_identifier(wish: str) -> str:
    """Return the valid Python name nearest to `wish`, possibly a reserved one.

    >>> as_identifier("layers.0.weight"), as_identifier("2nd"), as_identifier("'); import os")
    ('layers_0_weight', 'v2nd', 'import_os')
    """
    # Python reads identifiers in this normal form; two spellings of one name would collide.
    plain = unicodedata.normalize("NFKC", wish[:1000])
    letters = "".join(sign if f"_{sign}".isidentifier() else "_" for sign in plain)
    name = _GAP.sub("_", letters).strip("_")[:_LONGEST].rstrip("_")
    if not name:
        return "value"
    return name if name.isidentifier() else f"v{name}"


def unused(wish: str, used: set[str]) -> str:
    """Return `wish` as an identifier that is not in `used`, and add it there."""
    base = as_identifier(wish)
    name = f"{base}_" if base in RESERVED else base
    number = 1
    while name in used or name in RESERVED:
        number += 1
        name = f"{base}_{number}"
    used.add(name)
    return name


def value_names(graph: Graph, values: Collection[Value], used: set[str]) -> dict[Value, str]:
    """Return a name for each of `values`, all of `graph`; the names join `used`.

    A Value's own name wins (gradients are named after what they are the gradient of); then the
    name of the output that it is; then the variable that the user's line assigns to, for the last
    Value that the line made; then its op's name, after `back_` on the way back from a loss.
    """
    last_of_line = {value.location: value for value in graph.computed}
    roles = {
        value: name
        for name, value in reversed(graph.outputs.items())
        if not _NO_ROLE.fullmatch(name)
    }
    names: dict[Value, str] = {}
    for value in values:
        wish = value.name or roles.get(value)
        if wish is None and value is last_of_line.get(value.location):
            wish = variable_of_line(value)
        names[value] = unused(wish if wish is not None else _by_op(value), used)
    return names


def _by_op(value: Value) -> str:
    if value.op is None:
        return "constant" if value.is_literal else "given"
    backward = value.location is not None and value.location.backward
    return f"back_{value.op.name}" if backward else value.op.name
