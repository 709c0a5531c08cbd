"""`Scores`: predictions beside answers, and what they come to. Knows arrays and tasks."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from misstep.record import LossDescription, Task
from misstep.watching.arrays import Array, as_array

Measures = dict[tuple[str, str], float]

# Classes whose recall is written, at most.
MOST_CLASSES = 100


class Scores:
    """Collects batches. `is_new`: whether there are none yet."""

    def __init__(self) -> None:
        self._kept: deque[tuple[Any, Any, int]] = deque()
        self._rows_kept = 0
        self._batches: list[tuple[Array, Array]] = []
        self._loss = self._rows = 0.0

    @property
    def is_new(self) -> bool:
        """Return whether nothing was collected."""
        return not self._batches

    def keep(self, predictions: Any, targets: Any, most: int) -> None:
        """Keep the last `most` rows or more, as tensors: nobody may ever ask for them."""
        rows = predictions.size(0) if predictions.ndim else 1
        kept = self._kept
        if rows >= most and len(kept) == 1:
            kept[0], self._rows_kept = (predictions, targets, rows), rows
            return
        kept.append((predictions, targets, rows))
        self._rows_kept += rows
        while self._rows_kept - kept[0][2] >= most:
            self._rows_kept -= kept.popleft()[2]

    def judge(self, predictions: Array, targets: Array, loss: float | None) -> None:
        """Take in a batch, predictions (rows, …) and targets (rows, …), with its mean loss."""
        self._batches.append((predictions, targets))
        if loss is not None:
            self._loss += loss * len(predictions)
            self._rows += len(predictions)

    def result(self, loss: LossDescription | None) -> dict[str, float]:
        """Return loss and score of the batches judged, by the names of an epoch's signals."""
        values: dict[str, float] = {}
        if self._rows:
            summed = loss is not None and loss.reduction == "sum"
            values["validation_loss"] = self._loss / self._rows
            if summed:
                values["validation_loss"] = self._loss
        if loss is not None and self._batches:
            predictions, targets = _joined(self._batches)
            score = _score(predictions, targets, loss)
            if score is not None:
                values[f"validation_{score[0]}"] = score[1]
        return values

    def recall(self, loss: LossDescription | None) -> Measures:
        """Return the share of each class that was recognized among the batches judged."""
        if loss is None or loss.task is Task.NUMBERS or not self._batches:
            return {}
        predictions, targets = _joined(self._batches)
        chosen, right = _classes(predictions, targets, loss)
        if chosen is None or right is None or chosen.shape != right.shape:
            return {}
        classes = np.unique(right)
        if len(classes) > MOST_CLASSES:
            return {}
        return {
            ("validation_recall", str(int(each))): float((chosen[right == each] == each).mean())
            for each in classes
        }

    def measures(self, loss: LossDescription | None) -> Measures:
        """Return range and score of the predictions kept."""
        if not self._kept:
            return {}
        predictions, targets = _joined(
            [(as_array(one), as_array(other)) for one, other, _ in self._kept]
        )
        if not predictions.size or not np.isfinite(predictions).all():
            return {}
        wide = predictions.reshape(len(predictions), -1).astype("float64")
        if loss is not None and loss.task is not Task.NUMBERS:
            wide = _probabilities(wide, loss)
        found: Measures = {
            ("output_smallest", ""): float(wide.min()),
            ("output_largest", ""): float(wide.max()),
            ("output_deviation", ""): float(wide.std(axis=0).mean()),
        }
        score = None if loss is None else _score(predictions, targets, loss)
        if score is not None:
            found[f"probe_{score[0]}", ""] = score[1]
        return found


def _joined(pairs: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    shape = pairs[0][0].shape[1:]
    same = [pair for pair in pairs if pair[0].shape[1:] == shape]
    return np.concatenate([one for one, _ in same]), np.concatenate([one for _, one in same])


def _probabilities(raw: Array, loss: LossDescription) -> Array:
    """Return what people call the prediction: probabilities, for raw outputs of classes."""
    if loss.takes != "logits":
        return raw
    if loss.task is Task.BINARY:
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(raw, -700, 700))))
    shifted = np.exp(raw - raw.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def _classes(
    predictions: Array, targets: Array, loss: LossDescription
) -> tuple[Array | None, Array | None]:
    """Return the class of each row as predicted and as it is, where rows have one each."""
    if loss.task is Task.CLASSES:
        if predictions.ndim != 2:
            return None, None
        if targets.ndim == 2 and targets.shape == predictions.shape:
            targets = targets.argmax(axis=1)
        return predictions.argmax(axis=1), targets.reshape(len(targets), -1)[:, 0].astype("int64")
    limit = 0.0 if loss.takes == "logits" else 0.5
    chosen = (predictions.reshape(len(predictions), -1) > limit).astype("int64")
    right = (targets.reshape(len(targets), -1) > 0.5).astype("int64")
    if chosen.shape != right.shape or chosen.shape[1] != 1:
        return None, None
    return chosen[:, 0], right[:, 0]


def _score(predictions: Array, targets: Array, loss: LossDescription) -> tuple[str, float] | None:
    """Return the name of the score, accuracy or rmse, and the score; None where there is none."""
    if loss.task is Task.NUMBERS:
        if predictions.shape != targets.shape:
            return None
        error = predictions.astype("float64") - targets
        return "rmse", float(np.sqrt((error**2).mean()))
    chosen, right = _classes(predictions, targets, loss)
    if chosen is None or right is None or chosen.shape != right.shape:
        return None
    return "accuracy", float((chosen == right).mean())
