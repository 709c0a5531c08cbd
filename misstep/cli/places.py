"""Where the command line keeps things, unless --out names another folder, and what it calls itself.

Knows names only.
"""

from __future__ import annotations

from pathlib import Path

from misstep.record.description import COMMAND

__all__ = ["COMMAND", "MODEL", "RUNS"]

# Runs have folders in here.
RUNS = Path("runs")
MODEL = "model.misstep"
