"""`misstep inspect`: the program that trains or asks a model, as it runs: kernels, code, time.

Knows how a program is shown, not what it does; `inspection` puts it into words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from misstep.cli.exits import DONE
from misstep.cli.given import read_model
from misstep.cli.page import Page
from misstep.compiler import NativeProgram
from misstep.errors import ArgumentError
from misstep.inspection import SECTIONS, Profile, graph_section, overview, profile_text, report
from misstep.inspection import summary as facts_of
from misstep.ir import NOWHERE, located_at
from misstep.modeling import ModelProgram, TrainedModel, model_program
from misstep.text.counts import counted
from misstep.text.plain import json_line, printable

PROFILE = "profile"


# How long is measured for the overview, and where a profile is asked for.
SHORT_SECONDS, LONG_SECONDS = 0.3, 1.5
# Kernels that the overview lists.
MOST_KERNELS = 12


@dataclass(frozen=True)
class Looks:
    """What a person wants to see: of which program, for how many rows and threads, which parts."""

    kind: str
    rows: int | None
    threads: int | None
    parts: Sequence[str]
    json: bool


def inspect_model(path: Path, looks: Looks) -> int:
    """Show the program of the model in the file at `path`; return the exit code."""
    if looks.threads is not None and looks.threads < 1:
        raise ArgumentError("--threads", needed="1 or more", got=str(looks.threads))
    # No line of a person's made these programs.
    with located_at(NOWHERE):
        model = read_model(path)
        found = model_program(model, looks.kind, looks.rows)
    native = found.native(looks.threads)
    page = Page(to_error=looks.json)
    told: dict[str, Any] = {
        "model": str(path),
        "program": found.name,
        "rows": found.rows,
        "network": _network(model),
        "compiled": native is not None,
    }
    if native is None:
        told["obstacle"] = found.fallback_reason
    else:
        told |= facts_of(native)
    if looks.parts:
        told["parts"] = _say_parts(page, found, native, looks.parts, told)
    else:
        _say_overview(page, path, model, found, native, told)
    if looks.json:
        print(json_line(told))
    return DONE


def _network(model: TrainedModel) -> str:
    """Return the lengths from input to output, such as 64-128-10."""
    network = model.network
    lengths = [network.input_shape]
    lengths += [tuple(one["output"]) for one in network.summary() if one["parameters"]]
    return "-".join("x".join(map(str, shape)) for shape in lengths)


def _say_overview(
    page: Page,
    path: Path,
    model: TrainedModel,
    found: ModelProgram,
    native: NativeProgram | None,
    told: dict[str, Any],
) -> None:
    network = model.network
    page.say(
        f"{path}: {told['network']}, {counted(network.parameter_count, 'parameter')} "
        f"({network.dtype})"
    )
    page.say(f"{found.words} ({found.reason})")
    page.blank()
    if native is None:
        page.say(f"It runs in the interpreter, since it can't be compiled: {found.fallback_reason}")
        page.say(f"{counted(len(found.program.graph.computed), 'operation')} as written")
    else:
        profile = found.profile(native, SHORT_SECONDS)
        told[PROFILE] = profile.to_json()
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


def _say_parts(
    page: Page,
    found: ModelProgram,
    native: NativeProgram | None,
    parts: Sequence[str],
    told: dict[str, Any],
) -> dict[str, str]:
    """Say the parts that were asked for; one alone without a heading, ready for a file."""
    said: dict[str, str] = {}
    for name in parts:
        if name == PROFILE:
            text = _profile(found, native, told)
        else:
            text = _part(found, native, name)
        said[name] = text
        if len(parts) > 1:
            title = SECTIONS.get(name, "where the time of a step goes, on made-up rows")
            page.title(f"{name}: {title}")
        # Code is full of tabs, which is how it is laid out, and may be long.
        page.stream.write(printable(text.expandtabs()) + "\n")
    page.stream.flush()
    return said


def _part(found: ModelProgram, native: NativeProgram | None, name: str) -> str:
    if native is not None:
        return report(native, [name])
    text = graph_section(found.program.graph, name, found.program.roles.passes_left_out)
    return f"not compiled: {found.fallback_reason}" if text is None else text


def _profile(found: ModelProgram, native: NativeProgram | None, told: dict[str, Any]) -> str:
    if native is None:
        return f"not compiled: {found.fallback_reason}"
    profile: Profile = found.profile(native, LONG_SECONDS)
    told[PROFILE] = profile.to_json()
    text = profile_text(profile)
    if profile.threads > 1:
        text += "\n\n" + profile_text(profile, by_thread=True, legend=False)
    return text
