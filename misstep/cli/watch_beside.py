"""The page of `misstep train --watch`: a process of its own, so that training is not slowed.

`page_beside` starts it and says where it is; run as a module, this file is that process. It ends
when the process that started it does, however that ends: its standard input closes then. The
address, which holds a token, goes through a pipe, where no other process sees it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from misstep.cli.remedy_words import spelling_of
from misstep.cli.watch_command import give_way
from misstep.errors import MisstepError
from misstep.web.extra import check_web_extra

__all__ = ["page_beside"]

# Seconds that the page stays when training is over, so that a browser gets the end of it.
LINGER = 8.0


@contextlib.contextmanager
def page_beside(folder: Path, linger: float = LINGER) -> Iterator[str]:
    """Serve the page of the run in `folder` within `with`; give its address.

    `linger`: seconds that it stays then. Raises MisstepError where it can't be served.
    """
    check_web_extra("misstep train --watch")
    package = str(Path(__file__).resolve().parents[2])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    with contextlib.ExitStack() as stack:
        program = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, str(folder.resolve()), f"{linger}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            # Ctrl-C is for the training.
            start_new_session=True,
        )
        assert program.stdin is not None
        assert program.stdout is not None
        # It ends by itself, a moment after its standard input; nobody has to wait for that.
        stack.callback(threading.Thread(target=program.wait, daemon=True).start)
        stack.callback(program.stdin.close)
        stack.callback(program.stdout.close)
        try:
            told = json.loads(program.stdout.readline())
        except ValueError:
            told = {}
        if "address" not in told:
            raise MisstepError("misstep train --watch", got=told.get("error", "no page"))
        yield str(told["address"])


def serve(folder: Path, linger: float) -> None:
    """Serve the page of a run until standard input ends, and `linger` seconds more."""
    # They need the extra, of which the one who asks has made sure.
    from misstep.web.serving import Server
    from misstep.web.watch.application import watch_application
    from misstep.web.watch.watcher import Watcher

    with Watcher(folder, spelling_of) as watcher:
        try:
            server = Server(lambda access: watch_application(watcher, access))
        except MisstepError as error:
            print(json.dumps({"error": str(error)}), flush=True)
            return
        print(json.dumps({"address": server.access.address}), flush=True)

        def wait() -> None:
            sys.stdin.buffer.read()
            time.sleep(linger)
            server.stop()

        threading.Thread(target=wait, daemon=True).start()
        give_way()
        server.run()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), float(sys.argv[2]))
