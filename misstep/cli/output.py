"""Standard output and standard error: every write is checked, whatever stands behind them.

A full disk, a reader that has gone and a closed stream are told apart here, and only here; what
becomes of a command then, `exits` says. Knows no command.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import Any

from misstep.errors import StorageError
from misstep.text.plain import json_line, printable

OUTPUT = "standard output"
# What the system says where a disk or a device takes no more.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class ClosedStream(io.TextIOBase):
    """What stands for a standard stream that was closed when the process began."""

    encoding = "utf-8"

    def writable(self) -> bool:
        """Return whether one may try."""
        return True

    def write(self, text: str) -> int:
        """Raise OSError for any words: nobody could read them."""
        if text:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return 0


def prepare_streams(*, own_process: bool) -> None:
    """Make the standard streams such that what they can't take is an error, never silence."""
    if own_process:
        _occupy_low_handles()
    if sys.stdout is None:
        sys.stdout = ClosedStream()
    if sys.stderr is None:
        # Nobody reads it; what goes wrong is told by the exit code.
        sys.stderr = io.StringIO()
    if own_process:
        sys.stdout = _whole_writes(sys.stdout)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that can't show a sign gets a question mark, not a traceback.
        with contextlib.suppress(AttributeError, OSError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def write_output(text: str) -> None:
    """Write `text` to standard output, all of it; to a terminal with nothing that steers it.

    Raises StorageError, or BrokenPipeError.
    """
    try:
        # Labels of a stranger's file could steer a terminal; a file gets them as they are.
        sys.stdout.write(printable(text) if sys.stdout.isatty() else text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise output_error(error) from error


def write_json(facts: Any) -> None:
    """Write one line of JSON to standard output, all of it. Raises as `write_output` does."""
    write_output(json_line(facts) + "\n")


def output_error(error: OSError, stream: Any = None, try_: str | None = None) -> StorageError:
    """Return what to raise where `stream`, by default standard output, took no more.

    What still waits to be written there is dropped.
    """
    stream = sys.stdout if stream is None else stream
    silence(stream)
    found = StorageError.of_writing("standard error" if stream is sys.stderr else OUTPUT, error)
    return StorageError(found.which, needed=found.needed, got=found.got, try_=try_ or found.try_)


def silence(stream: Any) -> None:
    """Let Python's own flush at the end go nowhere: it would complain again, with code 120."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def flush_or_silence(stream: Any) -> None:
    """Write what waits to be written to `stream`; where nobody takes it, let it go nowhere."""
    try:
        stream.flush()
    except (OSError, ValueError):
        silence(stream)


def _occupy_low_handles() -> None:
    """Let no file that is opened later get the number of a standard stream that is closed."""
    with contextlib.suppress(OSError):
        while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(handle)


def _whole_writes(stream: Any) -> Any:
    """Return a stream that writes all or raises; an unbuffered one drops what a full disk left."""
    raw = getattr(stream, "buffer", None)
    if not isinstance(raw, io.RawIOBase):
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(raw.fileno(), "wb", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=True,
    )
