"""`feature_importances_`: what each column of X says, by how much worse the model is without it.

Permutation importances are computed in `modeling/judgment/importance.py`; here they are brought
into the order of X. Knows no training.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from misstep.data import MatrixScaling, Preprocessor
from misstep.ir import Array
from misstep.modeling import Model
from misstep.modeling.held_out import HeldOut
from misstep.modeling.judgment.importance import importances_of

__all__ = ["importances_by_column"]


def importances_by_column(estimator: Any, held_out: HeldOut | None) -> Array:
    """Return the importance of each column of X on held-out rows, (n_features_in_,).

    Raises AttributeError where rows have no columns or there are no such rows.
    """
    model: Model = estimator.model_
    if not isinstance(model.preprocessing, MatrixScaling | Preprocessor):
        raise AttributeError("feature_importances_: there are none where rows have no columns")
    if held_out is None:
        raise AttributeError(
            "feature_importances_: rows that were set apart are needed, one answer each; "
            "fit with validation rows"
        )
    found = importances_of(model, held_out)[0]
    by_name = {each.name: each.loss for each in found.inputs}
    names = [f"column_{number + 1}" for number in range(estimator.n_features_in_)]
    if isinstance(model.preprocessing, Preprocessor):
        names = [str(name) for name in getattr(estimator, "feature_names_in_", ["text"])]
    return np.asarray([by_name.get(name, 0.0) for name in names])
