"""Reading, splitting and preprocessing; knows arrays, not models.

Start at `tables.read_table`; then `columns.recognize_columns` says what each column is,
`preprocessing.Preprocessor` turns rows into numbers, `targets.recognize_target` does the same for
the answers and `splitting.split_rows` sets rows aside. pandas and scikit-learn are imported inside
functions only, so that importing this room stays quick.
"""

from __future__ import annotations

from misstep.data.columns import Column, ColumnKind, recognize_columns
from misstep.data.examples import EXAMPLES, Example, read_example
from misstep.data.idx import is_idx_folder, read_idx
from misstep.data.kinds import Given, Preprocessing
from misstep.data.long_tables import LongForm, long_form_of, looks_long, sequences_from_table
from misstep.data.picture_folders import read_picture_files, with_test_folder
from misstep.data.picture_scaling import PictureScaling
from misstep.data.picture_sources import is_picture_source, read_pictures
from misstep.data.pictures import Pictures, pixels_of
from misstep.data.preprocessing import Preprocessor, TextPlace, preprocessing_from_json
from misstep.data.scaling import MatrixScaling
from misstep.data.sequence_scaling import SequenceScaling
from misstep.data.sequences import Sequences, holds_sequences, sequences_from_arrays
from misstep.data.series import (
    Series,
    SeriesPlan,
    only_rows,
    plan_series,
    read_series,
    series_because,
    series_hint,
)
from misstep.data.splitting import Split, drawn_rows, split_rows, split_rows_in_time
from misstep.data.tables import Table, read_table
from misstep.data.targets import Target, recognize_target
from misstep.data.text_files import is_text_folder, read_lines, read_text_folder
from misstep.data.vectors import WordVectors, read_vectors
from misstep.data.windows import SeriesWindows

__all__ = [
    "EXAMPLES",
    "Column",
    "ColumnKind",
    "Example",
    "Given",
    "LongForm",
    "MatrixScaling",
    "PictureScaling",
    "Pictures",
    "Preprocessing",
    "Preprocessor",
    "SequenceScaling",
    "Sequences",
    "Series",
    "SeriesPlan",
    "SeriesWindows",
    "Split",
    "Table",
    "Target",
    "TextPlace",
    "WordVectors",
    "drawn_rows",
    "holds_sequences",
    "is_idx_folder",
    "is_picture_source",
    "is_text_folder",
    "long_form_of",
    "looks_long",
    "only_rows",
    "pixels_of",
    "plan_series",
    "preprocessing_from_json",
    "read_example",
    "read_idx",
    "read_lines",
    "read_picture_files",
    "read_pictures",
    "read_series",
    "read_table",
    "read_text_folder",
    "read_vectors",
    "recognize_columns",
    "recognize_target",
    "sequences_from_arrays",
    "sequences_from_table",
    "series_because",
    "series_hint",
    "split_rows",
    "split_rows_in_time",
    "with_test_folder",
]
