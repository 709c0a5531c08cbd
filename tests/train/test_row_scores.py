"""Losses and gradient norms of rows, against the gradient of each row taken by itself."""

from __future__ import annotations

import numpy as np
import pytest

import misstep as ms
from misstep.ir import Array, Interpreter, make_input
from misstep.nn.inference import make_target
from misstep.train.row_scores import scores_of

ROWS = 7


def by_hand(
    network: ms.Network, loss: ms.nn.losses.Loss, x: Array, y: Array, last: list[str]
) -> tuple[Array, Array]:
    """Return loss and gradient norm of each row by a graph of one row, in the interpreter."""
    flat = network.input_values()
    row = make_input("x", (1, *network.input_shape), network.dtype)
    raw, trace = network.apply(row, flat["parameters"], buffers=flat.get("buffers"))
    target = make_target(loss, raw.shape, raw.dtype)
    value = ms.ops.sum(loss.per_row(raw, target))
    names = [name for name in trace.parameters if name.rpartition(".")[0] in last]
    wanted = [trace.values[name] for name in names] or [raw]
    outputs = {str(at): slope for at, slope in enumerate(ms.gradient(value, wanted))}
    graph = ms.Graph({"loss": value, **outputs}, [*flat.values(), row, target], "one")
    run = Interpreter(graph)
    losses, norms = [], []
    for at in range(len(x)):
        out = run.run({**network.feeds(), "x": x[at : at + 1], "y": y[at : at + 1]})
        losses.append(float(out["loss"]))
        norms.append(np.sqrt(sum(float((out[name] ** 2).sum()) for name in outputs)))
    return np.array(losses), np.array(norms)


class Twice(ms.Module):
    """A dense layer that is used twice on the way."""

    def __init__(self) -> None:
        self.first = ms.Dense(4)
        self.again = ms.Dense(4)

    def forward(self, x: ms.Value) -> ms.Value:
        return self.again(ms.ops.tanh(self.again(ms.ops.tanh(self.first(x)))))


CASES = {
    "a hidden layer": (ms.Sequential(ms.Dense(5), ms.Tanh(), ms.Dense(3)), (4,), ["dense2"]),
    "no bias": (ms.Sequential(ms.Dense(5), ms.Tanh(), ms.Dense(3, bias=False)), (4,), ["dense2"]),
    "normalized": (
        ms.Sequential(ms.Dense(5), ms.BatchNorm(), ms.ReLU(), ms.Dense(3), ms.Dropout(0.5)),
        (4,),
        ["dense2"],
    ),
    "members": (
        ms.Ensemble(ms.MemberDense(5), ms.Tanh(), ms.MemberDense(3), members=4),
        (4,),
        ["memberdense2"],
    ),
    "few times": (
        ms.Sequential(ms.Dense(5), ms.Tanh(), ms.Dense(6), ms.nn.GlobalAveragePool1D()),
        (2, 3),
        ["dense2"],
    ),
    "many times": (
        ms.Sequential(ms.Dense(2), ms.Tanh(), ms.Dense(2), ms.nn.GlobalAveragePool1D()),
        (6, 3),
        ["dense2"],
    ),
    "side by side": (ms.Parallel(ms.Dense(3), ms.Dense(3), join="sum"), (4,), ["dense1", "dense2"]),
    "used twice": (Twice(), (4,), ["again"]),
    "no dense layer": (ms.Sequential(ms.Conv1D(2, 2), ms.Flatten()), (3, 2), []),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("compiling", [True, False])
@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_scores_are_those_of_each_row_by_itself(name: str, compiling: bool, kind: str) -> None:
    module, shape, last = CASES[name]
    network = ms.Network(module, shape, dtype="float64", seed=3)
    random = np.random.default_rng(1)
    x = random.normal(0, 2, (ROWS, *shape))
    outputs = network.output_shape[0]
    loss: ms.nn.losses.Loss = ms.CrossEntropy()
    y: Array = random.integers(0, outputs, ROWS)
    if kind == "numbers":
        loss, y = ms.SquaredError(), random.normal(0, 1, (ROWS, outputs))
    losses, norms = by_hand(network, loss, x, y, last)
    scores = scores_of(network, loss, x, y, compiling=compiling)
    np.testing.assert_allclose(scores.losses, losses, rtol=1e-9)
    np.testing.assert_allclose(scores.gradient_norms, norms, rtol=1e-9)


def test_a_trainer_scores_many_rows_and_none() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(1500, 3))
    y = (x.sum(axis=1) > 0).astype(int)
    y[17] = 1 - y[17]
    x[17] = 3.0 * np.sign(x[17].sum())
    trainer = ms.Trainer(ms.Dense(2), loss=ms.CrossEntropy(), optimizer=ms.Adam(0.05), seed=1)
    with pytest.raises(ms.errors.NotFittedError):
        trainer.row_scores(x, y)
    trainer.fit(x, y, epochs=3)
    losses, norms = trainer.row_scores(x, y)
    assert losses.shape == norms.shape == (1500,)
    assert losses.argmax() == norms.argmax() == 17
    np.testing.assert_allclose(losses.mean(), trainer.evaluate(x, y)["loss"], rtol=1e-5)
