"""`misstep inspect`: the program that trains or asks a model, as it runs: kernels, code, time.

Knows how a program is shown, not what it does; `inspection` puts it into words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from misstep.cli.exits import DONE
from misstep.cli.inputs import read_model
from misstep.cli.output import write_json
from misstep.cli.page import Page
from misstep.compiler import NativeProgram
from misstep.errors import ArgumentError
from misstep.inspection import SECTIONS, Profile, graph_section, overview, profile_text, report
from misstep.inspection import summary as program_facts
from misstep.ir import NOWHERE, located_at
from misstep.modeling import ModelProgram, TrainedModel, model_program
from misstep.text.counts import counted
from misstep.text.plain import printable

PROFILE = "profile"


# How long is measured for the overview, and where a profile is asked for.
SHORT_SECONDS, LONG_SECONDS = 0.3, 1.5
# Kernels that the overview lists.
MOST_KERNELS = 12


@dataclass(frozen=True)
class Request:
    """What a person wants to see: sections of a program, for how many rows and threads."""

    program: str
    rows: int | None
    threads: int | None
    sections: Sequence[str]
    json: bool


def inspect_model(path: Path, request: Request) -> int:
    """Show the program of the model in the file at `path`; return the exit code."""
    if request.threads is not None and request.threads < 1:
        raise ArgumentError("--threads", needed="1 or more", got=str(request.threads))
    # No line of a person's made these programs.
    with located_at(NOWHERE):
        model = read_model(path)
        program = model_program(model, request.program, request.rows)
    native = program.native(request.threads)
    page = Page(to_error=request.json)
    facts: dict[str, Any] = {
        "model": str(path),
        "program": program.name,
        "rows": program.rows,
        "network": _network(model),
        "compiled": native is not None,
    }
    if native is None:
        facts["obstacle"] = program.fallback_reason
    else:
        facts |= program_facts(native)
    if request.sections:
        facts["parts"] = _say_sections(page, program, native, request.sections, facts)
    else:
        _say_overview(page, path, model, program, native, facts)
    if request.json:
        write_json(facts)
    page.settle()
    return DONE


def _network(model: TrainedModel) -> str:
    """Return the lengths from input to output, such as 64-128-10."""
    network = model.network
    lengths = [network.input_shape]
    lengths += [tuple(layer["output"]) for layer in network.summary() if layer["parameters"]]
    return "-".join("x".join(map(str, shape)) for shape in lengths)


def _say_overview(
    page: Page,
    path: Path,
    model: TrainedModel,
    program: ModelProgram,
    native: NativeProgram | None,
    facts: dict[str, Any],
) -> None:
    network = model.network
    page.say(
        f"{path}: {facts['network']}, {counted(network.parameter_count, 'parameter')} "
        f"({network.dtype})"
    )
    page.say(f"{program.words} ({program.reason})")
    page.blank()
    if native is None:
        page.say(
            f"It runs in the interpreter, since it can't be compiled: {program.fallback_reason}"
        )
        page.say(f"{counted(len(program.program.graph.computed), 'operation')} as written")
    else:
        profile = program.profile(native, SHORT_SECONDS)
        facts[PROFILE] = profile.to_json()
        page.lines(overview(native, profile))
        page.say(_READING, "dim", indent=2)
        page.title("Where the time goes, on made-up rows")
        page.lines(profile_text(profile, most=MOST_KERNELS))
    page.title("Look closer with")
    page.table([[f"--{name}", words] for name, words in _HINTS])


_READING = (
    "A kernel is one nest of loops, whose rows the threads share out; at a barrier, between two "
    "regions, they wait for each other."
)
_HINTS = (
    ("passes", "what simplifying made of the graph"),
    ("kernels", "what each kernel reads, does and stores"),
    ("python", "the same program as a Python file"),
)


def _say_sections(
    page: Page,
    program: ModelProgram,
    native: NativeProgram | None,
    sections: Sequence[str],
    facts: dict[str, Any],
) -> dict[str, str]:
    """Say the sections that were asked for; one alone without a heading, ready for a file."""
    texts: dict[str, str] = {}
    for name in sections:
        if name == PROFILE:
            text = _profile(program, native, facts)
        else:
            text = _section(program, native, name)
        texts[name] = text
        if len(sections) > 1:
            title = SECTIONS.get(name, "where the time of a step goes, on made-up rows")
            page.title(f"{name}: {title}")
        # Code is full of tabs, which is how it is laid out, and may be long.
        page.stream.write(printable(text.expandtabs()) + "\n")
    page.stream.flush()
    return texts


def _section(program: ModelProgram, native: NativeProgram | None, name: str) -> str:
    if native is not None:
        return report(native, [name])
    text = graph_section(program.program.graph, name, program.program.roles.passes_left_out)
    return f"not compiled: {program.fallback_reason}" if text is None else text


def _profile(program: ModelProgram, native: NativeProgram | None, facts: dict[str, Any]) -> str:
    if native is None:
        return f"not compiled: {program.fallback_reason}"
    profile: Profile = program.profile(native, LONG_SECONDS)
    facts[PROFILE] = profile.to_json()
    text = profile_text(profile)
    if profile.threads > 1:
        text += "\n\n" + profile_text(profile, by_thread=True, legend=False)
    return text
