"""What is under a mask is not known, in every argument that takes an array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.data import read_table
from misstep.errors import DataError
from misstep.ir.masks import known_values

CHANCE = np.random.default_rng(0)
X = CHANCE.normal(size=(40, 3))
Y = np.where(X[:, 0] > 0, "a", "b")
HIDDEN = np.zeros(X.shape, bool)
HIDDEN[3, 1] = True
MASKED = np.ma.masked_array(np.where(HIDDEN, -9999, X), HIDDEN)
ROW = np.ma.masked_array(np.ones(40), HIDDEN[:, 1])


def test_masked_cells_of_tables_are_missing() -> None:
    words = np.ma.masked_array(["x", "y", "z"], [0, 0, 1])
    numbers = np.ma.masked_array([1, -9999, 3], [0, 1, 0])
    frame = read_table({"n": numbers, "w": words}).frame
    assert frame["n"].isna().tolist() == [False, True, False]
    assert frame["w"].isna().tolist() == [False, False, True]
    assert np.isnan(known_values(MASKED, "X")[3, 1])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((MASKED, Y), "row 4, column 2.*nan"),
        ((X, np.ma.masked_array(Y, HIDDEN[:, 1])), "y: .*1 masked, the first in row 4"),
        ((X, Y, ROW), "sample_weight.*row 4"),
        ((np.ma.masked_array(np.ones((40, 8, 8), "uint8"), mask=True), Y), "X.*masked"),
    ],
)
def test_estimators_refuse_what_is_masked(arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises(DataError, match=words):
        ms.Classifier(epochs=1).fit(*arguments)


def test_networks_refuse_what_is_masked() -> None:
    network = ms.Network(ms.Dense(1), (3,))
    with pytest.raises(DataError, match="1 masked, the first in row 4"):
        network.predict(MASKED)
