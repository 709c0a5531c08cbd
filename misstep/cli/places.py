"""Where the command line keeps things, unless --out names another folder, and what it calls itself.

Knows names only.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["COMMAND", "MODEL", "RUNS"]

# Runs have folders in here.
RUNS = Path("runs")
MODEL = "model.misstep"
# In a record, where the settings of a run come from.
COMMAND = "command line"
