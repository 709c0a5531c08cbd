"""The command line: train, predict, explain, summary. Only prints, parses and says exit codes.

Decides nothing about a model; `modeling` does. Read in this order: app (the commands), exits (what
becomes of errors), page (how things look), then a command's own file.
"""

from misstep.cli.app import command_line, main

__all__ = ["command_line", "main"]
