"""Metrics beside those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, roc_auc_score

from misstep.modeling import class_scores


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=2, max_size=60))
def test_scores_of_two_classes_are_those_of_scikit_learn(rows: list[tuple[bool, int]]) -> None:
    truth = np.array([second for second, _ in rows]).astype(int)
    shares = np.array([eighths / 8 for _, eighths in rows])
    scores = class_scores(np.column_stack([1 - shares, shares]), truth)
    said = shares > 0.5
    if truth.any() or said.any():
        assert scores["f1"] == pytest.approx(f1_score(truth, said, zero_division=0.0))
    else:
        assert "f1" not in scores
    if 0 < truth.sum() < len(truth):
        assert scores["auc"] == pytest.approx(roc_auc_score(truth, shares))
    else:
        assert "auc" not in scores
