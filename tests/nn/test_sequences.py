"""Layers for sequences: looking up, masks that are heeded, attention, Transformer blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from misstep import ops
from misstep.autodiff import check_gradient, gradient
from misstep.errors import DataError, ShapeError
from misstep.ir import Array, Value, evaluate, make_literal, make_parameter
from misstep.nn import (
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePool1D,
    GlobalMaxPool1D,
    LayerNorm,
    Module,
    MultiHeadAttention,
    Network,
    PositionalEncoding,
    PositionEmbedding,
    ReLU,
    Residual,
    Sequential,
    SpatialDropout,
    TransformerBlock,
)
from misstep.nn.losses import SquaredError
from misstep.train import Trainer

WORDS = np.array([[3, 1, 2, 0, 0], [1, 1, 4, 2, 3], [2, 0, 0, 0, 0]])


def test_embedding_looks_up() -> None:
    vectors = np.arange(10.0).reshape(5, 2)
    network = Network(Embedding(5, 2, vectors=vectors), (3,))
    np.testing.assert_array_equal(network.predict([[4, 0, 4]]), vectors[[[4, 0, 4]]])
    assert network.position_limits is not None
    assert (network.position_limits == 5).all()


@pytest.mark.parametrize(
    ("row", "words"),
    [([0, 1, 5], r"at \[0, 2\].*0 to 4.*got 5"), ([0, -1, 2], "got -1"), ([0.5, 1, 2], "got 0.5")],
)
def test_what_is_no_position_is_refused_wherever_rows_come_in(row: Any, words: str) -> None:
    layers = Sequential(Embedding(5, 2), Flatten(), Dense(1))
    with pytest.raises(DataError, match=words):
        Network(layers, (3,)).predict([row])
    for compiling in (True, False):
        trainer = Trainer(layers, loss=SquaredError(), compiling=compiling)
        with pytest.raises(DataError, match=words):
            trainer.fit([row], [[1.0]])
        trainer.fit([[0, 1, 2]], [[1.0]], epochs=1)
        with pytest.raises(DataError, match=words):
            trainer.predict([row])
        with pytest.raises(DataError, match=words):
            trainer.evaluate([row], [[1.0]])


def test_the_filler_is_zeros_gets_no_blame_and_stays() -> None:
    network = Network(Embedding(5, 2, padding=1), (3,), dtype="float64", seed=1)
    table = network.arrays()["vectors"]
    assert (table[1] == 0).all()
    assert (np.delete(table, 1, 0) != 0).all()
    table[1] = 7.0  # as a file of another make may have it
    np.testing.assert_array_equal(network.predict([[1, 2, 1]])[0, [0, 2]], np.zeros((2, 2)))
    flat = make_parameter(network.parameters, "flat")
    y, _ = network.apply(make_literal(WORDS[:, :3].astype(float), "float64"), flat)
    (slope,) = evaluate([gradient(ops.sum(y * y + y), flat)])
    assert (slope.reshape(5, 2)[1] == 0).all()
    assert (slope.reshape(5, 2)[2] != 0).all()
    trainer = Trainer(
        Sequential(Embedding(5, 2, mask=True), GlobalAveragePool1D(), Dense(1)),
        loss=SquaredError(),
        batch_size=2,
    )
    trainer.fit(WORDS, [[1.0], [2.0], [3.0]], epochs=20)
    trained = trainer.network.arrays()["embedding1.vectors"]
    assert (trained[0] == 0).all()
    assert (trained[1:] != 0).all()


def applied(layers: Module, x: Array, time: int, seed: int = 3) -> Array:
    network = Network(layers, (time,), dtype="float64", seed=seed)
    random = np.random.default_rng(seed)
    network.parameters[:] = random.normal(0, 0.5, network.parameter_count)
    return network.predict(x)


HEEDING: list[tuple[Module, ...]] = [
    (GlobalAveragePool1D(),),
    (GlobalMaxPool1D(),),
    (MultiHeadAttention(2), GlobalAveragePool1D()),
    (PositionalEncoding(), TransformerBlock(2, 6), LayerNorm(), GlobalMaxPool1D()),
    (TransformerBlock(1, 3, norm_first=False, activation="relu"), GlobalAveragePool1D()),
    (Residual(LayerNorm(), MultiHeadAttention(4)), Dense(3), GlobalAveragePool1D()),
]


@pytest.mark.parametrize("layers", HEEDING, ids=str)
def test_fillers_change_nothing(layers: tuple[Module, ...]) -> None:
    module = Sequential(Embedding(5, 4, mask=True), *layers)
    short, long = np.array([[3, 1, 2]]), np.array([[3, 1, 2, 0, 0, 0]])
    np.testing.assert_allclose(applied(module, short, 3), applied(module, long, 6), rtol=1e-12)
    nothing = applied(module, np.zeros((2, 4), int), 4)
    assert np.isfinite(nothing).all()


@pytest.mark.parametrize("layers", HEEDING, ids=str)
@pytest.mark.parametrize("training", [False, True])
def test_slopes_through_masks_are_the_measured_ones(
    layers: tuple[Module, ...], training: bool
) -> None:
    network = Network(Sequential(Embedding(5, 4, mask=True), *layers), (5,), dtype="float64")
    x = np.concatenate([WORDS, np.zeros((1, 5), int)])

    def function(flat: Value) -> Value:
        zero = make_literal(np.array(1), "int64")
        given = make_literal(x.astype(float), "float64")
        return network.apply(given, flat, training=training, seed=zero, step=zero)[0]

    flat = np.random.default_rng(5).normal(0, 0.5, network.parameter_count)
    check = check_gradient(function, [flat], tolerance=1e-6)
    assert check, str(check)


def test_a_mask_of_another_length_is_no_mask() -> None:
    class Shorter(Module):
        def forward(self, x: Value) -> Value:
            return x[:, 1:]

    with pytest.raises(ShapeError, match="the mask of sequences"):
        Network(Sequential(Embedding(5, 4, mask=True), Shorter(), GlobalAveragePool1D()), (4,))


def test_causal_attention_does_not_look_ahead() -> None:
    network = Network(MultiHeadAttention(2, causal=True), (5, 4), dtype="float64")
    x = np.random.default_rng(0).normal(0, 1, (2, 5, 4))
    changed = x.copy()
    changed[:, 3:] += 1.0
    one, other = network.predict(x), network.predict(changed)
    np.testing.assert_array_equal(one[:, :3], other[:, :3])
    assert (one[:, 3:] != other[:, 3:]).all()


def test_places_are_told_apart() -> None:
    x = np.zeros((1, 50, 6))
    waves = Network(PositionalEncoding(), (50, 6), dtype="float64").predict(x)[0]
    assert np.linalg.norm(waves[:, np.newaxis] - waves, axis=-1)[np.triu_indices(50, 1)].min() > 0.1
    np.testing.assert_allclose(waves[7, 2], np.sin(7 / 10_000 ** (2 / 6)))
    np.testing.assert_allclose(waves[7, 3], np.cos(7 / 10_000 ** (2 / 6)))
    learned = Network(PositionEmbedding(), (50, 6), dtype="float64")
    np.testing.assert_array_equal(learned.predict(x)[0], learned.arrays()["vectors"])


def test_spatial_dropout_drops_whole_channels() -> None:
    network = Network(SpatialDropout(0.25), (50, 8), dtype="float64")
    one = make_literal(np.array(1), "int64")
    none = make_literal(np.zeros(0), "float64")
    x = make_literal(np.ones((200, 50, 8)), "float64")
    y = network.apply(x, none, training=True, seed=one, step=one)[0].numpy()
    assert (y == y[:, :1]).all()
    assert set(np.unique(y)) == {0.0, 1 / 0.75}
    assert abs((y[:, 0] == 0).mean() - 0.25) < 0.04


def test_a_shortcut_may_be_a_layer() -> None:
    block = Residual(Dense(3), ReLU(), Dense(3), shortcut=Dense(3, bias=False))
    network = Network(block, (2,), dtype="float64", seed=1)
    p = network.arrays()
    assert "shortcut.weight" in p
    x = np.random.default_rng(0).normal(0, 1, (4, 2))
    h = np.maximum(x @ p["dense1.weight"] + p["dense1.bias"], 0)
    wanted = x @ p["shortcut.weight"] + h @ p["dense2.weight"] + p["dense2.bias"]
    np.testing.assert_allclose(network.predict(x), wanted, rtol=1e-12)


def test_operations_are_those_of_the_layer_that_multiplies() -> None:
    module = Sequential(
        Embedding(9, 8, mask=True),
        TransformerBlock(2, 16, dropout=0.1),
        GlobalAveragePool1D(),
        Dense(3),
    )
    time, width = 7, 8
    attention = time * width * (3 * width) + time * width * width + 2 * time * time * width
    assert Network(module, (time,)).operations == {
        "transformerblock1.attention": attention,
        "transformerblock1": 2 * time * width * 16,
        "dense1": 24,
    }
    assert Network(Dense(5), (4,)).summary()[0]["operations"] == 20
