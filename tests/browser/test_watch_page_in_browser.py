"""The page that watches runs in a real browser: it follows, it speaks, it stops, in every look."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

from page_checks import faults
from page_watching import Complaints, Look
from playwright.sync_api import Page, expect

import misstep as ms
from misstep.record import RecordWriter
from misstep.storage import folder_lock
from misstep.web.serving import Server
from misstep.web.watch import examiner
from misstep.web.watch.application import watch_application
from misstep.web.watch.watcher import Watcher

# Longer than some turns of the server, on a busy machine.
SOON = 15_000


def trained(folder: Path, layers: int, epochs: int = 8) -> None:
    """Train a network that learns, or with many sigmoids does not, into `folder`."""
    random = np.random.default_rng(0)
    x = random.normal(size=(120, 3)).astype("float32")
    y = (x[:, 0] > 0).astype("int64")
    hidden = [one for _ in range(layers) for one in (ms.Dense(6), ms.nn.Sigmoid())]
    trainer = ms.Trainer(
        ms.Sequential(*hidden, ms.Dense(2)),
        loss=ms.losses.CrossEntropy(),
        optimizer=ms.SGD(0.5),
        batch_size=20,
    )
    held_out = x[80:], y[80:]
    trainer.fit(
        x[:80],
        y[:80],
        validation=held_out,
        epochs=epochs,
        folder=folder,
        callbacks=[ms.Snapshots()],
    )


@pytest.fixture(scope="module")
def trained_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with two runs that are over."""
    root = tmp_path_factory.mktemp("trained")
    trained(root / "good", 1)
    trained(root / "deep", 6)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


# Named before `open_page` in tests, so that it ends after the page that asks it.
@pytest.fixture
def server(root: Path) -> Iterator[Server]:
    """Serve the runs of `root`, of which there are none at first."""
    with (
        Watcher(root, apart=0.1) as watcher,
        Server(lambda access: watch_application(watcher, access)) as server,
    ):
        yield server


@pytest.fixture(scope="module")
def trained_server(trained_runs: Path) -> Iterator[Server]:
    with (
        Watcher(trained_runs, apart=0.1) as watcher,
        Server(lambda access: watch_application(watcher, access)) as server,
    ):
        yield server


def test_it_is_sound_in_every_look(open_page, look: Look, trained_server: Server) -> None:
    page: Page = open_page(trained_server.access.address, look)
    for name in ("good", "deep"):
        card = page.get_by_role("article", name=f"The run {name}")
        expect(card.locator(".flow svg").first).to_be_visible(timeout=SOON)
        expect(card.get_by_text("were looked for")).to_be_visible(timeout=SOON)
    expect(page.locator("#chart-loss canvas")).to_be_visible()
    for folded in page.locator("details").all():
        folded.evaluate("(one) => { one.open = true; }")
    expect(page.locator("#chart-loss table")).to_be_visible()
    assert faults(page) == []
    # The token is kept by the tab, and nobody sees it in the address.
    assert page.url == f"{trained_server.access.origin}/"


def test_a_drawing_says_the_same_in_words(open_page, trained_server: Server) -> None:
    page: Page = open_page(trained_server.access.address)
    caption = page.locator("#chart-loss figcaption")
    expect(caption).to_contain_text("good, training: went from", timeout=SOON)
    expect(caption).to_contain_text("deep, validation: went from")
    label = page.locator("#chart-loss [role=img]").get_attribute("aria-label")
    assert label == f"Loss. {caption.inner_text()}"
    page.get_by_text("The numbers", exact=True).first.click()
    heads = page.locator("#chart-loss thead th").all_inner_texts()
    assert heads[0] == "updates"
    assert {"good, training", "deep, validation"} <= set(heads)


def test_by_keyboard_a_run_is_hidden_and_shown_again(open_page, trained_server: Server) -> None:
    page: Page = open_page(trained_server.access.address)
    box = page.get_by_role("checkbox", name="deep")
    expect(box).to_be_checked(timeout=SOON)
    box.focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("article", name="The run deep")).to_have_count(0)
    expect(page.locator("#keys")).not_to_contain_text("deep")
    page.keyboard.press("Space")
    expect(page.get_by_role("article", name="The run deep")).to_be_visible(timeout=SOON)
    page.get_by_label("logarithmic loss").check()
    expect(page.locator("#chart-loss canvas")).to_be_visible()


def test_it_follows_a_run_from_before_its_beginning(server: Server, open_page, root: Path) -> None:
    page: Page = open_page(server.access.address)
    expect(page.get_by_text("There is no run here yet")).to_be_visible(timeout=SOON)
    folder = root / "new <b>one"
    folder.mkdir(parents=True)
    with folder_lock(folder), RecordWriter(folder, {}) as writer:
        writer.steps(1, [4.0, 3.0], [0.1, 0.1])
        row = page.locator("#runs li")
        expect(row).to_contain_text("new <b>one", timeout=SOON)
        expect(row).to_contain_text("going")
        expect(page.locator("#chart-loss figcaption")).to_contain_text("to 3 at update 2")
        writer.steps(3, [1.5], [0.1])
        expect(page.locator("#chart-loss figcaption")).to_contain_text(
            "to 1.5 at update 3", timeout=SOON
        )
    expect(row).to_contain_text("broken off", timeout=SOON)
    expect(page.locator("#told")).to_contain_text("is broken off")


# What a folder may be called, and no address can hold.
ODD = [
    "constructor",
    "of a\\b and a\nline",
    *(f"прогноз {at} " + "длинное имя " * 9 for at in range(4)),
]


