"""A program put into words: its graph, what each pass made of it, kernels, memory, code, time.

Each function returns text and prints nothing; `report` joins what is asked for. Learners find the
order of things here: the graph as it was made, what simplifying left of it, the kernels that run,
where their results lie, and the code. Knows programs, not what they are for.
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
from misstep.inspection.profiling import KernelProfile, Profile
from misstep.ir import Graph, Value
from misstep.text.counts import plural
from misstep.text.figures import percent, three_figures
from misstep.text.lists import shortened
from misstep.text.tables import WIDTH, in_columns, in_lines, wrapped
from misstep.text.units import bytes_in_words, in_thousands, shape_in_words

__all__ = [
    "SECTIONS",
    "graph_section",
    "overview",
    "passes_text",
    "profile_text",
    "report",
    "summary",
]

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
_SHORTEST_NAME = 20
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
    told = summary(program)
    processor = f" ({told['processor']})" if told["processor"] != told["target"] else ""
    came = "loaded from the cache on disk in" if told["from_cache"] else "compiled in"
    facts = [
        (
            "graph",
            f"{_several(told['operations_written'], 'operation')} as written, "
            f"{told['operations_simplified']} when simplified",
        ),
        (
            "runs as",
            f"{_several(told['kernels'], 'kernel')} in "
            f"{_several(told['regions'], 'region')}, "
            f"{_several(told['barriers'], 'barrier')} a step, "
            f"{_several(told['threads'], 'thread')}",
        ),
        (
            "code",
            f"{came} {1e3 * told['seconds_to_code']:,.0f} ms, "
            f"{bytes_in_words(told['code_bytes'])} for {told['target']}{processor}",
        ),
        (
            "memory",
            f"{bytes_in_words(told['memory_bytes'])} of its own; a step goes through "
            f"{bytes_in_words(told['outside_bytes'])} of the caller's arrays",
        ),
        (
            "work",
            f"{in_thousands(told['operations'])} operations a step, "
            f"{in_thousands(told['product_operations'])} of them in "
            f"{_several(told['products'], 'matrix product')}",
        ),
    ]
    if profile is not None:
        facts.append(("a step", _speed(profile, told["operations"], told["product_operations"])))
    return in_columns(facts)


def _speed(profile: Profile, operations: float, products: int) -> str:
    seconds = profile.plain
    words = (
        f"{three_figures(1e6 * seconds)} µs, {three_figures(operations / seconds / 1e9)} GFLOP/s"
    )
    if products:
        share = percent(profile.share_of_roofline)
        words += f"; the products alone would take {share} of that at the peak"
    return words


def _several(count: int, noun: str) -> str:
    return f"{count} {plural(count, noun)}"


# --- time -----------------------------------------------------------------------------------------


def profile_text(
    profile: Profile, *, most: int | None = None, by_thread: bool = False, legend: bool = True
) -> str:
    """Return a profile as a table, and what it means.

    `most`: so many kernels, those that take longest, in the order in which they run. `by_thread`:
    with what each thread took, instead of rates.
    """
    heads = ["#", "kernel", "share", "µs", "operations", "bytes"]
    heads += (
        [f"thread {one + 1}" for one in range(profile.threads)]
        if by_thread
        else ["GFLOP/s", "GB/s", "of best"]
    )
    kernels = sorted(profile.kernels, key=lambda one: -one.share)[:most]
    rows = [_row(one, by_thread) for one in sorted(kernels, key=lambda one: one.number)]
    whole = profile.seconds or 1.0

    def sum_row(words: str, took: float) -> list[str]:
        return ["", words, percent(took / whole), three_figures(1e6 * took)]

    left = len(profile.kernels) - len(kernels)
    together = sum(one.mean for one in profile.kernels)
    if left:
        rows.append(
            sum_row(
                f"{_several(left, 'smaller kernel')}", together - sum(one.mean for one in kernels)
            )
        )
    rows.append(
        [
            *sum_row("all kernels", together),
            in_thousands(profile.operations),
            bytes_in_words(sum(one.cost.bytes for one in profile.kernels)),
            *([] if by_thread else [_rate(profile.operations / (together or 1.0))]),
        ]
    )
    if profile.threads > 1:
        waits = [three_figures(1e6 * one) for one in profile.barriers] if by_thread else []
        waiting = profile.waiting * profile.seconds
        rows.append([*sum_row("waiting for other threads", waiting), *(["", "", *waits])])
    rows.append(sum_row("single numbers and the rest", profile.rest))
    room = WIDTH - _width_beside(rows, heads)
    rows = [[number, shortened(name, room), *rest] for number, name, *rest in rows]
    table = in_columns(rows, heads, [0, *range(2, len(heads))])
    return "\n".join([table, "", *_legend(profile)]) if legend else table


def _width_beside(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> int:
    """Return the width of a table whose second column is empty."""
    without = [[cell if at != 1 else "" for at, cell in enumerate(row)] for row in [heads, *rows]]
    # A column of names that is too narrow says nothing; then the table is too wide.
    widest = max(map(len, in_columns(without, right=range(2, len(heads))).splitlines()))
    return min(widest, WIDTH - _SHORTEST_NAME)


def _row(kernel: KernelProfile, by_thread: bool) -> list[str]:
    cost = kernel.cost
    row = [
        str(kernel.number),
        kernel.name,
        percent(kernel.share),
        three_figures(1e6 * kernel.mean),
        in_thousands(cost.operations),
        bytes_in_words(cost.bytes),
    ]
    if by_thread:
        return [*row, *(three_figures(1e6 * one) for one in kernel.seconds)]
    reached = f"{100 * kernel.reached:.0f}%"
    return [*row, _rate(kernel.flops), _rate(kernel.bandwidth), reached]


def _legend(profile: Profile) -> list[str]:
    roofline = profile.roofline
    dtypes = {one.cost.dtype for one in profile.kernels if one.cost.products}
    dtypes = dtypes & set(roofline.operations) or {"float32"}
    most = " and ".join(
        f"{three_figures(roofline.operations[dtype] / 1e9)} GFLOP/s in {dtype}"
        for dtype in sorted(dtypes)
    )
    levels = ", ".join(
        f"{three_figures(one.read / 1e9)} from {one.name}" for one in roofline.levels
    )
    means = f"means of {profile.threads} threads, " if profile.threads > 1 else ""
    lines = [
        f"Times: {means}of the fastest round of {_several(profile.steps, 'step')}. Without reading "
        f"the clock a step takes {three_figures(1e6 * profile.plain)} µs; reading it adds about "
        f"{three_figures(1e6 * profile.reading)}.",
        "of best: the time that arithmetic or memory alone would take at this machine's peaks, as "
        f"a share of the time it took. Peaks: {most}; GB/s read: {levels}.",
    ]
    if profile.threads > 1:
        lines.append(
            f"The busiest thread worked {percent(profile.imbalance)} longer than the mean."
        )
    return [wrapped(line, 2) for line in lines]


def _rate(number: float) -> str:
    return three_figures(number / 1e9) if number >= 5e6 else "–" if number == 0 else "0.00"


# --- passes ---------------------------------------------------------------------------------------


def passes_text(graph: Graph, *, full: bool = False, without: Collection[Pass] = ()) -> str:
    """Return what each pass changed; with `full`, also the graph after each.

    Counts operations: of a graph's text, all lines but inputs and literals.
    """
    rows = [["as written", "", str(len(graph.computed)), ""]]
    texts: list[str] = []

    def told(one: Pass, before: Graph, after: Graph) -> None:
        rows.append([one.name, str(len(before.computed)), str(len(after.computed)), one.words])
        texts.append(f"{heading(f'{len(texts) + 1}. after {one.name}')}\n{after}")

    last = simplify(graph, without, told)
    rows.append(["simplified", "", str(len(last.computed)), ""])
    table = in_columns(rows, ["pass", "before", "after", "what it does"], (1, 2))
    return "\n\n".join([table, *texts]) if full else table


# --- kernels --------------------------------------------------------------------------------------


def kernels_text(program: NativeProgram) -> str:
    """Return the kernels in the order in which they run, with the barriers between regions."""
    schedule = program.schedule
    labels = Labels(schedule.fused)
    several_places = len({str(labels.place(one)) for one in schedule.fused.kernels}) > 1
    parts = []
    number = 0
    for region, kernels in enumerate(schedule.regions, 1):
        if region > 1:
            parts.append("── barrier: threads wait for each other ──")
        if kernels:
            parts.append(f"region {region}")
        for kernel in kernels:
            number += 1
            parts.append(_kernel_text(program, kernel, number, labels, several_places))
    numbers = [labels.value(value) for value, _ in schedule.fused.scalar_outputs]
    if numbers:
        parts.append(in_lines(numbers, "worked out by every thread, outside of all kernels: ", 0))
    if not parts or (not number and not numbers):
        return "no kernel: there is nothing to work out"
    if schedule.partition.closing:
        parts.append("── barrier: threads wait for each other, then the next step begins ──")
    return "\n".join(parts)


def _kernel_text(
    program: NativeProgram, kernel: Kernel, number: int, labels: Labels, with_place: bool
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
    place = labels.place(kernel)
    if with_place and place is not None:
        lines.append(in_lines([str(place)], "from   ", 6))
    return "\n".join(lines)


def _reads(kernel: Kernel, labels: Labels, reads: Sequence[Read]) -> list[str]:
    if kernel.gathered is not None:
        return [f"rows of {labels.value(kernel.gathered)} by their numbers"]
    found: list[str] = []
    numbers: list[str] = []
    for read in reads:
        if read.view is None:
            numbers += [labels.value(one) for one in read.scalars]
            continue
        name, buffer = labels.value(read.value), read.view.buffer
        words = f"{name} {shape_in_words(read.value.shape)}"
        outside = buffer.external and buffer.name != name
        found.append(words + (f" in {buffer.name}" if outside else ""))
    if numbers:
        found += _few([f"{name} (one number)" for name in dict.fromkeys(numbers)])
    return list(dict.fromkeys(found))


def _does(kernel: Kernel, labels: Labels, steps: Sequence[Value], cost: Cost) -> list[str]:
    if kernel.gathered is not None:
        return ["copies them side by side"]
    found = []
    if kernel.anchor is not None:
        found.append(labels.made(kernel))
    names = [step.op.name for step in steps if step.op is not None]
    if names:
        found.append(("then " if cost.products else "") + ", ".join(_few(names)) + " of each entry")
    return found or ["copies"]


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
    for buffer, start in sorted(arena.starts.items(), key=lambda one: (one[1], alive[one[0]])):
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
