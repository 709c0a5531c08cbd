"""The files that pages are made of, by an explicit table of names; no name ever becomes a path.

Read once, from the package's own folder. Knows files and their types.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

__all__ = ["asset_routes"]

STATIC = Path(__file__).with_name("static")
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


def asset_routes(table: Mapping[str, str]) -> list[Route]:
    """Return a route for each file: path in the address → path below `static/`.

    Of a page, for instance {"/": "watch/page.html", "/watch.js": "watch/watch.js"}.
    """
    return [_route(path, STATIC / name) for path, name in table.items()]


def _route(path: str, file: Path) -> Route:
    content, kind = file.read_bytes(), TYPES[file.suffix]

    async def answer(request: Request) -> Response:
        return Response(content, headers={"content-type": kind})

    return Route(path, answer, methods=["GET"])
