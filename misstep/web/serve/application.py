"""A served model as routes: predictions, explanations, what the model is, and whether it is ready.

One row of a quick model is answered at once, where it came in; all else waits in a `Queue`. Knows
requests; what is asked and answered stands in `modeling/service.py`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from misstep.drawing import style_sheet
from misstep.errors import MisstepError
from misstep.modeling.service import Service
from misstep.web.access import Access
from misstep.web.answers import json_answer
from misstep.web.assets import asset_routes
from misstep.web.guard import JSON, App, Receive, Rules, Scope, Send
from misstep.web.serve.openapi import openapi_document
from misstep.web.serve.queue import BusyError, LateError, Queue

__all__ = ["RULES", "model_application"]

FILES = {
    "/": "serve/page.html",
    "/serve.css": "serve/serve.css",
    "/serve.js": "serve/serve.js",
    "/icon.svg": "watch/icon.svg",
}
PICTURES = ("image/png", "image/jpeg", "image/webp", "image/bmp", "image/gif", "image/tiff")
# Programs ask, not only the page; a picture may come as it is.
RULES = Rules(from_page=False, contents=(JSON, *PICTURES))
# What takes no longer is answered in the thread that reads requests: handing it to another one
# costs a quarter of a millisecond, and a connection more that waits so long notices nothing.
AT_ONCE_SECONDS = 0.003
# Rows that are checked and encoded so; each costs a fraction of a millisecond.
AT_ONCE_ROWS = 4
# Bytes of a question that is answered so: a long text or a picture takes longer to read than the
# network to answer, and all other connections would wait for it.
AT_ONCE_BYTES = 16_384
# Questions that wait for their answer.
MOST_WAITING = 64


def model_application(service: Service, access: Access, seconds: float) -> App:
    """Return what serves a model; `seconds`: that an answer may take."""
    return _Application(service, access, seconds).router()


class _Application:
    def __init__(self, service: Service, access: Access, seconds: float) -> None:
        self._service = service
        self._questions = Queue(MOST_WAITING, seconds)
        # They take as long as thousands of predictions.
        self._explanations = Queue(MOST_WAITING, seconds)
        self._document = openapi_document(service, access.origin)
        self._seconds = seconds
        # The first question of all.
        self._ready = self._questions.put(service.warm)

    def router(self) -> App:
        looks = style_sheet(themed=False).encode()

        async def theme(request: Request) -> Response:
            return Response(looks, headers={"content-type": "text/css; charset=utf-8"})

        async def health(request: Request) -> Response:
            return json_answer({"status": "here"})

        async def ready(request: Request) -> Response:
            if not self._ready.done():
                return json_answer({"status": "not ready yet"}, 503)
            if self._ready.exception() is not None:
                return json_answer({"status": "the model can't be run"}, 503)
            return json_answer({"status": "ready"})

        async def openapi(request: Request) -> Response:
            return json_answer(self._document)

        async def about(request: Request) -> Response:
            return json_answer(self._service.about())

        routes = [
            *asset_routes(FILES),
            Route("/theme.css", theme, methods=["GET"]),
            Route("/health", health, methods=["GET"]),
            Route("/ready", ready, methods=["GET"]),
            Route("/api/openapi.json", openapi, methods=["GET"]),
            Route("/api/model", about, methods=["GET"]),
            Route("/api/predict", self.predict, methods=["POST"]),
            Route("/api/explain", self.explain, methods=["POST"]),
        ]
        return Router(routes, redirect_slashes=False, default=_nothing)

    async def predict(self, request: Request) -> Response:
        """Answer with predictions."""
        asked = await _asked(request)
        if len(await request.body()) <= AT_ONCE_BYTES and self._is_quick(asked):
            return _told(lambda: self._service.predict(asked))
        return await self._later(self._questions, lambda: self._service.predict(asked))

    async def explain(self, request: Request) -> Response:
        """Answer with what moved a prediction."""
        asked = await _asked(request)
        return await self._later(self._explanations, lambda: self._service.explain(asked))

    def _is_quick(self, asked: dict[str, Any]) -> bool:
        service, rows = self._service, asked.get("rows")
        return (
            isinstance(rows, list)
            and len(rows) <= AT_ONCE_ROWS
            and len(rows) * service.row_seconds <= AT_ONCE_SECONDS
            and not service.forecasts
            and self._ready.done()
            and service.is_free
        )

    async def _later(self, queue: Queue, question: Callable[[], Any]) -> Response:
        try:
            return await queue.answer(lambda: _told(question))
        except BusyError:
            answer = json_answer({"error": "too many questions wait; try again later"}, 503)
            answer.headers["retry-after"] = "1"
            return answer
        except LateError:
            words = f"the answer took longer than {self._seconds:g} seconds"
            return json_answer({"error": f"{words}; try fewer rows"}, 504)


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer where there is nothing of that name."""
    await json_answer({"error": "there is no such path; see /api/openapi.json"}, 404)(
        scope, receive, send
    )


def _told(question: Callable[[], Any]) -> Response:
    """Return the answer to a question, or what is wrong with it."""
    try:
        return json_answer(question())
    except MisstepError as error:
        told: dict[str, str | None] = {"error": str(error), "field": error.which}
        told |= {"needed": error.needed, "got": error.got, "try": error.try_}
        return json_answer(told, 422)


async def _asked(request: Request) -> dict[str, Any]:
    """Return what came as JSON; a picture as the one row it is."""
    body = await request.body()
    if request.headers.get("content-type", "") in PICTURES:
        return {"rows": [{"image": base64.b64encode(body).decode()}]}
    asked: dict[str, Any] = json.loads(body)
    return asked
