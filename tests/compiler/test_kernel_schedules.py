"""What is stored, which kernel makes it, when threads wait, and where in memory things lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_model import lost, races
from program_maker import MadeUp

from misstep import ops
from misstep.compiler import NativeProgram, Roles
from misstep.compiler.codegen.lower import lower
from misstep.compiler.passes import simplify
from misstep.compiler.runtime.targets import host_target
from misstep.compiler.schedule.kernel import Kernel
from misstep.compiler.schedule.partition import Partition, rows_are_independent
from misstep.compiler.schedule.plan_memory import ALIGNMENT
from misstep.compiler.schedule.scheduling import Schedule, schedule_graph
from misstep.errors import NotYetError
from misstep.ir import Graph, Value, make_input
from misstep.nn import Dense, Dropout, Module, Network, Program, ReLU, Residual, Sequential, Tanh
from misstep.nn.losses import CrossEntropy
from misstep.ops.contraction import MatrixProduct
from misstep.optim import L2, SGD, Adam, ClipNorm, ClipValue, Nadam
from misstep.train.programs import Programs

try:
    HOST = host_target()
except NotYetError as reason:
    pytest.skip(str(reason), allow_module_level=True)

ROWS = 24


def scheduled(graph: Graph, roles: Roles | None = None) -> Schedule:
    """Return a graph's schedule, of which code has been written."""
    return lower(schedule_graph(graph, roles or Roles()), HOST).schedule


def of_program(program: Program) -> Schedule:
    return scheduled(simplify(program.graph), program.roles)


def mlp(*more: Module) -> Network:
    return Network(Sequential(Dense(16), ReLU(), *more, Dense(4)), (20,))


def adam(network: Network | None = None, **options: object) -> Programs:
    return Programs(network or mlp(), CrossEntropy(), Adam(), **options)  # type: ignore[arg-type]


def plain(programs: Programs, *, weighted: bool = False) -> Schedule:
    return of_program(programs.step(ROWS, weighted=weighted))


def kernels_of(one: Schedule, op: type) -> list[Kernel]:
    return [
        kernel
        for kernel in one.fused.kernels
        if kernel.anchor is not None and isinstance(kernel.anchor.op, op)
    ]


# --- where threads wait -------------------------------------------------------------------------


@pytest.mark.parametrize("more", [(), (Dense(16), Tanh()), (Dropout(0.3), Dense(8), ReLU())])
def test_a_step_needs_two_barriers_and_a_prediction_none(more: tuple[Module, ...]) -> None:
    programs = adam(mlp(*more))
    assert plain(programs).barriers == 2
    inference = programs.network.inference()
    assert of_program(inference.predict_program(ROWS, programs.loss)).barriers == 0
    assert of_program(inference.evaluate_program(ROWS, programs.loss)).barriers == 0


def test_a_norm_of_all_gradients_needs_one_more() -> None:
    assert plain(adam(clipping=[ClipValue(1.0)])).barriers == 2
    assert plain(adam(clipping=[ClipNorm(1.0)])).barriers == 3


def test_before_the_first_state_changes_the_loss_is_known() -> None:
    one = plain(adam())
    guard = one.partition.guard
    assert guard is one.fused.graph.outputs["loss"]
    before = one.fused.kernels_of_scalar(guard)
    order = [kernel for region in one.regions for kernel in region]
    changing = [kernel for kernel in order if writes(kernel, "parameters")]
    assert changing
    assert before
    assert max(map(order.index, before)) < min(map(order.index, changing))


def test_rows_that_a_thread_made_itself_are_read_without_waiting() -> None:
    x, w = make_input("x", (40, 8)), make_input("w", (8, 8))
    product = ops.tanh(x @ w)
    same = Graph(product - ops.sum(product, 1, keep=True))
    assert len(scheduled(same).regions) == 1
    for other in (
        product - ops.sum(product, 0),
        product[::-1] * ops.sum(product, 1, keep=True),
        product.T @ x,
        ops.reshape(product, (8, 40)) + 1.0,
    ):
        turned = scheduled(simplify(Graph({"out": other, "product": product})))
        assert len(turned.regions) >= 2


# --- what is stored, and who makes it -------------------------------------------------------------


def writes(kernel: Kernel, name: str) -> bool:
    return any(view.buffer.name == name for _, view in kernel.results)


def stored_names(one: Schedule) -> set[str]:
    return {buffer.name for buffer in one.arena.starts}


