"""What a prediction is worth: accuracy, F1 and area under the curve, or RMSE, R² and MAE.

Knows predictions and answers as arrays, not where they came from.
"""

from __future__ import annotations

import numpy as np

from misstep.ir import Array

Scores = dict[str, float]


def class_scores(probabilities: Array, truth: Array, rare: int = 1) -> Scores:
    """Return the accuracy and, for two classes, F1 of one class and the area under the ROC curve.

    probabilities: (rows, classes); truth: class numbers, (rows,). `rare`: the class that F1 is
    about. The area is left out where only one class is there.
    """
    from sklearn.metrics import f1_score, roc_auc_score

    chosen = probabilities.argmax(axis=1)
    scores = {"accuracy": float((chosen == truth).mean())}
    if probabilities.shape[1] != 2:
        return scores
    scores["f1"] = float(f1_score(truth == rare, chosen == rare, zero_division=0.0))
    if 0 < np.count_nonzero(truth) < len(truth):
        scores["auc"] = float(roc_auc_score(truth == 1, probabilities[:, 1]))
    return scores


def number_scores(predicted: Array, wanted: Array) -> Scores:
    """Return RMSE, R² and the mean absolute error of predictions, both (rows,) or (rows, steps)."""
    wanted = np.asarray(wanted, "float64")
    error = np.asarray(predicted, "float64") - wanted
    around = float(((wanted - wanted.mean()) ** 2).sum())
    r2 = 1 - float((error**2).sum()) / around if around else 0.0
    rmse, mae = float(np.sqrt((error**2).mean())), float(np.abs(error).mean())
    return {"rmse": rmse, "r2": r2, "mae": mae}


_SAID = {
    "accuracy": "accuracy {:.2%}",
    "f1": "F1 {:.3f}",
    "auc": "area under the curve {:.3f}",
    "rmse": "RMSE {:,.5g}",
    "r2": "R² {:.3f}",
    "mae": "MAE {:,.5g}",
}


def score_words(scores: Scores) -> str:
    """Return scores as people write them: accuracy 97.2 %, RMSE 51,000, R² 0.81."""
    # In the order people say them, whichever order a file has kept.
    ordered = sorted(scores, key=lambda name: [*_SAID, name].index(name))
    return " · ".join(_SAID.get(name, name + " {:.4g}").format(scores[name]) for name in ordered)
