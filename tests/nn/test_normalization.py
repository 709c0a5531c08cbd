"""Normalizing layers by hand in NumPy, in training and evaluation, and where there is little."""

from __future__ import annotations

import numpy as np
import pytest

from misstep import ops
from misstep.autodiff import gradient
from misstep.ir import Array, Graph, Interpreter, make_literal, make_parameter
from misstep.nn import BatchNorm, Dense, LayerNorm, Network, RMSNorm, Sequential


def trained(network: Network, x: Array) -> tuple[Array, Array, Array, Array]:
    """Return output, gradient by x and by the parameters of Σ y², and buffers afterwards."""
    value = make_parameter(x, "x", network.dtype)
    flat = make_parameter(network.parameters, "flat", network.dtype)
    y, trace = network.apply(value, flat, training=True)
    by_x, by_flat = gradient(ops.sum(y * y), [value, flat])
    after = network.buffers_after(trace)
    assert after is not None
    found = Interpreter(Graph({"y": y, "x": by_x, "flat": by_flat, "after": after})).run()
    return found["y"], found["x"], found["flat"], found["after"]


@pytest.mark.parametrize("shape", [(5,), (4, 5), (2, 3, 5)])
@pytest.mark.parametrize("momentum", [0.1, 0.4, 1.0])
def test_batch_norm_by_hand(shape: tuple[int, ...], momentum: float) -> None:
    network = Network(BatchNorm(momentum, 1e-3), shape, dtype="float64")
    random = np.random.default_rng(0)
    network.parameters[:] = random.normal(1, 0.5, 10)
    network.buffers[:] = random.uniform(0.5, 2, 10)
    x = random.normal(3, 2, (7, *shape))
    rows = x.reshape(-1, 5)
    scale, shift = network.parameters[:5], network.parameters[5:]
    y = (x - rows.mean(0)) / np.sqrt(rows.var(0) + 1e-3) * scale + shift
    found, _, _, after = trained(network, x)
    np.testing.assert_allclose(found, y, rtol=1e-12, atol=1e-13)
    moved = np.concatenate([rows.mean(0), rows.var(0, ddof=1)])
    np.testing.assert_allclose(
        after, (1 - momentum) * network.buffers + momentum * moved, rtol=1e-12
    )
    mean, variance = network.buffers[:5], network.buffers[5:]
    wanted = (x - mean) / np.sqrt(variance + 1e-3) * scale + shift
    np.testing.assert_allclose(network.predict(x), wanted, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_batch_of_one_row_gives_the_shift_and_moves_the_mean_alone(dtype: str) -> None:
    network = Network(Sequential(Dense(4), BatchNorm()), (3,), dtype=dtype, seed=2)
    network.parameters[-4:] = [1, 2, 3, 4]
    y, by_x, by_flat, after = trained(network, np.full((1, 3), 1000.0))
    np.testing.assert_array_equal(y, [[1, 2, 3, 4]])
    np.testing.assert_array_equal(by_x, np.zeros((1, 3)))
    assert (by_flat[:-4] == 0).all()
    np.testing.assert_array_equal(by_flat[-4:], [2, 4, 6, 8])
    assert (after[:4] != 0).all()
    np.testing.assert_array_equal(after[4:], np.ones(4))


def test_a_feature_that_never_changes_is_no_problem() -> None:
    network = Network(BatchNorm(), (2,), dtype="float64")
    x = np.array([[3.0, 1.0], [3.0, 2.0], [3.0, 4.0]])
    y, by_x, by_flat, after = trained(network, x)
    assert np.isfinite([*y.flat, *by_x.flat, *by_flat, *after]).all()
    np.testing.assert_array_equal(y[:, 0], 0)


def test_no_rows_are_no_problem() -> None:
    for layer in (BatchNorm(), LayerNorm(), RMSNorm()):
        assert Network(layer, (2,)).predict(np.zeros((0, 2))).shape == (0, 2)


def test_layer_norm_and_rms_norm_by_hand() -> None:
    random = np.random.default_rng(1)
    x, scale, shift = random.normal(2, 3, (6, 3, 5)), random.normal(1, 1, 5), random.normal(0, 1, 5)
    layer = Network(LayerNorm(1e-3), (3, 5), dtype="float64")
    layer.load({"scale": scale, "shift": shift})
    centered = x - x.mean(-1, keepdims=True)
    wanted = centered / np.sqrt((centered**2).mean(-1, keepdims=True) + 1e-3) * scale + shift
    np.testing.assert_allclose(layer.predict(x), wanted, rtol=1e-12)
    root = Network(RMSNorm(1e-3), (3, 5), dtype="float64")
    root.load({"scale": scale})
    wanted = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-3) * scale
    np.testing.assert_allclose(root.predict(x), wanted, rtol=1e-12)


def test_normalizing_far_from_zero_keeps_its_digits() -> None:
    # The sum of squares less the square of the sum would have lost all of them.
    x = 1e4 + np.random.default_rng(0).normal(0, 1, (64, 3))
    network = Network(BatchNorm(), (3,))
    value = make_literal(x.astype("float32"), "float32")
    y, _ = network.apply(value, make_literal(network.parameters, "float32"), training=True)
    np.testing.assert_allclose(y.numpy().std(0), 1, rtol=1e-3)
    # A float32 near 1e4 ends with a thousandth, and so does the mean.
    np.testing.assert_allclose(y.numpy().mean(0), 0, atol=2e-3)
