"""Which logger a word names: csv, jsonl, tensorboard, mlflow, with a place of its own behind it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from misstep.errors import ArgumentError
from misstep.loggers.csv_file import CSVLogger
from misstep.loggers.json_lines import JSONLinesLogger
from misstep.loggers.logger import Logger
from misstep.loggers.mlflow_server import MLflowLogger
from misstep.loggers.tensorboard_folder import TensorBoardLogger

# By the word: what the place is called in a run's folder, and what makes the logger of a place.
_FILES: dict[str, tuple[str, Callable[[str], Logger]]] = {
    "csv": ("metrics.csv", CSVLogger),
    "jsonl": ("metrics.jsonl", JSONLinesLogger),
    "tensorboard": ("tensorboard", TensorBoardLogger),
}
DESTINATIONS = (*_FILES, "mlflow")


def make_logger(word: str, folder: Path | str | None = None) -> Logger:
    """Return the logger that `word` names, such as csv, mlflow or csv=metrics/first.csv.

    Behind = stands the place: a file, a folder, or the address of an MLflow server. Without it,
    files are in the run's `folder`. Raises ArgumentError for other words.

    >>> from misstep.loggers import make_logger
    >>> type(make_logger("mlflow=http://localhost:5000")).__name__
    'MLflowLogger'
    """
    kind, _, place = word.partition("=")
    if kind == "mlflow":
        return MLflowLogger(place or None)
    if kind not in _FILES:
        raise ArgumentError(
            "a logger",
            needed=f"one of {', '.join(DESTINATIONS)}, with =PLACE or without",
            got=repr(word)[:80],
        )
    name, make = _FILES[kind]
    if not place and folder is None:
        raise ArgumentError(
            f"the logger {kind}",
            needed="a place, or a run with a folder",
            got="neither",
            try_=f"{kind}={name}",
        )
    return make(place or str(Path(str(folder)) / name))


def are_destinations(words: str) -> bool:
    """Tell whether words with commas between name loggers, as `make_loggers` takes them."""
    return all(word.strip().partition("=")[0] in DESTINATIONS for word in words.split(","))


def make_loggers(words: str | None, folder: Path | str | None = None) -> list[Logger]:
    """Return the loggers that `words` name, with commas between; none for None.

    The rest is as for `make_logger`.
    """
    return [make_logger(word.strip(), folder) for word in words.split(",")] if words else []
