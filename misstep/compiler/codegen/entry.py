"""The way into a native program: the same arithmetic in every thread that comes this way.

How a processor rounds, and what it makes of numbers below the smallest normal one, is a setting of
each thread. Other libraries change it (whatever is built with "fast" mathematics does), and a new
thread has the setting of the one that started it. Results must depend on neither: native programs
round to the nearest number and take subnormal numbers, given and computed, for zeros.
"""

from __future__ import annotations

from dataclasses import dataclass

from misstep.compiler.codegen.target import Target

__all__ = ["Setting", "arithmetic_setting", "write_entry"]

# Rounds to nearest and masks all exceptions (the state of MXCSR after a reset), and takes subnormal
# numbers for zeros: results (FTZ, bit 15) and operands (DAZ, bit 6). Intel 64 Architectures
# Software Developer's Manual, volume 1, 10.2.3.
_MXCSR = 0x1F80 | 1 << 15 | 1 << 6
# The same: FZ is bit 24, for operands and results alike (Arm Architecture Reference Manual,
# C5.2.8).
_FPCR = 1 << 24


@dataclass(frozen=True)
class Setting:
    """Lines of a function that set a thread's arithmetic, and put back what was there before.

    `declarations`: what a module with such a function must declare.
    """

    begin: tuple[str, ...]
    end: tuple[str, ...]
    declarations: tuple[str, ...]


def arithmetic_setting(target: Target) -> Setting:
    """Return what sets the arithmetic of programs, in a function of `target`."""
    return _X86 if target.machine == "x86_64" else _AARCH64


def write_entry(name: str, body: str, target: Target) -> str:
    """Return the text of a function `name` that calls the function `body` of the same type.

    Both: i32 (ptr context, i64 number of the thread, i64 number of threads), as a thread pool
    calls. The caller's setting is back when it returns. `body` should be `internal noinline`.
    """
    arguments = "ptr %context, i64 %thread, i64 %threads"
    setting = arithmetic_setting(target)
    return "\n".join(
        [
            *setting.declarations,
            f"define i32 @{name}({arguments}) {target.function_attributes} {{",
            "entry:",
            *setting.begin,
            f"  %status = call i32 @{body}({arguments})",
            *setting.end,
            "  ret i32 %status",
            "}",
        ]
    )


_X86 = Setting(
    (
        "  %before = alloca i32, align 4",
        "  %own = alloca i32, align 4",
        f"  store i32 {_MXCSR}, ptr %own, align 4",
        "  call void @llvm.x86.sse.stmxcsr(ptr %before)",
        "  call void @llvm.x86.sse.ldmxcsr(ptr %own)",
    ),
    ("  call void @llvm.x86.sse.ldmxcsr(ptr %before)",),
    ("declare void @llvm.x86.sse.stmxcsr(ptr)", "declare void @llvm.x86.sse.ldmxcsr(ptr)"),
)
_AARCH64 = Setting(
    (
        "  %before = call i64 @llvm.aarch64.get.fpcr()",
        f"  call void @llvm.aarch64.set.fpcr(i64 {_FPCR})",
    ),
    ("  call void @llvm.aarch64.set.fpcr(i64 %before)",),
    ("declare i64 @llvm.aarch64.get.fpcr()", "declare void @llvm.aarch64.set.fpcr(i64)"),
)
