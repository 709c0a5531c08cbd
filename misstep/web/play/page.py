"""`play_page`: the playground as a page, its files and what it may ask, ready for a `Server`.

Every question is a POST of one JSON object with the token, since every one moves a session or makes
one. What is answered is what a session of the playground says; this file only knows which parts of
it the page needs after which question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from misstep.drawing import style_sheet
from misstep.errors import ArgumentError, MisstepError
from misstep.playground import Settings, presets, problem_list
from misstep.web.access import Access
from misstep.web.answers import json_answer
from misstep.web.assets import asset_routes
from misstep.web.guard import App
from misstep.web.play.beginning import Beginning
from misstep.web.play.questions import QUESTIONS
from misstep.web.play.sessions import Opened, Sessions

__all__ = ["play_page"]

MODULES = (
    *("main", "network", "surface", "curves", "controls", "why", "doctor"),
    *("formulas", "server", "colors", "pixels", "numbers", "elements"),
)
FILES = {
    "/": "play/page.html",
    "/play.css": "play/play.css",
    **{f"/play/{name}.js": f"play/{name}.js" for name in MODULES},
}


def play_page(beginning: Beginning | None = None) -> Callable[[Access], App]:
    """Return what makes the page for a `Server`; `beginning`: where pages begin."""

    def make(access: Access) -> App:
        page = _Page(beginning or Beginning())
        return Router(
            [
                *asset_routes(FILES),
                Route("/theme.css", _theme, methods=["GET"]),
                Route("/api/open", page.open, methods=["POST"]),
                Route("/api/{what}", page.answer, methods=["POST"]),
            ]
        )

    return make


class _Page:
    def __init__(self, beginning: Beginning) -> None:
        self._beginning = beginning
        self._sessions = Sessions()

    async def open(self, request: Request) -> Response:
        """Answer with a new session, and all that a page needs to begin."""
        asked = await request.json()
        return await run_in_threadpool(self._opened, asked)

    async def answer(self, request: Request) -> Response:
        """Answer a question of a session."""
        asked = await request.json()
        return await run_in_threadpool(self._answered, request.path_params["what"], asked)

    def _opened(self, asked: Mapping[str, Any]) -> Response:
        link = asked.get("link", "")
        try:
            if not isinstance(link, str):
                raise ArgumentError("a link to the playground", needed="a text", got=repr(link))
            self._sessions.close(asked.get("session"))
            name, opened = self._sessions.open(lambda: self._beginning.session(link))
            goal = self._beginning.goal(link)
        except MisstepError as error:
            return _refused(error)
        known = {
            "session": name,
            "settings": Settings.described(),
            "problems": [*self._beginning.own_problems(), *problem_list()],
            "presets": [one.plain() for one in presets()],
            "goal": goal,
        }
        with opened.lock:
            return json_answer(known | _whole(opened) | {"frame": opened.session.frame()})

    def _answered(self, what: str, asked: Mapping[str, Any]) -> Response:
        if what not in QUESTIONS:
            return json_answer({"error": "there is no such question"}, 404)
        opened = self._sessions.named(asked.get("session"))
        if opened is None:
            # One that was let go: the page makes another one, from its link.
            return json_answer({"gone": True})
        question = QUESTIONS[what]
        with opened.lock:
            try:
                before = opened.session.settings
                answer = dict(question.answer(opened, asked))
                # A way through the plan of a link goes by changes that it holds.
                if question.changes or opened.session.settings != before:
                    answer |= _whole(opened)
                if question.moves:
                    answer |= {"frame": opened.session.frame(), "link": opened.session.link()}
            except MisstepError as error:
                return _refused(error)
            return json_answer(answer)


def _whole(opened: Opened) -> dict[str, Any]:
    """Return where a session stands, with its rows where the page has not seen these."""
    state = opened.session.state()
    shown = f"{state['problem']['name']} {state['problem']['digest']}"
    if shown == opened.shown:
        return {"state": state}
    opened.shown = shown
    return {"state": state, "rows": opened.session.rows()}


def _refused(error: MisstepError) -> Response:
    """Return what a person is told who asked for what can't be: an answer like any other."""
    return json_answer({"error": str(error)})


async def _theme(request: Request) -> Response:
    return Response(style_sheet(), headers={"content-type": "text/css; charset=utf-8"})
