"""Where the command line keeps things, unless --out names another folder. Knows names only."""

from __future__ import annotations

from pathlib import Path

__all__ = ["MODEL", "RUNS"]

# Runs have folders in here.
RUNS = Path("runs")
MODEL = "model.misstep"
