"""`misstep play`: the playground, served on this machine until Ctrl-C.

Knows words and the address; what is played stands in `playground`, the page in `web`.
"""

from __future__ import annotations

import webbrowser
from dataclasses import dataclass
from signal import SIGINT

from misstep.cli.exits import INTERRUPTED_BY
from misstep.cli.output import write_json
from misstep.cli.page import Page
from misstep.playground import Session
from misstep.web.extra import check_web_extra

__all__ = ["PlayRequest", "play"]


@dataclass(frozen=True)
class PlayRequest:
    """How a page is asked for: its port, the link to begin with, whether a browser is opened."""

    port: int
    link: str
    open: bool
    json: bool


def play(source: str | None, asked: PlayRequest) -> int:
    """Serve the playground until Ctrl-C; return its exit code."""
    check_web_extra("misstep play")
    # They import starlette and uvicorn, which may have been missing until here.
    from misstep.web.play.page import play_page
    from misstep.web.serving import Server

    def begin(link: str) -> Session:
        text = link or asked.link
        return Session.of_link(text) if text else Session()

    begin("")  # a link that can't be read is told here, and not to a page
    server = Server(play_page(begin), port=asked.port)
    access = server.access
    page = Page(to_error=asked.json, steady=True)
    page.say("The playground:", always=True)
    page.commands([access.address], always=True)
    page.say("This machine alone can reach it. Ctrl-C ends it.", "dim", always=True)
    if asked.json:
        write_json({"address": access.address, "host": access.host, "port": access.port})
    if asked.open:
        webbrowser.open(access.address)
    server.run()
    return INTERRUPTED_BY + SIGINT
