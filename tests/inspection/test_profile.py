"""Profiles add up, count what shapes say, and change no bit of what a program computes."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.compiler import NativeProgram, Roles
from misstep.compiler.codegen.lower import BARRIER, REST, lower
from misstep.compiler.passes import simplify
from misstep.compiler.runtime import program as native_program
from misstep.compiler.runtime.native import assembly, emit_object
from misstep.compiler.runtime.targets import aarch64_target, host_target
from misstep.compiler.schedule.scheduling import schedule_graph
from misstep.errors import DataError
from misstep.inspection import Profile, profile_program
from misstep.inspection.costs import cost_of
from misstep.inspection.roofline import (
    Level,
    Roofline,
    TickRate,
    measured_roofline,
    ticks_of_one_reading,
)
from misstep.ir import Array, Graph, Value, make_input
from misstep.train import Programs, SyntheticInputs, synthetic_inputs

SIZES, BATCH, STEPS = (20, 17, 9, 5), 24, 3


def programs() -> Programs:
    layers: list[ms.Module] = []
    for units in SIZES[1:-1]:
        layers += [ms.Dense(units), ms.Tanh(), ms.Dropout(0.2)]
    network = ms.Network(ms.Sequential(*layers, ms.Dense(SIZES[-1])), SIZES[:1], seed=3)
    return Programs(network, ms.CrossEntropy(), ms.Adam(0.01))


def step_and_inputs() -> tuple[Any, SyntheticInputs]:
    made = programs()
    step = made.step(BATCH, weighted=False)
    return step, synthetic_inputs(made, step, BATCH, STEPS)


def native(step: Any, threads: int, *, profiling: bool = False) -> NativeProgram:
    return NativeProgram(step.graph, step.roles, threads=threads, profiling=profiling)


@pytest.fixture
def small_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small programs run on as many threads as are asked for."""
    monkeypatch.setattr(native_program, "WORK_FOR_TWO", 1)


@pytest.fixture(scope="module")
def profiles() -> dict[int, Profile]:
    """A profile on one thread and one on two."""
    by_threads = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native_program, "WORK_FOR_TWO", 1)
        for threads in (1, 2):
            step, inputs = step_and_inputs()
            program = native(step, threads)
            assert program.threads == threads
            by_threads[threads] = profile_program(
                program, inputs.feeds, inputs.steps, row_numbers=inputs.row_numbers, rounds=2
            )
    return by_threads


# Profiles


@pytest.mark.parametrize("threads", [1, 2])
def test_shares_add_up(profiles: dict[int, Profile], threads: int) -> None:
    profile = profiles[threads]
    kernels = sum(kernel.share for kernel in profile.kernels)
    assert kernels + profile.waiting + profile.rest / profile.seconds == pytest.approx(1)
    assert all(kernel.share >= 0 and len(kernel.seconds) == threads for kernel in profile.kernels)
    assert len(profile.barriers) == profile.threads == threads
    means = sum(kernel.mean for kernel in profile.kernels)
    assert means + np.mean(profile.barriers) + profile.rest == pytest.approx(profile.seconds)


@pytest.mark.parametrize("threads", [1, 2])
def test_kernels_stand_in_the_order_in_which_they_run(
    profiles: dict[int, Profile], threads: int
) -> None:
    kernels = profiles[threads].kernels
    assert [kernel.number for kernel in kernels] == list(range(1, len(kernels) + 1))
    assert [kernel.region for kernel in kernels] == sorted(kernel.region for kernel in kernels)
    assert kernels[0].name == "fetch x"
    assert any(kernel.name.startswith("gradient_dense1.weight → ") for kernel in kernels)


@pytest.mark.parametrize("threads", [1, 2])
def test_rates_follow_from_times(profiles: dict[int, Profile], threads: int) -> None:
    for kernel in profiles[threads].kernels:
        assert kernel.mean == pytest.approx(np.mean(kernel.seconds))
        assert kernel.flops * kernel.mean == pytest.approx(kernel.cost.operations)
        assert kernel.bandwidth * kernel.mean == pytest.approx(kernel.cost.bytes)
        assert kernel.reached * kernel.mean == pytest.approx(kernel.floor)
        assert kernel.imbalance >= -1e-9


def test_products_count_as_their_formula_says(profiles: dict[int, Profile]) -> None:
    layers = list(pairwise(SIZES))
    forward = [2 * BATCH * inputs * outputs for inputs, outputs in layers]
    # Each layer again for its weights, and all but the first for what it was given.
    assert profiles[1].products == 3 * sum(forward) - forward[0]
    assert profiles[2].products == profiles[1].products
    assert profiles[2].operations == profiles[1].operations > profiles[1].products


