"""Prediction and evaluation of a network: compiled once, and alike whoever asks for it."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.errors import NotYetError
from misstep.ir import Value
from misstep.nn import Network
from misstep.nn import program as program_file
from misstep.nn.inference import CHUNK, MOST_OTHER_SIZES, SIZES


def network(dtype: str = "float32", seed: int = 1) -> Network:
    layers = ms.Sequential(ms.Dense(9), ms.Tanh(), ms.Dropout(0.5), ms.Dense(3))
    return Network(layers, (4,), dtype=dtype, seed=seed)


def rows(count: int) -> np.ndarray:
    return np.random.default_rng(count).normal(size=(count, 4)).astype("float32")


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of graphs as they are compiled."""
    names: list[str] = []
    compiler = program_file.NativeProgram

    def counted(graph: Any, *given: Any, **options: Any) -> Any:
        names.append(graph.name)
        return compiler(graph, *given, **options)

    monkeypatch.setattr(program_file, "NativeProgram", counted)
    return names


def test_raw_outputs_unless_a_loss_says_what_a_prediction_is() -> None:
    one, x = network("float64"), rows(20)
    raw = one.predict(x)
    exps = np.exp(raw - raw.max(axis=1, keepdims=True))
    shares = one.predict(x, loss=ms.CrossEntropy())
    np.testing.assert_allclose(shares, exps / exps.sum(axis=1, keepdims=True), rtol=1e-12)
    sides = one.predict(x, loss=ms.BinaryCrossEntropy())
    np.testing.assert_allclose(sides, 1 / (1 + np.exp(-raw)), rtol=1e-12)
    np.testing.assert_array_equal(one.predict(x, loss=ms.SquaredError()), raw)


@pytest.mark.parametrize("count", [1, 2, 9, 100, CHUNK + 3])
def test_a_trainer_predicts_by_the_same_path(count: int) -> None:
    one, x, loss = network(), rows(count), ms.CrossEntropy()
    y = np.arange(count) % 3
    trainer = ms.Trainer(one, loss=loss)
    assert one.predict(x, loss=loss).tobytes() == trainer.predict(x).tobytes()
    weights = np.linspace(0.5, 1, count)
    judged = one.evaluate(x, y, loss=loss, sample_weight=weights)
    assert judged == trainer.evaluate(x, y, weights)
    assert one.predict(x, threads=1).tobytes() == one.predict(x, threads=2).tobytes()


def test_nothing_is_compiled_twice(compilations: list[str]) -> None:
    x, y, loss = rows(60), np.arange(60) % 3, ms.CrossEntropy()
    trainer = ms.Trainer(network(), loss=loss, batch_size=20, threads=2)
    trainer.fit(x, y, epochs=3, validation=(x, y), callbacks=[ms.Snapshots()])
    assert sorted(compilations) == ["evaluate", "step"]
    trainer.evaluate(x, y)
    trainer.network.evaluate(x, y, loss=ms.CrossEntropy())
    again = ms.Trainer(trainer.network, loss=ms.CrossEntropy(), threads=1)
    again.evaluate(x, y)
    assert sorted(compilations) == ["evaluate", "step"]
    for given in (x, x[:10], x[:50]):
        trainer.predict(given)
        again.network.predict(given, loss=ms.CrossEntropy())
    assert sorted(compilations) == ["evaluate", "predict", "step"]
    trainer.network.predict(x)
    trainer.network.predict(x, loss=ms.SquaredError())  # its predictions are the raw outputs
    assert compilations.count("predict") == 2


def test_the_backend_says_what_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    one, x = network(), rows(5)
    assert one.backend == "nothing yet"
    compiled = one.predict(x)
    assert one.backend.startswith("compiled for ")
    slow = one.inference(compiling=False).predict(x)
    np.testing.assert_allclose(slow, compiled, rtol=1e-4, atol=1e-6)
    assert one.backend.startswith("compiled for ")

    def refuse(*_: object, **__: object) -> None:
        raise NotYetError("compiling this", needed="a compiler")

    monkeypatch.setattr(program_file, "NativeProgram", refuse)
    other = network()
    np.testing.assert_array_equal(other.predict(x), slow)
    assert other.backend == "interpreter, because compiling this: needed a compiler."


def test_other_numbers_each_time_do_not_fill_the_memory() -> None:
    slow = network().inference(compiling=False)
    for count in range(1, 5 * MOST_OTHER_SIZES):
        slow.predict(rows(count))
    assert len(slow.so_far) <= MOST_OTHER_SIZES + len(SIZES)


def test_no_rows_have_the_shape_of_rows() -> None:
    one = Network(ms.Sequential(ms.Flatten()), (2, 3))
    assert one.predict(np.zeros((0, 2, 3))).shape == (0, 6)
    assert network().predict(np.zeros((0, 4)), loss=ms.CrossEntropy()).shape == (0, 3)


def copied(one: Network) -> Network:
    return copy.deepcopy(one)


def pickled(one: Network) -> Network:
    other: Network = pickle.loads(pickle.dumps(one))
    return other


@pytest.mark.parametrize("way", [copied, pickled])
def test_a_copy_predicts_alike_with_numbers_of_its_own(way: Callable[[Network], Network]) -> None:
    one, x = network(), rows(1)
    before = one.predict(x)
    other = way(one)
    assert other.predict(x).tobytes() == before.tobytes()
    other.parameters[:] = 0
    assert (other.predict(x) == 0).all()
    assert one.predict(x).tobytes() == before.tobytes()


@dataclass
class Times(ms.losses.Loss, abstract=True):
    """A loss that can change, and so has no hash."""

    factor: float = 2.0

    def predict(self, raw: Value) -> Value:
        return raw * self.factor


def test_losses_are_told_apart_by_what_they_are() -> None:
    one, x = network(), rows(3)
    raw = one.predict(x)
    for factor in (2.0, 3.0, 2.0):
        np.testing.assert_array_equal(one.predict(x, loss=Times(factor)), raw * factor)
    assert len(one.inference().so_far) == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y": [0, 1]}, "as many targets as rows"),
        ({"y": [0, 1, 3]}, "0 to 2"),
        ({"x": [[np.nan] * 4] * 3}, "finite"),
        ({"x": np.zeros((0, 4))}, "one row or more"),
        ({"x": [[1.0] * 5] * 3}, r"shape \(rows, 4\)"),
        ({"sample_weight": [1, -1, 1]}, "0 or more"),
    ],
)
def test_rows_that_can_not_be_evaluated(change: dict[str, Any], words: str) -> None:
    given = {"x": rows(3), "y": [0, 1, 2]} | change
    with pytest.raises(ms.MisstepError, match=words):
        network().evaluate(given.pop("x"), given.pop("y"), loss=ms.CrossEntropy(), **given)
