"""Rows of several axes (examples, places) as rows along one: fewer kernels, and the same bits."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

from misstep import ops
from misstep.compiler.codegen.lower import lower
from misstep.compiler.passes import ORDER, simplify
from misstep.compiler.passes.merge_rows import merge_rows
from misstep.compiler.runtime.program import NativeProgram
from misstep.compiler.runtime.targets import host_target
from misstep.compiler.schedule.roles import Roles
from misstep.compiler.schedule.scheduling import schedule_graph
from misstep.ir import Graph, Interpreter, Value, make_input
from misstep.ops import erf, mean, relu, reshape, sqrt

X, W, V = (make_input("x", (6, 5, 20)), make_input("w", (20, 24)), make_input("v", (24, 20)))
BIAS = make_input("bias", (24,))


def normalized(x: Value) -> Value:
    far = x - mean(x, -1, keep=True)
    return far / sqrt(mean(far * far, -1, keep=True) + 1e-5)


def product(x: Value, w: Value) -> Value:
    rows = reshape(x, (-1, x.shape[-1])) @ w
    return reshape(rows, (*x.shape[:-1], w.shape[-1]))


def block() -> dict[str, Value]:
    hidden = product(X, W) + BIAS
    hidden = hidden * (0.5 * (1.0 + erf(hidden * 0.7)))
    after = X + product(hidden, V)
    return {"after": after, "normal": normalized(after), "columns": mean(hidden, (0, 1))}


def feeds() -> dict[str, np.ndarray]:
    random = np.random.default_rng(4)
    return {
        str(value.name): random.normal(size=value.shape).astype("f") for value in (X, W, V, BIAS)
    }


def test_work_around_products_is_done_in_their_registers() -> None:
    graph = Graph(block(), [X, W, V, BIAS])
    target = host_target()
    without = lower(schedule_graph(simplify(graph, [merge_rows]), Roles()), target).schedule
    merged = lower(schedule_graph(simplify(graph), Roles()), target).schedule
    assert len(merged.fused.kernels) < len(without.fused.kernels)
    products = [
        kernel
        for kernel in merged.fused.kernels
        if kernel.anchor is not None and kernel.anchor.op.kernel == "contraction"
    ]
    assert len(products) == 2
    # The activation and the sum with what went round are worked out there.
    assert all(value.results[-1][0] is not value.anchor for value in products)
    assert merged.barriers < without.barriers


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_numbers_stay(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = Graph(block(), [X, W, V, BIAS])
    program = NativeProgram(graph, threads=threads)
    program.threads = threads
    actual, _ = program.run(feeds())
    for name, expected in Interpreter(graph).run(feeds()).items():
        np.testing.assert_allclose(actual[name], expected, rtol=2e-5, atol=2e-6, err_msg=name)
    kernels = len(program.schedule.fused.kernels)
    without = tuple(tuple(pass_ for pass_ in group if pass_ is not merge_rows) for group in ORDER)
    monkeypatch.setattr("misstep.compiler.passes.pipeline.ORDER", without)
    # What was lowered with the pass must not be taken.
    monkeypatch.setattr("misstep.compiler.runtime.lowered_programs._recent", OrderedDict())
    plain = NativeProgram(graph, threads=1)
    assert len(plain.schedule.fused.kernels) > kernels
    for name, expected in plain.run(feeds())[0].items():
        np.testing.assert_array_equal(actual[name], expected, err_msg=name)


def test_one_number_for_each_example_stays_where_it_is() -> None:
    each = make_input("each", (6, 1, 24))
    graph = Graph(relu(product(X, W) * each), [X, W, each])
    given = {**feeds(), "each": np.arange(144, dtype="f").reshape(6, 1, 24)}
    given = {name: given[name] for name in ("x", "w", "each")}
    expected = Interpreter(graph).run(given)
    actual, _ = NativeProgram(graph, threads=1).run(given)
    np.testing.assert_allclose(actual["out"], expected["out"], rtol=2e-5, atol=1e-4)


@pytest.mark.parametrize("shape", [(3, 2), (1, 6, 1), (2, 3, 1), (3, 2, 1), (1, 3, 2), (2, 1, 3)])
@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1), (-1,)])
@pytest.mark.parametrize("keep", [True, False])
def test_one_number_for_each_row_is_not_taken_for_a_row(
    shape: tuple[int, ...], axes: tuple[int, ...], keep: bool
) -> None:
    x = make_input("x", (6, 1), "float64")
    value = reshape(relu(x), shape)
    graph = Graph({"sum": ops.sum(value, axes, keep), "most": ops.max(value, axes, keep) + 1.0})
    feeds = {"x": np.random.default_rng(0).normal(0, 1, (6, 1))}
    actual, expected = Interpreter(simplify(graph)).run(feeds), Interpreter(graph).run(feeds)
    for name, array in expected.items():
        np.testing.assert_allclose(actual[name], array, 1e-12, err_msg=name)
