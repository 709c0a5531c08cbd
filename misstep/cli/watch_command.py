"""`misstep watch`: serves the page that shows runs as they happen, until Ctrl-C.

Needs the extra `web`. Says the address and nothing else; the page says the rest.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from signal import SIGINT

from misstep.cli.exits import INTERRUPTED_BY
from misstep.cli.output import write_json
from misstep.cli.page import Page
from misstep.cli.places import RUNS
from misstep.cli.remedy_words import spelling_of
from misstep.errors import StorageError
from misstep.record import is_record
from misstep.web.extra import check_web_extra

__all__ = ["give_way", "watch_runs"]

# How far this process stands back where another one, that trains, needs the processor as well.
NICENESS = 10


def watch_runs(named: Path | None, *, host: str, port: int, json: bool) -> int:
    """Serve the page of the run, or the folder of runs, `named`; by default runs/.

    `host`, `port`: where; 0 for any port that is free. Returns the exit code of Ctrl-C.
    """
    check_web_extra("misstep watch")
    root = RUNS if named is None else named
    _check_root(root, is_default=named is None)
    # They need the extra.
    from misstep.web.serving import Server
    from misstep.web.watch.application import watch_application
    from misstep.web.watch.watcher import Watcher

    page = Page(to_error=json, steady=True)
    with Watcher(root, spelling_of) as watcher:
        server = Server(lambda access: watch_application(watcher, access), host=host, port=port)
        access = server.access
        page.say(f"The page that watches {root}:", always=True)
        page.commands([access.address], always=True)
        if not access.is_local:
            page.say(
                "Others on the network can reach it. Who has this address, with its token, can "
                "read these runs and stop them.",
                always=True,
            )
        page.say("Ctrl-C ends the page; the runs go on.", "dim", always=True)
        if json:
            write_json({"address": access.address, "host": access.host, "port": access.port})
        give_way()
        server.run()
    return INTERRUPTED_BY + SIGINT


def give_way() -> None:
    """Let whoever trains have the processor first."""
    with contextlib.suppress(OSError, AttributeError):
        os.nice(NICENESS)


def _check_root(root: Path, *, is_default: bool) -> None:
    """Raise StorageError where there is nothing to watch."""
    needed = "a run, or a folder of runs"
    try:
        if root.is_dir() or (root.is_file() and is_record(root)):
            return
        got = "another kind of file" if root.exists() else "nothing of that name"
    except OSError as error:
        got = (error.strerror or str(error)).lower()
    try_: str | None = None
    if is_default:
        try_ = "misstep train digits --watch, or the folder where your runs are"
    elif (RUNS / root).is_dir():
        try_ = f"{RUNS / root}"
    raise StorageError(f"{root}", needed=needed, got=got, try_=try_)
