"""Where the time of a step goes: code that reads the processor's clock between kernels.

Laps, not intervals: each reading ends one lap and begins the next, so that laps add up to the whole
step with nothing between them. The clock counts at one speed whatever the core's own speed is
(x86-64: the time-stamp counter, 2 to 4 ticks a nanosecond, read in about ten; AArch64: the virtual
counter, a tick every 1 to 50 ns, so that laps of short kernels are right on average only; no other
machine has a compiler here). Readings don't wait for what still runs: a lap may begin or end some
tens of nanoseconds early or late. Knows the language of `language/code.py`, no kernel and no
program. `lower.py` writes laps on request, `profiling.py` makes sense of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from misstep.compiler.language.code import Code, Number

__all__ = ["Laps", "write_clock"]

# Counters of two threads lie so many words apart at least, lest they share a line of the caches
# (processors fetch lines of 64 bytes in pairs).
WORDS_APART = 16

# LLVM's name for it: on x86-64 RDTSC, on AArch64 a reading of CNTVCT_EL0.
_COUNTER = "llvm.readcyclecounter"


def write_clock(code: Code) -> Number:
    """Write a reading of the clock and return it, an i64 of ticks."""
    code.declarations.add(f"declare i64 @{_COUNTER}()")
    return code.result(f"call i64 @{_COUNTER}()", "i64")


@dataclass
class Laps:
    """The laps of one step as they are written. `base`: this thread's counters, one for each lap.

    `begin` where a step begins, then `end` behind everything that is to be told apart. `kinds`:
    what each counter is about.
    """

    code: Code
    base: Number
    kinds: list[object] = field(default_factory=list)
    _last: Number = field(default_factory=lambda: Number("0", "i64"))
    _written: int = 0

    def begin(self) -> None:
        """Write that the first lap begins here."""
        self._last = write_clock(self.code)
        self._written = len(self.code.lines)

    def end(self, kind: object) -> None:
        """Write that a lap of some kind ends here and the next one begins.

        Laps of one kind add up. Where nothing was written since the last reading, there is none.
        """
        code = self.code
        if all(line.lstrip().startswith(";") for line in code.lines[self._written :]):
            return
        if kind not in self.kinds:
            self.kinds.append(kind)
        now = write_clock(code)
        where = code.address(self.base, code.index(self.kinds.index(kind)), "i64")
        so_far = code.load(where, "i64")
        code.store(code.add(so_far, code.subtract(now, self._last)), where)
        self._last = now
        self._written = len(code.lines)

    @property
    def words(self) -> int:
        """Return the words from one thread's counters to the next one's."""
        return -(-len(self.kinds) // WORDS_APART) * WORDS_APART
