"""What can't hold of a program's roles or of the arrays it gets, said before native code runs.

Native code believes its addresses: a state of another size, or two arrays in one place, would not
be noticed there but spoil memory. Knows graphs, roles and arrays by name; no code.
"""

from __future__ import annotations

from collections.abc import Iterable

from misstep.compiler.schedule.roles import STORED, Roles
from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Graph

__all__ = ["check_apart", "check_roles"]


def check_roles(graph: Graph, roles: Roles) -> None:
    """Raise ArgumentError or ShapeError for roles that inputs and outputs of `graph` can't have."""
    inputs = {value.name: value for value in graph.inputs}
    seen: set[str] = set()
    for name, into in roles.states.items():
        if name not in graph.outputs or into not in inputs or into in seen:
            raise ArgumentError(
                f"the state {into!r} of {graph.name}",
                needed="one output and one input of its own",
                got=f"the output {name!r}",
            )
        seen.add(into)
        if into in roles.stepped or into in roles.gathered:
            raise ArgumentError(
                f"the state {into!r} of {graph.name}",
                needed="one array for all steps",
                got="an input of which each step has its own",
            )
        output_type, input_type = graph.outputs[name].type, inputs[into].type
        if output_type != input_type:
            raise ShapeError(
                f"the state {into!r} of {graph.name}",
                needed=f"{input_type} again",
                got=str(output_type),
            )
    batches = {inputs[name].shape[:1] for name in roles.gathered if name in inputs}
    if len(batches) > 1 or () in batches:
        raise ShapeError(
            f"the inputs of {graph.name} whose rows are gathered",
            needed="rows, and as many of each",
            got=" and ".join(sorted(map(str, batches))),
        )
    for name, dtype in roles.stored.items():
        given = inputs.get(name)
        fits = given is not None and name in roles.gathered and given.dtype == "float32"
        if not fits or dtype not in STORED:
            raise ArgumentError(
                f"the stored input {name!r} of {graph.name}",
                needed=f"a gathered input of float32, stored as one of {', '.join(STORED)}",
                got=f"{dtype} for {'none' if given is None else given.type}",
            )
    if roles.guard is not None and roles.guard not in graph.outputs:
        raise ArgumentError(
            f"the guard of {graph.name}", needed="one of its outputs", got=repr(roles.guard)
        )


def check_apart(program: str, spans: Iterable[tuple[int, int, bool, str]]) -> None:
    """Raise ArgumentError where an array that a run writes shares memory with another one.

    `spans`: of each array its address, its bytes, whether it is written, and its name.
    """
    last, last_written = (0, ""), (0, "")
    for start, size, written, name in sorted(spans):
        if not size:
            continue
        end, other = last if written else last_written
        if start < end:
            raise ArgumentError(
                f"the arrays for {other!r} and {name!r} of {program}",
                needed="memory of their own, since a run writes there",
                got="shared memory",
                try_="np.array(...), which copies",
            )
        last = max(last, (start + size, name))
        if written:
            last_written = max(last_written, (start + size, name))
