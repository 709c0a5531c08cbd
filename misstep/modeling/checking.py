"""Checking data and a network before any training: the walk to where training would begin.

What preparation has seen of the data stands in the record that training would begin with, and the
doctor examines it; nothing is learned.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from misstep.data import Dataset, read_source, read_table
from misstep.doctor import Diagnosis, examine_start
from misstep.ir.float_errors import with_own_float_errors
from misstep.modeling.before_training import untrained
from misstep.modeling.modalities import Modality
from misstep.modeling.options import make_options
from misstep.modeling.pipeline import recognize
from misstep.modeling.row_check import RowCheck
from misstep.record import Record

__all__ = ["Check", "check", "check_data"]


@dataclass(frozen=True)
class Check:
    """What came of a check.

    `diagnosis`: without what only training can show, which is among what was not examined.
    `notes`: what was noticed of the data on the way. `record`: what was examined.
    """

    diagnosis: Diagnosis
    notes: Sequence[str]
    record: Record

    def with_rows(self, rows: RowCheck) -> Check:
        """Return the check with what was found of single rows."""
        rows.add_to(self.record)
        seconds = self.diagnosis.seconds + rows.seconds
        return replace(self, diagnosis=replace(examine_start(self.record), seconds=seconds))


@with_own_float_errors
def check(
    data: Any, target: str | None = None, *, network: Any = None, **options: Any
) -> Diagnosis:
    """Return what is wrong with data and network before anything is trained; print it to read it.

    `data`: what `misstep train` reads (a path, or the name of an example), a frame, or a mapping
    from names of columns to columns. `target`: the column to predict. `network`, `options`: as in
    `ms.modeling.Options`, such as batch_size. Raises MisstepError for what can't be learned from.

    >>> import misstep as ms
    >>> diagnosis = ms.check("iris")
    >>> diagnosis.is_critical
    False
    """
    asked = make_options(target=target, network=network, **options)
    if isinstance(data, str | os.PathLike):
        read: Dataset = read_source(data)
    else:
        read = data if isinstance(data, Dataset) else read_table(data)
    return check_data(recognize(read, asked)).diagnosis


def check_data(modality: Modality) -> Check:
    """Return what is wrong with data that were recognized, and what would be trained on them.

    Raises DataError or ArgumentError.
    """
    began = time.perf_counter()
    setup = untrained(modality)
    record = setup.trainer.start_record(
        setup.x, setup.y, validation=setup.validation, sample_weight=setup.weights
    )
    diagnosis = replace(examine_start(record), seconds=time.perf_counter() - began)
    said = {str(one.facts["words"]) for one in diagnosis.findings if "words" in one.facts}
    notes = [note for note in modality.notes if not any(words in note for words in said)]
    return Check(diagnosis, notes, record)
