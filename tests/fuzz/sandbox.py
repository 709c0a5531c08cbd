"""One command line in a process of its own, forked from a warm one, in bounds of time and memory.

A sandbox is a folder: `here`, where the line runs, and what must stay as it is beside it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import hashlib
import io
import os
import resource
import select
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from misstep.cli import main

# Bounds of one line: seconds, and bytes of address space, of which a fresh process takes 2 GB.
SECONDS, MEMORY = 60.0, 6 * 2**30


@dataclass(frozen=True)
class Done:
    """What came of a line. `code`: negative where a signal ended it, None where nothing did.

    `seconds`: by the clock; `processor`: of all its threads.
    """

    words: tuple[str, ...]
    code: int | None
    out: str
    err: str
    seconds: float
    processor: float = 0.0


class Sandbox:
    """A folder to run lines in, and what was in it before."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.here = root / "here"
        for name in ("here", "home", "tmp", "other"):
            (root / name).mkdir(parents=True)
        (root / "other" / "kept").write_text("of somebody else\n")

    def run(self, words: list[str], *, seconds: float = SECONDS, traceback: bool = False) -> Done:
        """Run a line as the program would, wait for its end, and return what came of it."""
        began = time.monotonic()
        out, err = self.root / "out", self.root / "err"
        child = os.fork()
        if child == 0:
            _become(self, words, out, err, traceback=traceback)
        code, processor = _wait(child, seconds)
        took = time.monotonic() - began
        text = [path.read_bytes().decode("utf-8", "surrogateescape") for path in (out, err)]
        return Done(tuple(words), code, *text, took, processor)

    def sums(self, inside: Path | None = None) -> dict[str, str]:
        """Return a sum of everything below a folder, by name; without one, of all but `here`."""
        if inside is not None:
            return dict(_sums(inside))
        return {
            f"{name}/{path}": value
            for name in ("home", "tmp", "other")
            for path, value in _sums(self.root / name)
        }


def _sums(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            yield name, f"to {os.readlink(path)}"
        elif path.is_file():
            yield name, hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            yield name, "folder" if path.is_dir() else "no file"


def _become(box: Sandbox, words: list[str], out: Path, err: Path, *, traceback: bool) -> None:
    """Be the program: own group, folder, streams and bounds. Never returns."""
    code = 70
    try:
        os.setpgid(0, 0)
        os.chdir(box.here)
        os.environ.update(HOME=str(box.root / "home"), TMPDIR=str(box.root / "tmp"))
        tempfile.tempdir = None
        os.environ.pop("MISSTEP_TRACEBACK", None)
        if traceback:
            os.environ["MISSTEP_TRACEBACK"] = "1"
        for handle, path in ((1, out), (2, err)):
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(opened, handle)
            os.close(opened)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        sys.stdin = io.TextIOWrapper(open(0, "rb", closefd=False))  # noqa: SIM115
        sys.stdout = io.TextIOWrapper(open(1, "wb", closefd=False), encoding="utf-8")  # noqa: SIM115
        sys.stderr = io.TextIOWrapper(
            open(2, "wb", 0, closefd=False),  # noqa: SIM115
            encoding="utf-8",
            errors="backslashreplace",
            write_through=True,
        )
        faulthandler.enable(file=2)
        faulthandler.register(signal.SIGUSR1, file=2, all_threads=True)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        sys.warnoptions.clear()
        sys.argv = ["misstep", *words]
        code = main()
        sys.stdout.flush()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        import traceback as tracebacks

        tracebacks.print_exc()
    finally:
        os._exit(code)


def _wait(child: int, seconds: float) -> tuple[int | None, float]:
    """Return the exit code of a child, None where it had to be ended, and its processor time."""
    handle = os.pidfd_open(child)
    try:
        ended = bool(select.select([handle], [], [], seconds)[0])
        if not ended:
            # It says where it is.
            os.kill(child, signal.SIGUSR1)
            time.sleep(0.3)
        # What it left running goes as well.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        _, status, used = os.wait4(child, 0)
    finally:
        os.close(handle)
    code = os.waitstatus_to_exitcode(status) if ended else None
    return code, used.ru_utime + used.ru_stime
