"""Hyperparameters: what a plan leaves open can be asked for by name, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

import misstep as ms
from misstep.errors import ArgumentError
from misstep.modeling.hyperparameters import Choice, Integers, Reals


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).normal(size=(300, 3))
    return x, x[:, 0] + x[:, 1] ** 2


def test_what_is_asked_for_is_planned(rows: tuple[np.ndarray, np.ndarray]) -> None:
    fitted = ms.Regressor(epochs=1, hyperparameters={"dropout": 0.37}).fit(*rows)
    assert "drop0.37" in str([each.choice for each in fitted.decisions_])


@pytest.mark.parametrize(
    ("asked", "words"),
    [({"dropot": 0.1}, "'dropout', the nearest name"), ({"dropout": "much"}, "a number")],
)
def test_what_it_can_not_be_is_refused(
    rows: tuple[np.ndarray, np.ndarray], asked: dict[str, object], words: str
) -> None:
    with pytest.raises(ArgumentError, match=words):
        ms.Regressor(epochs=1, hyperparameters=asked).fit(*rows)


def test_domains_tell_what_they_take() -> None:
    assert Reals(0.1, 0.5).takes(0.7)
    assert not Reals(0.1, 0.5).takes(-0.1)
    assert not Reals(0.1, 0.5).takes(float("nan"))
    assert Integers(2, 8).takes(np.int64(3))
    assert not Integers(2, 8).takes(2.5)
    assert not Integers(2, 8).takes(True)
    assert Choice((True, False)).takes(True)
    assert not Choice((True, False)).takes(1)
