"""`misstep serve`: a model that programs ask for predictions, until Ctrl-C or SIGTERM.

Knows words, limits and the address; routes and pages stand in `web`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGTERM, signal

from misstep.cli.exits import DONE, INTERRUPTED_BY
from misstep.cli.inputs import read_model
from misstep.cli.output import write_json
from misstep.cli.page import Page
from misstep.cli.places import MODEL
from misstep.errors import ArgumentError
from misstep.modeling.service import Service
from misstep.text.units import bytes_from_words
from misstep.web.extra import check_web_extra

__all__ = ["ServeRequest", "serve_model"]

# The variable of the environment that holds a token of one's own, as containers are given secrets.
TOKEN = "MISSTEP_TOKEN"
# Letters of a token of one's own at least: with as few nobody guesses it within years.
SHORTEST_TOKEN = 16
# Seconds that a connection may be silent between two questions: as long as clients keep theirs.
IDLE = 75
CONNECTIONS = 1_000
# Seconds that an answer may take, and bytes that a question may have, at most.
LONGEST, MOST_CONTENT = 3_600, 2**30


@dataclass(frozen=True)
class ServeRequest:
    """How a model is to be served. `names`: what else the server is called in Host headers.

    `most_rows`: in one question; `most_content`: its size in words, such as 8MB; `seconds`: that an
    answer may take.
    """

    host: str
    port: int
    names: tuple[str, ...]
    most_rows: int
    most_content: str
    seconds: float
    json: bool


def serve_model(path: Path, asked: ServeRequest) -> int:
    """Serve the model in the file at `path` until it is ended; return the exit code."""
    check_web_extra("misstep serve")
    # They import starlette and uvicorn, which may have been missing until here.
    from misstep.web.guard import Limits
    from misstep.web.serve.application import RULES, model_application
    from misstep.web.serving import Server

    content = bytes_from_words(asked.most_content) or 0
    _check(asked, content)
    model = read_model(path)
    name = path.parent.name if path.name == MODEL and path.parent.name else path.stem
    service = Service(model, name, asked.most_rows)
    limits = Limits(
        body=content,
        # The answer itself comes in time, or the words that it did not.
        seconds=asked.seconds + 5,
        idle=IDLE,
        connections=CONNECTIONS,
        grace=int(min(asked.seconds, 10)) + 1,
    )
    server = Server(
        lambda access: model_application(service, access, asked.seconds),
        host=asked.host,
        port=asked.port,
        limits=limits,
        rules=RULES,
        token=_token(),
        names=asked.names,
    )
    access = server.access
    page = Page(to_error=asked.json, steady=True)
    page.say(f"{name}, which predicts {model.target.name}:", always=True)
    page.commands([access.origin if access.is_local else access.address], always=True)
    if access.is_local:
        page.say("This machine alone can reach it. Ctrl-C ends it.", "dim", always=True)
    else:
        page.say(
            "Others on the network can reach it. Who asks must send the token of this address: "
            "Authorization: Bearer TOKEN. What is sent is not encrypted.",
            always=True,
        )
    if asked.json:
        shown = {"address": access.address, "host": access.host, "port": access.port}
        write_json({**shown, "target": model.target.name, "task": model.purpose})
    # uvicorn takes the signal, ends in order, and then gives it on.
    ended: list[int] = []
    before = signal(SIGTERM, lambda number, frame: ended.append(number))
    try:
        server.run()
    finally:
        signal(SIGTERM, before)
    return DONE if ended else INTERRUPTED_BY + SIGINT


def _check(asked: ServeRequest, content: int) -> None:
    """Raise ArgumentError for limits that can't be."""
    if asked.most_rows < 1:
        raise ArgumentError("--most-rows", needed="1 or more", got=str(asked.most_rows))
    if not 0 < asked.seconds <= LONGEST:
        needed = f"above 0, up to {LONGEST} seconds"
        raise ArgumentError("--timeout", needed=needed, got=f"{asked.seconds:g}")
    if not 0 < content <= MOST_CONTENT:
        needed = f"a size such as 8MB, up to {MOST_CONTENT // 2**20} MB"
        raise ArgumentError("--most-content", needed=needed, got=asked.most_content)


def _token() -> str | None:
    """Return the token of the environment, or None. Raises ArgumentError for a short one."""
    token = os.environ.get(TOKEN)
    if token is None:
        return None
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable():
        raise ArgumentError(
            f"the token in {TOKEN}",
            needed=f"{SHORTEST_TOKEN} or more plain letters and digits",
            got=f"{len(token)} of them" if token.isascii() else "others",
            try_='python -c "import secrets; print(secrets.token_urlsafe())"',
        )
    return token
