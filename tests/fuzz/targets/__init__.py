"""What reads files of strangers: for each, whole files to begin with, and what is done with one.

A target is registered by being written, in any file of this folder.
"""

from __future__ import annotations

import importlib
import pkgutil

from tests.fuzz.targets.target import Target

for _found in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_found.name}")

__all__ = ["Target"]
