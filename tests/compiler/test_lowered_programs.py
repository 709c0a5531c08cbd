"""Graphs of the same structure are lowered once in a process, and what is shown is still theirs."""

from __future__ import annotations

import numpy as np
import pytest

import misstep as ms
from misstep.compiler import NativeProgram, Roles
from misstep.compiler.runtime import program as native_program
from misstep.compiler.runtime.targets import host_target
from misstep.errors import NotYetError
from misstep.ir import Graph, make_input

try:
    host_target()
except NotYetError as reason:
    pytest.skip(str(reason), allow_module_level=True)


@pytest.fixture
def lowered(monkeypatch: pytest.MonkeyPatch) -> list[Graph]:
    """Return the graphs that are lowered from now on."""
    graphs: list[Graph] = []
    before = native_program._lowered

    def counting(graph: Graph, *rest: object, **named: object) -> object:
        graphs.append(graph)
        return before(graph, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(native_program, "_lowered", counting)
    return graphs


def graph(factor: float, name: str = "x", rows: int = 3) -> Graph:
    x = make_input(name, (rows, 2))
    return Graph({"y": ms.tanh(x * factor) + 0.12345})


def test_the_same_structure_is_lowered_once(lowered: list[Graph]) -> None:
    feeds = {"x": np.full((3, 2), 0.7, "float32")}
    first = NativeProgram(graph(1.7)).run(feeds)[0]["y"]
    again = NativeProgram(graph(1.7)).run(feeds)[0]["y"]
    assert len(lowered) == 1
    assert first.tobytes() == again.tobytes()


def test_another_number_name_shape_role_or_output_is_another_structure(
    lowered: list[Graph],
) -> None:
    for other in (graph(2.7), graph(2.7000001), graph(2.7, "z"), graph(2.7, rows=4)):
        NativeProgram(other)
    NativeProgram(graph(2.7), Roles(stepped=("x",)))
    value = graph(2.7).outputs["y"]
    NativeProgram(Graph({"other": value}))
    assert len(lowered) == 6
    found = NativeProgram(graph(2.7000001)).run({"x": np.ones((3, 2), "float32")})[0]["y"]
    np.testing.assert_allclose(found, np.tanh(2.7000001) + 0.12345, rtol=1e-6)


def test_what_is_looked_at_is_made_of_the_very_graph(lowered: list[Graph]) -> None:
    one, other = graph(3.7), graph(3.7)
    first, second = NativeProgram(one), NativeProgram(other)
    assert len(lowered) == 1
    assert set(first.schedule.graph.inputs) == set(one.inputs)
    assert set(second.schedule.graph.inputs) == set(other.inputs)
    assert lowered == [one, other]


def test_a_network_of_the_same_structure_is_fitted_without_lowering_again(
    lowered: list[Graph],
) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(40, 3))
    y = x[:, 0] > 0
    predictions = []
    for _ in range(2):
        fitted = ms.Classifier(network="dense5", epochs=2, random_state=0).fit(x, y)
        predictions.append(fitted.predict_proba(x))
        count = len(lowered)
        if len(predictions) == 1:
            once = count
    assert count == once
    np.testing.assert_array_equal(*predictions)
