"""`validation=(X, y)` of `fit`: rows that a person brings to be judged by, read as those of `fit`.

They go into no decision but when to stop: columns, scaling and classes come from the rows that are
learned from. Knows no training.
"""

from __future__ import annotations

from typing import Any

from misstep.data import Dataset, Images, Matrix, Sequences, Table
from misstep.errors import ArgumentError, DataError
from misstep.estimators.reading import check_columns, first_features, is_frame

__all__ = ["validation_features", "validation_parts"]


def validation_parts(validation: Any) -> tuple[Any, Any, Any]:
    """Return X, y and weights (None without) of what a person gave. Raises ArgumentError."""
    if not isinstance(validation, tuple | list) or len(validation) not in (2, 3):
        raise ArgumentError(
            "validation",
            needed="(X, y) or (X, y, weights)",
            got=type(validation).__name__,
            try_="validation=(X_val, y_val)",
        )
    return validation[0], validation[1], validation[2] if len(validation) == 3 else None


def validation_features(estimator: Any, X: Any, first: Dataset) -> Dataset:
    """Return the rows X as `first` was read, the rows that are learned from.

    Raises DataError for another kind of rows, or other columns.
    """
    # A plain object, so that the estimator keeps what it knows of its own columns.
    apart = type(estimator)()
    found = first_features(apart, X)
    if type(found) is not type(first):
        raise DataError(
            "the X of validation",
            needed=f"rows of the kind of X ({_kind(first)})",
            got=_kind(found),
        )
    if isinstance(found, Table):
        if is_frame(X):
            check_columns(estimator, X)
        return found
    if apart.n_features_in_ != estimator.n_features_in_ and not isinstance(found, Images):
        raise DataError(
            "the X of validation",
            needed=f"{estimator.n_features_in_} features, as in X",
            got=f"{apart.n_features_in_}",
        )
    return found


def _kind(data: Dataset) -> str:
    words = {Matrix: "an array of numbers", Sequences: "sequences", Table: "a frame or texts"}
    return words.get(type(data), "images")