def test_runs_may_be_called_anything(server: Server, open_page, root: Path) -> None:
    for name in ODD:
        (root / name).mkdir(parents=True)
        with RecordWriter(root / name, {}) as writer:
            writer.steps(1, [4.0, 3.0], [0.1, 0.1])
    page: Page = open_page(server.access.address)
    expect(page.locator("#runs li")).to_have_count(len(ODD), timeout=SOON)
    for box in page.locator("#runs input").all():
        box.check()
    expect(page.locator("article.card")).to_have_count(len(ODD), timeout=SOON)
    expect(page.locator("#connection")).to_have_text("No run is going")
    assert faults(page) == []


def test_what_goes_wrong_is_said_aloud_when_it_is_found(
    server: Server, open_page, root: Path, trained_runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examiner, "APART", 0.1)
    monkeypatch.setattr(examiner, "SHARE", 1.0)
    lines = (trained_runs / "deep" / "record.jsonl").read_bytes().splitlines(keepends=True)
    described = next(at for at, line in enumerate(lines) if b'"kind":"measures"' in line)
    folder = root / "mine"
    folder.mkdir(parents=True)
    page: Page = open_page(server.access.address)
    told = page.locator("#told")
    with folder_lock(folder), (folder / "record.jsonl").open("wb", buffering=0) as record:
        record.write(b"".join(lines[:described]))
        expect(page.locator(".card .state")).to_have_text("going", timeout=SOON)
        expect(told).to_be_empty()
        # All but its end; again and again, since one look alone tells only what is certain.
        record.write(b"".join(lines[described:-1]))
        slug = "vanishing-gradients"
        while slug not in told.inner_text():
            record.write(lines[-2])
            page.wait_for_timeout(100)
        assert told.get_attribute("aria-live") == "polite"
        expect(page.locator(".finding h5").first).to_contain_text(slug)
        expect(page.locator("#runs li")).to_contain_text("1 critical")


PROGRAM = """
import sys, time
from misstep.record import RecordWriter
from misstep.storage import folder_lock
with folder_lock(sys.argv[1]), RecordWriter(sys.argv[1], {}) as writer:
    writer.steps(1, [3.0], [0.1])
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        writer.event("stopped", "by Ctrl-C, after 1 update", facts={"cause": "interrupted"})
"""


@pytest.fixture
def going(root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Give a run of another process."""
    (root / "going").mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(root / "going")]) as program:
        yield program
        program.kill()


def test_a_run_is_stopped_with_the_token(
    server: Server, open_page, going: subprocess.Popen[bytes]
) -> None:
    page: Page = open_page(server.access.address)
    stop = page.get_by_role("button", name="Stop going")
    stop.click(timeout=SOON)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Stop going?")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert going.poll() is None
    stop.click()
    assert faults(page) == []
    dialog.get_by_role("button", name="Stop it").click()
    assert going.wait(60) == 0
    expect(page.locator("#runs li")).to_contain_text("by Ctrl-C, after 1 update", timeout=SOON)
    expect(stop).to_be_hidden()


def test_without_the_token_it_only_looks(
    server: Server, open_page, complaints: Complaints, going: subprocess.Popen[bytes]
) -> None:
    complaints.forgive("status of 403")
    page: Page = open_page(server.access.origin)
    expect(page.locator("#runs li")).to_contain_text("going", timeout=SOON)
    expect(page.get_by_text("This page only looks.")).to_be_visible()
    expect(page.get_by_role("button", name="Stop going")).to_be_hidden()
    refused = page.evaluate(
        """() => fetch("/api/stop", {method: "POST", body: '{"run": "going"}',
          headers: {"Content-Type": "application/json"}}).then((got) => got.status)"""
    )
    assert refused == 403
    assert going.poll() is None
    # The printed address, opened in the very tab.
    page.goto(server.access.address)
    expect(page.get_by_role("button", name="Stop going")).to_be_visible(timeout=SOON)
    assert page.url == f"{server.access.origin}/"


def test_when_its_server_has_ended_it_says_so(
    open_page, complaints: Complaints, trained_runs: Path
) -> None:
    complaints.forgive("ERR_CONNECTION_REFUSED")
    with (
        Watcher(trained_runs, apart=0.1) as watcher,
        Server(lambda access: watch_application(watcher, access)) as server,
    ):
        page: Page = open_page(server.access.address)
        expect(page.locator("#runs li").first).to_contain_text("finished", timeout=SOON)
    expect(page.locator("#connection")).to_contain_text("does not answer", timeout=SOON)
    expect(page.locator("#runs li").first).to_contain_text("finished")


def test_a_page_that_stays_open_does_not_grow(server: Server, open_page, root: Path) -> None:
    """Some minutes' updates, fast; the hour is in benchmarks/watch_page.py."""
    folder = root / "mine"
    folder.mkdir(parents=True)
    page: Page = open_page(server.access.address)
    with folder_lock(folder), RecordWriter(folder, {}) as writer:
        writer.steps(1, np.ones(1_000), np.full(1_000, 0.1))
        expect(page.locator("#chart-loss canvas")).to_be_visible(timeout=SOON)
        elements = "document.querySelectorAll('*').length"
        before = page.evaluate(elements)
        for turn in range(3):
            writer.steps(1_001 + 500 * turn, np.full(500, 0.5), np.full(500, 0.1))
            last = f"at update {1_500 + 500 * turn:,}"
            expect(page.locator("#chart-loss figcaption")).to_contain_text(last, timeout=SOON)
        assert page.evaluate(elements) == before
