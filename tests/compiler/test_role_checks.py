"""What would spoil memory or give wrong numbers without a word is refused in words."""

from __future__ import annotations

import numpy as np
import pytest

import misstep as ms
from misstep.compiler import NativeProgram, Roles
from misstep.compiler.runtime.targets import host_target
from misstep.errors import ArgumentError, MisstepError, NotYetError
from misstep.inspection import profile_program
from misstep.ir import Graph, Interpreter, make_input

try:
    host_target()
except NotYetError as reason:
    pytest.skip(str(reason), allow_module_level=True)


def two_states() -> NativeProgram:
    a, b = make_input("a", (4,)), make_input("b", (4,))
    return NativeProgram(
        Graph({"sum": a + b, "difference": a - b}), Roles(states={"sum": "a", "difference": "b"})
    )


ROLES = {
    "larger state": (Roles(states={"long": "a"}), "float32[4] again"),
    "no such output": (Roles(states={"none": "a"}), "one output and one input"),
    "no such input": (Roles(states={"same": "none"}), "one output and one input"),
    "two for one": (Roles(states={"same": "a", "other": "a"}), "of its own"),
    "stepped state": (Roles(states={"same": "a"}, stepped=("a",)), "one array for all steps"),
    "gathered state": (Roles(states={"same": "a"}, gathered=("a",)), "one array for all steps"),
    "other batches": (Roles(gathered=("a", "x")), "as many of each"),
    "a number gathered": (Roles(gathered=("n",)), "rows"),
    "no such guard": (Roles(guard="none"), "one of its outputs"),
}


@pytest.mark.parametrize("name", ROLES)
def test_roles_that_can_not_be_are_refused(name: str) -> None:
    a, x, n = make_input("a", (4,)), make_input("x", (8, 2)), make_input("n", ())
    outputs = {"same": a * 2.0, "other": a * n, "long": ms.ops.concatenate([a, a]), "x": x * 3.0}
    roles, words = ROLES[name]
    with pytest.raises(MisstepError) as caught:
        NativeProgram(Graph(outputs), roles)
    assert words in str(caught.value)


def test_arrays_that_a_run_writes_must_lie_apart() -> None:
    program = two_states()
    room = np.zeros(8, np.float32)
    with pytest.raises(ArgumentError, match=r"'a' and 'b'.*shared memory"):
        program.run({"a": room[:4], "b": room[3:7]})
    out, _ = program.run({"a": room[:4], "b": room[4:]})
    assert out["sum"] is not out["difference"]


def test_an_output_must_not_lie_on_an_input() -> None:
    x = make_input("x", (4,))
    program = NativeProgram(Graph({"y": x + 1.0}))
    numbers = np.zeros(4, np.float32)
    with pytest.raises(ArgumentError, match="shared memory"):
        program.run({"x": numbers}, into={"y": numbers})


def test_what_is_only_read_may_be_given_twice() -> None:
    x, y = make_input("x", (4,)), make_input("y", (4,))
    numbers = np.ones(4, np.float32)
    out, _ = NativeProgram(Graph({"sum": x + y})).run({"x": numbers, "y": numbers})
    assert out["sum"].tolist() == [2.0] * 4


def test_a_program_that_gathers_rows_is_not_prepared() -> None:
    x = make_input("x", (2, 1))
    program = NativeProgram(Graph({"y": x * 2.0}), Roles(gathered=("x",)))
    with pytest.raises(ArgumentError, match="gathers them by number"):
        program.prepare({"x": np.ones((4, 1), np.float32)})


def test_timers_have_room_for_all_threads_that_were_set() -> None:
    x, w = make_input("x", (64, 64)), make_input("w", (64, 64))
    program = NativeProgram(Graph({"y": ms.ops.matmul(ms.ops.matmul(x, w), w)}))
    feeds = {"x": np.ones((64, 64), np.float32), "w": np.ones((64, 64), np.float32)}
    for threads in (3, 2):
        program.threads = threads
        profile = profile_program(program, feeds, rounds=1)
        assert profile.threads == threads
        assert all(len(kernel.seconds) == threads for kernel in profile.kernels)
    with pytest.raises(ArgumentError):
        program.threads = 0


@pytest.mark.parametrize("shape", [(), (8,), (3, 1)])
def test_a_chain_of_hundreds_of_operations_is_compiled(shape: tuple[int, ...]) -> None:
    x = make_input("x", shape)
    value, other = x, x
    for place in range(400):
        value = value * 1.001 + 0.5
        # Each used twice, as where one thing is chosen or the other.
        if place < 150:
            other = ms.ops.where(other > 1.0, ms.exp(-other), other + 0.25)
    graph = Graph({"y": value, "z": other})
    feeds = {"x": np.full(shape, 0.3, "float32")}
    found, wanted = NativeProgram(graph).run(feeds)[0], Interpreter(graph).run(feeds)
    for name in wanted:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-4)
