"""How many cores this process may use: what the system tells of processors and a container's share.

Knows nothing of threads and of what they compute.
"""

from __future__ import annotations

import itertools
import os
from functools import cache
from pathlib import Path

__all__ = ["usable_cores"]


def usable_cores() -> int:
    """Return how many threads of this process can compute at once, at least 1.

    Counts cores, not the two threads that a core may run at a time (they share its arithmetic),
    among those that this process may use now, and no more than a container's share of time allowed
    when it was first asked.
    """
    cores, share = _cores_among(frozenset(_processors())), _own_share()
    return max(1, cores if share is None else min(cores, int(share)))


def _processors() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


@cache
def _cores_among(processors: frozenset[int]) -> int:
    return len({_core_of(processor) for processor in processors})


def _core_of(processor: int) -> str:
    """Return a name that all threads of one core have in common."""
    topology = Path(f"/sys/devices/system/cpu/cpu{processor}/topology")
    for name in ("core_cpus_list", "thread_siblings_list"):
        try:
            if text := (topology / name).read_text(encoding="ascii").strip():
                return text
        except (OSError, ValueError):
            continue
    return str(processor)


@cache
def _own_share() -> float | None:
    return _share_of_time()


def _share_of_time(
    groups: Path = Path("/proc/self/cgroup"), mounted: Path = Path("/sys/fs/cgroup")
) -> float | None:
    """Return how many processors' time Linux's control groups allow; None: no limit is told.

    Version 2 keeps both numbers in `cpu.max`, version 1 in two files of a tree of its own. Each
    group above sets a limit too. Kernel documentation: admin-guide/cgroup-v2, scheduler/sched-bwc.
    """
    try:
        lines = groups.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return None
    limits = []
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if not controllers:
            trees = [mounted, mounted / "unified"]
        elif "cpu" in controllers.split(","):
            trees = [mounted / controllers, mounted / "cpu", mounted / "cpu,cpuacct"]
        else:
            continue
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for tree, depth in itertools.product(trees, range(len(parts) + 1)):
            limits.append(_limit_of(tree.joinpath(*parts[:depth])))
    return min((part for part in limits if part is not None), default=None)


def _limit_of(group: Path) -> float | None:
    for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            words = " ".join((group / name).read_text(encoding="ascii") for name in names).split()
            quota, period = int(words[0]), int(words[1])
        except (OSError, ValueError, IndexError):
            continue
        if quota > 0 and period > 0:
            return quota / period
    return None
