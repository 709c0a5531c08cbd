"""Plots are drawn without a screen, on figures that are closed; models are shared."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "modeling"))


@pytest.fixture(autouse=True)
def without_screen() -> Iterator[None]:
    matplotlib = pytest.importorskip("matplotlib")
    from matplotlib import pyplot

    with matplotlib.rc_context({"backend": "agg"}):
        pyplot.switch_backend("agg")
        yield
        pyplot.close("all")
