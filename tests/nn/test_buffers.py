"""Numbers that no gradient moves: asked for by layers, kept by networks, loaded and copied."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import numpy as np
import pytest

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value, make_input, make_literal
from misstep.nn import BatchNorm, Dense, Embedding, Module, Network, ReLU, Sequential
from misstep.nn.initializers import Constant, Zeros


class Counter(Module):
    """Adds how often it was called in training."""

    def forward(self, x: Value) -> Value:
        calls = self.buffer("calls", (), Zeros())
        self.becomes("calls", calls + 1.0)
        return x + calls


def after(network: Network, rows: int = 2) -> dict[str, float]:
    """Return what the buffers of a network of scalars are after a pass in training."""
    held = network.input_values()
    x = make_literal(np.zeros((rows, *network.input_shape)), network.dtype)
    _, trace = network.apply(
        x, held["parameters"], buffers=make_literal(network.buffers, network.dtype), training=True
    )
    found = network.buffers_after(trace)
    assert found is not None
    names = [place.specification.name for place in network.buffer_slices]
    return dict(zip(names, found.numpy().tolist(), strict=True))


def test_buffers_lie_in_an_array_of_their_own() -> None:
    network = Network(Sequential(Dense(3), BatchNorm(), Dense(2)), (4,))
    assert network.parameter_count == 15 + 6 + 8
    assert network.buffers.tolist() == [0, 0, 0, 1, 1, 1]
    names = list(network.arrays())
    assert names[-2:] == ["batchnorm1.mean", "batchnorm1.variance"]
    assert len(names) == 8
    assert set(network.feeds()) == {"parameters", "buffers"}
    network.buffers[:] = np.arange(6)
    assert network.arrays()["batchnorm1.variance"].tolist() == [3, 4, 5]
    # Of another buffer like that of the parameters, those alone.
    assert len(network.arrays(network.parameters.copy())) == 6


def test_a_network_without_buffers_has_no_trace_of_them() -> None:
    network = Network(Sequential(Dense(3), ReLU()), (4,))
    assert network.buffer_count == network.buffers.size == 0
    assert set(network.feeds()) == set(network.input_values()) == {"parameters"}
    held = network.input_values()
    _, trace = network.apply(make_input("x", (2, 4)), held["parameters"], training=True)
    assert network.buffers_after(trace) is None


def test_they_are_loaded_with_the_parameters() -> None:
    network = Network(Sequential(Dense(3), BatchNorm()), (4,), seed=1)
    network.buffers[:] = [1, 2, 3, 4, 5, 6]
    again = Network(network.module, (4,), arrays=network.arrays())
    np.testing.assert_array_equal(again.buffers, network.buffers)
    x = np.random.default_rng(0).normal(0, 1, (5, 4))
    np.testing.assert_array_equal(again.predict(x), network.predict(x))
    lacking = {name: one for name, one in network.arrays().items() if "variance" not in name}
    with pytest.raises(ArgumentError, match=r"batchnorm1\.variance"):
        again.load(lacking)
    with pytest.raises(ShapeError, match=r"the buffer batchnorm1\.mean"):
        again.load({**network.arrays(), "batchnorm1.mean": np.zeros(4)})
    again.initialize(1)
    assert again.buffers.tolist() == [0, 0, 0, 1, 1, 1]


def test_a_copy_in_another_process_has_them() -> None:
    network = Network(Sequential(Dense(3), BatchNorm()), (4,))
    network.buffers[:] = [1, 2, 3, 4, 5, 6]
    again = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(again.buffers, network.buffers)
    x = np.ones((2, 4))
    np.testing.assert_array_equal(again.predict(x), network.predict(x))


def test_a_layer_used_twice_goes_on_from_what_it_became() -> None:
    counter = Counter()
    network = Network(Sequential(counter, Dense(1), counter, Counter()), (1,))
    assert after(network) == {"counter1.calls": 2.0, "counter2.calls": 1.0}
    network.buffers[:] = [5.0, 7.0]
    assert after(network) == {"counter1.calls": 7.0, "counter2.calls": 8.0}
    # In evaluation nothing becomes anything.
    _, trace = network.apply(make_input("x", (2, 1)), network.input_values()["parameters"])
    assert network.buffers_after(trace) is None


def test_buffers_are_asked_for_before_they_become_anything() -> None:
    @dataclass(frozen=True)
    class Wrong(Module):
        way: int

        def forward(self, x: Value) -> Value:
            if self.way == 0:
                self.becomes("mean", x)
            self.buffer("mean", (2,), Zeros())
            if self.way == 1:
                self.becomes("mean", x)
            if self.way == 2:
                self.parameter("mean", (2,), Constant(0.0))
            if self.way == 3:
                self.buffer("mean", (3,), Zeros())
            return x

    x = make_input("x", (2, 3))
    for way, words in enumerate(["asked for", r"needed shape \(2,\)"]):
        network = Network(Wrong(way), (3,))
        with pytest.raises((ArgumentError, ShapeError), match=words):
            network.apply(x, network.input_values()["parameters"], training=True)
    with pytest.raises(ArgumentError, match="name of its own for each parameter"):
        Network(Wrong(2), (3,))
    with pytest.raises(ShapeError, match="the buffer mean, which is used more than once"):
        Network(Wrong(3), (3,))


def test_frozen_vectors_are_buffers_that_never_change() -> None:
    vectors = np.arange(8.0).reshape(4, 2)
    network = Network(
        Sequential(Embedding(4, 2, vectors=vectors, trainable=False), BatchNorm()), (3,)
    )
    assert [place.specification.name for place in network.buffer_slices] == [
        "embedding1.vectors",
        "batchnorm1.mean",
        "batchnorm1.variance",
    ]
    assert network.parameter_count == 4
    np.testing.assert_array_equal(network.arrays()["embedding1.vectors"], vectors)
