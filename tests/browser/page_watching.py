"""What a test of pages begins with: a browser's path, a look, and ears for what goes wrong.

The fixtures in `conftest.py` hand these out; nothing here knows a page of misstep.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright import sync_api as playwright

# As in scripts/browser.
NAMES = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Look:
    """A theme and a width in pixels."""

    theme: str = "light"
    width: int = 1400

    @property
    def height(self) -> int:
        """Return the height of a screen so wide: a telephone's, or a desk's."""
        return 844 if self.width < 600 else 900

    def __str__(self) -> str:
        return f"{self.theme}-{self.width}"


LIGHT_AND_WIDE = Look()
LOOKS = [Look(theme, width) for theme in ("light", "dark") for width in (390, 1400)]


@dataclass
class Complaints:
    """What went wrong on watched pages, in words; a test may `forgive` what it provoked."""

    heard: list[str] = field(default_factory=list)
    forgiven: list[str] = field(default_factory=list)

    def forgive(self, words: str) -> None:
        """Take complaints that contain `words` as wanted."""
        self.forgiven.append(words)

    def left(self) -> list[str]:
        """Return the complaints that nobody forgave."""
        return [one for one in self.heard if not any(words in one for words in self.forgiven)]

    def watch(self, page: playwright.Page) -> None:
        """Listen to `page` from now on."""
        page.on("console", self._of_console)
        page.on("pageerror", lambda error: self.heard.append(f"exception of the page: {error}"))
        page.on("request", lambda request: self._of_address(request.url))
        page.on("websocket", lambda socket: self._of_address(socket.url))

    def _of_console(self, message: playwright.ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            self.heard.append(f"console: {message.type}: {message.text}")

    def _of_address(self, address: str) -> None:
        parts = urlsplit(address)
        near = parts.scheme in {"file", "data", "blob", "about"} or parts.hostname == "127.0.0.1"
        if not near:
            self.heard.append(f"leaves the machine: {address}")


def browser_program() -> str | None:
    """Return the path of the browser to test with, if there is one."""
    asked = os.environ.get("MISSTEP_BROWSER")
    if asked:
        return shutil.which(asked)
    return next(filter(None, map(shutil.which, NAMES)), None)
