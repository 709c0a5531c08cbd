"""`TrainingRows`: what a model keeps of the rows it was made with, so that others can be explained.

A baseline row, which a part of a row is replaced by, and a hash of each row by the split it was in,
so that it can be told whether a row was learned from. Rows are hashed as the network takes them:
the order of columns, further ones and answers make no difference. No row can be read out of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from misstep.data import BaselineRow
from misstep.errors import FileFormatError
from misstep.ir import Array
from misstep.storage import pieces_of

__all__ = ["Seen", "TrainingRows", "known_rows"]

# A hash has 4 bytes: among a million rows, one that was never seen is taken for one of them with a
# chance of a million in four thousand million.
HASH = np.uint32
# Of more rows no hashes are kept: they would take more of the file than most networks.
MOST_HASHED = 1_000_000
# What arrays are called in a model file; no layer has a colon in its name.
PREFIX = "rows:"
FEATURES = f"{PREFIX}baseline"


class Seen(StrEnum):
    """What a model did with a row in training."""

    TRAINING = "training"
    VALIDATION = "validation"
    TEST = "test"
    NEVER = "never"
    UNKNOWN = "unknown"


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    rows: int = Field(ge=0)
    cells: dict[str, float | str] = Field(default_factory=dict)


@dataclass(frozen=True)
class TrainingRows:
    """The baseline row and, by split, the sorted hashes of its rows, (rows,) each.

    `hashes`: empty where they are not known.
    """

    baseline: BaselineRow
    hashes: Mapping[str, NDArray[np.uint32]] = field(default_factory=dict)

    def seen(self, features: Array) -> Seen:
        """Return where a row of these features, (features,), stood.

        A row that was learned from counts as that, wherever else it stood as well.
        """
        return self.each_seen(np.asarray(features)[np.newaxis])[0]

    def each_seen(self, features: Array) -> list[Seen]:
        """Return where each row of these features, (rows, features), stood."""
        if not self.hashes:
            return [Seen.UNKNOWN] * len(features)
        numbers = hashes_of(features)
        found = [Seen.NEVER] * len(numbers)
        # The one that counts most comes last.
        for split in (Seen.TEST, Seen.VALIDATION, Seen.TRAINING):
            known = self.hashes.get(split)
            if known is not None:
                for row in np.flatnonzero(np.isin(numbers, known)):
                    found[row] = split
        return found

    def to_file(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return what a model file keeps: plain JSON, and arrays by name."""
        plain = {"rows": self.baseline.rows, "cells": dict(self.baseline.cells)}
        arrays: dict[str, Array] = {f"{PREFIX}{each}": of for each, of in self.hashes.items()}
        if self.baseline.features is not None:
            arrays[FEATURES] = self.baseline.features
        return plain, arrays

    @classmethod
    def from_file(cls, plain: Any, arrays: Mapping[str, Array], features: int) -> TrainingRows:
        """Rebuild what `to_file` gave, for rows of so many features. Raises FileFormatError."""
        document = _Document.model_validate(plain)
        mean = arrays.get(FEATURES)
        if mean is not None and (
            mean.shape != (features,) or mean.dtype != np.float32 or not np.isfinite(mean).all()
        ):
            raise FileFormatError("the baseline row", needed=f"{features} numbers")
        hashes = {}
        for split in (Seen.TRAINING, Seen.VALIDATION, Seen.TEST):
            known = arrays.get(f"{PREFIX}{split}")
            if known is None:
                continue
            if known.ndim != 1 or known.dtype != HASH or (np.diff(known.astype("int64")) < 0).any():
                raise FileFormatError(f"the {split} rows", needed="sorted hashes")
            hashes[split.value] = known
        return cls(BaselineRow(document.rows, document.cells, mean), hashes)


def known_rows(splits: Mapping[str, Array]) -> dict[str, NDArray[np.uint32]]:
    """Return sorted hashes by split of encoded rows, (rows, features) each; of too many none."""
    if sum(map(len, splits.values())) > MOST_HASHED:
        return {}
    return {split: np.unique(hashes_of(rows)) for split, rows in splits.items() if len(rows)}


def hashes_of(features: Array) -> NDArray[np.uint32]:
    """Return a hash of each row, (rows,), of encoded rows, (rows, features)."""
    # Adding 0 makes −0 and 0 the same, as they are to a network.
    digests: list[bytes] = []
    for piece in pieces_of(features):
        rows = np.ascontiguousarray(piece, "<f4") + np.float32(0)
        digests += [hashlib.blake2b(row.tobytes(), digest_size=4).digest() for row in rows]
    return np.frombuffer(b"".join(digests), "<u4").astype(HASH)
