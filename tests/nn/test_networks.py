"""A network's one flat buffer, what it predicts, and what it says to wrong rows and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misstep.errors import ArgumentError, DtypeError, MisstepError, ShapeError
from misstep.ir import one_blas_thread
from misstep.nn import Dense, Dropout, Flatten, Network, ReLU, Residual, Sequential, Tanh
from misstep.nn.inference import CHUNK


def made(**options: Any) -> Network:
    layers = Sequential(Dense(16), ReLU(), Residual(Dense(16), Tanh()), Dropout(0.3), Dense(3))
    return Network(layers, (5,), **options)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.booleans())
def test_places_cover_the_buffer_without_gaps(widths: list[int], bias: bool) -> None:
    network = Network(Sequential(*(Dense(width, bias) for width in widths)), (4,))
    stops = 0
    for place in network.parameter_slices:
        assert place.start == stops
        assert place.stop - place.start == int(np.prod(place.specification.shape))
        stops = place.stop
    assert stops == network.parameter_count == network.parameters.size


def test_arrays_are_views_and_loading_goes_back() -> None:
    network = made()
    arrays = network.arrays()
    for array in arrays.values():
        assert array.base is not None
        assert np.shares_memory(array, network.parameters)
    arrays["dense1.bias"][0] = 7.0
    assert network.arrays()["dense1.bias"][0] == 7.0
    other = made(seed=9)
    assert (other.parameters != network.parameters).any()
    other.load(network.arrays())
    np.testing.assert_array_equal(other.parameters, network.parameters)
    flat = np.arange(network.parameter_count, dtype="float64")
    joined = np.concatenate([array.reshape(-1) for array in network.arrays(flat).values()])
    np.testing.assert_array_equal(joined, flat)


def test_loading_wrong_numbers_changes_nothing() -> None:
    network = made()
    before = network.parameters.copy()
    good = {name: array.copy() for name, array in made(seed=4).arrays().items()}
    missing = dict(list(good.items())[1:])
    for wrong, kind, words in (
        (missing, ArgumentError, "missing.*dense1.weight"),
        ({**good, "dense9.bias": np.zeros(2)}, ArgumentError, "unknown.*dense9.bias"),
        ({**good, "dense2.bias": np.zeros((3, 1))}, ShapeError, r"dense2.bias.*\(3,\)"),
        ({**good, "dense2.bias": ["a", "b", "c"]}, DtypeError, "numbers"),
    ):
        with pytest.raises(kind, match=words):
            network.load(wrong)
        np.testing.assert_array_equal(network.parameters, before)


def test_the_seed_decides_the_first_numbers() -> None:
    np.testing.assert_array_equal(made(seed=3).parameters, made(seed=3).parameters)
    assert (made(seed=3).parameters != made(seed=4).parameters).any()
    wide = made(seed=3, dtype="float64").parameters
    np.testing.assert_array_equal(wide.astype("float32"), made(seed=3).parameters)
    again = made(seed=3)
    again.initialize(4)
    np.testing.assert_array_equal(again.parameters, made(seed=4).parameters)
    p = made().arrays()
    assert (p["dense1.weight"][:5, :5] != p["residual1.dense1.weight"][:5, :5]).any()


# --- prediction ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3])
def test_predicting_many_rows_is_predicting_them_in_parts(rows: int, dtype: str) -> None:
    network = made(dtype=dtype)
    x = np.random.default_rng(0).normal(0, 1, (2 * CHUNK + 3, 5)).astype(dtype)
    whole, part = network.predict(x), network.predict(x[:rows])
    assert part.shape == (rows, 3)
    # The same rows in the same number give the same bits, wherever they stand.
    np.testing.assert_array_equal(part, network.predict(x[:rows]))
    full = rows // CHUNK * CHUNK
    np.testing.assert_array_equal(part[:full], whole[:full])
    # In another number of rows BLAS may sum in another order: equal to rounding, no more.
    rounding = 1e-5 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(part, whole[:rows], rtol=rounding, atol=rounding)
    p = network.arrays()
    hidden = np.maximum(x[:rows] @ p["dense1.weight"] + p["dense1.bias"], 0)
    inside = hidden @ p["residual1.dense1.weight"] + p["residual1.dense1.bias"]
    expected = (hidden + np.tanh(inside)) @ p["dense2.weight"] + p["dense2.bias"]
    np.testing.assert_allclose(part, expected, rtol=rounding, atol=rounding)


def test_threads_change_no_bit() -> None:
    x = np.random.default_rng(0).normal(0, 1, (700, 5))
    network = made()
    with one_blas_thread():
        alone = network.predict(x)
    np.testing.assert_array_equal(network.predict(x), alone)


def test_new_parameters_are_used_at_once() -> None:
    network = made()
    x = np.ones((3, 5))
    before = network.predict(x)
    network.parameters[:] = 0
    assert (network.predict(x) == 0).all()
    network.initialize(0)
    np.testing.assert_array_equal(network.predict(x), before)


def test_more_sizes_of_batch_than_are_kept() -> None:
    network = made()
    x = np.random.default_rng(0).normal(0, 1, (40, 5))
    for rows in range(1, 41):
        found = network.predict(x[:rows])
        np.testing.assert_allclose(found, network.predict(x)[:rows], rtol=1e-5, atol=1e-6)


def test_rows_without_axes() -> None:
    network = Network(Sequential(Flatten(), Dense(2)), (), dtype="float64")
    network.load({"dense1.weight": [[2.0, 3.0]], "dense1.bias": [0.0, 1.0]})
    np.testing.assert_array_equal(network.predict([1, 2]), [[2, 4], [4, 7]])


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((2, 4)), r"\(rows, 5\), but got \(2, 4\)"),
        (np.zeros(5), r"\(5,\).*x\[np.newaxis\] for a single row"),
        (np.zeros((2, 5, 1)), r"\(2, 5, 1\)"),
        (3.0, r"\(rows, 5\), but got \(\)"),
        ([["a"] * 5], "numbers in equally long rows"),
        ([[1.0] * 5, [1.0] * 4], "numbers in equally long rows"),
        (None, r"\(rows, 5\)"),
    ],
)
def test_wrong_rows_are_named(x: Any, words: str) -> None:
    with pytest.raises(MisstepError, match=words):
        made().predict(x)


def test_the_advice_for_a_single_row_works() -> None:
    network = Network(Flatten(), (2, 3))
    x = np.zeros((2, 3))
    with pytest.raises(ShapeError, match=r"np\.newaxis"):
        network.predict(x)
    assert network.predict(x[np.newaxis]).shape == (1, 6)


@pytest.mark.parametrize("shape", [5, None, (2.7,), ("4",), "45", (-1,), ((1, 2),)])
def test_wrong_input_shapes_are_named(shape: Any) -> None:
    with pytest.raises(MisstepError, match="shape"):
        Network(Dense(3), shape)


def test_wrong_networks_are_named() -> None:
    with pytest.raises(ArgumentError, match="float32 or float64, but got 'float16'"):
        Network(Dense(3), (2,), dtype="float16")
    for wrong in (Dense, [Dense(3)], None, "dense3"):
        with pytest.raises(ArgumentError, match=r"needed a module such as ms\.Sequential"):
            Network(wrong, (2,))  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="a feature or more"):
        Network(Sequential(Dense(3), ReLU()), (0,))
    with pytest.raises(ShapeError, match=r"\(batch, features\)"):
        Network(Dense(3), ())
