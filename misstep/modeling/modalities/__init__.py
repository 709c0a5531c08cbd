"""Kinds of data: one class each, which says what the walk of `pipeline.py` must know about it.

The contract is in `modality.py`, what all kinds of rows share in `rows.py`.
"""

from misstep.modeling.modalities.image import ImageModality
from misstep.modeling.modalities.modality import Evaluation, Fitted, Modality, Setup
from misstep.modeling.modalities.rows import Prepared, RowModality
from misstep.modeling.modalities.sequence import LongTableModality, SequenceModality
from misstep.modeling.modalities.series import SeriesModality
from misstep.modeling.modalities.table import MatrixModality, TableModality
from misstep.modeling.modalities.text import TextModality

__all__ = [
    "Evaluation",
    "Fitted",
    "ImageModality",
    "LongTableModality",
    "MatrixModality",
    "Modality",
    "Prepared",
    "RowModality",
    "SequenceModality",
    "SeriesModality",
    "Setup",
    "TableModality",
    "TextModality",
]
