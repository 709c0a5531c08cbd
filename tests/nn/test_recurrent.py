"""Recurrent layers: worked by hand, through masks, slopes of everything, compiled, on any threads.

`test_recurrent_torch.py` holds them against PyTorch's; the sweep in `test_layers.py` tries their
examples.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from misstep import ops
from misstep.autodiff import check_gradient, gradient
from misstep.compiler import NativeProgram
from misstep.errors import ArgumentError, NotYetError, ShapeError
from misstep.ir import Array, Graph, Interpreter, Value, evaluate, make_input, make_literal
from misstep.nn import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Dense,
    Dropout,
    Module,
    Network,
    Sequential,
    build_module,
)
from misstep.nn.recurrence import gru, lstm, rnn
from misstep.nn.tracing import Trace, tracing
from misstep.ops import concatenate, mean, reshape, slice_axis
from misstep.ops.scan import Scan

FUNCTIONS: dict[str, tuple[Callable[..., Value], int, int]] = {
    "rnn": (rnn, 1, 1),
    "gru": (gru, 3, 1),
    "lstm": (lstm, 4, 2),
}
NETWORKS: list[Module] = [
    RNN(5),
    RNN(3, activation="relu", return_sequences=True),
    GRU(7),
    GRU(16, return_sequences=True, reverse=True),
    LSTM(6),
    LSTM(17, return_sequences=True),
    Bidirectional(LSTM(4, return_sequences=True)),
    Sequential(
        Bidirectional(GRU(5, return_sequences=True)), LSTM(8, return_sequences=True), RNN(3)
    ),
    Sequential(LSTM(4, return_sequences=True), Dropout(0.3), Dense(2)),
]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def with_mask(
    network: Network, x: Value, flat: Value, mask: Value | None, training: bool = True
) -> tuple[Value, Trace]:
    """Return what a network makes of `x` in a pass that knows which entries count."""
    places = {place.specification.name: place for place in network.parameter_slices}

    def part(wanted: Any) -> Value:
        place = places[wanted.name]
        return reshape(slice_axis(flat, 0, place.start, place.stop), wanted.shape)

    draw = make_literal(np.array(3), "int64")
    trace = Trace(network._paths, training, network.dtype, part, seed=draw, step=draw)
    trace.mask = mask
    with tracing(trace):
        return network.module(x), trace


# Worked by hand


def test_two_steps_of_an_lstm_by_hand() -> None:
    network = Network(LSTM(1), (2, 1), dtype="float64")
    network.load(
        {
            "weight": [[0.5, -0.4, 0.3, 0.2]],
            "recurrent": [[0.1, 0.2, -0.3, 0.4]],
            "bias": [0.0, 1.0, 0.0, -0.5],
        }
    )
    h = c = 0.0
    for x in (0.7, -1.2):
        i, f = sigmoid(0.5 * x + 0.1 * h), sigmoid(-0.4 * x + 0.2 * h + 1.0)
        g, o = math.tanh(0.3 * x - 0.3 * h), sigmoid(0.2 * x + 0.4 * h - 0.5)
        c = f * c + i * g
        h = o * math.tanh(c)
    np.testing.assert_allclose(network.predict(np.array([[[0.7], [-1.2]]])), [[h]], rtol=1e-14)


def test_two_steps_of_a_gru_by_hand() -> None:
    network = Network(GRU(1), (2, 1), dtype="float64")
    network.load(
        {
            "weight": [[0.5, -0.4, 0.3]],
            "recurrent": [[0.1, 0.2, -0.3]],
            "bias": [0.1, 0.2, 0.3],
            "recurrent_bias": [0.6],
        }
    )
    h = 0.0
    for x in (0.7, -1.2):
        r, z = sigmoid(0.5 * x + 0.1 * h + 0.1), sigmoid(-0.4 * x + 0.2 * h + 0.2)
        n = math.tanh(0.3 * x + 0.3 + r * (-0.3 * h + 0.6))
        h = (1 - z) * n + z * h
    np.testing.assert_allclose(network.predict(np.array([[[0.7], [-1.2]]])), [[h]], rtol=1e-14)


def test_an_lstm_remembers_at_first() -> None:
    arrays = Network(LSTM(3), (2, 2)).arrays()
    np.testing.assert_array_equal(arrays["bias"], [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    turn = arrays["recurrent"].astype("float64")
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-6)


# Masks


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
@pytest.mark.parametrize("reverse", [False, True])
def test_what_does_not_count_changes_nothing(kind: Any, reverse: bool) -> None:
    random = np.random.default_rng(1)
    whole = Network(kind(4, return_sequences=True, reverse=reverse), (6, 3), dtype="float64")
    last = Network(kind(4, reverse=reverse), (6, 3), dtype="float64")
    last.parameters[:] = whole.parameters
    x = random.normal(size=(2, 6, 3))
    counts = np.array([[1, 1, 0, 1, 0, 0], [0, 1, 1, 1, 1, 1]], "float64")
    changed = np.where(counts[:, :, None] > 0, x, 7.0)
    results = []
    for given in (x, changed):
        flat = make_literal(whole.parameters, "float64")
        mask = make_literal(counts, "float64")
        y, trace = with_mask(whole, make_literal(given), flat, mask)
        assert trace.mask is mask
        one, after = with_mask(last, make_literal(given), flat, mask)
        assert after.mask is None
        results.append(evaluate([y, one]))
    for first, second in zip(*results, strict=True):
        assert first.tobytes() == second.tobytes()
    y, one = results[0]
    for row in range(2):
        # As if only the entries that count had been given.
        short = x[row : row + 1][:, counts[row] > 0]
        alone = Network(kind(4, reverse=reverse), short.shape[1:], dtype="float64")
        alone.parameters[:] = whole.parameters
        np.testing.assert_allclose(one[row], alone.predict(short)[0], rtol=1e-12)
        steps = range(6)[:: -1 if reverse else 1]
        before = np.zeros(4)
        for step in steps:
            if not counts[row, step]:
                np.testing.assert_array_equal(y[row, step], before)
            before = y[row, step]
        np.testing.assert_array_equal(one[row], before)


def test_a_layer_behind_another_keeps_the_mask() -> None:
    network = Network(Sequential(Bidirectional(GRU(3, return_sequences=True)), LSTM(2)), (4, 2))
    mask = make_input("mask", (3, 4))
    y, trace = with_mask(
        network, make_input("x", (3, 4, 2)), make_input("p", (network.parameter_count,)), mask
    )
    assert y.shape == (3, 2)
    assert trace.mask is None
    scans = [one for one in Graph([y]).computed if isinstance(one.op, Scan)]
    assert len(scans) == 3
    assert all(one.op.sequences == 2 for one in scans if isinstance(one.op, Scan))


def test_a_mask_of_another_shape_is_refused() -> None:
    network = Network(LSTM(2), (4, 2))
    with pytest.raises(ShapeError, match="mask"):
        with_mask(
            network,
            make_input("x", (3, 4, 2)),
            make_input("p", (network.parameter_count,)),
            make_input("mask", (3, 5)),
        )


# Slopes


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_slopes_of_everything_are_the_measured_ones(
    name: str, training: bool, reverse: bool, masked: bool
) -> None:
    function, gates, states = FUNCTIONS[name]
    for seed in range(4):
        random = np.random.default_rng(seed)
        batch, time, features, units = (int(one) for one in random.integers(1, 5, 4))
        arrays = [
            random.normal(size=(batch, time, features)),
            random.normal(0, 0.7, (features, gates * units)),
            random.normal(0, 0.7, (units, gates * units)),
            random.normal(0, 0.7, (gates * units,)),
            random.normal(size=(batch, states * units)),
        ]
        if name == "gru":
            arrays.append(random.normal(0, 0.7, (units,)))
        counts = (random.uniform(size=(batch, time)) < 0.6).astype("float64")

        def steps(
            x: Value,
            w: Value,
            u: Value,
            b: Value,
            initial: Value,
            *second: Value,
            counts: Array = counts,
        ) -> Value:
            mask = make_literal(counts, x.dtype) if masked else None
            return function(
                x, w, u, b, *second, initial=initial, mask=mask, reverse=reverse, training=training
            )

        def end(*given: Value, steps: Any = steps) -> Value:
            y = steps(*given)
            last = (
                slice_axis(y, 1, 0, 1) if reverse else slice_axis(y, 1, y.shape[1] - 1, y.shape[1])
            )
            return mean(last * last)

        for tried in (steps, end):
            check = check_gradient(tried, arrays, seed=seed, tolerance=1e-6)
            assert check, str(check)


def test_blame_of_the_last_step_alone_brings_no_zeros_for_the_others() -> None:
    x, w = make_input("x", (4, 50, 3)), make_input("w", (3, 32))
    u, b = make_input("u", (8, 32)), make_input("b", (32,))
    y = lstm(x, w, u, b, training=True)[:, 49, :8]
    slopes = gradient(ops.sum(y * y), [w, u, b])
    values = Graph(slopes).computed
    assert sum(isinstance(one.op, Scan) for one in values) == 2
    assert not any(one.op.name == "pad" and one.shape[:2] == (4, 50) for one in values if one.op)


def test_nothing_dear_is_computed_twice_in_training() -> None:
    x, w = make_input("x", (4, 5, 3)), make_input("w", (3, 32))
    u, b = make_input("u", (8, 32)), make_input("b", (32,))
    for training in (True, False):
        y = lstm(x, w, u, b, training=training)
        slopes = gradient(ops.sum(y), [x, w, u, b])
        scans = [one for one in Graph(slopes).computed if isinstance(one.op, Scan)]
        inner = [
            one.op.name
            for value in scans
            if isinstance(value.op, Scan)
            for one in value.op.graph("float32").computed
            if one.op is not None
        ]
        # One product forwards and one backwards; without training the gates come twice.
        assert inner.count("matrix_product") == (2 if training else 3)
        assert inner.count("sigmoid") == (3 if training else 6)


# Compiled


def step_of(module: Module, rows: int, time: int, dtype: str, masked: bool) -> Graph:
    network = Network(module, (time, 3), dtype=dtype)
    x = make_input("x", (rows, time, 3), dtype)
    flat = make_input("flat", (network.parameter_count,), dtype)
    mask = make_input("mask", (rows, time), dtype) if masked else None
    y, _ = with_mask(network, x, flat, mask)
    random = np.random.default_rng(5)
    loss = ops.sum(y * random.normal(size=y.shape))
    inputs = [x, flat] if mask is None else [x, flat, mask]
    slopes = gradient(loss, [x, flat])
    return Graph({"y": y, "to_x": slopes[0], "to_flat": slopes[1]}, inputs)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("rows", [1, 8, 21])
@pytest.mark.parametrize("module", NETWORKS, ids=repr)
def test_compiled_is_interpreted_and_threads_change_no_bit(
    module: Module, rows: int, masked: bool
) -> None:
    for dtype, close in (("float32", 2e-5), ("float64", 1e-12)):
        graph = step_of(module, rows, 5, dtype, masked)
        random = np.random.default_rng(rows)
        feeds: dict[str, Array] = {
            one.name or "": random.normal(0, 0.7, one.shape).astype(dtype) for one in graph.inputs
        }
        if masked:
            feeds["mask"] = (random.uniform(size=(rows, 5)) < 0.7).astype(dtype)
        wanted = Interpreter(graph).run(feeds)
        try:
            program = NativeProgram(graph)
        except NotYetError as reason:
            if "avx" in str(reason).lower() or "processor" in str(reason):
                pytest.skip(str(reason))
            raise
        first: dict[str, bytes] = {}
        for threads in (1, 2, 3, 8):
            program.threads = threads
            found, _ = program.run(feeds)
            for name, array in wanted.items():
                largest = float(np.abs(array).max(initial=0.0))
                np.testing.assert_allclose(found[name], array, close, close * largest)
                assert first.setdefault(name, found[name].tobytes()) == found[name].tobytes()


# Settings


def test_settings_round_trip() -> None:
    for module in NETWORKS:
        again = build_module(module.configuration())
        assert again.configuration() == module.configuration()
        assert repr(again) == repr(module)


def test_layers_in_words() -> None:
    assert LSTM(64).describe() == "LSTM, 64 units"
    assert GRU(1, return_sequences=True).describe() == "GRU, 1 unit, whole sequence"
    both = Bidirectional(RNN(8, return_sequences=True))
    assert both.describe() == "both ways: RNN, 8 units, whole sequence"
    assert both.backward.describe() == "RNN, 8 units, whole sequence, backwards"


def test_both_ways_are_each_way_side_by_side() -> None:
    x = np.random.default_rng(0).normal(size=(3, 5, 2))
    both = Network(Bidirectional(GRU(4, return_sequences=True)), (5, 2), dtype="float64")
    arrays = both.arrays()
    parts = []
    for path, reverse in (("forward", False), ("backward", True)):
        layer = GRU(4, return_sequences=True, reverse=reverse)
        one = Network(layer, (5, 2), dtype="float64")
        one.load({name: arrays[f"{path}.{name}"] for name in one.arrays()})
        parts.append(one.predict(x))
    np.testing.assert_array_equal(both.predict(x), np.concatenate(parts, -1))
    assert not np.array_equal(arrays["forward.weight"], arrays["backward.weight"])


def test_an_initial_state_of_another_shape_is_refused() -> None:
    x, w, u = make_input("x", (2, 3, 1)), make_input("w", (1, 4)), make_input("u", (4, 4))
    with pytest.raises(ShapeError, match="initial state"):
        rnn(x, w, u, initial=make_input("h", (2, 5)))


def test_what_is_not_recurrent_has_no_two_ways() -> None:
    with pytest.raises(ArgumentError, match="one recurrent layer"):
        Bidirectional(Dense(3))
    with pytest.raises(ArgumentError, match="one recurrent layer"):
        Bidirectional(LSTM(3, reverse=True))


def test_steps_side_by_side_are_one_batch() -> None:
    """Rows do not know of each other: a batch is its rows."""
    x = np.random.default_rng(2).normal(size=(9, 4, 3))
    for module in (LSTM(5), GRU(5, return_sequences=True)):
        network = Network(module, (4, 3), dtype="float64")
        rows = np.concatenate([network.predict(x[row : row + 1]) for row in range(9)])
        np.testing.assert_allclose(network.predict(x), rows, rtol=1e-12)


def test_concatenating_outputs_and_states_flows_back() -> None:
    def loss(x: Value, w: Value, u: Value) -> Value:
        y = lstm(x, w, u, training=True)
        return ops.sum(concatenate([y[:, -1, :2], y[:, 0, :2], mean(y, 1)], 1) ** 2)

    random = np.random.default_rng(0)
    arrays = [random.normal(size=shape) for shape in ((2, 4, 3), (3, 8), (2, 8))]
    check = check_gradient(loss, arrays, tolerance=1e-6)
    assert check, str(check)