def test_a_profile_is_json(profiles: dict[int, Profile]) -> None:
    facts = json.loads(json.dumps(profiles[2].to_json(), allow_nan=False))
    assert len(facts["kernels"]) == len(profiles[2].kernels)
    assert sum(kernel["share"] for kernel in facts["kernels"]) <= 1 + 1e-9
    assert facts["roofline"]["levels"][-1]["name"] == "memory"


def test_a_profile_needs_a_step_that_can_be_done() -> None:
    step, inputs = step_and_inputs()
    feeds = dict(inputs.feeds) | {"x": np.full_like(inputs.feeds["x"], np.inf)}
    with pytest.raises(DataError, match="finite loss"):
        profile_program(native(step, 1), feeds, inputs.steps, row_numbers=inputs.row_numbers)


def test_a_profile_leaves_states_as_they_are() -> None:
    step, inputs = step_and_inputs()
    feeds = {name: np.array(array) for name, array in inputs.feeds.items()}
    program = native(step, 1)
    for _ in range(2):
        profile_program(program, feeds, inputs.steps, row_numbers=inputs.row_numbers, rounds=1)
        assert all(np.array_equal(feeds[name], array) for name, array in inputs.feeds.items())


def test_a_profile_has_as_many_threads_as_were_set() -> None:
    step, inputs = step_and_inputs()
    program = native(step, 1)
    assert program.threads == 1
    for threads in (3, 3, 2):
        program.threads = threads
        profile = profile_program(
            program, inputs.feeds, inputs.steps, row_numbers=inputs.row_numbers, rounds=1
        )
        assert profile.threads == len(profile.barriers) == threads
        assert all(len(kernel.seconds) == threads for kernel in profile.kernels)


# Timers


@pytest.mark.usefixtures("small_counts")
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_profiling_changes_no_bit(threads: int) -> None:
    step, inputs = step_and_inputs()
    results: list[dict[str, Array]] = []
    for profiling in (False, True):
        program = native(step, threads, profiling=profiling)
        feeds = {name: np.array(array) for name, array in inputs.feeds.items()}
        out, done = program.run(feeds, inputs.steps, row_numbers=inputs.row_numbers)
        assert done == inputs.steps
        results.append(out)
        counted = program.ticks[:, : len(program.lowered.timers)]
        assert (counted > 0).any() == profiling
        assert (counted >= 0).all()
    assert results[0].keys() == results[1].keys()
    assert all(results[0][name].tobytes() == results[1][name].tobytes() for name in results[0])


def test_who_asks_for_no_profile_gets_no_clock() -> None:
    step, _ = step_and_inputs()
    for profiling in (False, True):
        program = native(step, 1, profiling=profiling)
        assert ("counter" in program.lowered.text) == profiling
        assert any(slot.timers for slot in program.lowered.slots) == profiling
        assert bool(program.lowered.timers) == profiling
        assert bool(program.ticks.size) == profiling


def test_there_is_a_timer_for_each_kernel_and_barrier() -> None:
    step, _ = step_and_inputs()
    lowered = native(step, 1, profiling=True).lowered
    kernels = [kernel for region in lowered.schedule.regions for kernel in region]
    assert [subject for subject in lowered.timers if subject in kernels] == kernels
    barriers = [subject for subject in lowered.timers if isinstance(subject, tuple)]
    assert [kind for kind, _ in barriers] == [BARRIER] * lowered.schedule.barriers
    assert lowered.timers.count(REST) == 1


def test_timers_take_no_longer_than_the_run_and_add_up() -> None:
    step, inputs = step_and_inputs()
    program = native(step, 1, profiling=True)
    rate = TickRate(program.target)
    began = time.perf_counter()
    totals = []
    for _ in range(2):
        feeds = {name: np.array(array) for name, array in inputs.feeds.items()}
        program.run(feeds, inputs.steps, row_numbers=inputs.row_numbers)
        totals.append(int(program.ticks.sum()))
    elapsed = time.perf_counter() - began
    assert totals[1] > totals[0] > 0
    # The clock's rate is known to a part in a hundred at the least.
    assert totals[1] * rate.seconds() <= 1.01 * elapsed


def test_timers_of_other_processors_can_be_generated() -> None:
    step, _ = step_and_inputs()
    target = aarch64_target()
    text = lower(schedule_graph(simplify(step.graph), step.roles), target, profiling=True).text
    assert emit_object(text, target)
    assert "CNTVCT_EL0" in assembly(text, target).upper()


# Costs


def only_kernel(value: Value, roles: Roles | None = None) -> Any:
    program = NativeProgram(Graph({"out": value}), roles, threads=1)
    (kernel,) = program.schedule.fused.kernels
    return cost_of(kernel, program.schedule.fused)


