"""The page that watches runs, as routes: its files, what is known, and the Stop button.

Knows requests; what they ask for is in `watcher.py` and `stopping.py`.
"""

from __future__ import annotations

import json
import re

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from misstep.drawing import style_sheet
from misstep.errors import ArgumentError
from misstep.web.access import Access
from misstep.web.answers import json_answer
from misstep.web.assets import asset_routes
from misstep.web.guard import App
from misstep.web.watch.stopping import stop_run
from misstep.web.watch.watcher import Watcher

__all__ = ["watch_application"]

FILES = {
    "/": "watch/page.html",
    "/icon.svg": "watch/icon.svg",
    "/page.css": "watch/page.css",
    "/page.js": "watch/page.js",
    "/charts.js": "watch/charts.js",
    "/cards.js": "watch/cards.js",
    "/runs.js": "watch/runs.js",
    "/elements.js": "watch/elements.js",
    "/uplot.js": "vendor/uplot/uPlot.iife.min.js",
    "/uplot.css": "vendor/uplot/uPlot.min.css",
}
# Of the drawing of a strip, in pixels: so that its words can be read on a telephone and on a desk.
WIDTHS = (320, 380, 440, 560, 720)


def watch_application(watcher: Watcher, access: Access) -> App:
    """Return the page that shows what `watcher` follows."""
    looks = style_sheet(themed=False).encode()

    async def theme(request: Request) -> Response:
        return Response(looks, headers={"content-type": "text/css; charset=utf-8"})

    async def read_runs(request: Request) -> Response:
        query = request.query_params
        shown, known = query.getlist("show"), query.get("known", "")
        if watcher.answers_at_once(shown):
            return json_answer(watcher.answer(shown, known))
        return json_answer(await run_in_threadpool(watcher.answer, shown, known))

    def read_strips(request: Request) -> Response:
        query = request.query_params
        room = int(query["width"]) if re.fullmatch("[0-9]{1,5}", query.get("width", "")) else 0
        width = max((one for one in WIDTHS if one <= room), default=WIDTHS[0])
        return json_answer(watcher.strips(query.get("run", ""), width))

    async def read_root(request: Request) -> Response:
        return json_answer({"root": str(watcher.root), "page": access.origin})

    async def stop(request: Request) -> Response:
        name = json.loads(await request.body()).get("run")
        if not isinstance(name, str):
            raise ArgumentError("the run to stop", needed="its name", got=type(name).__name__)
        pid = stop_run(watcher.folder_of(name), name)
        return json_answer({"words": f"process {pid} was asked to end, as Ctrl-C does"})

    return Router(
        [
            *asset_routes(FILES),
            Route("/theme.css", theme, methods=["GET"]),
            Route("/api/runs", read_runs, methods=["GET"]),
            Route("/api/strips", read_strips, methods=["GET"]),
            Route("/api/root", read_root, methods=["GET"]),
            Route("/api/stop", stop, methods=["POST"]),
        ],
        redirect_slashes=False,
    )
