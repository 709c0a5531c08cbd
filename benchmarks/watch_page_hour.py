"""How much a page that watches five runs grows while it stays open for an hour of updates.

    python -m benchmarks.watch_page_hour [--updates 3600]

An hour is 3,600 updates of the page, one a second. Here they come as fast as the browser draws
them: five runs grow all the time, the server is asked without a pause, and the page's clock runs
fifty times as fast, so that drawings that come every few seconds come as often as in an hour.
Measured are the bytes of the page's heap after a collection of garbage, the nodes of its document,
and its listeners, by Chromium's own counters. It must grow by less than 20 MB. Needs playwright and
a Chromium.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from playwright.sync_api import CDPSession, sync_playwright

from benchmarks.watch_page import RUNS, long_run
from misstep.record import RecordWriter, read_record
from misstep.storage import folder_lock
from misstep.web.serving import Server
from misstep.web.watch import examiner, watcher
from misstep.web.watch.application import watch_application
from misstep.web.watch.watcher import Watcher

MOST_BYTES = 20e6
FASTER = 50
# After the first ones everything that is kept is there.
WARM = 100
FAST_CLOCK = f"""
  const now = Date.now.bind(Date), began = now();
  Date.now = () => began + {FASTER} * (now() - began);
  const ask = window.fetch.bind(window);
  window.updates = 0;
  window.fetch = async (path, ...more) => {{
    const answer = await ask(path, ...more);
    // One where nothing is new says so in some letters.
    const isNew = Number(answer.headers.get("content-length")) > 1000;
    if (path.startsWith("/api/runs") && isNew) window.updates += 1;
    return answer;
  }};
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--updates", type=int, default=3_600)
    updates = parser.parse_args().updates
    # As often as pages ask; else it would hold back, for whoever trains.
    watcher.SHARE = 1.0
    # What goes wrong changes seldom, and looking for it takes longest.
    examiner.SHARE, examiner.APART = 0.1, 3.0 / FASTER
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        root = Path(folder)
        for number in range(RUNS):
            long_run(root / f"run-{number}", number)
        stop = threading.Event()
        threads = [
            threading.Thread(target=grow, args=(root / f"run-{number}", stop))
            for number in range(RUNS)
        ]
        followed = stack.enter_context(Watcher(root, apart=0.001))
        server = stack.enter_context(Server(lambda access: watch_application(followed, access)))
        for thread in threads:
            thread.start()
        try:
            measure(server.access.address, updates)
        finally:
            stop.set()
            for thread in threads:
                thread.join()


def grow(folder: Path, stop: threading.Event) -> None:
    """Go on writing into a record: losses, looks into its layers, epochs."""
    record = read_record(folder)
    step, epoch = int(record.steps["step"][-1]), len(record.epochs)
    paths = record.paths("gradient_norm")
    random = np.random.default_rng(0)
    with folder_lock(folder), RecordWriter(folder, {}) as writer:
        writer.resumed(step, epoch)
        while not stop.wait(0.02):
            writer.steps(step + 1, random.uniform(0.1, 0.2, 100), np.full(100, 0.001))
            step, epoch = step + 100, epoch + 1
            writer.epoch(epoch, step, {"validation_loss": float(random.uniform(0.1, 0.2))})
            looks = {
                (name, path): float(random.uniform(0.1, 1.0))
                for path in paths
                for name in ("gradient_norm", "weight_norm", "update_norm")
            }
            writer.measures(step, looks)


def measure(address: str, updates: int) -> None:
    """Print what the page holds, now and then."""
    program = os.environ.get("MISSTEP_BROWSER") or shutil.which("chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.add_init_script(FAST_CLOCK)
        page.goto(address)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        began, first, marks = time.monotonic(), None, range(WARM, updates + WARM, 500)
        for mark in [*marks, updates + WARM]:
            while page.evaluate("window.updates") < mark:
                page.wait_for_timeout(50)
            held = counted(session)
            first = first or held
            print(
                f"{page.evaluate('window.updates'):6,} updates, {time.monotonic() - began:5.0f} s: "
                f"heap {held['JSHeapUsedSize'] / 1e6:6.2f} MB, {held['Nodes']:,.0f} nodes, "
                f"{held['JSEventListeners']:,.0f} listeners",
                flush=True,
            )
        browser.close()
    more = held["JSHeapUsedSize"] - first["JSHeapUsedSize"]
    verdict = "reached" if more < MOST_BYTES else "MISSED"
    print(f"grew by {more / 1e6:.2f} MB in {updates:,} updates; below 20 MB: {verdict}")


def counted(session: CDPSession) -> dict[str, float]:
    """Return Chromium's counters after a collection of garbage."""
    session.send("HeapProfiler.collectGarbage")
    metrics = session.send("Performance.getMetrics")["metrics"]
    return {one["name"]: one["value"] for one in metrics}


if __name__ == "__main__":
    main()
