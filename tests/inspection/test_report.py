"""Every section of a report says something true of every kind of program."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.compiler import NativeProgram
from misstep.errors import ArgumentError
from misstep.inspection import (
    SECTIONS,
    graph_section,
    overview,
    profile_program,
    profile_text,
    report,
    summary,
)
from misstep.inspection.labels import Labels
from misstep.inspection.report import passes_text
from misstep.ir import Graph, make_input
from misstep.nn import Program
from misstep.text.figures import percent
from misstep.text.tables import WIDTH, in_columns, in_lines
from misstep.train import Programs, synthetic_inputs

ROWS = 12


def programs(dtype: str = "float32", dropout: float = 0.0) -> Programs:
    layers = [ms.Dense(9), ms.ReLU(), *([ms.Dropout(dropout)] if dropout else []), ms.Dense(4)]
    network = ms.Network(ms.Sequential(*layers), (6,), dtype=dtype, seed=1)
    return Programs(
        network, ms.CrossEntropy(), ms.AdamW(0.01), [ms.optim.ClipNorm(1.0)], [ms.optim.L2(1e-3)]
    )


def of_graph(*outputs: ms.ir.Value) -> NativeProgram:
    return NativeProgram(Graph(list(outputs)), threads=1)


def of_training(program: Program) -> NativeProgram:
    made = program.compiled(1)
    assert made is not None, program.fallback_reason
    return made


def x(*shape: int) -> ms.ir.Value:
    return make_input("x", shape, "float32")


KINDS: dict[str, Callable[[], NativeProgram]] = {
    "step": lambda: of_training(programs().step(ROWS, weighted=False)),
    "look": lambda: of_training(programs("float64").look(ROWS, weighted=True)),
    "dropout": lambda: of_training(programs(dropout=0.3).step(ROWS, weighted=False)),
    "accumulate": lambda: of_training(programs().accumulate(ROWS, weighted=False)),
    "apply": lambda: of_training(programs().apply()),
    "evaluate": lambda: of_training(
        programs().network.inference().evaluate_program(ROWS, ms.CrossEntropy())
    ),
    "predict": lambda: of_training(
        programs().network.inference().predict_program(1, ms.CrossEntropy())
    ),
    "one number": lambda: of_graph(x() + 1.0),
    "moves only": lambda: of_graph(x(3, 4).T),
    "nothing to do": lambda: of_graph(x(3, 4)),
    "no rows": lambda: of_graph(x(0, 4) * 2.0),
    "batched product": lambda: of_graph(x(2, 3, 4) @ make_input("w", (4, 5), "float32")),
    "by position": lambda: of_graph(ms.ops.gather(x(9, 2), make_input("at", (3,), "int64"))),
}


@pytest.fixture(scope="module")
def made() -> Callable[[str], NativeProgram]:
    """A program of each kind, made once."""
    known: dict[str, NativeProgram] = {}

    def find(kind: str) -> NativeProgram:
        if kind not in known:
            known[kind] = KINDS[kind]()
        return known[kind]

    return find


@pytest.fixture(scope="module")
def step(made: Callable[[str], NativeProgram]) -> NativeProgram:
    return made("step")


@pytest.fixture(scope="module")
def profile() -> Any:
    owner = programs()
    program = owner.step(ROWS, weighted=False)
    inputs = synthetic_inputs(owner, program, ROWS, 2)
    return profile_program(
        of_training(program), inputs.feeds, inputs.steps, row_numbers=inputs.row_numbers, rounds=3
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_tells_of_every_kind(
    kind: str, section: str, made: Callable[[str], NativeProgram]
) -> None:
    text = report(made(kind), [section])
    assert text.strip()
    assert text == text.strip("\n")
    if section in ("overview", "passes", "kernels", "memory"):
        assert max(map(len, text.splitlines())) <= WIDTH
        assert all(line == line.rstrip() for line in text.splitlines())
    assert "None" not in text
    assert "object at" not in text


def test_several_sections_have_headings(step: NativeProgram) -> None:
    text = report(step, ["passes", "memory"])
    assert text.index("passes: ") < text.index("memory: ")
    assert report(step, ["passes"]) in text
    assert report(step) == report(step, ["overview"]) == overview(step)


def test_an_unknown_section_is_refused(step: NativeProgram) -> None:
    with pytest.raises(ArgumentError, match="kernels") as caught:
        report(step, ["bytes"])
    assert "'bytes'" in str(caught.value)


def test_a_graph_alone_has_its_sections(step: NativeProgram) -> None:
    for name in ("graph", "passes", "simplified", "python"):
        assert graph_section(step.graph, name) == report(step, [name])
    assert graph_section(step.graph, "kernels") is None


def test_passes_lead_from_the_graph_to_what_is_compiled(step: NativeProgram) -> None:
    rows = [line.split() for line in report(step, ["passes"]).splitlines()[1:]]
    counts = [[int(word) for word in row if word.isdigit()] for row in rows]
    assert counts[0] == [len(step.graph.computed)]
    assert counts[-1] == [len(step.schedule.fused.graph.computed)]
    between = [pair[:2] for pair in counts[1:-1]]
    assert [before for before, _ in between] == [
        counts[0][0],
        *(after for _, after in between[:-1]),
    ]
    assert between[-1][1] == counts[-1][0]


def test_passes_in_full_show_each_graph() -> None:
    graph = Graph({"y": ms.tanh(x(3)) * 1.0 + 0.0})
    text = passes_text(graph, full=True)
    assert "1. after" in text
    assert text.rstrip().endswith("}")
    assert text.count("graph program(") == text.count(". after ")


def test_every_kernel_and_barrier_is_listed(step: NativeProgram) -> None:
    text = report(step, ["kernels"])
    lowered = step.lowered
    numbers = [int(match) for match in re.findall(r"^ +(\d+)  \S", text, re.MULTILINE)]
    assert numbers == list(range(1, len(lowered.schedule.fused.kernels) + 1))
    assert text.count("── barrier") == lowered.schedule.barriers
    assert text.count("\nregion ") + 1 == len(lowered.schedule.regions)


def test_kernels_say_what_they_read_and_store(step: NativeProgram) -> None:
    text = " ".join(report(step, ["kernels"]).split())
    assert "x · dense1.weight; then add, relu of each entry stores relu 12 × 9" in text
    assert "reads rows of x by their numbers" in text
    assert "dense1.weight 6 × 9 in parameters" in text
    assert "test_report.py:" in text


def test_labels_name_operands_through_their_moves(step: NativeProgram) -> None:
    labels = Labels(step.schedule.fused)
    computed = [labels.computation(kernel) for kernel in step.schedule.fused.kernels]
    assert "x · dense1.weight" in computed
    assert any(label.endswith(" · dense2.weightᵀ") for label in computed)
    assert any(label.startswith("xᵀ · ") for label in computed)


def test_memory_lists_every_place_and_every_array(step: NativeProgram) -> None:
    text = report(step, ["memory"])
    assert len(step.schedule.arena.starts) > 2
    for start in step.schedule.arena.starts.values():
        assert re.search(rf"^ +{start:,} ", text, re.MULTILINE)
    roles = {slot.name: slot.name in text for slot in step.lowered.slots}
    assert all(roles.values())
    assert "changes in place" in text
    assert "rows fetched by number" in text


def test_the_python_of_a_program_computes_the_same() -> None:
    graph = Graph({"y": ms.tanh(make_input("x", (2, 3), "float32")) * 2.0})
    numbers = np.arange(6, dtype="float32").reshape(2, 3)
    space: dict[str, Any] = {"__name__": "written"}
    exec(report(NativeProgram(graph), ["python"]), space)
    expected = ms.ir.Interpreter(graph).run({"x": numbers})["y"]
    assert np.array_equal(space["program"](numbers)["y"], expected)


def test_code_is_code(step: NativeProgram) -> None:
    assert "define i32 @misstep_run(" in report(step, ["llvm"])
    assert "misstep_run:" in report(step, ["assembly"])


def test_a_summary_agrees_with_the_program(step: NativeProgram) -> None:
    facts = summary(step)
    assert facts["kernels"] == len(step.schedule.fused.kernels)
    assert facts["memory_bytes"] == step.schedule.arena.size
    # Forward and for the weights of two layers, for the input of the second one.
    products = 2 * ROWS * (2 * (6 * 9 + 9 * 4) + 9 * 4)
    assert (facts["products"], facts["product_operations"]) == (5, products)
    assert facts["code_bytes"] == step.module.object_bytes


def test_a_profile_lists_all_kernels(profile: Any) -> None:
    text = profile_text(profile)
    for one in profile.kernels:
        assert re.search(rf"^ +{one.number}  ", text, re.MULTILINE)
    assert "of best" in text
    assert "Peaks: " in text
    assert max(map(len, text.splitlines())) <= WIDTH
    assert percent(profile.kernels[0].mean / profile.whole) in text


def test_the_lines_of_a_profile_add_up_to_the_step(profile: Any) -> None:
    for most in (None, 2):
        lines = profile_text(profile, most=most, legend=False).splitlines()
        times: dict[str, float] = {}
        for line in lines[1:]:
            found = re.match(r"^ *(\d*)  +(.*?)  +([\d.]+) ?%  +([\d.]+)", line)
            assert found, line
            times[found[2] if not found[1] else found[1]] = float(found[4])
        step = times["a step, with clocks read"]
        ends = ("all kernels", "waiting for other threads", "single numbers and loops")
        parts = [times.get(name, 0.0) for name in (*ends, "everything else")]
        assert sum(parts) == pytest.approx(step, rel=0.02)
        assert step == pytest.approx(1e6 * profile.whole, rel=0.01)
        kernels = [took for name, took in times.items() if name.isdigit() or "smaller" in name]
        assert sum(kernels) == pytest.approx(times["all kernels"], rel=0.03)


def test_a_profile_says_how_far_rounds_differ(profile: Any) -> None:
    assert len(profile.rounds) > 1
    assert min(profile.rounds) == profile.plain
    text = " ".join(profile_text(profile).split())
    assert f"in the fastest of {len(profile.rounds)} rounds" in text
    assert "slowest " in text


def test_a_profile_can_be_short(profile: Any) -> None:
    text = profile_text(profile, most=3, legend=False)
    numbers = [int(match) for match in re.findall(r"^ +(\d+)  ", text, re.MULTILINE)]
    largest = sorted(profile.kernels, key=lambda kernel: -kernel.share)[:3]
    assert numbers == sorted(kernel.number for kernel in largest)
    assert f"{len(profile.kernels) - 3} smaller kernels" in text
    assert "Roofline" not in text


def test_a_profile_can_tell_of_each_thread(profile: Any) -> None:
    text = profile_text(profile, by_thread=True)
    assert "thread 1" in text
    assert "GB/s  of best" not in text


def test_a_profile_stands_in_the_overview(step: NativeProgram, profile: Any) -> None:
    lines = overview(step, profile).splitlines()
    assert lines[-2].startswith("  a step")
    assert "in the fastest of 3 rounds" in lines[-2]
    assert f"{percent(profile.share_of_roofline)} of that at the peak" in lines[-1]
    assert max(map(len, lines)) <= WIDTH


def test_columns_are_aligned() -> None:
    text = in_columns([["a", "10"], ["long", "9"], ["x"]], ["name", "n"], [1], indent=0)
    assert text.splitlines() == ["name   n", "a     10", "long   9", "x"]
    assert in_columns([]) == ""


def test_long_lists_go_on_below_their_first_entry() -> None:
    lines = in_lines([f"entry {number}" for number in range(30)], "reads  ", 4).splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= WIDTH
    assert lines[0].startswith("    reads  entry 0; entry 1;")
    assert lines[1].startswith("           entry ")
    assert in_lines([], "reads", 0) == "reads"
