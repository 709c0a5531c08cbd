"""Where the real data lie, for tests that read them; absent data skip those tests, saying so."""

from __future__ import annotations

from pathlib import Path

import pytest

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@pytest.fixture
def real() -> Path:
    if not REAL.is_dir():
        pytest.skip("the real data sets (shared/data beside the repository) are not there")
    return REAL
