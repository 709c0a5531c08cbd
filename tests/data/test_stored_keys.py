"""Preprocessing and targets in model files of November 2026: read, and written with the same keys.

Fields may get better names; the keys in files stay, and so do the numbers; there may be new keys.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from misstep.data import Target, preprocessing_from_json
from misstep.storage import read_container

FOLDER = Path(__file__).parents[1] / "fixtures" / "models-2026-11"
FILES = sorted(FOLDER.glob("*.misstep"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_what_is_stored_keeps_its_keys_and_numbers(path: Path) -> None:
    document = read_container(path, kind="model", newest=1).document
    preprocessing = preprocessing_from_json(document["preprocessing"]).to_json()
    assert kept(preprocessing, document["preprocessing"]) == document["preprocessing"]
    target = Target.from_json(document["target"]).to_json()
    assert kept(target, document["target"]) == document["target"]


def kept(new: Any, old: Any) -> Any:
    """Return what is written now, without the keys that were not there."""
    if isinstance(new, dict) and isinstance(old, dict):
        return {name: kept(value, old[name]) for name, value in new.items() if name in old}
    if isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        return [kept(*pair) for pair in zip(new, old, strict=True)]
    return new


def test_every_kind_of_preprocessing_is_among_them_but_matrices() -> None:
    kinds = {
        read_container(path, kind="model", newest=1).document["preprocessing"]["kind"]
        for path in FILES
    }
    assert kinds >= {"table", "pictures", "sequences", "series"}
