"""Files that would run code if anybody unpickled or evaluated them, and how that would be noticed.

What they would do is make a folder in the working directory, so that the bytes of a file do not
depend on where it is tried.
"""

from __future__ import annotations

import io
import os
import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

CANARY = "code-of-a-file-ran"
# What a text would have to be given to.
TEXTS = (
    f"__import__('os').mkdir('{CANARY}')",
    f"{{{{__import__('os').mkdir('{CANARY}')}}}}",
    f"!!python/object/apply:os.mkdir ['{CANARY}']",
    f"$(mkdir {CANARY})",
    f"`mkdir {CANARY}`",
    f"; mkdir {CANARY}",
    f"@{CANARY}",
)
# What no reader of a file does: events of the interpreter (PEP 578).
FORBIDDEN = frozenset(
    {
        *("pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty"),
        *("subprocess.Popen", "socket.connect", "socket.bind", "webbrowser.open", "code.__new__"),
    }
)


class Object:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (CANARY,)


def pickles() -> list[bytes]:
    """Return files of pickles, bare and as others wrap them."""
    bare = [pickle.dumps(Object(), protocol) for protocol in (0, 2, 4)]
    alone, several, torch = io.BytesIO(), io.BytesIO(), io.BytesIO()
    objects = np.array([Object(), Object()], dtype=object)
    np.save(alone, objects, allow_pickle=True)
    np.savez(several, x=objects, y=objects)
    # As PyTorch's files are.
    with zipfile.ZipFile(torch, "w") as archive:
        archive.writestr(_member("archive/data.pkl"), bare[1])
    return [*bare, alone.getvalue(), several.getvalue(), torch.getvalue()]


def _member(name: str) -> zipfile.ZipInfo:
    """Return an entry without the time of now, so that the same content gives the same bytes."""
    return zipfile.ZipInfo(name)


PICKLES = tuple(pickles())


class Guard:
    """Notices code that runs while a file is tried. One for a process: it can't be taken away."""

    def __init__(self) -> None:
        self._watches = False
        self._seen: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._watches and event in FORBIDDEN:
            self._seen.append(f"{event} {arguments!r}"[:200])

    def __enter__(self) -> Guard:
        self._seen.clear()
        self._watches = True
        return self

    def __exit__(self, *error: object) -> None:
        self._watches = False

    def seen(self) -> str:
        """Return in words what ran; nothing, where nothing did."""
        words = list(self._seen)
        if Path(CANARY).exists():
            words.append(f"the code of the file ran: it made {CANARY}")
            Path(CANARY).rmdir()
        return "; ".join(words)
