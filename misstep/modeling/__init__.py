"""From people's data to a trained model: one walk for every face, every decision with its reason.

Read in this order: options, decisions, pipeline, modalities/modality, modalities/rows, the kinds of
data in modalities/, plans/, model, metrics and baselines, result, model_file. Prints nothing; the
faces do.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from misstep.modeling.exports import *  # noqa: F403


def __getattr__(name: str) -> Any:
    # Looked up when first used: who asks for options only, as --help does, waits for no network.
    return getattr(import_module("misstep.modeling.exports"), name)
