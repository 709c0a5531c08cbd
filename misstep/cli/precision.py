"""What is said of products that are taken of lower precision while training. Knows no network."""

from __future__ import annotations

from misstep.cli.page import Page
from misstep.compiler.runtime.targets import host_target
from misstep.errors import NotYetError
from misstep.modeling import Options


def say_precision(page: Page, options: Options) -> None:
    """Say of what numbers products of dense layers are, where those are not float32."""
    if options.precision == "float32":
        return
    try:
        quick = host_target().bfloat16
    except NotYetError:
        quick = False
    why = (
        "which this processor multiplies in pairs"
        if quick
        else "which this processor has no instruction for, so that it is slower than float32"
    )
    page.say(f"Products of dense layers are of {options.precision} numbers while training, {why}.")
