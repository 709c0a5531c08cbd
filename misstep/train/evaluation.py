"""Judging a network on rows, in chunks, so that memory stays small however many rows there are."""

from __future__ import annotations

import numpy as np

from misstep.ir import Array, one_blas_thread
from misstep.nn.network import CHUNK
from misstep.train.programs import Programs


def evaluate_rows(
    programs: Programs, parameters: Array, x: Array, y: Array, weights: Array | None = None
) -> tuple[dict[str, float], Array]:
    """Return loss and score by name, and the predictions, for rows `x` with targets `y`.

    x: (rows, …); y: (rows, …); weights: (rows,) or None. Loss and score are means over the rows,
    weighted if they have weights or their classes do.
    """
    losses, predictions, shares = [], [], []
    with one_blas_thread():
        for start in range(0, len(x), CHUNK):
            part = x[start : start + CHUNK]
            feeds: dict[str, object] = {
                "parameters": parameters,
                "x": part,
                "y": y[start : start + CHUNK],
            }
            out = programs.evaluate(len(part)).run(feeds)
            losses.append(out["losses"])
            predictions.append(out["prediction"])
            if "class_weights" in out:
                shares.append(out["class_weights"])
    each = np.concatenate(losses).astype("float64")
    predicted = np.concatenate(predictions)
    balance = None if weights is None else weights.astype("float64")
    if shares:
        by_class = np.concatenate(shares).astype("float64")
        loss_weights = by_class if balance is None else by_class * balance
    else:
        loss_weights = balance
    found = {"loss": _mean(each, loss_weights)}
    usable = balance if balance is not None and balance.sum() > 0 else None
    found[programs.loss.score_name] = programs.loss.score(predicted, y, usable)
    return found, predicted


def predict_rows(programs: Programs, parameters: Array, x: Array) -> Array:
    """Return the predictions for rows `x`: probabilities for classes, else the outputs."""
    with one_blas_thread():
        parts = []
        for start in range(0, len(x), CHUNK):
            part = x[start : start + CHUNK]
            feeds: dict[str, object] = {"parameters": parameters, "x": part}
            parts.append(programs.predict(len(part)).run(feeds)["prediction"])
    return (
        np.concatenate(parts)
        if parts
        else programs.predict(0).run({"parameters": parameters, "x": x})["prediction"]
    )


def _mean(numbers: Array, weights: Array | None) -> float:
    if weights is None:
        return float(numbers.mean())
    whole = weights.sum()
    return float((numbers * weights).sum() / whole) if whole else 0.0