def test_the_optimizer_works_while_the_gradient_is_in_registers() -> None:
    one = plain(adam())
    products = {kernel.shape: kernel for kernel in kernels_of(one, MatrixProduct)}
    for shape in ((20, 16), (16, 4)):
        kernel = products[shape]
        assert sum(view.buffer.name == "optimizer_state" for _, view in kernel.results) == 2
        assert writes(kernel, "parameters")
        assert all(view.buffer.external for _, view in kernel.results)
    # Nothing but what belongs to rows of the batch is ever stored.
    for buffer in one.arena.starts:
        assert buffer.size % ROWS == 0, buffer.name
        assert buffer.size <= ROWS * 20


def test_gradients_are_stored_once_where_their_norm_is_wanted() -> None:
    one = plain(adam(clipping=[ClipNorm(1.0)]))
    flat = [buffer for buffer in one.arena.starts if buffer.name == "gradients"]
    assert [buffer.size for buffer in flat] == [20 * 16 + 16 + 16 * 4 + 4]
    makers = [kernel for kernel in one.fused.kernels if writes(kernel, "gradients")]
    # Each is made in its place, by the kernel whose anchor it is.
    assert len(makers) == 4
    assert all(kernel.anchor is not None and len(kernel.results) == 1 for kernel in makers)
    assert not any("gradient_dense" in name for name in stored_names(one))


def test_added_up_gradients_are_added_in_registers() -> None:
    one = of_program(adam().accumulate(ROWS, weighted=False))
    makers = [kernel for kernel in one.fused.kernels if writes(kernel, "gradients")]
    assert len(makers) == 4
    assert all(kernel.anchor is not None for kernel in makers)
    assert "gradients" not in stored_names(one)


def test_bias_and_activation_are_worked_out_with_the_product() -> None:
    one = of_program(mlp().inference().predict_program(ROWS, CrossEntropy()))
    first, second = kernels_of(one, MatrixProduct)
    assert [view.buffer.name for _, view in first.results] == ["relu"]
    assert [value.op.name for value, _ in second.results if value.op] == ["add"]


def test_the_mask_of_a_relu_needs_no_memory() -> None:
    """Where the activation is positive its derivative is 1: nothing else is kept of it."""
    one = plain(adam())
    assert "less" not in stored_names(one)
    assert not any(buffer.dtype == "bool" for buffer in one.arena.starts)
    # The blame of the hidden layer is masked while it is in registers.
    masked = [kernel for kernel in kernels_of(one, MatrixProduct) if kernel.shape == (ROWS, 16)]
    assert len(masked) == 2
    (last,) = masked[1].results
    assert last[0].op is not None
    assert last[0].op.name == "where"


def test_what_was_drawn_is_kept_as_a_mask_or_drawn_once() -> None:
    one = plain(adam(mlp(Dropout(0.3), Dense(16), ReLU())))
    drawn = [
        value
        for value in one.fused.graph.computed
        if value.op is not None and value.op.name == "random_uniform"
    ]
    assert len(drawn) == 1
    assert drawn[0] not in one.fused.storage


# --- no two threads at one place ------------------------------------------------------------------


def steps_of_training() -> Iterator[tuple[str, Program]]:
    networks = {
        "plain": mlp(),
        "deep": mlp(Dropout(0.2), Dense(16), Tanh()),
        "residual": mlp(Residual(Dense(16), Tanh()), Dense(9)),
    }
    optimizers = {"nadam": Nadam(), "nesterov": SGD(0.1, 0.9, nesterov=True)}
    for name, network in networks.items():
        for how, optimizer in optimizers.items():
            for clipping in ([], [ClipNorm(1.0)]):
                programs = Programs(network, CrossEntropy(), optimizer, clipping, [L2(0.1)])
                weighted = name == "deep"
                words = f"{name} {how} {clipping}"
                yield f"step {words}", programs.step(ROWS, weighted=weighted)
                yield f"accumulate {words}", programs.accumulate(ROWS, weighted=weighted)
                yield f"apply {words}", programs.apply()
                yield f"look {words}", programs.look(ROWS, weighted=weighted)
        yield f"evaluate {name}", programs.network.inference().evaluate_program(ROWS, programs.loss)


def check_memory(one: Schedule) -> None:
    for threads in (2, 3):
        assert races(one, threads) == []
    assert lost(one) == []
    for buffer, start in one.arena.starts.items():
        assert start % ALIGNMENT == 0
        assert start + buffer.size * np.dtype(buffer.dtype).itemsize <= one.arena.size


