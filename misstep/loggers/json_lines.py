"""`JSONLinesLogger`: settings, epochs and the end as JSON Lines, one object a line."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from misstep.loggers.epoch_lines import EpochLines
from misstep.loggers.logger import Logger, Metrics
from misstep.train import Training


class JSONLinesLogger(Logger):
    """Writes the file at `path`: a line with `settings`, one for each epoch, one with `ending`.

    Numbers that are not finite are null. `layers`: as for `Logger`. Raises StorageError where the
    file can't be written.

    >>> import misstep as ms
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError())
    >>> logger = ms.loggers.JSONLinesLogger("metrics.jsonl")
    >>> _ = trainer.fit([[0.0], [1.0]], [[1.0], [3.0]], epochs=2, callbacks=[logger])
    >>> import json, pathlib
    >>> lines = pathlib.Path("metrics.jsonl").read_text().splitlines()
    >>> [json.loads(line).get("epoch") for line in lines]
    [None, 1, 2, None]
    """

    def __init__(self, path: Path | str, *, layers: bool = False) -> None:
        super().__init__(layers=layers)
        self._lines = EpochLines(path, '{"settings": ')

    def begin(self, training: Training) -> None:
        """Empty the file, or go on in it."""

        def stays(line: str) -> bool:
            said = _object(line)
            # A run that goes on has not ended.
            epoch = said.get("epoch")
            return "settings" in said or (isinstance(epoch, int) and epoch <= training.epoch)

        self._lines.begin(resumed=training.resumed, stays=stays)

    def describe(self, settings: Mapping[str, str]) -> None:
        """Write the settings."""
        self._add({"settings": dict(settings)})

    def log(self, epoch: int, update: int, metrics: Metrics) -> None:
        """Write an epoch."""
        finite = {name: one if math.isfinite(one) else None for name, one in metrics.items()}
        self._add({"epoch": epoch, "update": update, **finite})

    def finish(self, ending: str, *, failed: bool) -> None:
        """Write why training ended."""
        self._add({"ending": ending, "failed": failed})

    def _add(self, line: dict[str, Any]) -> None:
        self._lines.add(json.dumps(line, ensure_ascii=False, allow_nan=False))


def _object(line: str) -> dict[str, Any]:
    try:
        read = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}
