"""What commands leave on the disk: the model, which is never lost, and what it can do without.

Knows files and pages; nothing of what was trained.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from misstep.cli.page import Page
from misstep.errors import MisstepError, StorageError
from misstep.modeling import TrainedModel, save_model
from misstep.storage import make_folder, write_own_text
from misstep.train.interruption import Interruption

Written = TypeVar("Written")

__all__ = ["ModelFile", "keep_beside", "keep_model", "kept_text"]


class ModelFile:
    """The file of a model at `path`; where it finds no room there, it is kept elsewhere.

    `trouble`: what is in the way, None where the model is in its place; it says where the model is
    instead. What is judged and said meanwhile need not wait for it. `note`: what could not be
    added to a model that is in its place, "" for nothing. `was_tried`: whether it was kept before.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble: StorageError | None = None
        self.note = ""
        self.was_tried = False
        self._in_place = False
        self._elsewhere: Path | None = None

    def keep(self, model: TrainedModel, source: str) -> None:
        """Write the model, the same weights each time, undisturbed by a signal; it breaks in then.

        The first time it has no scores yet, which come with the second.
        """
        self.was_tried = True
        model.facts["source"] = Path(source).name
        with Interruption() as interruption:
            try:
                save_model(model, self.path)
            except StorageError as error:
                if self._in_place:
                    self.note = f"The model lies in {self.path} without its scores: {error}"
                else:
                    self.trouble = self._kept_elsewhere(model, error)
            else:
                self._in_place, self.trouble = True, None
                self._clear()
        if interruption.requested:
            raise KeyboardInterrupt(interruption.signal)

    @contextlib.contextmanager
    def told_when_interrupted(self, page: Page) -> Iterator[None]:
        """Say where the model is, if not in its place, when Ctrl-C or a signal breaks in."""
        try:
            yield
        except KeyboardInterrupt:
            if self.trouble is not None:
                page.say(str(self.trouble), always=True)
            raise

    def check(self) -> None:
        """Raise StorageError where the model is not in its place."""
        if self.trouble is not None:
            raise self.trouble

    def _kept_elsewhere(self, model: TrainedModel, error: StorageError) -> StorageError:
        """Write it among temporary files; return what to say of the `error` then."""
        try:
            if self._elsewhere is None:
                self._elsewhere = Path(tempfile.mkdtemp(prefix="misstep-")) / self.path.name
            save_model(model, self._elsewhere)
        except OSError:
            self._clear()
            return error
        return StorageError(
            error.which,
            needed=error.needed,
            got=error.got,
            try_=f"moving the model to where there is room; it is whole, in {self._elsewhere}",
        )

    def _clear(self) -> None:
        """Remove what was written elsewhere."""
        place, self._elsewhere = self._elsewhere, None
        if place is not None:
            with contextlib.suppress(OSError):
                place.unlink(missing_ok=True)
                place.parent.rmdir()


def keep_model(model: TrainedModel, source: str, path: Path) -> None:
    """Write the model at `path`, undisturbed by a signal, which breaks in thereafter.

    Raises StorageError, which says where it is instead, if it could be written anywhere.
    """
    file = ModelFile(path)
    file.keep(model, source)
    file.check()


def kept_text(path: Path, text: str, mark: str) -> Path:
    """Write a text file, in a folder that is made where it is missing; return where it is.

    `mark`: by which an earlier one is known. Raises StorageError, also where another file stands.
    """
    make_folder(path.parent)
    write_own_text(path, text, mark)
    return path


def keep_beside(page: Page, write: Callable[[], Written]) -> Written | None:
    """Write what is not the result itself; return what `write` returns, None where it can't.

    What stands in the way is said, and is no reason to fail.
    """
    try:
        return write()
    except MisstepError as error:
        page.say(f"Left out: {error}", "dim", always=True)
        return None
