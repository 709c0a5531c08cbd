"""Where records and what was measured of harm are kept: outside of the repository."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder, which `MISSTEP_BENCH_CACHE` may name; it is made where it is missing."""
    named = os.environ.get("MISSTEP_BENCH_CACHE")
    folder = Path(named) if named else Path(tempfile.gettempdir()) / "misstep-doctor"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
