"""A program put into words: its graph, what each pass made of it, kernels, memory, code.

Each function returns text and prints nothing; `report` joins what is asked for. Learners find the
order of things here: the graph as it was made, what simplifying left of it, the kernels that run,
where their results lie, and the code. How a profile is put into words: `profile_text.py`. Knows
programs, not what they are for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from misstep.compiler import NativeProgram
from misstep.compiler.passes import Pass, simplify
from misstep.compiler.runtime.native import assembly
from misstep.compiler.schedule.arguments import Slot
from misstep.compiler.schedule.kernel import Kernel
from misstep.compiler.schedule.plan_memory import lifetimes
from misstep.compiler.schedule.reads import Read
from misstep.errors import ArgumentError
from misstep.inspection.costs import Cost, buffer_bytes, cost_of, footprint_of, steps_of
from misstep.inspection.emit_python import emit_python
from misstep.inspection.identifiers import as_identifier
from misstep.inspection.labels import Labels
from misstep.inspection.profile_text import spread
from misstep.inspection.profiling import Profile
from misstep.ir import Graph, Value
from misstep.text.counts import counted
from misstep.text.figures import percent, three_figures
from misstep.text.lists import shortened
from misstep.text.tables import WIDTH, in_columns, in_lines
from misstep.text.units import bytes_in_words, in_thousands, shape_in_words

__all__ = ["SECTIONS", "graph_section", "overview", "passes_text", "report", "summary"]

# What `report` can tell, in this order.
SECTIONS = {
    "overview": "what runs, in a few lines",
    "graph": "the graph as it was made",
    "passes": "what each pass of simplifying changed",
    "every-pass": "the graph after each pass that changed something",
    "simplified": "the graph after simplifying",
    "kernels": "the kernels in their regions, with what each reads and stores",
    "memory": "where results lie, and for how long",
    "python": "a readable Python file that computes the same",
    "llvm": "the code as LLVM reads it",
    "assembly": "the instructions of the processor",
}
# Ops, or scalars, that are named one by one.
_MOST_NAMED = 8


def report(program: NativeProgram, sections: Sequence[str] = ("overview",)) -> str:
    """Return the sections asked for as one text. Raises ArgumentError for an unknown one."""
    parts = []
    for name in sections or ("overview",):
        if name not in SECTIONS:
            raise ArgumentError(
                "what to show of a program", needed=f"of {', '.join(SECTIONS)}", got=repr(name)
            )
        parts.append(_section(program, name))
    if len(parts) == 1:
        return parts[0]
    titled = zip(sections, parts, strict=True)
    return "\n\n".join(f"{heading(f'{name}: {SECTIONS[name]}')}\n{text}" for name, text in titled)


def graph_section(graph: Graph, name: str, without: Collection[Pass] = ()) -> str | None:
    """Return a section that needs no more than a graph, or None for one that needs a program.

    `without`: simplifications that are not made.
    """
    if name == "graph":
        return str(graph)
    if name in ("passes", "every-pass"):
        return passes_text(graph, full=name == "every-pass", without=without)
    if name == "python":
        return emit_python(graph, function=as_identifier(graph.name)).rstrip("\n")
    return str(simplify(graph, without)) if name == "simplified" else None


def _section(program: NativeProgram, name: str) -> str:
    lowered = program.lowered
    known = graph_section(program.graph, name, program.roles.passes_left_out)
    if known is not None:
        return known
    if name == "kernels":
        return kernels_text(program)
    if name == "memory":
        return memory_text(program)
    if name == "llvm":
        return lowered.text.rstrip("\n")
    if name == "assembly":
        return assembly(lowered.text, program.target).rstrip("\n")
    return overview(program)


def heading(words: str) -> str:
    """Return a heading with a line under it."""
    return f"{words}\n{'─' * len(words)}"


# --- in a few lines -------------------------------------------------------------------------------


def summary(program: NativeProgram) -> dict[str, Any]:
    """Return the facts of `overview` by name."""
    schedule, module = program.schedule, program.module
    costs = [cost_of(kernel, schedule.fused) for kernel in schedule.fused.kernels]
    return {
        "operations_written": len(program.graph.computed),
        "operations_simplified": len(schedule.fused.graph.computed),
        "kernels": len(costs),
        "regions": len(schedule.regions),
        "barriers": schedule.barriers,
        "threads": program.threads,
        "target": program.target.name,
        "processor": program.target.cpu,
        "from_cache": module.origin == "disk",
        "seconds_to_code": module.seconds,
        "code_bytes": module.object_bytes,
        "memory_bytes": schedule.arena.size,
        "outside_bytes": footprint_of(schedule) - schedule.arena.size,
        "products": sum(1 for cost in costs if cost.products),
        "product_operations": sum(cost.products for cost in costs),
        "operations": sum(cost.operations for cost in costs),
    }


def overview(program: NativeProgram, profile: Profile | None = None) -> str:
    """Return what runs, in a few lines; with a profile, also how fast."""
    facts = summary(program)
    processor = facts["processor"]
    named = f" ({processor})" if processor != facts["target"] else ""
    came = "loaded from the cache on disk in" if facts["from_cache"] else "compiled in"
    rows = [
        (
            "graph",
            f"{counted(facts['operations_written'], 'operation')} as written, "
            f"{facts['operations_simplified']:,} when simplified",
        ),
        (
            "runs as",
            f"{counted(facts['kernels'], 'kernel')} in "
            f"{counted(facts['regions'], 'region')}, "
            f"{counted(facts['barriers'], 'barrier')} a step, "
            f"{counted(facts['threads'], 'thread')}",
        ),
        (
            "code",
            f"{came} {1e3 * facts['seconds_to_code']:,.0f} ms, "
            f"{bytes_in_words(facts['code_bytes'])} for {facts['target']}{named}",
        ),
        (
            "memory",
            f"{bytes_in_words(facts['memory_bytes'])} of its own; a step goes through "
            f"{bytes_in_words(facts['outside_bytes'])} of the caller's arrays",
        ),
        (
            "work",
            f"{in_thousands(facts['operations'])} operations a step, "
            f"{in_thousands(facts['product_operations'])} of them in "
            f"{counted(facts['products'], 'matrix product')}",
        ),
    ]
    if profile is not None:
        speed = _speed(profile, facts["operations"])
        rows.append(("a step", speed))
        if products_share := _share(profile, facts["product_operations"]):
            rows.append(("", products_share))
    return in_columns(rows)


def _speed(profile: Profile, operations: float) -> str:
    return f"{spread(profile)}: {three_figures(operations / profile.plain / 1e9)} GFLOP/s"


def _share(profile: Profile, products: int) -> str:
    if not products:
        return ""
    share = percent(profile.share_of_roofline)
    return f"the products alone would take {share} of that at the peak"


# --- passes ---------------------------------------------------------------------------------------


def passes_text(graph: Graph, *, full: bool = False, without: Collection[Pass] = ()) -> str:
    """Return what each pass changed; with `full`, also the graph after each.

    Counts operations: of a graph's text, all lines but inputs and literals.
    """
    rows = [["as written", "", str(len(graph.computed)), ""]]
    texts: list[str] = []

    def record(pass_: Pass, before: Graph, after: Graph) -> None:
        rows.append([pass_.name, str(len(before.computed)), str(len(after.computed)), pass_.words])
        texts.append(f"{heading(f'{len(texts) + 1}. after {pass_.name}')}\n{after}")

    last = simplify(graph, without, record)
    rows.append(["simplified", "", str(len(last.computed)), ""])
    table = in_columns(rows, ["pass", "before", "after", "what it does"], (1, 2))
    return "\n\n".join([table, *texts]) if full else table


# --- kernels --------------------------------------------------------------------------------------


def kernels_text(program: NativeProgram) -> str:
    """Return the kernels in the order in which they run, with the barriers between regions."""
    schedule = program.schedule
    labels = Labels(schedule.fused)
    several_locations = len({str(labels.location(kernel)) for kernel in schedule.fused.kernels}) > 1
    parts = []
    number = 0
    for region, kernels in enumerate(schedule.regions, 1):
        if region > 1:
            parts.append("── barrier: threads wait for each other ──")
        if kernels:
            parts.append(f"region {region}")
        for kernel in kernels:
            number += 1
            parts.append(_kernel_text(program, kernel, number, labels, several_locations))
    numbers = [labels.value(value) for value, _ in schedule.fused.scalar_outputs]
    if numbers:
        parts.append(in_lines(numbers, "worked out by every thread, outside of all kernels: ", 0))
    if not parts or (not number and not numbers):
        return "no kernel: there is nothing to work out"
    if schedule.partition.closing:
        parts.append("── barrier: threads wait for each other, then the next step begins ──")
    return "\n".join(parts)


def _kernel_text(
    program: NativeProgram, kernel: Kernel, number: int, labels: Labels, with_location: bool
) -> str:
    fused = program.schedule.fused
    cost = cost_of(kernel, fused)
    how = "by every thread for itself" if kernel.scalar else f"{kernel.rows} rows, shared out"
    if kernel.rows == 1 and not kernel.scalar:
        how = "by one thread"
    lines = [
        f"{number:4}  {shortened(labels.kernel(kernel), WIDTH - 6)}",
        in_lines([f"{shape_in_words(kernel.shape)}: {how}"], "over   ", 6),
    ]
    reads = _reads(kernel, labels, fused.reads(kernel))
    if reads:
        lines.append(in_lines(reads, "reads  ", 6))
    lines.append(in_lines(_does(kernel, labels, steps_of(kernel, fused), cost), "does   ", 6))
    stores = [
        f"{labels.value(value)} {shape_in_words(value.shape)}"
        + (f" in {view.buffer.name}" if view.buffer.external else "")
        for value, view in kernel.results
    ]
    if kernel.scalar:
        stores = ["nothing: the number stays in a register of each thread"]
    lines.append(in_lines(stores, "stores ", 6))
    moved = f"{in_thousands(cost.operations)} operations, {bytes_in_words(cost.bytes)}"
    lines.append(in_lines([moved], "costs  ", 6))
    location = labels.location(kernel)
    if with_location and location is not None:
        lines.append(in_lines([str(location)], "from   ", 6))
    return "\n".join(lines)


def _reads(kernel: Kernel, labels: Labels, reads: Sequence[Read]) -> list[str]:
    if kernel.gathered is not None:
        return [f"rows of {labels.value(kernel.gathered)} by their numbers"]
    descriptions: list[str] = []
    numbers: list[str] = []
    for read in reads:
        if read.view is None:
            numbers += [labels.value(scalar) for scalar in read.scalars]
            continue
        name, buffer = labels.value(read.value), read.view.buffer
        words = f"{name} {shape_in_words(read.value.shape)}"
        outside = buffer.external and buffer.name != name
        descriptions.append(words + (f" in {buffer.name}" if outside else ""))
    if numbers:
        descriptions += _few([f"{name} (one number)" for name in dict.fromkeys(numbers)])
    return list(dict.fromkeys(descriptions))


def _does(kernel: Kernel, labels: Labels, steps: Sequence[Value], cost: Cost) -> list[str]:
    if kernel.gathered is not None:
        return ["copies them side by side"]
    words = []
    if kernel.anchor is not None:
        words.append(labels.computation(kernel))
    names = [step.op.name for step in steps if step.op is not None]
    if names:
        words.append(("then " if cost.products else "") + ", ".join(_few(names)) + " of each entry")
    return words or ["copies"]


def _few(names: list[str]) -> list[str]:
    if len(names) <= _MOST_NAMED:
        return names
    return [*names[: _MOST_NAMED - 1], f"{len(names) - _MOST_NAMED + 1} more"]


# --- memory ---------------------------------------------------------------------------------------


def memory_text(program: NativeProgram) -> str:
    """Return where results lie in the program's own memory, and the caller's arrays."""
    lowered, schedule = program.lowered, program.schedule
    alive = lifetimes(schedule.fused, schedule.partition)
    arena = schedule.arena
    apart = sum(map(buffer_bytes, arena.starts))
    labels = Labels(schedule.fused)
    names = {
        view.buffer: labels.value(value)
        for kernel in schedule.fused.kernels
        for value, view in reversed(kernel.results)
    }
    lines = [
        f"Of its own: {bytes_in_words(arena.size)} for results of {bytes_in_words(apart)} (those "
        "never needed together",
        f"share a place), and {bytes_in_words(lowered.scratch_bytes)} for each thread to bring "
        "operands into order.",
    ]
    rows = []
    for buffer, start in sorted(arena.starts.items(), key=lambda item: (item[1], alive[item[0]])):
        first, last = alive[buffer]
        regions = f"{first + 1}" if first == last else f"{first + 1} to {last + 1}"
        rows.append(
            [f"{start:,}", f"{buffer_bytes(buffer):,}", regions, names.get(buffer, buffer.name)]
        )
    if rows:
        lines.append(in_columns(rows, ["at byte", "bytes", "regions", "result"], (0, 1)))
    lines.append("The caller's arrays:")
    rows = [
        [slot.name, slot.dtype, shape_in_words(slot.shape), _role(program, slot)]
        for slot in lowered.slots
    ]
    lines.append(in_columns(rows, ["name", "dtype", "shape", "role"]))
    return "\n".join(lines)


def _role(program: NativeProgram, slot: Slot) -> str:
    roles = program.roles
    if slot.literal is not None:
        return "a constant of the program"
    if slot.timers:
        return "counters of a profile"
    if slot.output:
        return "a result of each step" if slot.name in roles.logged else "a result"
    if slot.name in roles.states.values():
        return "changes in place, step after step"
    if slot.name in roles.gathered:
        return "rows fetched by number for each step"
    return "each step has its own" if slot.name in roles.stepped else "the same in every step"
