"""How help looks, and how Ctrl-C and a closed pipe get past typer.

Indented lines of a docstring are examples and stay as they are. Knows no command.
"""

from __future__ import annotations

import inspect
from typing import Any

from typer.core import TyperCommand, TyperGroup

from misstep.cli.exits import PipeClosedError, StoppedError

# The window of a terminal as it opens; longer lines are hard to read.
WIDEST = 90


def _write_help(command: Any, formatter: Any) -> None:
    """Write the help text: paragraphs wrapped, indented ones as they stand."""
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        formatter.write_paragraph()
        if paragraph.startswith("    "):
            formatter.write("".join(f"{line}\n" for line in paragraph.split("\n")))
        else:
            with formatter.indentation():
                formatter.write_text(" ".join(paragraph.split()))


def _records(command: Any, context: Any) -> dict[str, list[tuple[str, str]]]:
    """Return name and help of arguments and of options."""
    records: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for param in command.get_params(context):
        record = param.get_help_record(context)
        if record is None:
            continue
        if param.param_type_name == "argument":
            # Only the word: that it is a text is plain.
            records["Arguments"].append((param.metavar or param.name.upper(), record[1]))
        else:
            records["Options"].append(record)
    return records


def _write_parameters(command: Any, context: Any, formatter: Any) -> None:
    for title, records in _records(command, context).items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


class SingleCommand(TyperCommand):
    """A command whose help keeps the lines of its examples."""

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write the docstring."""
        _write_help(self, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options."""
        _write_parameters(self, ctx, formatter)


class CommandGroup(TyperGroup):
    """The commands together; lets Ctrl-C and a closed pipe through as exceptions of our own."""

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write the docstring."""
        _write_help(self, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write options and commands."""
        _write_parameters(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise StoppedError from error
        except BrokenPipeError as error:
            raise PipeClosedError from error
