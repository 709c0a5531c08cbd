"""A real browser for the tests of pages: Debian's chromium, driven by playwright.

Pages that `open_page` opens are watched: an error in the console, an exception of the page's own
and a request that leaves this machine fail the test. What a page must be beyond that asserts
`page_checks.py`. Where there is no browser these tests skip; `scripts/browser` says how to get one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from page_watching import LIGHT_AND_WIDE, LOOKS, Complaints, Look, browser_program
from playwright import sync_api as playwright

# Continuous integration is root, for whom chromium's sandbox does not start; shared memory is small
# in containers; and a name that is not this machine is not even asked for.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
)
# A page that needs longer than this on a busy machine has hung.
LONGEST_WAIT_MILLISECONDS = 15_000


# Of a module and not of the session: while playwright runs, nothing else in this process can have
# an event loop, and other rooms' tests want one. A start takes half a second.
@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    """Start the browser, or skip with the reason."""
    program = browser_program()
    if program is None:
        pytest.skip("no chromium here; try scripts/browser, or MISSTEP_BROWSER=/path/to/chromium")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(params=LOOKS, ids=str)
def look(request: pytest.FixtureRequest) -> Look:
    """Give each theme at each width in turn."""
    return request.param


@pytest.fixture
def complaints() -> Complaints:
    """Give what the pages of this test complained of so far."""
    return Complaints()


OpenPage = Callable[..., playwright.Page]


@pytest.fixture
def open_page(browser: playwright.Browser, complaints: Complaints) -> Iterator[OpenPage]:
    """Give a function that opens an address or a file in a fresh context and watches the page.

    `open_page(address, look=Look("dark", 390), **context)`: what `context` says goes to
    playwright's `new_context`, as `java_script_enabled=False` or `reduced_motion="reduce"`.
    Called without an address it gives an empty page, to be filled.
    """
    contexts: list[playwright.BrowserContext] = []

    def open_it(
        address: str | Path | None = None, look: Look = LIGHT_AND_WIDE, **context: Any
    ) -> playwright.Page:
        context.setdefault("viewport", {"width": look.width, "height": look.height})
        context.setdefault("color_scheme", look.theme)
        contexts.append(browser.new_context(**context))
        contexts[-1].set_default_timeout(LONGEST_WAIT_MILLISECONDS)
        page = contexts[-1].new_page()
        complaints.watch(page)
        if address is not None:
            page.goto(address.as_uri() if isinstance(address, Path) else address)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints.left() == []
