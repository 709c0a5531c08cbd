"""What is dear to work out is stored where one use reads it many times: spread out, or picked."""

from __future__ import annotations

import numpy as np

from misstep.compiler import NativeProgram, Roles
from misstep.ir import Graph, Interpreter, Value, make_input, make_literal
from misstep.ops import cos, gather, random_uniform, reshape, sin


def program(y: Value, inputs: list[Value]) -> tuple[NativeProgram, Graph]:
    graph = Graph({"y": y}, inputs)
    return NativeProgram(graph, Roles(), threads=1), graph


def kept(native: NativeProgram) -> set[str]:
    """Return the ops whose results lie in memory."""
    return {value.op.name for value in native.schedule.fused.storage if value.op is not None}


def test_a_random_number_of_each_row_is_drawn_once() -> None:
    x = make_input("x", (5, 100), "float32")
    seed = make_input("seed", (), "int64")
    native, graph = program(x + random_uniform((5, 1), seed) * 2.0, [x, seed])
    assert "multiply" in kept(native)
    feeds = {"x": np.ones((5, 100), "float32"), "seed": np.array(3)}
    expected = Interpreter(graph).run(feeds)["y"]
    np.testing.assert_array_equal(native.run(feeds)[0]["y"].reshape(expected.shape), expected)


def test_a_cheap_number_of_each_row_is_not_stored() -> None:
    x, w = make_input("x", (5, 100), "float32"), make_input("w", (5, 1), "float32")
    native, _ = program(x + (w * 2.0 + 1.0), [x, w])
    assert not kept(native) & {"multiply"}


def test_what_is_picked_from_and_places_found_by_position_are_stored() -> None:
    x = make_input("x", (6, 4), "float32")
    places = make_literal(np.array([5, 0, 0, 3, 3, 1]), "int64")
    once = gather(sin(x) * cos(x), places)
    twice = gather(reshape(once, (24, 1)), make_literal(np.arange(24)[::-1].copy(), "int64"))
    native, graph = program(twice + 1.0, [x])
    assert {"multiply", "gather"} <= kept(native)
    feeds = {"x": np.linspace(-1, 1, 24, dtype="float32").reshape(6, 4)}
    expected = Interpreter(graph).run(feeds)["y"]
    np.testing.assert_allclose(
        native.run(feeds)[0]["y"].reshape(expected.shape), expected, atol=1e-6
    )
