"""The walk from data to a model up to where training begins: what would be trained, on which rows.

For whoever wants to try something before a training, or once more after one.
"""

from __future__ import annotations

import os

from misstep.data import Dataset, read_source
from misstep.modeling.modalities import Modality, Setup
from misstep.modeling.options import Options
from misstep.modeling.pipeline import recognize


def untrained(
    data: Dataset | str | os.PathLike[str] | Modality, options: Options | None = None
) -> Setup:
    """Return what training on `data` with these options would begin with.

    `data`: as for `train`, or already recognized. The trainer has the first weights, the rows are
    those that it would learn from: with the same data and options the same, bit for bit. Raises
    StorageError, FileFormatError, DataError or ArgumentError.
    """
    if isinstance(data, Modality):
        modality = data
    else:
        dataset = data if isinstance(data, Dataset) else read_source(data)
        modality = recognize(dataset, options or Options())
    prepared = modality.prepare(modality.split())
    return modality.setup(prepared, modality.plan(prepared))
