"""A saved model beside rows with answers: what training gives at its end, without the training.

Knows a model and data of any kind that it can take.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from misstep.errors import ArgumentError, DataError
from misstep.modeling.held_out import HeldOut
from misstep.modeling.model import Model, TrainedModel
from misstep.modeling.single_row import rows_to_explain
from misstep.modeling.training_rows import Seen

__all__ = ["judged"]


def judged(model: TrainedModel, data: Any) -> HeldOut:
    """Return the rows of `data` that have an answer, beside what the model says of them.

    data: a path, a table, a frame or whatever else the model predicts for, with answers in it.
    How many of the rows were learned from is in `learned`; what was noticed is in `model.notes`.
    Raises DataError where there are no answers or the rows can't be read, StorageError,
    ArgumentError for a forecast, whose rows are windows.

    >>> import misstep as ms
    >>> from misstep.data import read_table
    >>> table = read_table({"a": [0.0, 1.0, 2.0, 3.0] * 10, "b": [1.0, 3.0, 5.0, 7.0] * 10})
    >>> model = ms.modeling.train(table, ms.modeling.Options(target="b", epochs=1)).model
    >>> found = judged(model, {"a": [1.0, 2.0], "b": [3.0, 5.0]})
    >>> len(found), found.outputs.shape, found.names
    (2, (2, 1), ['row 1', 'row 2'])
    """
    if not isinstance(model, Model):
        raise ArgumentError(
            "the model",
            needed="one of rows with an answer each",
            got=f"{model.purpose} of a series",
            try_="model.back_test(series), which compares its forecasts with what came",
        )
    rows, source = rows_to_explain(model, data)
    notes = []
    model.notes = []
    truth = model.truth(rows)
    notes += model.notes
    if truth is None:
        raise DataError(
            source,
            needed=f"answers, in a column {model.target.name!r}",
            got="none",
            try_="; ".join(notes) or "rows that have them",
        )
    present, answers = truth
    kept = np.flatnonzero(present)
    some = rows if len(kept) == len(rows) else rows.take(kept)
    x = model.encode(some)
    notes += model.notes
    learned = 0
    if model.training_rows is not None:
        seen = model.training_rows.each_seen(x)
        learned = sum(each is Seen.TRAINING for each in seen)
    model.notes = notes
    head, called = rows.row_names()
    names = [
        str(called[at]) if head == "file" else f"{rows.sample_name} {at + 1}"
        for at in kept.tolist()
    ]
    return HeldOut("data", some, x, answers, model.outputs_of(x), names, learned)