def floats(name: str, *shape: int) -> Value:
    return make_input(name, shape, "float32")


def test_the_cost_of_a_product() -> None:
    cost = only_kernel(floats("a", 7, 11) @ floats("b", 11, 13))
    assert (cost.products, cost.others) == (2 * 7 * 11 * 13, 0)
    assert (cost.outside_read, cost.outside_written) == (4 * (7 * 11 + 11 * 13), 4 * 7 * 13)
    assert (cost.read, cost.written) == (0, 0)


def test_the_cost_of_a_batch_of_products() -> None:
    cost = only_kernel(ms.relu(floats("a", 3, 4, 5) @ floats("b", 5, 6)))
    assert (cost.products, cost.others) == (2 * 3 * 4 * 5 * 6, 3 * 4 * 6)
    # The second matrix is one for all.
    assert cost.outside_read == 4 * (3 * 4 * 5 + 5 * 6)


def test_the_cost_of_work_entry_by_entry() -> None:
    a, b = floats("a", 8, 10), floats("b", 10)
    cost = only_kernel(a * b + a)
    assert (cost.products, cost.others) == (0, 2 * 8 * 10)
    assert (cost.outside_read, cost.outside_written) == (4 * (8 * 10 + 10), 4 * 8 * 10)
    assert cost.bytes == cost.outside_read + cost.outside_written


def test_the_cost_of_a_sum() -> None:
    cost = only_kernel(ms.ops.sum(floats("a", 8, 10) * 3.0, axis=1))
    # A multiplication and an addition for each entry of what is summed.
    assert cost.operations == 2 * 8 * 10
    assert (cost.outside_read, cost.outside_written) == (4 * 8 * 10, 4 * 8)


def test_what_is_read_by_number_counts_once_for_each_row() -> None:
    a, which = floats("a", 1000, 4), make_input("which", (5,), "int64")
    cost = only_kernel(ms.ops.gather(a, which))
    assert cost.outside_read == 4 * 5 * 4 + 8 * 5


def test_a_dear_function_costs_more() -> None:
    a = floats("a", 100)
    assert only_kernel(ms.tanh(a)).operations > 5 * only_kernel(a + 1.0).operations


# Roofline


@pytest.fixture(scope="module")
def roofline() -> Roofline:
    return measured_roofline(host_target(), 1)


def test_rooflines_are_measured_once(roofline: Roofline) -> None:
    assert measured_roofline(host_target(), 1) is roofline


def test_rooflines_are_those_of_a_processor(roofline: Roofline) -> None:
    # Any core with AVX2 does a billion of them a second, none a hundred thousand billions.
    assert all(1e9 < rate < 1e14 for rate in roofline.operations.values())
    assert all(1e8 < rate < 1e14 for rate in roofline.separate.values())
    assert all(1e8 < rate < 1e14 for level in roofline.levels for rate in (level.read, level.copy))
    assert roofline.levels[-1].bytes is None
    holds = [level.bytes for level in roofline.levels if level.bytes is not None]
    assert holds == sorted(holds)


MADE_UP = Roofline(
    1,
    {"float32": 100.0, "float64": 50.0},
    {"float32": 50.0, "float64": 25.0},
    (Level("near", 1000, 10.0, 8.0), Level("memory", None, 1.0, 0.5)),
)


def test_the_nearest_place_that_holds_enough() -> None:
    assert [MADE_UP.level(size).name for size in (0, 1000, 1001)] == ["near", "near", "memory"]


def test_bytes_that_are_read_and_written_move_as_fast_as_a_copy() -> None:
    near = MADE_UP.levels[0]
    assert near.seconds(80, 0) == pytest.approx(8)
    assert near.seconds(40, 40) == pytest.approx(10)
    assert near.seconds(120, 40) == pytest.approx(10 + 8)
    assert near.seconds(0, 80) == pytest.approx(10)


def test_arithmetic_is_limited_by_multiply_adds_or_by_instructions() -> None:
    assert MADE_UP.arithmetic("float32", 200, 0) == pytest.approx(2)
    assert MADE_UP.arithmetic("float32", 200, 50) == pytest.approx((100 + 50) / 50)
    assert MADE_UP.arithmetic("float64", 100, 0) == pytest.approx(2)
    # Whole numbers go as fast as floats of their size.
    assert MADE_UP.arithmetic("int64", 0, 50) == pytest.approx(1)


def test_the_clock_runs_and_costs_little() -> None:
    target = host_target()
    rate = TickRate(target)
    time.sleep(0.01)
    tick = rate.seconds()
    assert 1e-11 < tick < 1e-6
    assert 0 < ticks_of_one_reading(target) * tick < 1e-5
