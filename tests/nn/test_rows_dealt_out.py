"""A row dealt out among sub-networks: Columns, Parallel that adds up, EmbeddingBag; by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misstep.errors import DataError
from misstep.nn import (
    LSTM,
    Columns,
    Dense,
    Embedding,
    EmbeddingBag,
    GlobalAveragePool1D,
    Module,
    Network,
    Parallel,
    Sequential,
    build_module,
)
from misstep.nn.initializers import Zeros
from misstep.nn.losses import SquaredError
from misstep.train import Trainer

TEXT = Sequential(Columns(1, 7), EmbeddingBag(5, 2))
WORDS = Sequential(Columns(7, 10), Embedding(4, 2, padding=0), GlobalAveragePool1D())
ROW = Parallel(Sequential(Columns(0, 1), Dense(2)), TEXT, WORDS, join="sum")
ROWS = np.array(
    [[0.5, 1, 4, 0, 2.0, -1.0, 0.0, 3, 3, 0], [-1.0, 2, 0, 0, 0.3, 0.0, 0.0, 1, 0, 0]], "float32"
)


def test_a_row_of_a_number_a_text_and_words_by_hand() -> None:
    network = Network(ROW, (10,), seed=3)
    held = network.arrays()
    bag, words = held["sequential2.embeddingbag1.vectors"], held["sequential3.embedding1.vectors"]
    dense = held["sequential1.dense1.weight"]
    wanted = [
        0.5 * dense[0] + 2 * bag[1] - bag[4] + words[3],
        -1.0 * dense[0] + 0.3 * bag[2] + words[1],
    ]
    np.testing.assert_allclose(network.predict(ROWS), wanted, rtol=1e-5)


def test_each_entry_has_its_own_limit() -> None:
    network = Network(ROW, (10,))
    assert network.position_limits is not None
    assert network.position_limits.tolist() == [0, 5, 5, 5, 0, 0, 0, 4, 4, 4]
    for place, number in ((1, 5.0), (3, 0.5), (7, 4.0), (9, -1.0)):
        wrong = ROWS.copy()
        wrong[1, place] = number
        with pytest.raises(DataError, match=rf"\[1, {place}\]"):
            network.predict(wrong)
        for compiling in (True, False):
            trainer = Trainer(ROW, loss=SquaredError(), compiling=compiling)
            with pytest.raises(DataError, match=rf"\[1, {place}\]"):
                trainer.fit(wrong, np.zeros((2, 2)))


def test_rows_made_up_can_be_taken() -> None:
    network = Network(ROW, (10,))
    made = network.with_positions(np.random.default_rng(0).normal(size=(200, 10)))
    network.check_rows(made)
    assert len(np.unique(made[:, 1])) == 5
    assert len(np.unique(made[:, 0])) == 200


@given(st.lists(st.tuples(st.integers(0, 6), st.floats(-2, 2)), min_size=1, max_size=5))
@settings(max_examples=30, deadline=None)
def test_a_bag_is_a_dense_layer_on_all_terms(terms: list[tuple[int, float]]) -> None:
    bag = Network(EmbeddingBag(7, 3), (2 * len(terms),), dtype="float64", seed=1)
    bag.load({**bag.arrays(), "bias": [1.0, 2.0, 3.0]})
    dense = Network(
        Dense(3),
        (7,),
        dtype="float64",
        arrays={"weight": bag.arrays()["vectors"], "bias": [1.0, 2.0, 3.0]},
    )
    numbers, weights = zip(*terms, strict=True)
    spread = np.zeros((1, 7))
    np.add.at(spread[0], list(numbers), weights)
    np.testing.assert_allclose(
        bag.predict([[*numbers, *weights]]), dense.predict(spread), atol=1e-12
    )


def test_each_branch_has_a_mask_of_its_own() -> None:
    def branch(start: int) -> Module:
        return Sequential(Columns(start, start + 3), Embedding(4, 2, padding=0), LSTM(2))

    both = Network(Parallel(branch(0), branch(3)), (6,), seed=5)
    short = both.predict([[1, 2, 0, 1, 2, 3]])
    alone = Network(
        branch(0),
        (3,),
        arrays={
            name.removeprefix("sequential1."): array
            for name, array in both.arrays().items()
            if name.startswith("sequential1.")
        },
    )
    np.testing.assert_array_equal(short[0, :2], alone.predict([[1, 2, 0]])[0])


def test_they_come_back_from_a_configuration() -> None:
    shared = Dense(2)
    for module in (ROW, Parallel(Columns(0, 2), EmbeddingBag(3, 2, initializer=Zeros()), shared)):
        again = build_module(json.loads(json.dumps(module.configuration())))
        assert repr(again) == repr(module)


def test_training_moves_only_terms_that_are_there() -> None:
    trainer = Trainer(EmbeddingBag(5, 1, initializer=Zeros()), loss=SquaredError(), seed=0)
    trainer.fit([[1, 3, 1.0, 1.0], [3, 0, 2.0, 0.0]], [[1.0], [0.0]], epochs=5)
    vectors = trainer.network.arrays()["vectors"][:, 0]
    assert vectors[[1, 3]].all()
    assert not vectors[[0, 2, 4]].any()
