"""Rows in the order given: each epoch takes them as they come, through every face."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.errors import ArgumentError
from misstep.ir import Array
from misstep.modeling import Options

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
