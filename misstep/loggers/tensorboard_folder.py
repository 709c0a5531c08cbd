"""`TensorBoardLogger`: event files that TensorBoard draws. Needs the package tensorboardX."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from misstep.errors import StorageError
from misstep.extras import required
from misstep.loggers.logger import Logger, Metrics
from misstep.train import Training


class TensorBoardLogger(Logger):
    """Writes event files into `folder`, for `tensorboard --logdir FOLDER`; steps are updates.

    `layers`: as for `Logger`; on without a word, since TensorBoard groups them by signal. Raises
    MisstepError where tensorboardX is not installed, StorageError where the folder can't be had.

    >>> import misstep as ms
    >>> logger = ms.loggers.TensorBoardLogger("runs/mine/tensorboard")
    """

    def __init__(self, folder: Path | str, *, layers: bool = True) -> None:
        super().__init__(layers=layers)
        self.folder = Path(folder).absolute()
        self._writer: Any = None

    def begin(self, training: Training) -> None:
        """Open an event file; what an earlier one says of later updates is taken back."""
        module = required("tensorboardX", "track", "a log for TensorBoard")
        # Events of this step and later ones are not drawn any more: all, of another run in the
        # same folder.
        purged = training.update + 1 if training.resumed else 0
        try:
            self._writer = module.SummaryWriter(str(self.folder), purge_step=purged)
        except OSError as error:
            raise StorageError.of_writing(str(self.folder), error) from error

    def describe(self, settings: Mapping[str, str]) -> None:
        """Write the settings as a text."""
        rows = [f"| {name} | {_cell(value)} |" for name, value in settings.items()]
        self._writer.add_text("settings", "\n".join(["| setting | value |", "|---|---|", *rows]), 0)

    def log(self, epoch: int, update: int, metrics: Metrics) -> None:
        """Write the numbers."""
        for name, value in {**metrics, "epoch": float(epoch)}.items():
            self._writer.add_scalar(name, value, update)
        self._writer.flush()

    def finish(self, ending: str, *, failed: bool) -> None:
        """Write why training ended, and close the file."""
        self._writer.add_text("ending", ending, 0)
        self._writer.close()


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("\n", " ")
