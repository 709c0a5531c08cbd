"""Optuna, loaded when it is first needed; who lacks it is told how to get it."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

from misstep.extras import required

__all__ = ["as_it_is", "optuna"]


@cache
def optuna() -> Any:
    """Return the module, silent but for errors. Raises MisstepError where it is not installed."""
    module = required("optuna", "tune", "tuning")
    # What it says of each trial, faces say in their own words.
    module.logging.set_verbosity(module.logging.ERROR)
    return module


@contextlib.contextmanager
def as_it_is() -> Iterator[None]:
    """Let parts of Optuna be made that it calls experimental, without a warning for each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna().exceptions.ExperimentalWarning)
        yield