def test_threads_never_meet_in_memory_while_training() -> None:
    for words, program in steps_of_training():
        try:
            check_memory(of_program(program))
        except AssertionError as error:
            raise AssertionError(words) from error


@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(1, 12), many=st.booleans())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_threads_never_meet_in_memory_of_made_up_programs(
    seed: int, steps: int, many: bool
) -> None:
    maker = MadeUp(seed, steps, empty=seed % 5 == 0)
    graph, roles = maker.steps() if many else (maker.graph(), Roles())
    check_memory(scheduled(simplify(graph), roles))


def test_missing_barriers_and_shared_places_would_be_found() -> None:
    one = plain(adam())
    together = [kernel for region in one.regions for kernel in region]
    careless = replace(one, partition=Partition([together], True, None))
    assert races(careless, 2)
    assert not lost(careless)
    crowded = replace(one.arena, starts=dict.fromkeys(one.arena.starts, 0))
    assert lost(replace(one, arena=crowded))


def test_memory_is_used_again_where_all_threads_are_done_with_it() -> None:
    x = make_input("x", (64, 64), "float64")
    for _ in range(8):
        x = ops.tanh(x @ x.T)  # other rows are needed: a barrier each
    one = scheduled(simplify(Graph(x)))
    assert one.barriers == 8
    assert sum(buffer.name == "tanh" for buffer in one.arena.starts) == 7
    assert one.arena.size == 2 * 64 * 64 * 8


# --- states ---------------------------------------------------------------------------------------


def test_numbers_that_trade_places_go_by_way_of_others() -> None:
    a, b = make_input("a", (9,), "float64"), make_input("b", (9,), "float64")
    graph = Graph({"a": b, "b": a}, [a, b])
    program = NativeProgram(graph, Roles(states={"a": "a", "b": "b"}))
    check_memory(program.schedule)
    first, second = np.arange(9.0), np.arange(9.0) * -1
    program.run({"a": first, "b": second}, 3)
    np.testing.assert_array_equal(first, np.arange(9.0) * -1)
    np.testing.assert_array_equal(second, np.arange(9.0))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_state_may_be_its_old_numbers_in_another_order(threads: int) -> None:
    a = make_input("a", (40, 3), "float64")
    graph = Graph({"a": ops.flip(a, 0) + ops.sum(a, 0)}, [a])
    program = NativeProgram(graph, Roles(states={"a": "a"}))
    program.threads = threads
    state = np.random.default_rng(0).integers(0, 9, (40, 3)).astype("float64")
    expected = state.copy()
    for _ in range(3):
        expected = expected[::-1] + expected.sum(0)
    program.run({"a": state}, 3)
    np.testing.assert_array_equal(state, expected)


# --- rows by themselves ---------------------------------------------------------------------------


def independent(out: Value) -> bool:
    roles = Roles(stepped=("x",), logged=("out",))
    one = scheduled(simplify(Graph({"out": out})), roles)
    return rows_are_independent(one.fused, one.partition, roles.stepped)


def test_which_rows_depend_on_others() -> None:
    x, w = make_input("x", (8, 8)), make_input("w", (8, 8))
    alone = {
        "product": ops.tanh(x @ w),
        "softmax": ops.softmax(x @ w),
        "scaled": x / ops.sum(x * x, 1, keep=True),
        "columns": x[:, ::-1],
        "shape": ops.reshape(x, (8, 2, 4)) * 2.0,
        "pairs": ops.reshape(x, (8, 8, 1)) @ ops.reshape(x, (8, 1, 8)),
    }
    mixed = {
        "mean": x - ops.mean(x, 0),
        "all": x - ops.mean(x),
        "one": x - x[0:1, 0:1],
        "turned": x[::-1],
        "transposed": x.T * 1.5,
        "products": x.T @ x,
        "other rows": ops.concatenate([x[4:], x[:4]], 0) + 1.0,
        "taken": ops.gather(x, np.arange(8)[::-1]),
        "distances": ops.reshape(x, (8, 1, 8)) - ops.reshape(x, (1, 8, 8)),
        "first": x + x[:1],
        "shape": ops.transpose(ops.reshape(x, (4, 2, 8)), (1, 0, 2)) + 1.0,
    }
    for name, value in alone.items():
        assert independent(value), name
    for name, value in mixed.items():
        assert not independent(value), name
