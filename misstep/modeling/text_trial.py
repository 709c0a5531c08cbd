"""Whether a column of texts among other columns is worth its place: tried, not guessed.

Names and addresses look like texts and mostly tell nothing. A linear model is fitted with and
without the column, by cross-validation on training rows. Knows tables and answers, no networks.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from misstep.data import Column, ColumnType, Preprocessor, drawn_rows
from misstep.data.table.cell_values import category_words
from misstep.data.text.tokens import tokens_of
from misstep.data.text.vocabulary import known_terms, term_weights
from misstep.ir import Array, one_blas_thread
from misstep.modeling.out_of_fold import row_errors

if TYPE_CHECKING:
    import pandas

# So that it takes a second or two; enough to tell a gain that matters.
MOST_ROWS = 3_000
# The error must fall by this share, and by two standard errors, to repay a larger network: names
# drawn by chance pass one standard error in one of six tables.
LEAST_GAIN, STANDARD_ERRORS = 0.01, 2.0


def with_tried_texts(
    columns: Sequence[Column], train: pandas.DataFrame, answers: Array, without: Container[str] = ()
) -> list[Column]:
    """Return the columns, texts that do not help among others left out, with the reason.

    `train`: training rows; `answers`: theirs, encoded, (rows,). `without`: columns that take
    no part, since nothing helps beside them. Where there is nothing but texts they are taken
    without a trial.
    """
    others = [
        column
        for column in columns
        if column.used and column.column_type is not ColumnType.TEXT and column.name not in without
    ]
    texts = [each for each in columns if each.used and each.column_type is ColumnType.TEXT]
    if not others or not texts or len(np.unique(answers)) < 2:
        return list(columns)
    drawn = drawn_rows(len(train), MOST_ROWS)
    rows, truth = train.iloc[drawn], answers[drawn]
    plain = Preprocessor.fit(rows, others).transform(rows)
    with one_blas_thread():
        before = row_errors(plain, truth)
        return [
            _tried(column, rows, plain, truth, before) if column in texts else column
            for column in columns
        ]


def _tried(
    column: Column, rows: pandas.DataFrame, plain: Array, truth: Array, before: Array
) -> Column:
    from scipy.sparse import csr_array, hstack

    texts = [word or "" for word in category_words(rows[column.name].tolist())]
    terms, counts = known_terms(texts, tokens_of)
    gain, certain = 0.0, 0.0
    if terms:
        weights = term_weights(counts, None, np.ones(len(texts)))
        vectors = csr_array(counts).multiply(weights).tocsr()
        lengths = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
        vectors = vectors.multiply((1 / np.maximum(lengths, 1e-9))[:, np.newaxis])
        after = row_errors(hstack([csr_array(plain), vectors]).tocsr(), truth)
        saved = before - after
        gain = float(saved.mean() / max(before.mean(), 1e-12))
        certain = float(saved.mean() / max(saved.std() / np.sqrt(len(saved)), 1e-12))
    if gain >= LEAST_GAIN and certain >= STANDARD_ERRORS:
        reason = f"{column.reason}; with its words the error of a linear model falls by {gain:.0%}"
        return replace(column, reason=f"{reason}, by cross-validation")
    reason = (
        f"{column.reason}, but its words do not help a linear model on the other columns, by "
        "cross-validation"
    )
    return replace(column, reason=reason, left_out=True)
