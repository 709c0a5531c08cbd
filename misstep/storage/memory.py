"""How much memory a process may still take: what the machine has left, or less where a limit says.

Knows the places where Linux says so; elsewhere, what the system tells of itself.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["available_memory"]

# Limits beyond which there are none: control groups of version 1 say 2⁶³ less a page.
NO_LIMIT = 2**60


def available_memory(system: Path = Path("/")) -> int | None:
    """Return the bytes that can still be taken; None where nothing tells.

    The least of what the machine has left, what each control group above this process has left, and
    what is left of the process's own limits. `system`: where the files of the system begin.
    """
    found = [_machine(system), *_groups(system), *_own(system)]
    known = [max(each, 0) for each in found if each is not None and each < NO_LIMIT]
    return min(known, default=None)


def _machine(system: Path) -> int | None:
    for line in _text(system / "proc/meminfo").splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) * 1024
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _groups(system: Path) -> list[int]:
    """Return what each control group has left. Pages of files count as free: they are let go."""
    left = []
    for line in _text(system / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, place = rest.partition(":")
        if number == "0":
            root, limit, used = system / "sys/fs/cgroup", "memory.max", "memory.current"
        elif "memory" in controllers.split(","):
            root = system / "sys/fs/cgroup/memory"
            limit, used = "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        inside = [part for part in place.split("/") if part not in ("", "..")]
        for depth in range(len(inside), -1, -1):
            folder = root.joinpath(*inside[:depth])
            most, taken = _number(folder / limit), _number(folder / used)
            if most is not None:
                left.append(most - max((taken or 0) - _file_pages(folder), 0))
    return left


def _file_pages(folder: Path) -> int:
    for line in _text(folder / "memory.stat").splitlines():
        name, _, rest = line.partition(" ")
        if name in ("file", "total_cache") and rest.isdigit():
            return int(rest)
    return 0


def _own(system: Path) -> list[int]:
    """Return what is left of the limits of this process."""
    try:
        import resource
    except ImportError:
        return []
    pages = _text(system / "proc/self/statm").split()
    size = os.sysconf("SC_PAGE_SIZE")
    left = []
    # All that is addressed, and all that is data of its own.
    for name, column in (("RLIMIT_AS", 0), ("RLIMIT_DATA", 5)):
        limit = resource.getrlimit(getattr(resource, name))[0]
        if limit != resource.RLIM_INFINITY and len(pages) > column:
            left.append(limit - int(pages[column]) * size)
    return left


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
