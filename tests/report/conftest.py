"""Trained models are shared with the tests of what is known about them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "modeling"))
