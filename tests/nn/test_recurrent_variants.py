"""A GRU that resets first, an LSTM whose gates see the cell: against their formulas."""

from __future__ import annotations

import numpy as np
import pytest

from misstep.autodiff import check_gradient
from misstep.compiler import NativeProgram
from misstep.errors import NotYetError
from misstep.ir import Array, Graph, Value, make_input, make_parameter
from misstep.nn.recurrence import gru, lstm

RANDOM = np.random.default_rng(3)
BATCH, TIME, FEATURES, UNITS = 3, 5, 2, 4


def drawn(*shape: int) -> Array:
    return RANDOM.normal(size=shape)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def reset_first(x: Array, w: Array, u: Array, b: Array, c: Array) -> Array:
    h, outputs = np.zeros((x.shape[0], UNITS)), []
    parts = [slice(k * UNITS, (k + 1) * UNITS) for k in range(3)]
    for t in range(x.shape[1]):
        r, z = (sigmoid(x[:, t] @ w[:, k] + h @ u[:, k] + b[k]) for k in parts[:2])
        n = np.tanh(x[:, t] @ w[:, parts[2]] + b[parts[2]] + (r * h) @ u[:, parts[2]] + c)
        h = (1 - z) * n + z * h
        outputs.append(h)
    return np.stack(outputs, 1)


def with_peepholes(x: Array, w: Array, u: Array, b: Array, p: Array) -> Array:
    h = c = np.zeros((x.shape[0], UNITS))
    outputs = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ w + h @ u + b, 4, axis=1)
        of_i, of_f, of_o = np.split(p, 3)
        cell = sigmoid(f + of_f * c) * c + sigmoid(i + of_i * c) * np.tanh(g)
        h, c = sigmoid(o + of_o * cell) * np.tanh(cell), cell
        outputs.append(np.concatenate([h, c], 1))
    return np.stack(outputs, 1)


CASES = {
    "reset first": (
        lambda x, w, u, b, c: gru(x, w, u, b, c, reset_first=True),
        reset_first,
        [drawn(FEATURES, 3 * UNITS), drawn(UNITS, 3 * UNITS), drawn(3 * UNITS), drawn(UNITS)],
    ),
    "peepholes": (
        lambda x, w, u, b, p: lstm(x, w, u, b, peepholes=p),
        with_peepholes,
        [drawn(FEATURES, 4 * UNITS), drawn(UNITS, 4 * UNITS), drawn(4 * UNITS), drawn(3 * UNITS)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_formulas_step_by_step(name: str) -> None:
    made, wanted, weights = CASES[name]
    x = drawn(BATCH, TIME, FEATURES)
    arrays = [x, *weights]
    expected = wanted(*arrays)
    found = made(*(make_parameter(one) for one in arrays)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
    leaves: list[Value] = [
        make_input(f"v{k}", one.shape, "float64") for k, one in enumerate(arrays)
    ]
    try:
        program = NativeProgram(Graph({"out": made(*leaves)}, leaves))
    except NotYetError as reason:
        pytest.skip(str(reason))
    compiled, _ = program.run({f"v{k}": one for k, one in enumerate(arrays)})
    np.testing.assert_allclose(compiled["out"], expected, rtol=1e-12, atol=1e-13)
    assert check_gradient(made, arrays, directions=1, tolerance=1e-6).passed
