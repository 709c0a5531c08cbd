"""Estimators on recorded sequences: arrays, and lists of sequences of different lengths."""

from __future__ import annotations

import numpy as np
import pytest

import misstep as ms


def test_a_list_of_sequences_of_different_lengths() -> None:
    random = np.random.default_rng(0)
    answers = np.arange(24) % 2
    rows = [random.normal(size=(4 + i % 3, 2)) + answers[i] for i in range(24)]
    fitted = ms.Classifier(epochs=1, threads=1).fit(rows, answers)
    whole = np.full((2, 6, 2), np.nan)
    for place in range(2):
        whole[place, : len(rows[place])] = rows[place]
    assert (fitted.predict_proba(rows[:2]) == fitted.predict_proba(whole)).all()


def test_sequences_that_do_not_fit_together_are_refused() -> None:
    rows = [np.zeros((4, 2)), np.zeros((3, 1))]
    with pytest.raises(ms.DataError, match="2 channels, as in sequence 1, but got 1"):
        ms.Classifier(epochs=1).fit(rows, [0, 1])


def test_sequences_without_a_number_are_refused() -> None:
    with pytest.raises(ms.DataError, match="numbers in the sequences"):
        ms.Classifier(epochs=1).fit(np.full((8, 3, 2), np.nan), np.arange(8) % 2)
