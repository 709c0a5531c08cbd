"""The way into a native program: the same arithmetic in every thread that comes this way.

How a processor rounds, and whether it keeps numbers below the smallest normal one, is a setting of
each thread. Other libraries change it (whatever is built with "fast" mathematics does), and a new
thread has the setting of the one that started it. Results must depend on neither.
"""

from __future__ import annotations

from misstep.compiler.codegen.target import Target

__all__ = ["write_entry"]

# Rounds to nearest, keeps subnormal numbers, masks all exceptions: the state of MXCSR after a reset
# (Intel 64 Architectures Software Developer's Manual, volume 1, 10.2.3). FPCR's is 0 (Arm
# Architecture Reference Manual, C5.2.8).
_PLAIN_MXCSR = 0x1F80
_PLAIN_FPCR = 0


def write_entry(name: str, body: str, target: Target) -> str:
    """Return the text of a function `name` that calls the function `body` of the same type.

    Both: i32 (ptr context, i64 number of the thread, i64 number of threads), as a thread pool
    calls. The caller's setting is back when it returns. `body` should be `internal noinline`.
    """
    arguments = "ptr %context, i64 %thread, i64 %threads"
    set_plain, set_back, declared = _X86 if target.machine == "x86_64" else _AARCH64
    return "\n".join(
        [
            *declared,
            f"define i32 @{name}({arguments}) {target.function_attributes} {{",
            "entry:",
            *set_plain,
            f"  %status = call i32 @{body}({arguments})",
            *set_back,
            "  ret i32 %status",
            "}",
        ]
    )


_X86 = (
    (
        "  %before = alloca i32, align 4",
        "  %plain = alloca i32, align 4",
        f"  store i32 {_PLAIN_MXCSR}, ptr %plain, align 4",
        "  call void @llvm.x86.sse.stmxcsr(ptr %before)",
        "  call void @llvm.x86.sse.ldmxcsr(ptr %plain)",
    ),
    ("  call void @llvm.x86.sse.ldmxcsr(ptr %before)",),
    ("declare void @llvm.x86.sse.stmxcsr(ptr)", "declare void @llvm.x86.sse.ldmxcsr(ptr)"),
)
_AARCH64 = (
    (
        "  %before = call i64 @llvm.aarch64.get.fpcr()",
        f"  call void @llvm.aarch64.set.fpcr(i64 {_PLAIN_FPCR})",
    ),
    ("  call void @llvm.aarch64.set.fpcr(i64 %before)",),
    ("declare i64 @llvm.aarch64.get.fpcr()", "declare void @llvm.aarch64.set.fpcr(i64)"),
)
