"""Reading, splitting and preprocessing; knows arrays, not models.

A folder for each modality (`table/`, `image/`, `text/`, `sequence/`, `series/`), `io/` for files,
and here what they share. Start at `dataset.py`; then `table/table.py` reads a table,
`table/column_types.py` says what each column is, `table/preprocessor.py` turns rows into numbers,
`targets.py` does the same for the answers and `splitting.py` sets rows aside. pandas and
scikit-learn are imported inside functions only, so that importing this room stays quick.
"""

from __future__ import annotations

from misstep.data.dataset import Dataset
from misstep.data.decision import Decision
from misstep.data.image.class_folders import read_image_files, with_test_folder
from misstep.data.image.flip_invariance import FlipInvariance, flip_invariance_of
from misstep.data.image.idx_folders import is_idx_folder
from misstep.data.image.image_scaling import ImageScaling
from misstep.data.image.images import Images, pixels_of
from misstep.data.image.patch_features import shrunk
from misstep.data.inputs import Inputs, Sweep
from misstep.data.io.examples import EXAMPLES, Example, read_example
from misstep.data.io.idx import read_idx
from misstep.data.io.readers import Reader, read_images, read_rows, read_source, unknown_source
from misstep.data.joint_target import JointTarget
from misstep.data.logarithm import Logarithm
from misstep.data.preprocessing import Preprocessing, preprocessing_from_json
from misstep.data.row_parts import BaselineRow, Part, RowParts
from misstep.data.rows import Rows
from misstep.data.sequence.long_tables import (
    LongForm,
    long_form_of,
    looks_long,
    sequences_from_table,
)
from misstep.data.sequence.sequence_scaling import SequenceScaling
from misstep.data.sequence.sequences import Sequences, holds_sequences, sequences_from_arrays
from misstep.data.series.long_seasons import find_long_season
from misstep.data.series.seasons import find_season
from misstep.data.series.series import (
    Series,
    SeriesPlan,
    only_rows,
    plan_series,
    read_series,
    series_hint,
    series_reason,
)
from misstep.data.series.series_parts import WindowParts
from misstep.data.series.windows import SeriesWindows, thinned
from misstep.data.splitting import Split, drawn_rows, judged_on_fair_rows, split_rows
from misstep.data.table.column_types import Column, ColumnType, recognize_columns
from misstep.data.table.matrix import Matrix, MatrixScaling
from misstep.data.table.preprocessor import Preprocessor, TextSlice
from misstep.data.table.table import Table, read_table
from misstep.data.target_recognition import recognize_target
from misstep.data.targets import Target, TaskType
from misstep.data.text.text_files import is_text_folder, read_lines, read_text_folder
from misstep.data.text.texts_of_rows import TextsOfRows
from misstep.data.text.word_vectors import WordVectors, read_vectors

__all__ = [
    "EXAMPLES",
    "BaselineRow",
    "Column",
    "ColumnType",
    "Dataset",
    "Decision",
    "Example",
    "FlipInvariance",
    "ImageScaling",
    "Images",
    "Inputs",
    "JointTarget",
    "Logarithm",
    "LongForm",
    "Matrix",
    "MatrixScaling",
    "Part",
    "Preprocessing",
    "Preprocessor",
    "Reader",
    "RowParts",
    "Rows",
    "SequenceScaling",
    "Sequences",
    "Series",
    "SeriesPlan",
    "SeriesWindows",
    "Split",
    "Sweep",
    "Table",
    "Target",
    "TaskType",
    "TextSlice",
    "TextsOfRows",
    "WindowParts",
    "WordVectors",
    "drawn_rows",
    "find_long_season",
    "find_season",
    "flip_invariance_of",
    "holds_sequences",
    "is_idx_folder",
    "is_text_folder",
    "judged_on_fair_rows",
    "long_form_of",
    "looks_long",
    "only_rows",
    "pixels_of",
    "plan_series",
    "preprocessing_from_json",
    "read_example",
    "read_idx",
    "read_image_files",
    "read_images",
    "read_lines",
    "read_rows",
    "read_series",
    "read_source",
    "read_table",
    "read_text_folder",
    "read_vectors",
    "recognize_columns",
    "recognize_target",
    "sequences_from_arrays",
    "sequences_from_table",
    "series_hint",
    "series_reason",
    "shrunk",
    "split_rows",
    "thinned",
    "unknown_source",
    "with_test_folder",
]
