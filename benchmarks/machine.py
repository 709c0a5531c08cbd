"""What is known of the machine: processor, cores, memory of a process, and a clean environment.

Knows Linux's /proc; elsewhere it says less.
"""

from __future__ import annotations

import os
import platform
import re
import resource
import sys
from pathlib import Path
from typing import Any

# How many threads the libraries underneath may start.
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
# Settings that make NumPy's OpenBLAS take another kernel than it would choose for the processor.
_BENDING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_VERBOSE")
# Settings that would send our own programs or threads elsewhere than to their defaults.
_INHERITED = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "XLA_FLAGS")


def worker_environment(threads: int) -> dict[str, str]:
    """Return the environment for a worker: this one without what bends it, and its threads."""
    dropped = {*_BENDING, *_INHERITED}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    kept |= dict.fromkeys(_THREADS, str(threads))
    kept |= {"JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"}
    if threads == 1:
        # XLA has no setting for its number of threads but the cores it may use; this one it heeds.
        kept["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    return kept


def usable_cores() -> list[int]:
    """Return the numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def hold_to_cores(threads: int) -> None:
    """Let this process use only its last `threads` cores; JAX starts a thread for each it sees."""
    cores = usable_cores()
    if hasattr(os, "sched_setaffinity") and threads < len(cores):
        os.sched_setaffinity(0, cores[-threads:])


def peak_memory() -> int:
    """Return the most memory that this process has had so far, in bytes."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024  # type: ignore[union-attr]
    except (OSError, AttributeError):
        found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return found if sys.platform == "darwin" else found * 1024


def processor() -> str:
    """Return the processor's name."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        names = dict(re.findall(r"^(model name|cpu family|model|stepping)\s*: (.*)$", told, re.M))
        family = f" (family {names['cpu family']}, model {names['model']})"
        return names["model name"] + family
    except (OSError, KeyError):
        return platform.processor() or platform.machine()


def short_name(name: str) -> str:
    """Return a processor's name as part of a file's name."""
    plain = re.sub(r"\(.*?\)|\bCPU\b|\bProcessor\b|@.*", " ", name)
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "unknown"


def load() -> float | None:
    """Return how many processes wanted a core during the last minute, on average."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def blas_kernels() -> list[dict[str, Any]]:
    """Return which linear algebra libraries this process has loaded, and their kernels."""
    from threadpoolctl import threadpool_info

    return [
        {
            "library": found["internal_api"],
            "kernel": found.get("architecture", "?"),
            "version": found.get("version"),
            "threads": found["num_threads"],
        }
        for found in threadpool_info()
        if found["user_api"] == "blas"
    ]
