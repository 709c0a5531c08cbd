"""Ranks that read rows which do not fit into memory: one prepares them, all learn the same bits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from launching import environment, launcher
from PIL import Image


def trained(source: Path, folder: Path, launch: list[str]) -> bytes:
    """Train by the command with hardly any memory for rows; return the weights' file."""
    words = [*launch, sys.executable, "-m", "misstep", "train", str(source)]
    words += ["--network", "dense4", "--epochs", "1", "--threads", "1", "--shards", "2"]
    words += ["--memory", "1kB", "--out", str(folder)]
    done = subprocess.run(
        words, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    # One of them prepares and says so; the others find it whole.
    assert said.count("24 images prepared in") == 1
    assert "were prepared in" not in said
    return (folder / "model.misstep").read_bytes()


@pytest.mark.skipif("MISSTEP_RANKS" not in os.environ, reason="long; set MISSTEP_RANKS=1")
def test_two_ranks_learn_from_prepared_rows_what_one_process_learns(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    for number in range(24):
        place = tmp_path / "pictures" / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 200, (6, 6), dtype="uint8") + 50 * (number % 2)
        Image.fromarray(pixels.astype("uint8")).save(place / f"{number}.png")
    together = [launcher(), "--oversubscribe", "--bind-to", "none", "-n", "2"]
    models = []
    for name, launch in (("alone", []), ("together", together)):
        models.append(trained(tmp_path / "pictures", tmp_path / name, launch))
        assert (tmp_path / name / "prepared" / "train_images.rows").stat().st_size == 24 * 36
    assert models[0] == models[1]
