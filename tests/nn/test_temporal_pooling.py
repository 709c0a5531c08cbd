"""Layers of recorded sequences: by hand, and what fills up a sequence must change nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import misstep as ms
from misstep.ir import Graph, Interpreter, make_input, make_literal
from misstep.nn.tracing import current_trace

CHANNELS = 2


def rows_of(sequences, steps):
    """Return flat rows as `ms.Steps` takes them, filled up with what must not matter."""
    rows = np.full((len(sequences), steps * CHANNELS + 1), 77.0, "float32")
    for row, one in zip(rows, sequences, strict=True):
        row[: one.size] = one.reshape(-1)
        row[-1] = len(one) / steps
    return rows


def network(layer, steps):
    return ms.Network(ms.Sequential(ms.Steps(steps, CHANNELS), layer), (steps * CHANNELS + 1,))


def summed_up(x):
    """Return what TemporalSummary says of one sequence (time, features), by NumPy."""
    n = len(x)
    t = np.arange(n) - (n - 1) / 2
    change = np.diff(x, axis=0)
    return np.concatenate(
        [
            x.mean(0),
            x.std(0),
            x.min(0),
            x.max(0),
            x[0],
            x[-1],
            (t[:, None] * (x - x.mean(0))).sum(0) / np.sqrt(max(n * (t**2).sum(), 1e-12)),
            np.sqrt((change**2).sum(0) / n),
        ]
    )


def pooled(x, pieces):
    found = []
    for count in pieces:
        piece = np.arange(len(x)) * count // len(x)
        for one in range(count):
            inside = x[piece == one]
            found += [inside.mean(0), inside.max(0)] if len(inside) else [np.zeros(CHANNELS)] * 2
    return np.concatenate(found)


@settings(max_examples=20, deadline=None)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=4), seed=st.integers(0, 1000))
def test_sequences_are_summed_up_as_each_alone(lengths, seed):
    numbers = np.random.default_rng(seed)
    sequences = [numbers.normal(size=(length, CHANNELS)) for length in lengths]
    pieces = (1, 2, 3)
    rows = rows_of(sequences, 9)
    found = network(ms.nn.TemporalSummary(), 9).predict(rows)
    # The root of a mean square has EPSILON added.
    assert found == pytest.approx(np.array([summed_up(one) for one in sequences]), abs=2e-3)
    found = network(ms.TemporalPooling(pieces), 9).predict(rows)
    assert found == pytest.approx(np.array([pooled(one, pieces) for one in sequences]), abs=1e-5)


def test_no_step_gives_zeros_and_no_infinity():
    rows = rows_of([np.empty((0, CHANNELS))], 4)
    assert not network(ms.TemporalPooling((1, 2)), 4).predict(rows).any()
    assert np.abs(network(ms.nn.TemporalSummary(), 4).predict(rows)).max() < 2e-3


class _Masked(ms.Module):
    """Sequences with given lengths, normalized."""

    def __init__(self, lengths):
        self.lengths = lengths
        self.norm = ms.BatchNorm(momentum=0.5)

    def forward(self, x):
        mask = (np.arange(x.shape[1]) < np.array(self.lengths)[:, None]).astype(x.dtype)
        current_trace().mask = make_literal(mask, x.dtype)
        return self.norm(x)


def test_batch_norm_takes_mean_and_variance_of_the_steps_that_count():
    x = np.random.default_rng(0).normal(2.0, 3.0, size=(2, 5, 3))
    lengths = (5, 2)
    filled = np.array(x)
    filled[1, 2:] = 1e6
    built = ms.Network(_Masked(lengths), (5, 3), dtype="float64")
    held = built.input_values()
    given_x = make_input("x", x.shape, "float64")
    y, trace = built.apply(
        given_x,
        held["parameters"],
        buffers=held["buffers"],
        training=True,
        seed=make_literal(0, "int64"),
        step=make_literal(0, "int64"),
    )
    outputs = {"y": y, "after": built.buffers_after(trace)}
    graph = Graph(outputs, [*held.values(), given_x], "one")
    out = Interpreter(graph).run({**built.feeds(), "x": filled})
    counted = np.concatenate([x[0], x[1, :2]])
    wanted = (counted - counted.mean(0)) / np.sqrt(counted.var(0) + 1e-5)
    assert np.concatenate([out["y"][0], out["y"][1, :2]]) == pytest.approx(wanted)
    after = dict(zip(["mean", "variance"], out["after"].reshape(2, 3), strict=True))
    assert after["mean"] == pytest.approx(0.5 * counted.mean(0))
    assert after["variance"] == pytest.approx(0.5 + 0.5 * counted.var(0, ddof=1))


@pytest.mark.parametrize("norm", [ms.BatchNorm, ms.nn.LayerNorm])
def test_what_fills_up_changes_no_prediction_and_no_learning(norm):
    numbers = np.random.default_rng(1)
    sequences = [numbers.normal(size=(length, CHANNELS)) for length in (3, 6, 4, 6, 5, 3, 6, 4)]
    y = np.arange(8) % 2

    def trained(steps):
        layers = ms.Sequential(
            ms.Steps(steps, CHANNELS),
            ms.Conv1D(4, 3, padding="same"),
            norm(),
            ms.ReLU(),
            ms.nn.MaxPool1D(2),
            ms.Conv1D(3, 3, padding="same"),
            norm(),
            ms.TemporalPooling((1, 2)),
            ms.Dense(2),
        )
        one = ms.Trainer(layers, loss=ms.CrossEntropy(), batch_size=4, optimizer=ms.SGD(0.1))
        one.fit(rows_of(sequences, steps), y, epochs=3)
        return one.predict(rows_of(sequences, steps))

    assert trained(6) == pytest.approx(trained(10), abs=1e-5)


def test_noise_is_there_in_training_alone_and_has_its_deviation():
    built = ms.Network(ms.Sequential(ms.nn.GaussianNoise(0.3), ms.Dense(1)), (50,))
    x = np.zeros((200, 50), "float32")
    assert not built.predict(x).any()
    given_x = make_input("x", x.shape, "float32")
    held = built.input_values()
    _, trace = built.apply(
        given_x,
        held["parameters"],
        training=True,
        seed=make_literal(3, "int64"),
        step=make_literal(1, "int64"),
    )
    noise = trace.outputs["gaussiannoise1"]
    drawn = Interpreter(Graph({"noise": noise}, [given_x], "one")).run({"x": x})["noise"]
    assert drawn.std() == pytest.approx(0.3, rel=0.03)
    assert abs(drawn.mean()) < 0.01


def test_side_by_side_and_averaged():
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    left, right = ms.Dense(2), ms.Sequential(ms.Dense(2), ms.Tanh())
    both = ms.Network(ms.Parallel(left, right), (4,))
    voted = ms.Network(ms.Parallel(left, right, join="mean"), (4,))
    voted.load(both.arrays())
    found = both.predict(x)
    assert found.shape == (3, 4)
    assert voted.predict(x) == pytest.approx((found[:, :2] + found[:, 2:]) / 2, abs=1e-6)


def test_a_mask_goes_into_each_branch_and_out_of_those_that_agree():
    sequences = [np.ones((2, CHANNELS)), 2 * np.ones((5, CHANNELS))]
    branches = ms.Parallel(ms.nn.GlobalAveragePool1D(), ms.nn.GlobalMaxPool1D())
    found = network(branches, 5).predict(rows_of(sequences, 5))
    assert found == pytest.approx(np.array([[1.0] * 4, [2.0] * 4]))
    kept = ms.Sequential(ms.Parallel(ms.ReLU(), ms.Tanh()), ms.nn.GlobalMaxPool1D())
    found = network(kept, 5).predict(rows_of(sequences, 5))
    assert found[0] == pytest.approx([1, 1, np.tanh(1), np.tanh(1)], abs=1e-5)
