"""`misstep export`: a trained model written in a form that other tools read."""

from __future__ import annotations

from pathlib import Path

from misstep.cli.exits import DONE
from misstep.cli.inputs import read_model
from misstep.cli.output import write_json
from misstep.cli.page import Page
from misstep.errors import ArgumentError
from misstep.interchange import export_model
from misstep.onnx_operators.node import ELEMENT_NAMES
from misstep.text.counts import counted

SUFFIX = ".onnx"


def export(path: Path, file: Path, *, json: bool) -> int:
    """Write the model in the file at `path` to `file`; return the exit code."""
    if file.suffix.lower() != SUFFIX:
        raise ArgumentError(
            f"{file}", needed=f"a name that ends in {SUFFIX}", try_=f"{file.with_suffix(SUFFIX)}"
        )
    model = read_model(path)
    written = export_model(model, file)
    prepared = "preprocessing" in written.metadata
    page = Page(to_error=json)
    inputs = [f"{one.name} ({ELEMENT_NAMES[one.element]})" for one in written.inputs]
    outputs = [f"{one.name} ({ELEMENT_NAMES[one.element]})" for one in written.outputs]
    page.lines(
        "\n".join(
            [
                f"Wrote {file}: {counted(len(written.nodes), 'node')} of ONNX, checked.",
                f"In:  {', '.join(inputs)}",
                f"Out: {', '.join(outputs)}",
                "It takes prepared rows: ONNX has no words for how they are made here. What "
                "prepares them stands in its metadata, under preprocessing."
                if prepared
                else "It takes the data as they stand; preparing them is a part of it.",
            ]
        )
    )
    if json:
        write_json(
            {
                "file": str(file),
                "inputs": [one.name for one in written.inputs],
                "outputs": [one.name for one in written.outputs],
                "prepared_rows": prepared,
            }
        )
    page.settle()
    return DONE
