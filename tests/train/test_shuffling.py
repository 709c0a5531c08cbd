"""Rows in the order given: each epoch takes them as they come, through every face."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import misstep as ms
from misstep.errors import ArgumentError
from misstep.ir import Array
from misstep.modeling import Options
from misstep.ops.randomness import random_bits
from misstep.train import ordering
from misstep.train.ordering import epoch_order

X = np.arange(8.0, dtype="float32")[:, np.newaxis] / 8
Y = X * 3


def by_hand(order: Array, rate: float = 0.1) -> tuple[float, float]:
    """Return weight and bias after one row after the other, from 0.5 and 0."""
    w, b = 0.5, 0.0
    for row in order:
        error = w * float(X[row, 0]) + b - float(Y[row, 0])
        w, b = w - rate * 2 * error * float(X[row, 0]), b - rate * 2 * error
    return w, b


def trained(**settings: Any) -> ms.Network:
    layer = ms.Dense(1, initializer=ms.initializers.Constant(0.5))
    trainer = ms.Trainer(
        layer, loss=ms.SquaredError(), optimizer=ms.SGD(0.1), batch_size=1, **settings
    )
    trainer.fit(X, Y, epochs=2)
    return trainer.network


def test_each_epoch_takes_the_rows_in_the_order_given() -> None:
    w, b = by_hand(np.tile(np.arange(8), 2))
    found = trained(shuffle=False)
    np.testing.assert_allclose(found.parameters, [w, b], rtol=1e-5)
    assert abs(trained().parameters[0] - w) > 1e-4


def test_fit_says_it_too_and_wrong_words_are_refused() -> None:
    layer = ms.Dense(1, initializer=ms.initializers.Constant(0.5))
    trainer = ms.Trainer(layer, loss=ms.SquaredError(), optimizer=ms.SGD(0.1), batch_size=1)
    trainer.fit(X, Y, epochs=2, shuffle=False)
    np.testing.assert_array_equal(trainer.network.parameters, trained(shuffle=False).parameters)
    with pytest.raises(ArgumentError, match="shuffle"):
        trainer.fit(X, Y, epochs=1, shuffle="no")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="shuffle"):
        ms.Trainer(layer, loss=ms.SquaredError(), shuffle=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("face", [ms.Classifier, ms.Regressor])
def test_estimators_hand_it_on(face: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from misstep.train import trainer

    orders: list[Array] = []
    before = trainer.Loop._order

    def noting(loop: Any) -> Array:
        orders.append(before(loop))
        return orders[-1]

    monkeypatch.setattr(trainer.Loop, "_order", noting)
    y = (np.arange(40) % 2 == 0) if face is ms.Classifier else np.arange(40.0)
    x = np.random.default_rng(0).normal(size=(40, 2))
    for shuffle in (True, False):
        orders.clear()
        face(network="dense3", epochs=2, shuffle=shuffle, random_state=0).fit(x, y)
        sorted_ = [bool((np.diff(order) > 0).all()) for order in orders]
        assert orders
        assert all(sorted_) is not shuffle
    with pytest.raises(ArgumentError, match="shuffle"):
        face(shuffle="no").fit(x, y)


def test_it_is_an_option_of_the_command_line() -> None:
    assert Options().shuffle is True


@given(st.integers(1, 400), st.integers(0, 2**63 - 1), st.integers(0, 2**40))
def test_an_order_is_that_of_random_words_and_then_of_rows(
    rows: int, seed: int, epoch: int
) -> None:
    words = random_bits(seed, epoch, 0xFFFFFFFF, rows)
    pairs = sorted((int(word), row) for row, word in enumerate(words))
    assert epoch_order(rows, seed, epoch).tolist() == [row for _, row in pairs]
    assert epoch_order(rows, seed, epoch).dtype == "int64"


def test_equal_words_leave_rows_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    words = np.array([7 << 16, 3, 7 << 16, 3, (7 << 16) + 3, 0], np.uint32)
    monkeypatch.setattr("misstep.train.ordering.random_bits", lambda *_: words)
    assert epoch_order(6, 0, 0).tolist() == [5, 1, 3, 0, 2, 4]


@pytest.mark.parametrize("rows", [65, 128, 1000])
def test_the_order_of_many_rows_is_that_of_sorting_all_their_words(
    monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(ordering, "_TOGETHER", 64)
    words = random_bits(3, 4, 0xFFFFFFFF, rows)
    order = epoch_order(rows, 3, 4)
    assert order.dtype == np.int64
    np.testing.assert_array_equal(order, np.argsort(words, kind="stable"))
