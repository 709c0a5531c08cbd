"""The package `onnx`: loaded when it is first needed, one clear sentence where it is not there."""

from __future__ import annotations

from typing import Any

from misstep.extras import required


def onnx_module(name: str = "onnx") -> Any:
    """Return a module of the package `onnx`. Raises MisstepError where it is not installed."""
    return required(name, "onnx", "reading and writing ONNX")
