"""`Preprocessing`: what brings rows as people have them to those of a network; how it is stored.

Each is a frozen dataclass of what was fitted. It is known to model files by being written: the
class attribute `stored_as` is the word that stands in the file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from misstep.data.dataset import Dataset
from misstep.data.decision import Decision
from misstep.data.inputs import Inputs, Sweep
from misstep.data.json_rows import matrix_rows, numbers_schema
from misstep.data.preparation import Preparation
from misstep.data.row_parts import BaselineRow, RowParts
from misstep.data.stored_json import Stored, from_plain, to_plain
from misstep.data.text.texts_of_rows import TextsOfRows
from misstep.errors import FileFormatError

__all__ = ["Preprocessing", "preprocessing_from_json"]

WHICH = "the stored preprocessing"
VERSION = 1

_CLASSES: dict[str, type[Preprocessing]] = {}


class Preprocessing(Stored, ABC):
    """Brings rows as people have them to those of a network: float32, (rows, features).

    `stored_as`: its word in model files. `sample_name`: what one of the rows is called. Fitted on
    training rows only; all of it is in `to_json`.
    """

    stored_as: ClassVar[str]
    sample_name: ClassVar[str] = "row"

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "stored_as" in cls.__dict__:
            known = _CLASSES.setdefault(cls.stored_as, cls)
            if known is not cls:
                raise TypeError(f"{cls.__name__} is stored as {known.__name__} is: {cls.stored_as}")

    @property
    @abstractmethod
    def feature_names(self) -> list[str]:
        """One name for each feature."""

    @property
    @abstractmethod
    def number_of_features(self) -> int:
        """How many features a row has."""

    @property
    def decisions(self) -> list[Decision]:
        """What was chosen as it was fitted, and why."""
        return []

    @abstractmethod
    def encode(self, data: Any, target: str = "") -> tuple[NDArray[np.float32], list[str]]:
        """Return `data` as (rows, features), and notes on it.

        data: `Dataset` or whatever else can be read as such. `target`: name of the answers, which
        may stand beside the rest. Raises DataError.
        """

    @abstractmethod
    def accept(self, dataset: Dataset, source: str, target: str) -> Dataset:
        """Return what was read from `source` as rows to predict for.

        Raises DataError where it is of another kind than what was learned from.
        """

    def read_path(self, path: Path) -> Dataset | None:
        """Return rows from a path that means something to this model only; else None.

        Raises StorageError, FileFormatError or DataError.
        """
        return None

    def read_path_prepared(self, path: Path, preparation: Preparation) -> Dataset | None:
        """Return what `read_path` does, prepared in files; None where it fits into memory.

        By default all is read at once. Raises what `read_path` does.
        """
        return None

    def rows_of(self, data: Any) -> Dataset:
        """Return what somebody gave in Python as rows: frames, arrays, lists, whatever fits.

        Raises DataError.
        """
        from misstep.data.table.table import read_table

        return data if isinstance(data, Dataset) else read_table(data, name="the data")

    def row_schema(self) -> dict[str, Any]:
        """Return the JSON schema of a row as programs send it, with an example."""
        return numbers_schema(self.feature_names)

    def rows_of_json(self, rows: Sequence[Any]) -> Any:
        """Return rows that came as JSON, each as `row_schema` says, as `encode` takes them.

        Raises DataError, whose `which` is the place: rows[3].age.
        """
        return matrix_rows(rows, self.feature_names)

    def learns_from(self, name: str) -> bool:
        """Tell whether a column of this name is one of those to predict from, used or left out.

        One of a file that is called so is then no answer, though the answers be called so too.
        """
        return False

    def names_in_row(self, features: NDArray[Any]) -> list[str]:
        """Return a name for each entry of one row, (features,), as people know it."""
        return self.feature_names

    def cells_of(self, row: Dataset, target: str) -> list[Any]:
        """Return what stood in the one row given for each feature; "" where nothing can be said."""
        cells = row.cells(target)
        width = self.number_of_features
        return cells if len(cells) == width else [""] * width

    def named_cells(self, row: Dataset, target: str) -> dict[str, Any]:
        """Return what stood in the one row given, by column; nothing where there are none."""
        return row.named_cells(target)

    def image_of(self, features: NDArray[Any]) -> NDArray[Any] | None:
        """Return one row, (features,), as an image (height, width) from 0 to 1, if it is one."""
        return None

    def baseline_row(
        self, data: Dataset, features: NDArray[Any], weights: NDArray[Any] | None = None
    ) -> BaselineRow:
        """Return what training rows hold on average, or most often.

        `data`: the training rows; `features`: the same encoded, (rows, features); `weights`:
        (rows,) or None.
        """
        return BaselineRow(len(data))

    def parts_of(
        self, row: Dataset, features: NDArray[Any], baseline_row: BaselineRow | None
    ) -> RowParts | None:
        """Return what can be replaced in the one row given, or None where that is not known.

        `features`: the row encoded, (features,). `baseline_row`: by what; None: the model's file
        does not say.
        """
        return None

    def inputs(self, baseline_row: BaselineRow | None) -> tuple[Inputs, ...]:
        """Return which features go together, in one way or in several.

        `baseline_row`: what an input may be replaced by; None: the model's file does not say.
        """
        members = np.arange(self.number_of_features)
        return (Inputs("feature", self.feature_names, members),)

    @property
    def text_columns(self) -> Sequence[str]:
        """Return the columns that `texts_of` gives the texts of; none mostly."""
        return ()

    def texts_of(self, data: Dataset) -> Sequence[TextsOfRows]:
        """Return the columns of texts in these rows, whose words can be taken out; none mostly."""
        return ()

    def sweep(
        self, number: int, data: Dataset, features: NDArray[np.float32], points: int
    ) -> Sweep | None:
        """Return the values that input `number` of the first of `inputs` may go through.

        `data`: rows; `features`: the same encoded, (rows, features). `points`: at most so many
        values. None where it has no values that can be put in an order or a list.
        """
        return None

    def to_json(self) -> dict[str, Any]:
        """Return everything fitted as plain JSON; floats survive bit for bit."""
        return {**to_plain(self), "kind": self.stored_as, "version": VERSION}

    @classmethod
    def from_json(cls, plain: object) -> Self:
        """Rebuild what `to_json` gave. Raises FileFormatError for anything else."""
        if not isinstance(plain, dict):
            return from_plain(cls, plain, WHICH)
        fields = dict(plain)
        stored_as, version = fields.pop("kind", cls.stored_as), fields.pop("version", VERSION)
        if stored_as != cls.stored_as or type(version) is not int or version != VERSION:
            raise FileFormatError(
                WHICH,
                needed=f"the kind {cls.stored_as!r}, version {VERSION}",
                got=f"{str(stored_as)[:60]!r}, version {str(version)[:60]!r}",
                try_="saving it again with this version",
            )
        return from_plain(cls, fields, WHICH)


def preprocessing_from_json(plain: object) -> Preprocessing:
    """Rebuild preprocessing of whichever kind was stored. Raises FileFormatError."""
    stored_as = plain.get("kind") if isinstance(plain, dict) else None
    if isinstance(stored_as, str) and stored_as in _CLASSES:
        return _CLASSES[stored_as].from_json(plain)
    raise FileFormatError(
        WHICH, needed=f"a kind, one of {', '.join(_CLASSES)}", got=repr(stored_as)[:60]
    )
