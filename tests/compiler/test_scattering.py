"""Scattered updates: summed in order while a row is in registers, only where they fall."""

from __future__ import annotations

import numpy as np
import pytest

from misstep.compiler import NativeProgram
from misstep.compiler.codegen.kernels.scattering import rows_stay
from misstep.compiler.runtime.targets import host_target
from misstep.compiler.schedule.roles import Roles
from misstep.errors import NotYetError
from misstep.ir import Array, Graph, Interpreter, Value, make_input, make_literal
from misstep.ops import scatter_add, sqrt

try:
    host_target()
except NotYetError as reason:
    pytest.skip(str(reason), allow_module_level=True)

ROWS, WIDTH, PLACES = 300, 70, (9, 31)


def table_gradient(width: int = WIDTH, dtype: str = "int64") -> tuple[Value, Value, Value]:
    positions = make_input("positions", PLACES, dtype)
    updates = make_input("updates", (*PLACES, width))
    zeros = make_literal(np.zeros((ROWS, width)), "float32")
    return scatter_add(zeros, positions, updates), positions, updates


def descent(change: float | Value, width: int = WIDTH) -> NativeProgram:
    table = make_input("table", (ROWS, width))
    scattered, positions, updates = table_gradient(width)
    graph = Graph({"table": table - scattered * change}, [table, positions, updates])
    return NativeProgram(graph, Roles(states={"table": "table"}))


def given(width: int = WIDTH, dtype: str = "int64") -> dict[str, Array]:
    random = np.random.default_rng(7)
    positions = random.integers(0, ROWS // 3, PLACES).astype(dtype)
    return {
        "positions": positions,
        "updates": random.normal(size=(*PLACES, width)).astype("f"),
        "table": random.normal(size=(ROWS, width)).astype("f"),
    }


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
@pytest.mark.parametrize("width", [1, 3, 16, 64, 130])
def test_plain_descent_moves_the_rows_that_are_named(width: int, threads: int) -> None:
    program = descent(0.5, width)
    (kernel,) = program.schedule.fused.kernels
    assert rows_stay(kernel, program.schedule.fused)
    assert program.schedule.arena.size == 0  # there is no table of gradients
    program.threads = threads
    feeds = given(width)
    expected = feeds["table"].copy()
    moved = np.zeros_like(expected)
    np.add.at(moved, feeds["positions"], feeds["updates"])
    expected -= moved * np.float32(0.5)
    program.run(feeds)
    np.testing.assert_array_equal(feeds["table"], expected)


def test_rows_that_nobody_names_are_not_touched() -> None:
    program = descent(0.5)
    feeds = given()
    feeds["positions"][...] = 5
    before = feeds["table"].copy()
    # What can't be worked with shows that nothing was.
    feeds["table"][7], before[7] = np.float32(-0.0), np.float32(-0.0)
    program.run(feeds)
    changed = (feeds["table"].view("u4") != before.view("u4")).any(axis=1)
    assert changed.nonzero()[0].tolist() == [5]


def test_positions_beyond_the_table_add_nothing() -> None:
    program = descent(1.0)
    feeds = given()
    feeds["positions"][0, :5] = [-1, ROWS, ROWS + 7, 2**40, -(2**40)]
    expected = feeds["table"].copy()
    inside = (feeds["positions"] >= 0) & (feeds["positions"] < ROWS)
    moved = np.zeros_like(expected)
    np.add.at(moved, feeds["positions"][inside], feeds["updates"][inside])
    program.run(feeds)
    np.testing.assert_array_equal(feeds["table"], expected - moved)


def adam(table: Value, speed: Value, gradient_of_table: Value) -> dict[str, Value]:
    quick = speed * 0.9 + gradient_of_table * gradient_of_table * 0.1
    return {
        "table": table - 0.1 * gradient_of_table / (sqrt(quick) + 1e-3) - table * 0.01,
        "speed": quick,
    }


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint32"])
def test_what_follows_for_all_rows_is_one_pass(dtype: str) -> None:
    table, speed = make_input("table", (ROWS, WIDTH)), make_input("speed", (ROWS, WIDTH))
    actual, positions, updates = table_gradient(dtype=dtype)
    outputs = adam(table, speed, actual)
    inputs = [table, speed, positions, updates]
    roles = Roles(states={"table": "table", "speed": "speed"})
    program = NativeProgram(Graph(outputs, inputs), roles)
    (kernel,) = program.schedule.fused.kernels
    assert len(kernel.results) == 2
    assert not rows_stay(kernel, program.schedule.fused)
    assert program.schedule.arena.size == 0
    expected: dict[str, Array] = {}
    feeds = {**given(dtype=dtype), "speed": np.ones((ROWS, WIDTH), "f")}
    for _ in range(3):
        expected = Interpreter(Graph(outputs, inputs)).run({**feeds, **expected})
    bits = set()
    for threads in (1, 2, 3, 8):
        program.threads = threads
        feeds = {**given(dtype=dtype), "speed": np.ones((ROWS, WIDTH), "f")}
        program.run(feeds, 3)
        bits.add(feeds["table"].tobytes() + feeds["speed"].tobytes())
        for name, array in expected.items():
            np.testing.assert_allclose(feeds[name], array, rtol=1e-5, atol=1e-5)
    assert len(bits) == 1


def test_a_base_that_is_there_comes_first_and_rows_without_updates_keep_it() -> None:
    base = make_input("base", (ROWS, WIDTH))
    positions, updates = make_input("positions", (0,), "int64"), make_input("updates", (0, WIDTH))
    graph = Graph(scatter_add(base * 2.0, positions, updates) + 1.0, [base, positions, updates])
    numbers = given()["table"]
    results, _ = NativeProgram(graph).run(
        {"base": numbers, "positions": np.zeros(0, "i8"), "updates": np.zeros((0, WIDTH), "f")}
    )
    np.testing.assert_array_equal(results["out"], numbers * 2.0 + 1.0)
