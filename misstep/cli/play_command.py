"""`misstep play`: the playground, served on this machine until Ctrl-C.

Knows words and the address; what is played stands in `playground`, the page in `web`.
"""

from __future__ import annotations

import threading
import webbrowser
from dataclasses import dataclass
from signal import SIGINT

from misstep.cli.exits import INTERRUPTED_BY
from misstep.cli.inputs import read_data
from misstep.cli.output import write_json
from misstep.cli.page import Page
from misstep.errors import ArgumentError
from misstep.modeling import Options
from misstep.playground import own_problem
from misstep.web.extra import check_web_extra

__all__ = ["PlayRequest", "play"]

# Seconds that an answer may take: the first one of a large network compiles it, and a busy machine
# takes its time.
PATIENCE = 60.0


@dataclass(frozen=True)
class PlayRequest:
    """How a page is asked for: its port, the link to begin with, whether a browser is opened.

    `target`: the column with the answers, of a table; `without`: those that are left out.
    """

    port: int
    link: str
    target: str | None
    without: tuple[str, ...]
    open: bool
    json: bool


def play(source: str | None, asked: PlayRequest) -> int:
    """Serve the playground until Ctrl-C; return its exit code.

    `source`: a person's own rows, or an example; None for toy problems alone.
    """
    check_web_extra("misstep play")
    # They import starlette and uvicorn, which may have been missing until here.
    from misstep.web.guard import Limits
    from misstep.web.play.beginning import Beginning
    from misstep.web.play.page import play_page
    from misstep.web.serving import Server

    own = None
    if source is not None:
        options = Options(target=asked.target, without=asked.without)
        own = own_problem(read_data(source), options)
    elif asked.target is not None or asked.without:
        raise ArgumentError(
            "--without" if asked.target is None else "--target",
            needed="a table that has the column",
            got="no data",
            try_="misstep play FILE",
        )
    beginning = Beginning(own, asked.link)
    server = Server(play_page(beginning), port=asked.port, limits=Limits(seconds=PATIENCE))
    access = server.access
    page = Page(to_error=asked.json, steady=True)
    for note in () if own is None else own.notes:
        page.say(note)
    page.say("The playground:", always=True)
    page.commands([access.address], always=True)
    page.say("This machine alone can reach it. Ctrl-C ends it.", "dim", always=True)
    if asked.json:
        write_json({"address": access.address, "host": access.host, "port": access.port})
    if asked.open:
        # Some browsers, as those for terminals, give back nothing until they are closed.
        threading.Thread(target=_open, args=(page, access.address), daemon=True).start()
    server.run()
    return INTERRUPTED_BY + SIGINT


def _open(page: Page, address: str) -> None:
    """Open the page in a browser; say so where there is none."""
    if not webbrowser.open(address):
        page.say("No browser was found; open the address above in one.", always=True)
