"""The package `onnx`: loaded when it is first needed, one clear sentence where it is not there."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from misstep.errors import MisstepError


def onnx_module(name: str = "onnx") -> Any:
    """Return a module of the package `onnx`. Raises MisstepError where it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        raise MisstepError(
            "reading and writing ONNX",
            needed="the package onnx",
            got=str(error),
            try_='pip install "misstep[onnx]"',
        ) from error
