"""What was said on the command line of `misstep train`. Knows words and numbers, no data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from misstep.cli.run_place import default_folder

__all__ = ["Wishes"]


@dataclass(frozen=True)
class Wishes:
    """What was said on the command line; None where nothing was."""

    source: str
    target: str | None
    task: str | None
    test: str | None
    without: tuple[str, ...]
    sequence_of: str | None
    network: str | None
    vectors: Path | None
    epochs: int | None
    batch_size: int | None
    learning_rate: float | None
    seed: int
    threads: int | None
    out: Path | None
    resume: bool
    augment: str | None
    quiet: bool
    json: bool
    horizon: int | None = None
    season: int | None = None
    only: str | None = None

    @property
    def folder(self) -> Path:
        """Return the folder of the run."""
        return default_folder(self.source) if self.out is None else self.out
