"""Graphs, the verifier and the interpreter."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from misstep import ops as ms
from misstep.errors import AbstractValueError, GraphError, MisstepError, ShapeError
from misstep.ir import (
    Graph,
    Interpreter,
    Type,
    Value,
    evaluate,
    find_op,
    in_float64,
    make_input,
    make_literal,
    make_parameter,
    one_blas_thread,
    rebuild,
    verify,
)


def small() -> tuple[Value, Value, Value]:
    x, w = make_input("x", (2, 3)), make_input("w", (3,))
    return x, w, ms.sum(x * w, 1)


# Graphs


def test_a_graph_holds_what_its_outputs_need_in_order() -> None:
    x, w, out = small()
    ms.exp(x)  # nobody asks for it
    graph = Graph(out, [w])
    assert graph.inputs == [w, x]
    assert list(graph.outputs) == ["out"]
    assert [value.op.name for value in graph.computed if value.op] == ["multiply", "sum"]
    assert graph.literals == []
    assert repr(graph) == "<Graph program: 2 inputs, 2 operations>"


def test_outputs_are_named() -> None:
    x, _, out = small()
    assert list(Graph([out, x]).outputs) == ["out0", "out1"]
    assert list(Graph({"a": out, "b": out}).outputs) == ["a", "b"]


def test_an_input_that_nothing_needs_stays_an_input() -> None:
    x, _, out = small()
    extra = make_input("extra", (7,))
    graph = Graph(out, [extra])
    assert graph.inputs[0] is extra
    feeds = {"x": np.ones(x.shape), "w": np.ones(3), "extra": np.ones(7)}
    np.testing.assert_array_equal(Interpreter(graph).run(feeds)["out"], [3.0, 3.0])


def test_names_are_human_and_used_once() -> None:
    x, w = make_input("x", (2, 3)), make_input("x", (3,))
    first = ms.exp(x).named("a b")
    second = ms.exp(w).named("a-b")
    score = first * second
    names = Graph(ms.sum(score)).names()
    assert names[x] == "x"
    assert names[w] == "x_2"
    assert names[first] == "a_b"
    assert names[second] == "a_b_2"
    # From the line above that assigns to it.
    assert names[score] == "score"
    assert len(set(names.values())) == len(names)


def test_rebuilding_keeps_the_original() -> None:
    _, _, out = small()
    graph = Graph({"out": out})
    copy, copies = rebuild(graph)
    assert copy.outputs["out"] is copies[out] is not out
    assert copy.inputs == graph.inputs
    assert copies[out].location == out.location


# The verifier


def out_of_order(graph: Graph) -> None:
    graph.values.reverse()


def leaf_with_inputs(graph: Graph) -> None:
    graph.inputs[0].inputs = (graph.inputs[1],)
    graph.values.sort(key=lambda value: value is graph.inputs[0])
    graph.values.sort(key=lambda value: value.op is not None)


def literal_without_numbers(graph: Graph) -> None:
    graph.literals[0].data = None


def literal_of_another_shape(graph: Graph) -> None:
    graph.literals[0].data = np.ones(7)


def inputs_that_do_not_fit(graph: Graph) -> None:
    graph.inputs[0].type = Type((2, 4), "float32")


def another_type(graph: Graph) -> None:
    graph.computed[-1].type = Type((9,), "float32")


def too_many_inputs(graph: Graph) -> None:
    value = graph.computed[0]
    value.inputs = (*value.inputs, value.inputs[0])


def two_inputs_of_one_name(graph: Graph) -> None:
    graph.inputs[0].name = graph.inputs[1].name


def output_from_elsewhere(graph: Graph) -> None:
    graph.outputs["other"] = make_input("other", ())


DEFECTS: list[tuple[Callable[[Graph], None], str]] = [
    (out_of_order, "to come before it"),
    (leaf_with_inputs, "no inputs, since it is a leaf"),
    (literal_without_numbers, "numbers, since it is a literal"),
    (literal_of_another_shape, r"numbers of shape \(\)"),
    (inputs_that_do_not_fit, "inputs that fit its op"),
    (another_type, r"type float32\[2\]"),
    (too_many_inputs, "as many inputs as multiply takes"),
    (two_inputs_of_one_name, "different names"),
    (output_from_elsewhere, "a value of the graph"),
]


def with_everything() -> Graph:
    _, _, out = small()
    return Graph({"out": out * 0.5})


@pytest.mark.parametrize(("defect", "words"), DEFECTS)
def test_the_verifier_finds(defect: Callable[[Graph], None], words: str) -> None:
    graph = with_everything()
    assert verify(graph) is graph
    defect(graph)
    with pytest.raises(GraphError, match=words):
        verify(graph)


def test_values_found_right_before_need_no_second_look_but_their_order_does() -> None:
    graph = with_everything()
    known = set(graph.values)
    another_type(graph)
    assert verify(graph, known) is graph
    out_of_order(graph)
    with pytest.raises(GraphError, match="to come before it"):
        verify(graph, known)


def test_an_unknown_op_is_refused() -> None:
    with pytest.raises(GraphError, match="explode"):
        find_op("explode")


# The interpreter


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_program_runs_in_its_own_kind_of_number(dtype: str) -> None:
    x = make_input("x", (2,), dtype)
    result = Interpreter(Graph({"out": x * 0.1})).run({"x": [1.0, 3.0]})["out"]
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, np.array([1, 3], dtype) * np.array(0.1, dtype))


def test_a_float32_program_can_run_in_float64() -> None:
    x = make_input("x", (2,))
    out = ms.cast(x * 0.1, "float32")
    graph, copies = in_float64(Graph({"out": out}))
    assert copies[out].dtype == "float64"
    # 0.1 is not rounded to float32 on the way.
    assert Interpreter(graph).run({"x": [1.0, 2.0]})["out"].tolist() == [0.1, 0.2]
    (narrow,) = evaluate([out], {"x": [1.0, 2.0]})
    (wide,) = evaluate([out], {"x": [1.0, 2.0]}, float64=True)
    assert narrow.dtype == np.float32
    assert wide.dtype == np.float64


def test_whole_numbers_stay_whole_in_float64() -> None:
    k = make_input("k", (2,), "int32")
    graph, copies = in_float64(Graph({"out": ms.cast(k * 2, "int64")}))
    assert graph.outputs["out"].dtype == "int64"
    assert copies[k] is k


def test_running_stops_where_it_is_told_to() -> None:
    x = make_input("x", (2,))
    first = ms.exp(x)
    second = first * 2
    third = ms.log(second)
    program = Interpreter(Graph({"out": third}))
    seen = program.trace({"x": [0.0, 0.0]}, stop_at=second)
    assert second in seen
    assert third not in seen
    np.testing.assert_array_equal(seen[second], [2.0, 2.0])
    every = program.trace({"x": [0.0, 0.0]})
    assert set(every) == set(program.graph.values)


def test_missing_numbers_are_named() -> None:
    _, _, out = small()
    with pytest.raises(AbstractValueError, match=r"'w' \(float32\[3\]\).*run\(\{'w': \.\.\.\}\)"):
        Interpreter(Graph({"out": out})).run({"x": np.ones((2, 3))})


def test_a_wrong_shape_is_named() -> None:
    _, _, out = small()
    program = Interpreter(Graph({"out": out}))
    with pytest.raises(ShapeError, match=r"'w'.*\(3,\).*\(4,\)"):
        program.run({"x": np.ones((2, 3)), "w": np.ones(4)})


def test_an_input_with_numbers_may_be_left_out_or_overruled() -> None:
    w = make_parameter(2.0, "w")
    program = Interpreter(Graph({"out": w * 3}))
    assert program.run()["out"] == 6.0
    assert program.run({"w": 5.0})["out"] == 15.0
    assert program.run()["out"] == 6.0


def test_running_twice_gives_the_same_and_changes_no_input() -> None:
    x, w, out = small()
    program = Interpreter(Graph({"out": out, "x": x}))
    feeds = {"x": np.arange(6.0, dtype="float32").reshape(2, 3), "w": np.ones(3, "float32")}
    before = {name: array.copy() for name, array in feeds.items()}
    first, second = program.run(feeds), program.run(feeds)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
    for name, array in before.items():
        np.testing.assert_array_equal(feeds[name], array)
    assert w.data is None


def test_dividing_by_zero_is_no_warning() -> None:
    x = make_input("x", (3,))
    result = Interpreter(Graph({"out": 1 / x + ms.log(x)})).run({"x": [0.0, -1.0, 1.0]})["out"]
    np.testing.assert_array_equal(result, [np.nan, np.nan, 1.0])


def test_inputs_without_a_name_have_one_when_running() -> None:
    w = make_parameter(2.0)
    assert Interpreter(Graph({"out": w * 3})).run()["out"] == 6.0


def test_one_thread_of_blas_gives_the_same_product() -> None:
    random = np.random.default_rng(0)
    a, b = make_literal(random.random((64, 65))), make_literal(random.random((65, 63)))
    with one_blas_thread():
        first = (a @ b).numpy()
        second = (a @ b).numpy()
    assert first.tobytes() == second.tobytes()


def test_errors_of_programs_are_ours() -> None:
    for error in (AbstractValueError, ShapeError, GraphError):
        assert issubclass(error, MisstepError)
