"""How a command ends: exit codes, and what becomes of errors, Ctrl-C and a closed pipe.

A MisstepError is a message and exit code 2, never a traceback. Knows no command.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

import typer

from misstep.cli.option_words import in_options
from misstep.cli.output import NO_ROOM, flush_or_silence, output_error, silence
from misstep.errors import MisstepError, StorageError
from misstep.exchange import LostRankError, joined
from misstep.text.plain import printable

DONE = 0
FAILED = 1
BAD_INPUT = 2
# 128 and the number of the signal, as shells have it: SIGINT is 2, SIGPIPE 13.
INTERRUPTED_BY = 128
PIPE_CLOSED = 141

TRACEBACK = "MISSTEP_TRACEBACK"
# Seconds that another rank than the first waits before it says what went wrong.
PATIENCE = 1.0

# Usage errors have had homes of different names in different versions of typer; this is their root.
_USAGE_ERROR: Any = next(
    cls for cls in typer.BadParameter.__mro__ if cls.__name__ == "ClickException"
)


class StoppedError(Exception):
    """Ctrl-C, past the reach of typer, which would end without a word."""


class PipeClosedError(Exception):
    """Who read our output has gone, as `head` does when it has enough."""


def exit_code_of(command: Callable[[], Any]) -> int:
    """Run a command, say on standard error what went wrong, and return the exit code."""
    try:
        code = command()
        sys.stdout.flush()
        return code if isinstance(code, int) else DONE
    except LostRankError as error:
        return _ended(str(error), FAILED, waits=False)
    except MisstepError as error:
        return _ended(str(error), BAD_INPUT)
    except _USAGE_ERROR as error:
        return _ended(_usage_words(error), BAD_INPUT)
    except (StoppedError, KeyboardInterrupt, typer.Abort) as error:
        broken = error.__cause__ if isinstance(error, StoppedError) else error
        number = broken.args[0] if broken is not None and broken.args else signal.SIGINT
        return _ended("interrupted", INTERRUPTED_BY + int(number))
    except (PipeClosedError, BrokenPipeError):
        silence(sys.stdout)
        # The reader of both may have been one and the same.
        flush_or_silence(sys.stderr)
        return PIPE_CLOSED
    except OSError as error:
        if error.errno not in NO_ROOM:
            return _unexpected(error)
        told = (
            output_error(error)
            if error.filename is None
            else StorageError.of_writing(error.filename, error)
        )
        return _ended(str(told), BAD_INPUT)
    except MemoryError:
        words = "the memory of this machine: needed more than there is"
        return _ended(f"{words}. Try: a smaller network, or fewer rows or columns.", BAD_INPUT)
    except Exception as error:
        return _unexpected(error)


def _unexpected(error: Exception) -> int:
    words = str(error).strip().split("\n")[0][:200]
    name = type(error).__name__
    return _ended(
        f"sorry, something went wrong that should not have: {name}{words and f': {words}'}. "
        f"The fault is in misstep. Try: {TRACEBACK}=1 in front of the command, to see where.",
        FAILED,
    )


def _ended(words: str, code: int, *, waits: bool = True) -> int:
    # What was said before comes before, also where both streams go to one file.
    flush_or_silence(sys.stdout)
    ranks = joined()
    if not ranks.is_first:
        # What went wrong on all of them, rank 0 says; the launcher ends the others meanwhile.
        time.sleep(PATIENCE if waits else 0.0)
        words = f"rank {ranks.rank}: {words}"
    ranks.leave(code)
    with contextlib.suppress(OSError, ValueError):
        if os.environ.get(TRACEBACK):
            traceback.print_exc()
        print(f"misstep: {printable(in_options(words))}", file=sys.stderr, flush=True)
    flush_or_silence(sys.stderr)
    return code


def _usage_words(error: Any) -> str:
    """Return what is wrong with the words of a command line, and where to read about them."""
    words = _number_words(error) or str(error.format_message()).strip()
    words = words.replace("Value error, ", "").replace("\n\t", " ").rstrip(".")
    context = getattr(error, "ctx", None)
    unknown = re.fullmatch(r"No such command '(.*)'", words)
    if unknown is not None:
        known = getattr(getattr(context, "command", None), "commands", {})
        near = difflib.get_close_matches(unknown[1], known, n=1)
        words += f". Did you mean '{near[0]}'?" if near else ""
    path = getattr(context, "command_path", "misstep")
    return f"{words}{'' if words.endswith('?') else '.'} Try: {path} --help."


_NUMBERS = {"int": "a whole number", "integer": "a whole number", "float": "a number"}


def _number_words(error: Any) -> str | None:
    """Return our own words for a value that is not the kind of number an option takes."""
    if getattr(error, "param", None) is None:
        return None
    cause: Any = getattr(error, "__cause__", None)
    if hasattr(cause, "errors"):
        first = cause.errors()[0]
        type_name, value = str(first["type"]).split("_")[0], str(first.get("input"))
    else:
        match = re.fullmatch(r"'(.*)' is not a valid (integer|float)\.?", str(error.message))
        type_name, value = (match[2], match[1]) if match else ("", "")
    needed = _NUMBERS.get(type_name)
    if needed is None:
        return None
    return f"{' / '.join(error.param.opts)}: needed {needed}, but got {value[:60]!r}"
