"""How long each lab takes, as a person waits for it: a fresh process, with imports and its page.

`cold`: with an empty cache of compiled programs, as on the first time; `warm`: once more. One after
the other, on an otherwise idle machine. `python -m benchmarks.labs [NAME …]`; the exit status is 1
where one takes longer than LIMIT.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time

from misstep.labs import registered_labs

# What a person was promised, in seconds.
LIMIT = 15.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of labs; all without")
    names = parser.parse_args().names or list(registered_labs())
    slowest = 0.0
    print("| lab | cold, s | warm, s |\n|---|--:|--:|")
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            cold, warm = (seconds(name, folder) for _ in range(2))
        slowest = max(slowest, cold, warm)
        print(f"| {name} | {cold:.1f} | {warm:.1f} |", flush=True)
    return 1 if slowest > LIMIT else 0


def seconds(name: str, folder: str) -> float:
    """Return how long one run of a lab takes. Raises CalledProcessError where it fails."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "misstep", "lab", name, "--out", folder],
        env=os.environ | {"MISSTEP_CACHE": folder},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
