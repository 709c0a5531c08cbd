"""The chain rule in networks of every kind: each name has its value, each formula its number."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from arithmetic import all_digits, assert_exact

import misstep as ms
from misstep.explain import EntryName, Explanation, explain, network_names
from misstep.explain.evaluation import Evaluation
from misstep.ir import Value, make_literal, make_parameter
from misstep.nn import losses

Built = tuple[Value, dict[str, Value], dict[Value, EntryName]]


def built(module: ms.Module, inputs: int, outputs: int = 1, seed: int = 0) -> Built:
    """Return the loss of one row in a network, its parameters, and the names of its values."""
    random = np.random.default_rng(seed)
    network = ms.Network(module, input_shape=(inputs,), seed=seed, dtype="float64")
    flat = make_parameter(network.parameters + 0.1 * random.normal(size=network.parameters.shape))
    row = random.normal(size=(1, inputs))
    features = make_literal(row, "float64")
    output, trace = network.apply(features, flat)
    if outputs == 1:
        truth = make_literal([[1.0]], "float64")
        loss = losses.BinaryCrossEntropy()(output, truth)
    else:
        truth = make_literal([outputs - 1], "int64")
        loss = losses.CrossEntropy()(output, truth)
    hidden = {path: value for path, value in trace.outputs.items() if value is not output}
    columns = [f"column {each}" for each in range(inputs)]
    layers: dict[str, object] = {"": module, **network.layers}
    classes = ["a", "b", "c"][:outputs] if outputs > 1 else []
    parameters = dict(trace.values)
    names = network_names(layers, hidden, parameters, features, columns, output, classes)
    return loss, parameters, names | {loss: EntryName("error", "the error of this row")}


def table() -> Built:
    members = ms.Ensemble(
        ms.MemberDense(4), ms.SiLU(), ms.Dropout(0.3), ms.MemberDense(3), ms.SiLU(),
        ms.MemberDense(1), members=3,
    )  # fmt: skip
    return built(members, 5)


def table_with_waves() -> Built:
    members = ms.Ensemble(
        ms.PeriodicEmbedding((0, 2), 3, 2),
        ms.MemberDense(4),
        ms.ReLU(),
        ms.MemberDense(1),
        members=2,
    )
    return built(members, 3)


def table_with_text() -> Built:
    numbers = ms.Parallel(ms.Columns(0, 2), ms.Columns(4, 5))
    members = ms.Ensemble(ms.MemberDense(4), ms.SiLU(), ms.MemberDense(1), members=2)
    words = ms.Sequential(ms.Columns(2, 4), ms.Dense(1))
    return built(ms.Parallel(ms.Sequential(numbers, members), words, join="sum"), 5)


def classes() -> Built:
    return built(ms.Sequential(ms.Dense(4), ms.Tanh(), ms.Dense(3)), 4, outputs=3)


def images() -> Built:
    layers = ms.Sequential(
        ms.Reshape((4, 4, 1)), ms.Conv2D(2, 3, padding="same"), ms.ReLU(), ms.MaxPool2D(2),
        ms.Flatten(), ms.Dense(3),
    )  # fmt: skip
    return built(layers, 16, outputs=3)


def convolutions_after_each_other() -> Built:
    layers = ms.Sequential(
        ms.Reshape((6, 1)),
        ms.Conv1D(2, 3),
        ms.nn.GELU(),
        ms.Conv1D(2, 2),
        ms.Flatten(),
        ms.Dense(1),
    )
    return built(layers, 6)


def normalized() -> Built:
    layers = ms.Sequential(ms.Dense(4), ms.nn.LayerNorm(), ms.nn.GELU(), ms.Dense(1))
    return built(layers, 3)


def sequences() -> Built:
    return built(ms.Sequential(ms.Reshape((3, 2)), ms.GRU(2), ms.Dense(1)), 6)


KINDS: list[Callable[[], Built]] = [
    table, table_with_waves, table_with_text, classes, images, convolutions_after_each_other,
    normalized, sequences,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_formula_comes_to_its_number(kind: Callable[[], Built]) -> None:
    loss, parameters, names = kind()
    for name, value in parameters.items():
        with all_digits():
            one = explain(loss, value, names=names)
            assert assert_exact(one) or one.gradient == 0, name
        text, latex = one.text(), one.latex()
        assert latex.isascii()
        assert "{" not in text
        json.dumps(one.to_dict(), allow_nan=False)


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_has_the_value_of_that_name(kind: Callable[[], Built]) -> None:
    loss, parameters, names = kind()
    for value in parameters.values():
        evaluation = Evaluation(loss, value)
        by_symbol: dict[str, Value] = {}
        for each, name in names.items():
            assert by_symbol.setdefault(name.symbol, each) is each, f"{name.symbol} twice"
        one: Explanation = explain(loss, value, names=names)
        entries = [(step.name, step.index, step.number) for step in one.forward]
        entries += [
            (link.name, link.index, link.value) for path in one.paths for link in path.links
        ]
        for symbol, index, number in entries:
            if symbol in by_symbol:
                known = evaluation.numbers[evaluation.copies[by_symbol[symbol]]]
                assert known[index] == number
        assert set(one.to_dict()["legend"][0]) == {"symbol", "meaning"}
