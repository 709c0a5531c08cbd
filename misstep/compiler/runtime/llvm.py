"""Loads LLVM when something is to be compiled, and lets one thread at a time into it.

Loading takes tens of milliseconds that a person who only reads a graph should not wait for, so
nothing else here imports llvmlite. Knows LLVM's doorstep, not what is compiled. `targets.py` asks
it about the processor, `native.py` works with it.
"""

from __future__ import annotations

import os
import threading
from functools import cache
from types import ModuleType

# LLVM is not made for several threads. Whoever compiles or loads holds it; it is taken while the
# process forks too, so that a child never starts with LLVM half way through something.
LOCK = threading.RLock()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=LOCK.acquire, after_in_parent=LOCK.release, after_in_child=LOCK.release
    )


@cache
def llvm() -> ModuleType:
    """Return llvmlite's binding, ready to generate and load code for this machine."""
    with LOCK:
        import llvmlite.binding as binding

        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
    return binding


@cache
def all_targets() -> ModuleType:
    """Return llvmlite's binding, ready to generate code for every processor that LLVM knows."""
    binding = llvm()
    with LOCK:
        binding.initialize_all_targets()
        binding.initialize_all_asmprinters()
    return binding


@cache
def llvm_version() -> str:
    """Return which llvmlite and which LLVM generate the code."""
    import llvmlite

    return f"llvmlite {llvmlite.__version__}, LLVM {'.'.join(map(str, llvm().llvm_version_info))}"
