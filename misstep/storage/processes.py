"""Which process a number means: numbers are given again, and then belong to a stranger.

Knows processes of this machine; nothing of what they do.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

__all__ = ["process_mark"]

# Seconds that `ps` may take.
PATIENCE = 5.0
# Of what stands in /proc/PID/stat behind the name, in parentheses: when it began, in ticks.
BEGAN = 19


def process_mark(pid: int) -> str | None:
    """Return what tells the process `pid` from each other one that ever had its number.

    That is when it began, and on Linux after which start of the machine. None where there is no
    such process, or the system does not say.
    """
    if pid <= 0:
        return None
    with contextlib.suppress(OSError, ValueError, IndexError):
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        began = int(stat.rpartition(b")")[2].split()[BEGAN])
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {began}"
    if os.name != "posix" or Path("/proc/self/stat").exists():
        return None
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        told = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env={**os.environ, "LC_ALL": "C"},
        ).stdout
        return " ".join(told.split()) or None
    return None
