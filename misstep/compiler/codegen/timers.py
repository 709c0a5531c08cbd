"""Where the time of a step goes: code that reads the processor's clock between kernels.

Each reading stops one timer and starts the next, so that timers add up to the whole step with
nothing between them. The clock counts at one speed whatever the core's own speed is (x86-64: the
time-stamp counter, 2 to 4 ticks a nanosecond, read in about ten; AArch64: the virtual counter, a
tick every 1 to 50 ns, so that times of short kernels are right on average only; no other machine
has a compiler here). Readings don't wait for what still runs: a timer may start or stop some tens
of nanoseconds early or late. Knows the language of `language/code.py`, no kernel and no program.
`lower.py` writes timers on request, `profiling.py` makes sense of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from misstep.compiler.language.code import Code, Number

__all__ = ["Timers", "write_clock"]

# Timers of two threads lie so many words apart at least, lest they share a line of the caches
# (processors fetch lines of 64 bytes in pairs).
WORDS_APART = 16

# LLVM's name for it: on x86-64 RDTSC, on AArch64 a reading of CNTVCT_EL0.
_COUNTER = "llvm.readcyclecounter"


def write_clock(code: Code) -> Number:
    """Write a reading of the clock and return it, an i64 of ticks."""
    code.declarations.add(f"declare i64 @{_COUNTER}()")
    return code.result(f"call i64 @{_COUNTER}()", "i64")


@dataclass
class Timers:
    """The timers of one step as they are written.

    `base`: address of this thread's timers, each an i64 of ticks. `start` where a step begins, then
    `stop` behind everything that is to be told apart. `subjects`: what each timer is about.
    """

    code: Code
    base: Number
    subjects: list[object] = field(default_factory=list)
    _last: Number = field(default_factory=lambda: Number("0", "i64"))
    _written: int = 0

    def start(self) -> None:
        """Write that the first timer starts here."""
        self._last = write_clock(self.code)
        self._written = len(self.code.lines)

    def stop(self, subject: object) -> None:
        """Write that what passed since the last reading goes to the timer of a subject.

        Where nothing was written since then, there is no reading either.
        """
        code = self.code
        if all(line.lstrip().startswith(";") for line in code.lines[self._written :]):
            return
        if subject not in self.subjects:
            self.subjects.append(subject)
        now = write_clock(code)
        where = code.address(self.base, code.index(self.subjects.index(subject)), "i64")
        so_far = code.load(where, "i64")
        code.store(code.add(so_far, code.subtract(now, self._last)), where)
        self._last = now
        self._written = len(code.lines)

    @property
    def words(self) -> int:
        """Return the words from one thread's timers to the next one's."""
        return -(-len(self.subjects) // WORDS_APART) * WORDS_APART
