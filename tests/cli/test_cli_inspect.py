"""`misstep inspect`: every part of every program, in words and as JSON, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_world import Run

from misstep.errors import NotYetError
from misstep.inspection import SECTIONS
from misstep.modeling.model_programs import MOST_ROWS, PROGRAMS
from misstep.nn import program as program_file
from misstep.text.tables import WIDTH

FLOWERS = "runs/flowers/model.misstep"
PARTS = [name for name in SECTIONS if name != "overview"]


@pytest.fixture(autouse=True)
def no_long_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure only as long as it takes to measure at all."""
    for name in ("SHORT_SECONDS", "LONG_SECONDS"):
        monkeypatch.setattr(f"misstep.cli.inspect_command.{name}", 0.01)


@pytest.mark.usefixtures("world")
def test_the_overview(run: Run) -> None:
    done = run("inspect", FLOWERS)
    assert done.code == 0, done.err
    assert done.err == ""
    # Three features, of which the color is one of three: five inputs.
    assert f"{FLOWERS}: 5-32-16-3, 771 parameters (float32)" in done.out
    assert "a training step: 16 rows, AdamW (" in done.said
    for words in ("as written", "kernels in", "barriers a step", "machine's peaks", "µs"):
        assert words in done.said
    assert "x · dense1.weight" in done.out
    assert max(map(len, done.out.splitlines())) <= WIDTH
    assert "\x1b" not in done.out


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("kind", PROGRAMS)
def test_every_program_of_every_kind_of_model(kind: str, run: Run) -> None:
    for name in ("flowers", "houses", "bars"):
        done = run("inspect", f"runs/{name}/model.misstep", "--program", kind, "--json")
        assert done.code == 0, done.err
        told = done.json
        assert (told["program"], told["compiled"]) == (kind, True)
        assert told["kernels"] == len(told["profile"]["kernels"])
        assert told["kernels"] >= 3
        assert told["seconds_to_code"] > 0
        shares = sum(one["share"] for one in told["profile"]["kernels"])
        rest = told["profile"]["rest_seconds"] / (told["profile"]["microseconds"] * 1e-6)
        assert shares + told["profile"]["waiting"] + rest == pytest.approx(1)
        products = sum(one["cost"]["products"] for one in told["profile"]["kernels"])
        assert products == told["product_operations"] > 0
        assert "Where the time goes" in done.err


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("part", [*PARTS, "profile"])
@pytest.mark.parametrize("kind", PROGRAMS)
def test_every_part_is_said(kind: str, part: str, run: Run) -> None:
    done = run("inspect", FLOWERS, "--program", kind, f"--{part}", "--batch-size", 4)
    assert done.code == 0, done.err
    assert done.err == ""
    assert done.out.strip()
    assert "\\t" not in done.out
    assert "\t" not in done.out
    heading = f"{part}: "
    assert not done.out.startswith(heading), "one part alone is ready for a file"


@pytest.mark.usefixtures("world")
def test_several_parts_have_headings_and_are_in_the_json(run: Run) -> None:
    words = ("inspect", FLOWERS, "--kernels", "--passes")
    done = run(*words)
    assert done.out.index("\npasses: ") < done.out.index("\nkernels: ")
    told = run(*words, "--json").json
    assert sorted(told["parts"]) == ["kernels", "passes"]
    assert "dense1.weight" in told["parts"]["kernels"]
    assert "profile" not in told


@pytest.mark.usefixtures("world")
def test_the_python_is_a_file(run: Run) -> None:
    done = run("inspect", FLOWERS, "--python")
    compile(done.out, "step.py", "exec")
    assert "def step(" in done.out


@pytest.mark.usefixtures("world")
def test_no_line_of_code_is_named_that_nobody_wrote(run: Run) -> None:
    for part in ("graph", "python", "kernels"):
        assert ".py" not in run("inspect", FLOWERS, f"--{part}").out


@pytest.mark.usefixtures("world")
def test_rows_and_threads_are_those_asked_for(run: Run) -> None:
    told = run("inspect", FLOWERS, "--batch-size", 7, "--threads", 1, "--json").json
    assert (told["rows"], told["threads"]) == (7, 1)
    done = run("inspect", FLOWERS, "--program", "predict", "--batch-size", 1)
    assert "the prediction of rows: 1 row (you chose it)" in done.out


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing.misstep"], "nothing.misstep"),
        (["flowers.csv"], "flowers.csv"),
        ([FLOWERS, "--batch-size", "0"], f"needed 1 to {MOST_ROWS:,}, but got 0"),
        ([FLOWERS, "--batch-size", str(MOST_ROWS + 1)], f"1 to {MOST_ROWS:,}"),
        ([FLOWERS, "--batch-size", "many"], "needed a whole number"),
        ([FLOWERS, "--threads", "0"], "--threads: needed 1 or more, but got 0"),
        ([FLOWERS, "--program", "dance"], "dance"),
        ([FLOWERS, "--everything"], "--everything"),
        ([], "MODEL"),
    ],
)
def test_what_it_refuses(words: list[str], said: str, run: Run) -> None:
    done = run("inspect", *words)
    assert done.code == 2
    assert done.out == ""
    assert said in done.said
    assert "Traceback" not in done.err
    assert done.err.count("\n") == 1


@pytest.mark.usefixtures("world")
def test_a_program_that_can_not_be_compiled(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NotYetError("compiling this", needed="a compiler")

    monkeypatch.setattr(program_file, "NativeProgram", refuse)
    done = run("inspect", FLOWERS)
    assert done.code == 0
    assert "it can't be compiled: compiling this: needed a compiler" in done.said
    for part in ("graph", "passes", "python"):
        assert len(run("inspect", FLOWERS, f"--{part}").out) > 200
    for part in ("kernels", "llvm", "profile"):
        assert "not compiled: compiling this" in run("inspect", FLOWERS, f"--{part}").out
    told = run("inspect", FLOWERS, "--json").json
    assert (told["compiled"], told["obstacle"]) == (False, "compiling this: needed a compiler.")


def test_a_model_of_unknown_rows(run: Run, world: Path) -> None:
    from misstep.modeling import load_model, save_model

    model = load_model(world / FLOWERS)
    for rows in (None, "many", -3, True):
        model.facts["rows"] = rows
        save_model(model, "odd.misstep")
        done = run("inspect", "odd.misstep", "--passes", "--json")
        assert done.code == 0, done.err
        assert done.json["rows"] == 16
