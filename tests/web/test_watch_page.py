"""The page that watches runs, as it is served: its files, its answers, its one button."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

from raw_requests import Answer, ask, post, request

import misstep.web.assets as assets
from misstep.record import RecordWriter
from misstep.web.guard import CONTENT_POLICY
from misstep.web.serving import Server
from misstep.web.watch.application import FILES, watch_application
from misstep.web.watch.watcher import Watcher

STATIC = Path(assets.__file__).with_name("static")
OWN = [STATIC / name for name in FILES.values() if not name.startswith("vendor/")]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a folder with a run that is over and says what no page may believe."""
    folder = tmp_path / "runs" / "<b>a&b"
    folder.mkdir(parents=True)
    with RecordWriter(folder, {}) as writer:
        writer.steps(1, [3.0, 2.0], [0.1, 0.1])
        writer.event("finished", "<script>alert(1)</script>", facts={"cause": "epochs_done"})
    return tmp_path / "runs"


@pytest.fixture
def server(root: Path) -> Iterator[Server]:
    with (
        Watcher(root) as watcher,
        Server(lambda access: watch_application(watcher, access)) as server,
    ):
        yield server


def got(server: Server, target: str) -> Answer:
    return ask(server.access.port, request(server.access.port, target))


def test_every_file_is_served_as_what_it_is(server: Server) -> None:
    for path, name in FILES.items():
        answer = got(server, path)
        assert answer.status == 200
        assert answer.body == (STATIC / name).read_bytes()
        assert answer.headers["content-type"] == assets.TYPES[Path(name).suffix]
        assert answer.headers["content-security-policy"] == CONTENT_POLICY
    assert b"--series-1" in got(server, "/theme.css").body
    assert got(server, "/uplot").status == 404
    assert got(server, "/watch/page.html").status == 404


def test_runs_are_told_as_json(server: Server) -> None:
    answer = got(server, "/api/runs?show=%3Cb%3Ea%26b")
    assert answer.headers["content-type"] == "application/json"
    told = json.loads(answer.body)
    assert told["runs"][0]["words"] == "<script>alert(1)</script>"
    assert told["shown"]["<b>a&b"]["curves"]["loss"]["mean"] == [3.0, 2.0]
    while "runs" in told:  # what goes wrong comes a moment later
        again = f"/api/runs?show=%3Cb%3Ea%26b&known={told['version']}"
        told = json.loads(got(server, again).body)
    assert set(told) == {"again", "version"}
    assert (
        json.loads(got(server, "/api/strips?run=%3Cb%3Ea%26b&width=9999999").body)["strips"] == []
    )
    assert json.loads(got(server, "/api/strips?width=-1").body)["strips"] == []


def test_what_is_over_is_not_stopped(server: Server) -> None:
    port, token = server.access.port, server.access.token
    for body, words in (
        (b'{"run": "<b>a&b"}', b"one that is over"),
        (b'{"run": "../elsewhere"}', b"one that is watched"),
        (b'{"run": 3}', b"its name"),
        (b"{}", b"its name"),
    ):
        answer = ask(port, post(port, token, body=body))
        assert answer.status == 422
        assert words in answer.body


PROGRAM = """
import sys, time
from misstep.record import RecordWriter
from misstep.storage import folder_lock
with folder_lock(sys.argv[1]), RecordWriter(sys.argv[1], {}) as writer:
    writer.steps(1, [3.0], [0.1])
    print("at work", flush=True)
    try:
        time.sleep(30)
    except KeyboardInterrupt:
        writer.event("stopped", "by Ctrl-C", facts={"cause": "interrupted"})
"""


def test_a_run_of_another_process_is_followed_and_stopped(server: Server, root: Path) -> None:
    port, token = server.access.port, server.access.token
    (root / "new").mkdir()
    command = [sys.executable, "-c", PROGRAM, str(root / "new")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        program.stdout.readline()
        states = []
        while "going" not in states:
            told = json.loads(got(server, "/api/runs?show=new").body)
            states = [run["state"] for run in told["runs"] if run["name"] == "new"]
        body = b'{"run": "new"}'
        assert ask(port, post(port, token[:-1], body=body)).status == 403
        assert program.poll() is None
        answer = ask(port, post(port, token, body=body))
        assert (answer.status, str(program.pid).encode() in answer.body) == (200, True)
        assert program.wait(60) == 0
        while "stopped" not in states:
            told = json.loads(got(server, "/api/runs?show=new").body)
            states = [run["state"] for run in told["runs"] if run["name"] == "new"]


# --- what is served -----------------------------------------------------------------------------


def test_a_page_has_no_code_and_no_style_inside() -> None:
    for file in OWN:
        text = file.read_text("utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), file
        assert not re.search(r"<style|\sstyle=|\son\w+=", text), file
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\(|new Function", text)


def test_nothing_is_loaded_from_elsewhere() -> None:
    for file in OWN:
        text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|//[a-z]+\.[a-z]", text), file
    used = set(
        re.findall(r'(?:src|href|from) ?=? ?"(/[^"]*)"', "".join(f.read_text() for f in OWN))
    )
    assert used <= {*FILES, "/theme.css"}
    assert {*FILES} - used == {"/"}


def test_what_is_vendored_is_as_it_was_published() -> None:
    folder = STATIC / "vendor" / "uplot"
    told = dict(
        reversed(line.split()) for line in (folder / "README.md").read_text().splitlines()[-2:]
    )
    assert len(told) == 2
    for name, digest in told.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert "MIT License" in (folder / "LICENSE.txt").read_text()


def test_the_folder_holds_nothing_that_is_not_served() -> None:
    there = {
        str(path.relative_to(STATIC)) for path in (STATIC / "watch").rglob("*") if path.is_file()
    }
    assert there == {name for name in FILES.values() if name.startswith("watch/")}
    assert os.sep == "/"
