"""Hyperparameters: what a plan leaves open can be asked for by name, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

import misstep as ms
from misstep.errors import ArgumentError
from misstep.modeling.hyperparameters import Choice, Domain, Hyperparameter, Integers, Reals


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


def test_a_text_is_read_as_the_domain_writes_it(rows: tuple[np.ndarray, np.ndarray]) -> None:
    def read(domain: Domain, text: str, default: object = None) -> object:
        return Hyperparameter.chosen("it", domain, default, text).value

    assert read(Reals(0.0, 1.0), "3e-1") == 0.3
    assert read(Integers(2, 8), "12") == 12
    flags = Choice((True, None, 3, "relu"))
    assert [read(flags, text) for text in ("true", "None", "3", "ReLU")] == [True, None, 3, "relu"]
    assert read(Integers(2, 8), "none") is None
    for domain, text in ((Reals(0.0, 1.0), "nan"), (Integers(2, 8), "2.5"), (flags, "4")):
        with pytest.raises(ArgumentError, match="the hyperparameter it"):
            read(domain, text, 0)
    fitted = ms.Regressor(epochs=1, hyperparameters={"dropout": "0.37"}).fit(*rows)
    assert "drop0.37" in str([each.choice for each in fitted.decisions_])
