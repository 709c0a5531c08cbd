"""Where the threads of a native program wait for each other: the code, and what it finds in memory.

Each context of a program that runs in a thread pool begins with the block described here, which
`runtime/workspace.py` makes: how many have arrived, how often all have met, and how to wait. The
code spins for a moment, since a balanced program meets within microseconds; then it sleeps until
the last one wakes all, so that who is waited for can have the core: a machine may have fewer free
cores than threads. How long a moment is, each barrier learns from those before. Knows the language
of `language/code.py`, no program.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from misstep.compiler.codegen.target import Target
from misstep.compiler.language.code import Code, Number

__all__ = ["CONTEXT_BYTES", "write_barrier"]

# Two lines of 64 bytes: processors fetch lines in pairs, and Apple's have lines of 128.
LINE = 128
ARRIVED_AT = 0
MET_AT = LINE
SLEEPERS_AT = LINE + 8
SPINS_AT = 2 * LINE
VAIN_AT = SPINS_AT + 8
SYSTEM_AT = 3 * LINE
MOST_SPINS_AT = SYSTEM_AT + 8
# What a program keeps for itself begins here.
CONTEXT_BYTES = 4 * LINE

# Looks before sleeping, each with a hint to the processor to pause, 28 ns here: at most about as
# long as it takes to fall asleep and be woken (20 to 50 µs), so that spinning in vain at most
# doubles a wait (Karlin and others, "Competitive randomized algorithms for nonuniform problems",
# 1994). After spinning in vain there are half as many, down to the fewest, after success twice as
# many: where another process has taken a core, who spins keeps the one waited for from running.
# The fewest are over before even threads in step have met, and who is woken comes late to the next
# barrier too: once in a while as many as ever are tried, or a program would sleep for good after
# one long pause (784-128-10 then took 310 µs a step instead of 150).
MOST_SPINS = 1000
FEWEST_SPINS = 20
TRIED_AGAIN_AFTER = 16
# With more threads than cores there are none. No look gives the core away (sched_yield) in between:
# to another process that never rests, it would be given for milliseconds. Measured with three, four
# and eight threads on two cores and such a process, a barrier takes 9, 17 and 31 µs asleep, and 170
# to 590 µs on average with yielding first.

# Where the system can't wake those who wait for a number to change.
SLEEP_MICROSECONDS = 50

# Linux's futex: its number by machine, and "wait" and "wake" within one process (futex(2)).
_FUTEX = {"x86_64": 202, "aarch64": 98}
_FUTEX_WAIT, _FUTEX_WAKE = 128, 129


def write_barrier(code: Code, context: Number, thread_count: Number, target: Target) -> None:
    """Write that each thread goes on when all `thread_count` threads have come here.

    What any of them wrote to memory before, all of them read after. Every thread of the program
    must come to the same barriers in the same order: a decision to stop is one thread's, written
    before a barrier and read by all after it. `context`: the address of the block; `thread_count`:
    an i64.
    """
    code.declarations |= _definition(target)
    code.emit(f"call void @misstep_barrier({context}, {thread_count})")


@cache
def _definition(target: Target) -> frozenset[str]:
    """Return the function and what it uses, each a text of its own: a module holds them once."""
    code = Code()
    context, threads = Number("%context", "ptr"), Number("%threads", "i64")
    together = code.compare("sgt", threads, code.index(1))
    with code.when(together, "meet"):
        _write_meeting(code, context, threads, target)
    code.emit("ret void")
    body = "\n".join(code.lines)
    return frozenset(code.declarations) | {
        f"define internal void @misstep_barrier(ptr %context, i64 %threads) noinline "
        f"{target.function_attributes} {{\nentry:\n{body}\n}}"
    }


def _write_meeting(code: Code, context: Number, threads: Number, target: Target) -> None:
    def field(at: int) -> Number:
        return code.address(context, code.index(at), "i8")

    arrived_at, met_at, sleepers_at = map(field, (ARRIVED_AT, MET_AT, SLEEPERS_AT))
    system = code.load(field(SYSTEM_AT), "ptr")
    met = load_atomic(code, met_at, "monotonic")
    before = add_atomic(code, arrived_at, code.index(1))
    last = code.equal(before, code.subtract(threads, code.index(1)))
    first_in, last_in, done = code.label("wait"), code.label("last"), code.label("together")
    code.emit(f"br {last}, label %{last_in}, label %{first_in}")

    code.start_block(last_in)
    store_atomic(code, code.index(0), arrived_at, "monotonic")
    # Either this thread sees the sleeper, or the sleeper (or the system for it) sees that all have
    # met: both write, then read, in one order for all.
    store_atomic(code, code.add(met, code.index(1)), met_at, "seq_cst")
    some = code.compare("ne", load_atomic(code, sleepers_at, "seq_cst"), code.index(0))
    with code.when(some, "wake"):
        _write_wake(code, met_at, system, target)
    code.emit(f"br label %{done}")

    code.start_block(first_in)
    soon = code.label("soon")
    spins_at, vain_at = field(SPINS_AT), field(VAIN_AT)
    most = code.load(field(MOST_SPINS_AT), "i64")
    learned = load_atomic(code, spins_at, "monotonic")
    vain = load_atomic(code, vain_at, "monotonic")
    again = code.equal(vain, code.index(TRIED_AGAIN_AFTER))
    spins = code.select(again, most, learned)
    _write_looks(code, met_at, met, spins, soon, lambda: _write_pause(code, target))
    halved = code.shift_right(learned, code.index(1))
    fewest = code.minimum(most, code.index(FEWEST_SPINS))
    store_atomic(code, code.maximum(halved, fewest), spins_at, "monotonic")
    counted = code.select(again, code.index(0), code.add(vain, code.index(1)))
    store_atomic(code, counted, vain_at, "monotonic")
    add_atomic(code, sleepers_at, code.index(1), "seq_cst")
    awake = code.label("awake")
    forever = code.index(2**62)
    _write_looks(
        code, met_at, met, forever, awake, lambda: _write_sleep(code, met_at, met, system, target)
    )
    code.emit("unreachable")
    code.start_block(awake)
    add_atomic(code, sleepers_at, code.index(-1), "monotonic")
    code.emit(f"br label %{done}")

    code.start_block(soon)
    with code.when(code.less(learned, most), "grow"):
        store_atomic(code, code.minimum(code.add(spins, spins), most), spins_at, "monotonic")
        store_atomic(code, code.index(0), vain_at, "monotonic")
    code.emit(f"br label %{done}")
    code.start_block(done)


def _write_sleep(code: Code, met_at: Number, met: Number, system: Number, target: Target) -> None:
    """Write that a thread sleeps until `met_at` holds another number than `met`, or for a while."""
    if "linux" not in target.triple:
        code.emit(f"call i32 {system.text}(i32 {SLEEP_MICROSECONDS})")
        return
    # The system compares the lower half before it lets the thread sleep.
    lower = code.convert(met, "i32")
    code.emit(
        f"call i64 (i64, ...) {system.text}(i64 {_FUTEX[target.machine]}, {met_at}, "
        f"i32 {_FUTEX_WAIT}, {lower}, ptr null, ptr null, i32 0)"
    )


def _write_wake(code: Code, met_at: Number, system: Number, target: Target) -> None:
    """Write that all who sleep on `met_at` wake; where they sleep for a while only, they will."""
    if "linux" in target.triple:
        code.emit(
            f"call i64 (i64, ...) {system.text}(i64 {_FUTEX[target.machine]}, {met_at}, "
            f"i32 {_FUTEX_WAKE}, i32 {2**31 - 1}, ptr null, ptr null, i32 0)"
        )


def _write_looks(
    code: Code, met_at: Number, met: Number, times: Number, done: str, between: Callable[[], object]
) -> None:
    """Write looks for the others, `times` with something between them, that end at `done`."""
    look, early, wait, over = (code.label(hint) for hint in ("look", "early", "pause", "over"))
    start = code.block
    code.emit(f"br label %{look}")
    code.start_block(look)
    count, phi_line = code.fresh("i64"), len(code.lines)
    code.lines.append("")
    unchanged = code.equal(load_atomic(code, met_at, "acquire"), met)
    code.emit(f"br {unchanged}, label %{early}, label %{done}")
    code.start_block(early)
    code.emit(f"br {code.less(count, times)}, label %{wait}, label %{over}")
    code.start_block(wait)
    between()
    following = code.add(count, code.index(1))
    code.emit(f"br label %{look}")
    code.lines[phi_line] = (
        f"  {count.text} = phi i64 [ 0, %{start} ], [ {following.text}, %{wait} ]"
    )
    code.start_block(over)


def _write_pause(code: Code, target: Target) -> None:
    """Write the processor's hint that a thread only waits: less power, quicker out of the loop."""
    if target.machine == "x86_64":
        code.declarations.add("declare void @llvm.x86.sse2.pause()")
        code.emit("call void @llvm.x86.sse2.pause()")
    else:
        code.declarations.add("declare void @llvm.aarch64.hint(i32 immarg)")
        code.emit("call void @llvm.aarch64.hint(i32 1)")  # yield


def load_atomic(code: Code, where: Number, order: str) -> Number:
    """Return the i64 at an address, whole, as other threads write it."""
    return code.result(f"load atomic i64, {where} {order}, align 8", "i64")


def store_atomic(code: Code, value: Number, where: Number, order: str) -> None:
    """Write an i64 to an address, whole, for other threads to read."""
    code.emit(f"store atomic {value}, {where} {order}, align 8")


def add_atomic(code: Code, where: Number, value: Number, order: str = "acq_rel") -> Number:
    """Add to the i64 at an address and return what was there, nobody coming between."""
    return code.result(f"atomicrmw add {where}, {value} {order}, align 8", "i64")
