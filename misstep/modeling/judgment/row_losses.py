"""The loss of each row, by the very loss that was learned by, from what the model says of it.

Of probabilities the raw outputs are their logarithms, but for a number that softmax does not see;
so nothing has to be run again. Knows outputs and answers.
"""

from __future__ import annotations

import numpy as np

from misstep.data import Rows
from misstep.ir import Array, Graph, Interpreter, make_literal
from misstep.modeling.examples import rows_for
from misstep.modeling.model import TrainedModel
from misstep.nn.losses import BinaryCrossEntropy, CrossEntropy, Loss

__all__ = ["LEAST_PROBABILITY", "row_losses"]

# Probabilities are computed in float32, whose steps below 1 are 6e-8: what is less counts as this.
LEAST_PROBABILITY = 1e-7


def row_losses(model: TrainedModel, x: Array, outputs: Array, answers: Array) -> Array:
    """Return the loss of each row, (rows,), float64, without weights of rows or classes.

    x: (rows, features); outputs: as `outputs_of` gives them; answers: encoded, (rows,).
    """
    loss = model.loss
    _, y, _ = rows_for(loss, Rows(x, np.asarray(answers)))
    raw = _raw(loss, np.asarray(outputs, np.float64))
    if raw is None:
        return model.network.inference().row_losses(x, y, loss)
    if not len(raw):
        return np.zeros(0)
    target = make_literal(y if y.dtype.kind == "i" else y.astype("float64"), _dtype(y))
    value = loss.per_row(make_literal(raw, "float64"), target)
    return np.asarray(Interpreter(Graph({"losses": value})).run()["losses"], np.float64)


def _dtype(y: Array) -> str:
    return "int64" if y.dtype.kind == "i" else "float64"


def _raw(loss: Loss, outputs: Array) -> Array | None:
    """Return raw outputs that mean these ones, or None where that can't be told."""
    if type(loss).predict is Loss.predict:
        return outputs
    logarithms = np.log(np.clip(outputs, LEAST_PROBABILITY, None))
    if isinstance(loss, BinaryCrossEntropy) and outputs.shape[1] == 2:
        return np.asarray(logarithms[:, 1:] - logarithms[:, :1])
    return logarithms if isinstance(loss, CrossEntropy) else None
