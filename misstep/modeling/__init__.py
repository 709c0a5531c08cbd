"""From people's data to a trained model: one walk for every face, every decision with its reason.

Read in this order: options, decisions, pipeline, modalities/modality, modalities/rows, the kinds of
data in modalities/, plans/, model, metrics and baselines, result, model_file. Prints nothing; the
faces do.
"""

from __future__ import annotations

import ast
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from misstep.modeling.exports import *  # noqa: F403


@cache
def _homes() -> dict[str, str]:
    """Return the module of each name, as the list of names imports it; nothing is run for that."""
    source = Path(__file__).with_name("exports.py")
    try:
        tree = ast.parse(source.read_text(encoding="utf-8"))
    except OSError:  # within an archive
        return {}
    return {
        alias.asname or alias.name: str(node.module)
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def __getattr__(name: str) -> Any:
    # Looked up when first used, each name in the module that has it: who asks for options only, as
    # --help does, waits for no network, and who predicts for nothing that trains.
    if name == "__all__":
        return import_module("misstep.modeling.exports").__all__
    if name.startswith("__"):
        raise AttributeError(f"module 'misstep.modeling' has no attribute {name!r}")
    home = _homes().get(name, "misstep.modeling.exports")
    attribute = getattr(import_module(home), name)
    globals()[name] = attribute
    return attribute
