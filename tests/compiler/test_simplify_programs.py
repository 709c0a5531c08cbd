"""Simplifying the programs of training: every bit stays, and what the compiler counts on holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from plain_runs import check_bits, plain_run

from misstep.compiler.passes import registered_passes, simplify
from misstep.ir import Graph, Interpreter, Value, verify
from misstep.nn import (
    Dense,
    Dropout,
    Module,
    Network,
    ReLU,
    Residual,
    Sequential,
    Tanh,
    registered_layers,
)
from misstep.nn.losses import CrossEntropy, Loss, SquaredError, registered_losses
from misstep.ops.pieces import Concatenate, Slice
from misstep.ops.shape import Reshape
from misstep.ops.softmax import LogSoftmax, LogSumExp, Softmax
from misstep.optim import (
    L1,
    L2,
    SGD,
    Adam,
    AdamW,
    ClipNorm,
    Clipping,
    ClipValue,
    Nadam,
    Optimizer,
    registered_optimizers,
)
from misstep.train.programs import Programs

ROWS = 5
INEXACT = [pass_ for pass_ in registered_passes().values() if not pass_.exact]


def network(*, dtype: str = "float32", outputs: int = 3) -> Network:
    layers = Sequential(Dense(6), ReLU(), Dense(4), Tanh(), Dense(outputs))
    return Network(layers, (4,), dtype=dtype)


def graphs_of(programs: Programs) -> Iterator[Graph]:
    yield programs.network.inference().evaluate_program(ROWS, programs.loss).graph
    yield programs.network.inference().predict_program(ROWS, programs.loss).graph
    yield programs.apply().graph
    for weighted in (False, True):
        yield programs.step(ROWS, weighted=weighted).graph
        yield programs.accumulate(ROWS, weighted=weighted).graph
        yield programs.look(ROWS, weighted=weighted).graph


def feeds_of(graph: Graph, network: Network) -> dict[str, Any]:
    random = np.random.default_rng(1)
    feeds: dict[str, Any] = {}
    for value in graph.inputs:
        if value.dtype == "int64":
            feeds[str(value.name)] = random.integers(0, 3, value.shape)
        elif value.name == "x":
            x = random.normal(0, 1, value.shape)
            feeds["x"] = network.with_positions(x).astype(value.dtype)
        else:
            feeds[str(value.name)] = random.uniform(0.1, 0.9, value.shape).astype(value.dtype)
    return feeds


def check(programs: Programs) -> None:
    """Check bits without the passes that change some, and closeness with all of them."""
    for graph in graphs_of(programs):
        feeds = feeds_of(graph, programs.network)
        exact, best = simplify(graph, INEXACT), simplify(graph)
        assert verify(best) is best
        assert simplify(best) is best
        assert best.inputs == graph.inputs
        expected = plain_run(graph, feeds)
        check_bits(plain_run(exact, feeds), expected)
        actual = Interpreter(best).run(feeds)
        close = 1e-12 if programs.network.dtype == "float64" else 1e-4
        for name, array in expected.items():
            np.testing.assert_allclose(actual[name], array, rtol=close, atol=close, err_msg=name)
        for value in best.values:
            assert not isinstance(value.op, LogSoftmax | LogSumExp | Softmax)
            assert not value.is_literal or value.size <= 64


OPTIMIZERS = [example for kind in registered_optimizers().values() for example in kind.examples()]
LAYERS = [example for kind in registered_layers().values() for example in kind.examples()]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_with_every_optimizer(optimizer: Optimizer, dtype: str) -> None:
    check(Programs(network(dtype=dtype), CrossEntropy(), optimizer))


@pytest.mark.parametrize("kind", registered_losses().values(), ids=registered_losses())
def test_with_every_loss(kind: type[Loss]) -> None:
    check(Programs(network(), kind(), SGD(momentum=0.9)))


def test_with_weights_by_class() -> None:
    check(Programs(network(), CrossEntropy((1.0, 2.0, 0.5)), AdamW()))


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=[repr(layer) for layer, _ in LAYERS])
def test_with_every_layer(layer: Module, shape: tuple[int, ...]) -> None:
    network = Network(layer, shape)
    # What takes positions comes first.
    first = [] if network.position_limits is not None else [Dense(shape[-1])]
    layers = Sequential(*first, layer, Dense(2)) if shape else layer
    check(Programs(Network(layers, shape), SquaredError(), Nadam()))


LIMITS: list[tuple[list[Clipping], bool]] = [
    ([], True),
    ([ClipValue(0.2)], True),
    ([ClipNorm(0.1)], False),
    ([ClipValue(0.2), ClipNorm(0.1)], False),
]


@pytest.mark.parametrize(("clipping", "apart"), LIMITS, ids=repr)
def test_clipping_and_regularizers(clipping: list[Clipping], apart: bool) -> None:
    programs = Programs(network(), CrossEntropy(), Adam(), clipping, [L1(0.1), L2(0.1)])
    check(programs)
    for weighted in (False, True):
        graph = programs.step(ROWS, weighted=weighted).graph
        best = simplify(graph)
        # What needs the length of all gradients is one pass over them, and else none is.
        assert isinstance(best.outputs["parameters"].op, Concatenate) == apart
        half = simplify(programs.accumulate(ROWS, weighted=weighted).graph)
        assert isinstance(half.outputs["gradients"].op, Concatenate)


@pytest.mark.parametrize(
    "layers",
    [
        Dense(3),
        Dense(3, bias=False),
        Sequential(Dense(6), ReLU(), Dropout(0.4), Dense(3, bias=False)),
        Sequential(Dense(4), Residual(Dense(4), ReLU()), Dense(3)),
    ],
    ids=repr,
)
def test_other_shapes_of_networks(layers: Module) -> None:
    check(Programs(Network(layers, (4,)), CrossEntropy(), Adam()))


def test_a_layer_used_twice() -> None:
    twice = Dense(4)
    layers = Sequential(twice, ReLU(), twice, Dense(3))
    check(Programs(Network(layers, (4,)), CrossEntropy(), Adam()))


def test_without_any_blame_all_gradients_are_one_number() -> None:
    programs = Programs(network(), Deaf(), SGD(momentum=0.9))
    check(programs)
    best = simplify(programs.step(ROWS, weighted=False).graph)
    assert not any(isinstance(value.op, Concatenate) for value in best.computed)


class Deaf(Loss, abstract=True):
    """A loss that does not look at what the network says."""

    def per_row(self, prediction: Value, target: Value) -> Value:
        return target[:, 0] * 0.5


# --- what the compiler counts on ----------------------------------------------------------------


def digits(rows: int = 128) -> Graph:
    layers = Sequential(Dense(128), ReLU(), Dense(10))
    programs = Programs(Network(layers, (784,)), CrossEntropy(), Adam())
    return simplify(programs.step(rows, weighted=False).graph)


def ends(value: Value) -> Iterator[Value]:
    """Yield what is joined and reshaped to `value`."""
    if isinstance(value.op, Concatenate | Reshape):
        for operand in value.inputs:
            yield from ends(operand)
    else:
        yield value


def ancestors_of(value: Value) -> set[Value]:
    ancestors: set[Value] = set()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if one not in ancestors:
            ancestors.add(one)
            waiting += one.inputs
    return ancestors


def test_the_step_for_digits_is_what_the_compiler_wants() -> None:
    best = digits()
    names = [value.op.name for value in best.computed if value.op is not None]
    assert not {"softmax", "log_softmax", "log_sum_exp"} & set(names)
    # One exponential for the loss and its gradient; nothing is taken or put done twice.
    assert names.count("exp") == 1
    assert names.count("matrix_product") == 5
    assert all(
        names.count(once) == 1 for once in ("relu", "max", "log", "take_along_axis", "scatter")
    )
    assert all(value.size <= 64 for value in best.literals)


def test_each_parameter_of_the_step_for_digits_is_updated_in_its_own_shape() -> None:
    best = digits()
    shapes = [(784, 128), (128,), (128, 10), (10,)]
    parameters = best.outputs["parameters"]
    assert isinstance(parameters.op, Concatenate)
    updates = list(ends(parameters))
    assert [value.shape for value in updates] == shapes
    state = best.outputs["optimizer_state"]
    assert isinstance(state.op, Concatenate)
    moments = list(ends(state))
    assert [value.shape for value in moments] == shapes * 2
    for value in [*updates, *moments]:
        assert value.op is not None
        assert value.op.elementwise
    count = parameters.size
    for value in best.computed:
        # Nothing works on the flat buffer but the joins and the cuts.
        assert count not in value.shape or isinstance(value.op, Concatenate | Reshape)
        assert value.op is not None
        if value.op.elementwise:
            assert value.size < count or count not in value.shape
    # Each update reads its own gradient and its own parts of the state, nothing of the others'.
    for update, shape in zip(updates, shapes, strict=True):
        own = {value for value in ancestors_of(update) if value.shape == shape}
        cuts = [
            value
            for value in own
            for operand in value.inputs
            if isinstance(operand.op, Slice) and operand.inputs[0].name == "optimizer_state"
        ]
        assert len(cuts) == 2


def test_no_gradient_needs_what_came_before_a_relu() -> None:
    best = digits()
    users: dict[Value, list[Value]] = {}
    for value in best.computed:
        for operand in value.inputs:
            users.setdefault(operand, []).append(value)
    relu = next(value for value in best.computed if value.op and value.op.name == "relu")
    assert users[relu.inputs[0]] == [relu]


def test_deep_networks_stay_small() -> None:
    layers = [part for _ in range(9) for part in (Dense(8), ReLU())]
    programs = Programs(Network(Sequential(*layers, Dense(3)), (4,)), CrossEntropy(), Adam())
    graph = programs.step(ROWS, weighted=False).graph
    best = simplify(graph)
    # 16 values for each of 20 parameters' updates beside the way there and back.
    assert len(best.computed) < len(graph.computed) + 20 * 20
