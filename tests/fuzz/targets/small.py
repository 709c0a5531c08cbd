"""Data and trainings as small as they can be, for files to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import misstep as ms

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = (X[:, 0] > 0).astype(int)
PICTURES = np.random.default_rng(1).integers(0, 255, (16, 8, 8), dtype="uint8")
STEPS = np.random.default_rng(2).normal(size=(16, 5, 2))
WAVE = np.sin(np.arange(60.0))
SEEDED: dict[str, Any] = {"epochs": 1, "random_state": 1}


def mixed_frame() -> Any:
    """Return a frame with numbers, words, dates and gaps, (24, 4)."""
    import pandas

    return pandas.DataFrame(
        {
            "n": [None if at % 7 == 0 else float(at % 5) for at in range(24)],
            "word": ["red", "green", "blue"] * 8,
            "day": [f"2024-{1 + at % 12:02d}-{1 + at % 28:02d}" for at in range(24)],
            "flag": [True, False] * 12,
        }
    )


def text_frame() -> Any:
    """Return a frame with a column of texts, (24, 1)."""
    import pandas

    texts = [f"a good day in {'the park by the sea'[at % 7 :]} number {at}" for at in range(24)]
    return pandas.DataFrame({"text": texts})


def trained(folder: Path, epochs: int = 12) -> None:
    """Train a network of one's own in a folder, and write its record."""
    network = ms.Sequential(ms.Dense(4), ms.ReLU(), ms.Dense(2))
    trainer = ms.Trainer(network, loss=ms.CrossEntropy(), seed=1)
    trainer.fit(X, Y, epochs=epochs, folder=folder, validation=(X[:9], Y[:9]))


def table_text() -> str:
    """Return a small table as CSV."""
    words = ["red", "green", "blue", "n/a"]
    lines = ["when,how much,color,y"]
    lines += [
        f"2024-{1 + row % 12:02d}-01,{row * 1.5:.2f},{words[row % 4]},{row % 2}"
        for row in range(40)
    ]
    return "\n".join(lines) + "\n"


def run_by_command(folder: Path) -> Path:
    """Train by the command line; return the run's folder, with record and model."""
    import contextlib
    import io

    from misstep.cli import main

    table, out = folder / "table.csv", folder / "run"
    table.write_text(table_text())
    words = ["train", str(table), "--target", "y", "--epochs", "3", "--quiet", "--out", str(out)]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        assert main(words) == 0
    return out
