"""What people give to an estimator: arrays, frames and answers, checked as scikit-learn has it.

Frames become tables, whose columns may hold anything; arrays must be numbers without gaps. What
scikit-learn finds wrong is said in its words inside ours. Knows no training.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import narwhals
import numpy as np
from scipy.sparse import issparse
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d, validate_data

from misstep.data import (
    Dataset,
    ImageScaling,
    Matrix,
    Preprocessor,
    Sequences,
    SequenceScaling,
    Table,
    Target,
    TaskType,
    holds_sequences,
    read_table,
)
from misstep.data.table.cell_values import sound_text
from misstep.data.table.table import read_columns
from misstep.data.text.text_files import TEXT
from misstep.errors import ArgumentError, DataError, DtypeError, MisstepError
from misstep.estimators.image_input import first_images, further_images
from misstep.ir import Array
from misstep.ir.masks import known_values, refuse_mask
from misstep.modeling import TrainedModel
from misstep.modeling.row_groups import group_numbers
from misstep.nn.row_checks import refuse_kind
from misstep.text.names import did_you_mean, missing_names

# What to try with infinite numbers, which nothing can fill, and with gaps.
FINITE = "leaving those rows out, or NaN in a frame with named columns, where gaps are filled"
GAPS = "filling gaps, or a frame with named columns, in which they are filled for you"
# Characters of somebody else's message that are passed on.
MOST_WORDS = 400


def first_features(estimator: Any, X: Any) -> Dataset:
    """Return the rows that an estimator is fitted on, and remember their columns on it.

    X: a frame (rows, columns), which becomes a table, or an array of finite numbers (rows,
    features); texts, (rows,), which become the only column of a table; images, bytes (rows,
    height, width[, channels]) or paths; or recorded sequences, an array (rows, steps, channels) or
    a list of arrays (steps, channels). Raises DataError, or DtypeError for sparse matrices and what
    is no number.
    """
    _refuse_sparse(X)
    X = _filled_up(known_values(X, "X"))
    images = first_images(estimator, X)
    if images is not None:
        return images
    texts = _texts_in(X)
    if texts is not None:
        estimator.n_features_in_ = 1
        vars(estimator).pop("feature_names_in_", None)
        return _as_table(texts, TEXT)
    if isinstance(X, np.ndarray) and X.ndim == 3 and holds_sequences({"x": X}):
        estimator.n_features_in_ = X.shape[2]
        return Sequences.of(X, name="X")
    if narwhals.dependencies.is_polars_lazyframe(X):
        return read_table(X, name="X")
    if not is_frame(X):
        return Matrix(_numbers(estimator, X, reset=True))
    with in_our_words("X", "a table with a name for each column"):
        validate_data(estimator, _names_alone(X), reset=True, skip_check_array=True)
    return read_table(X, name="X")


def further_features(estimator: Any, X: Any, model: TrainedModel) -> Dataset:
    """Return further rows in the way that the estimator was fitted on.

    Raises DataError for other columns, naming the nearest.
    """
    _refuse_sparse(X)
    X = known_values(X, "X")
    if isinstance(model.preprocessing, ImageScaling):
        return further_images(X, model.preprocessing)
    if isinstance(model.preprocessing, SequenceScaling):
        return Sequences.of(_filled_up(X), name="X")
    if not isinstance(model.preprocessing, Preprocessor):
        return Matrix(_numbers(estimator, X, reset=False))
    texts = _texts_in(X)
    if texts is not None:
        return _further_texts(texts, model.preprocessing)
    if is_frame(X):
        check_columns(estimator, X)
        frame = X
    else:
        # Without names columns are taken in their order, as scikit-learn does (and warns).
        with in_our_words("X", "rows with the columns of fit"):
            array = validate_data(estimator, X, reset=False, dtype=None, ensure_all_finite=False)
        names = [column.name for column in model.preprocessing.columns]
        frame = {name: array[:, place] for place, name in enumerate(names)}
    used = model.preprocessing.column_names
    # Columns that are not used may hold anything.
    return replace(read_columns(frame, used), name="X")


def _filled_up(X: Any) -> Any:
    """Return a list of sequences, each (steps, channels), as one array, NaN after the short ones.

    Anything else is returned as it is; images are bytes, sequences are not. Raises DataError for
    different numbers of channels.
    """
    if not isinstance(X, list | tuple) or not X:
        return X
    if any(
        not isinstance(one, np.ndarray)
        or one.ndim != 2
        or one.dtype.kind not in "fiu"
        or one.dtype == np.uint8
        for one in X
    ):
        return X
    channels = X[0].shape[1]
    for row, one in enumerate(X):
        if one.shape[1] != channels:
            raise DataError(
                f"X at sequence {row + 1}",
                needed=f"{channels} channels, as in sequence 1",
                got=f"{one.shape[1]}",
                try_="sequences of shape (steps, channels)",
            )
    whole = np.full((len(X), max(map(len, X)), channels), np.nan)
    for row, one in enumerate(X):
        whole[row, : len(one)] = one
    return whole


def _texts_in(X: Any) -> list[Any] | None:
    """Return X as a list if it is texts, (rows,), some of which may be missing; else None."""
    if narwhals.dependencies.is_into_series(X):
        values = X.tolist() if hasattr(X, "tolist") else list(X)
    elif isinstance(X, np.ndarray):
        if X.ndim != 1 or X.dtype.kind not in "OUT":
            return None
        values = X.tolist()
    elif isinstance(X, list | tuple):
        values = list(X)
    else:
        return None
    present = [value for value in values if isinstance(value, str)]
    gaps = sum(value is None or value != value for value in values if not isinstance(value, str))
    return values if present and len(present) + gaps == len(values) else None


def _further_texts(texts: list[Any], preprocessing: Preprocessor) -> Table:
    names = preprocessing.column_names
    if len(names) != 1:
        raise DataError(
            "X",
            needed=f"a frame with the columns of fit ({', '.join(names[:6])})",
            got="texts alone",
        )
    return _as_table(texts, names[0])


def _as_table(texts: list[Any], name: str) -> Table:
    """Return texts as the only column of a table, whatever they look like."""
    import pandas

    frame = pandas.DataFrame({name: pandas.Series(texts, dtype=object)})
    return Table(frame, "X", texts=(name,))


def is_frame(X: Any) -> bool:
    """Tell whether X is a frame of any library."""
    return bool(narwhals.dependencies.is_into_dataframe(X))


def _refuse_sparse(X: Any) -> None:
    if issparse(X):
        raise DtypeError(
            "X",
            needed="a dense array or a frame",
            got="a sparse one",
            try_="X.toarray(), if it fits into memory",
        )


def _numbers(estimator: Any, X: Any, *, reset: bool) -> Array:
    shape = getattr(X, "shape", None)
    if isinstance(shape, tuple) and len(shape) == 1:
        raise DataError(
            "X",
            needed="rows and columns, shape (rows, features)",
            got=f"shape {shape}",
            try_="Reshape your data: X.reshape(1, -1) for one row, X.reshape(-1, 1) for one column",
        )
    if isinstance(X, np.ndarray | list | tuple) and len(X):
        with in_our_words("X", "an array (rows, features) of numbers, or a frame"):
            first = np.asarray(X[:1])
        if first.dtype.kind in "mMV":  # scikit-learn turns these into numbers, or others refuses
            refuse_kind(first, "X")
    with in_our_words("X", "an array (rows, features) of numbers, or a frame"):
        array: Array = validate_data(
            estimator, X, reset=reset, dtype=np.float64, ensure_all_finite=False
        )
    finite = np.isfinite(array)
    if not finite.all():
        row, column = (int(place) for place in np.argwhere(~finite)[0])
        raise DataError(
            f"X at row {row + 1}, column {column + 1}",
            needed="finite numbers, neither NaN nor inf",
            got=f"{array[row, column]} ({(~finite).sum()} such numbers in all)",
            try_=FINITE if np.isinf(array).any() else GAPS,
        )
    return array


def _names_alone(X: Any) -> Any:
    """Return a frame with the columns of the frame X and no rows.

    Older scikit-learns find the names of a polars frame only up to polars 1.
    """
    import pandas

    return pandas.DataFrame(columns=pandas.Index(list(X.columns), dtype=object))


def check_columns(estimator: Any, X: Any) -> None:
    """Raise DataError unless the frame X has the columns of fit in their order."""
    try:
        validate_data(estimator, _names_alone(X), reset=False, skip_check_array=True)
    except ValueError as error:
        known = [str(name) for name in getattr(estimator, "feature_names_in_", ())]
        given = [str(name) for name in X.columns]
        absent = [name for name in known if name not in given]
        advice = "X[list(estimator.feature_names_in_)]" if known and not absent else None
        if absent:
            advice = f"the columns of fit: {missing_names(absent, given, known)}"
        raise DataError(
            "the columns of X",
            needed=f"the {estimator.n_features_in_} of fit in their order",
            got=f"others. {error}({len(given)} columns came)",
            try_=advice,
        ) from error


def answers_of(estimator: Any, y: Any, rows: int) -> Array:
    """Return the answers y, (rows,), one for each row. Raises DataError or ArgumentError."""
    if y is None:
        raise ArgumentError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None",
            try_="fit(X, y)",
        )
    y = refuse_mask(y, "y", "leaving those rows out")
    with in_our_words("y", "one answer for each row, shape (rows,)"):
        shape = getattr(y, "shape", None) or np.asarray(y).shape
    if len(shape) == 2 and shape[1] > 1:
        raise DataError(
            "y",
            needed="one answer for each row, shape (rows,)",
            got=f"shape {tuple(shape)}",
            try_="an estimator for each column, as sklearn.multioutput makes them",
        )
    with in_our_words("y", "one answer for each row, shape (rows,)"):
        column: Array = column_or_1d(y, warn=True)
    if len(column) != rows:
        raise DataError(
            "X and y", needed="as many answers as rows", got=f"{rows} rows, {len(column)} answers"
        )
    if column.dtype.kind == "V":
        raise DtypeError(
            "y", needed="one answer for each row", got=f"records of several fields ({column.dtype})"
        )
    _refuse_gaps(column)
    return column


def _refuse_gaps(column: Array) -> None:
    import pandas

    gaps = pandas.isna(column)
    if gaps.any():
        raise DataError(
            "y",
            needed="an answer for each row",
            got=f"NaN or nothing in {gaps.sum()} rows, the first at row {gaps.argmax() + 1}",
            try_="leaving those rows out",
        )
    if column.dtype.kind == "f" and np.isinf(column).any():
        row = int(np.isinf(column).argmax())
        raise DataError(
            f"y at row {row + 1}",
            needed="a finite answer",
            got=str(column[row]),
            try_="leaving that row out",
        )


def numbers_of(estimator: Any, y: Any, rows: int) -> Array:
    """Return the answers y as finite floats, (rows,). Raises DataError."""
    column = answers_of(estimator, y, rows)
    if column.dtype.kind in "mM":
        # As numbers they would be counts of whatever unit they happen to be stored in.
        raise DtypeError(
            "y",
            needed="numbers, since a Regressor predicts numbers",
            got=f"{'dates' if column.dtype.kind == 'M' else 'spans of time'} ({column.dtype})",
            try_="how many hours or days they are, for example (y - start) / pandas.Timedelta('1D')"
            if column.dtype.kind == "M"
            else "how many hours or days they are, for example y / pandas.Timedelta('1h')",
        )
    with in_our_words("y", "numbers, since a Regressor predicts numbers"):
        numbers = column.astype(np.float64)
    _refuse_gaps(numbers)
    return numbers


def labels_of(estimator: Any, y: Any, rows: int) -> Array:
    """Return the answers y as labels of classes, (rows,). Raises DataError for other things."""
    column = answers_of(estimator, y, rows)
    if column.dtype == object and len({type(label) for label in column}) == 1:
        # Numbers that came as objects; texts stay as they are.
        found = np.asarray(column.tolist())
        column = found if found.dtype.kind in "biuf" else column
        _refuse_gaps(column)
    if column.dtype.kind in "OUT":
        # é of one sign and é of two are one letter.
        column = column.copy()
        for place, label in enumerate(column.tolist()):
            if isinstance(label, str) and not label.isascii():
                column[place] = sound_text(label)
    with in_our_words("y", "labels of classes, since a Classifier predicts classes"):
        check_classification_targets(column)
        np.unique(column)
    return column


def codes_of(labels: Array, classes: Array, present: Array) -> Array:
    """Return class numbers for labels, (rows,) int64; rows that are not `present` get 0.

    Raises DataError for a label that is not among `classes`.
    """
    codes = np.zeros(len(labels), np.int64)
    places = np.searchsorted(classes, labels[present])
    places[places == len(classes)] = 0
    wrong = classes[places] != labels[present]
    if wrong.any():
        stray = _plain(labels[present][wrong][0])
        raise DataError(
            "y",
            needed=f"one of the {len(classes)} classes given at first",
            got=repr(stray),
            try_=did_you_mean(stray, classes.tolist()),
        )
    codes[present] = places
    return codes


def class_target(y: Any, classes: Array, rows: int) -> Target:
    """Return what is predicted: one of `classes`. Raises DataError for less than two of them."""
    if len(classes) < 2:
        raise DataError(
            "y", needed="at least two classes", got=f"one class, {classes[0]}, in all {rows} rows"
        )
    task = TaskType.BINARY if len(classes) == 2 else TaskType.MULTICLASS
    labels = tuple(_plain(label) for label in classes)
    try:
        reason = f"{len(classes)} distinct labels in {rows} rows"
        return Target(_name(y), task, reason, labels)
    except ValueError as error:
        raise DataError(
            "y",
            needed="labels that differ by more than blanks around them, of which at most one "
            "is a word for missing such as none",
            got=str(labels)[:200],
        ) from error


def groups_of(groups: Any, rows: int) -> Array | None:
    """Return a number for each row, the same where groups, (rows,), are, or None.

    Raises DataError for another number of them.
    """
    if groups is None:
        return None
    with in_our_words("groups", "one for each row, shape (rows,)"):
        column = np.asarray(column_or_1d(groups, warn=True))
    if len(column) != rows:
        raise DataError(
            "groups", needed=f"one for each of the {rows} rows", got=f"{len(column)} of them"
        )
    with in_our_words("groups", "names or numbers, one for each row"):
        return group_numbers(column)


def number_target(y: Any, rows: int) -> Target:
    """Return what is predicted: a number."""
    return Target(_name(y), TaskType.NUMBER, f"a Regressor predicts numbers; {rows} rows")


def _name(y: Any) -> str:
    name = getattr(y, "name", None)
    return name if isinstance(name, str) and name else "y"


def _plain(label: Any) -> Any:
    """Return a label as a file can hold it; 3.0 is class 3."""
    plain = label.item() if isinstance(label, np.generic) else label
    if isinstance(plain, float) and plain.is_integer():
        return int(plain)
    return plain if isinstance(plain, bool | int | float | str) else str(plain)


@contextmanager
def in_our_words(which: str, needed: str) -> Iterator[None]:
    """Raise what scikit-learn or NumPy find wrong as errors of this library."""
    try:
        yield
    except MisstepError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        kind = DtypeError if isinstance(error, TypeError) else DataError
        words = str(error).strip().rstrip(".")
        if len(words) > MOST_WORDS:
            # NumPy prints whole arrays in the middle of a sentence.
            words = f"{words[: MOST_WORDS // 2]} … {words[-MOST_WORDS // 2 :]}"
        raise kind(which, needed=needed, got=f"something else. {words}") from error
