"""`misstep play`: says its address, answers there, and ends with Ctrl-C."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

from misstep.cli import main

LINK = "v=1&r=20&l=2&u=3"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Give the process of `misstep play` and the address that it printed."""
    command = [sys.executable, "-m", "misstep", "play", "--link", LINK, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as it:
        assert it.stdout is not None
        yield it, json.loads(it.stdout.readline())["address"]
        if it.poll() is None:
            it.kill()


def ask(address: str, path: str, body: object = None, token: str | None = None) -> tuple[int, str]:
    """Return status and content of an answer; with a body it is a POST, as the page sends it."""
    origin, _, own = address.partition("/#token=")
    headers = {}
    if body is not None:
        headers = {
            "content-type": "application/json",
            "origin": origin,
            "x-misstep-token": own if token is None else token,
        }
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(
            urllib.request.Request(origin + path, data, headers), timeout=20
        ) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_page_and_all_its_files_are_there(served) -> None:
    _, address = served
    status, page = ask(address, "/")
    assert status == 200
    assert "style=" not in page
    assert "onclick" not in page
    for path in ("/play.css", "/theme.css", "/play/main.js", "/play/formulas.js"):
        assert ask(address, path)[0] == 200
    assert ask(address, "/play/sessions.py")[0] == 404


def test_a_session_begins_where_the_link_stands_and_moves(served) -> None:
    _, address = served
    told = json.loads(ask(address, "/api/open", {})[1])
    assert told["frame"]["update"] == 3
    assert told["state"]["link"] == LINK
    session = told["session"]
    moved = json.loads(ask(address, "/api/step", {"session": session, "updates": 2})[1])
    assert (moved["taken"], moved["frame"]["update"]) == (2, 5)
    assert "state" not in moved
    back = json.loads(ask(address, "/api/seek", {"session": session, "update": 3})[1])
    assert back["frame"]["weights"] == told["frame"]["weights"]
    changed = json.loads(
        ask(address, "/api/change", {"session": session, "settings": {"problem": "moons"}})[1]
    )
    assert changed["kept"] is False
    assert changed["rows"] != told["rows"]


def test_who_passes_a_change_of_settings_is_told_those_that_hold(served) -> None:
    _, address = served
    told = json.loads(ask(address, "/api/open", {})[1])

    def answer(what: str, **body: object) -> dict[str, Any]:
        return dict(
            json.loads(ask(address, f"/api/{what}", {"session": told["session"], **body})[1])
        )

    first = told["state"]["settings"]["learning_rate"]
    answer("change", settings={"learning_rate": 0.125})
    assert first != 0.125
    answer("step", updates=2)
    assert answer("seek", update=1)["state"]["settings"]["learning_rate"] == first
    assert "state" not in answer("seek", update=2)
    assert answer("seek", update=5)["state"]["settings"]["learning_rate"] == 0.125
    assert answer("seek", update=2)["state"]["settings"]["learning_rate"] == first
    assert answer("step", updates=2)["state"]["settings"]["learning_rate"] == 0.125


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("step", {"updates": "many"}, "a whole number"),
        ("step", {"updates": 10**12}, "a whole number"),
        ("seek", {}, "a whole number"),
        ("change", {"settings": []}, "an object"),
        ("change", {"settings": {"learning_rate": "fast"}}, "a number"),
        ("change", {"settings": {"__class__": 1}}, "one of problem"),
        ("preset", {"preset": ["zeros"]}, "a text"),
        ("preset", {"preset": "nothing"}, "circles"),
        ("choose", {"choice": "../../etc"}, "a weight"),
        ("row", {"number": -1}, "a whole number"),
    ],
)
def test_what_can_not_be_is_answered_in_words(served, path, body, words) -> None:
    _, address = served
    session = json.loads(ask(address, "/api/open", {"link": ""})[1])["session"]
    status, told = ask(address, f"/api/{path}", {**body, "session": session})
    assert status == 200
    assert words in json.loads(told)["error"]


def test_strangers_get_nothing(served) -> None:
    _, address = served
    assert ask(address, "/api/open", {}, token="")[0] == 403
    assert ask(address, "/api/open", {}, token="x" * 43)[0] == 403
    assert ask(address, "/api/open")[0] == 405
    assert ask(address, "/api/nothing", {})[0] == 404
    assert json.loads(ask(address, "/api/step", {"session": "of another"})[1]) == {"gone": True}
    assert json.loads(ask(address, "/api/step", {"session": {"a": 1}})[1]) == {"gone": True}
    assert "a text" in json.loads(ask(address, "/api/open", {"link": 3})[1])["error"]


def test_ctrl_c_ends_it_without_a_word_whatever_is_asked_for(served) -> None:
    process, address = served
    session = json.loads(ask(address, "/api/open", {"link": "v=1&r=5000&bs=5000&l=64.64"})[1])
    asked = {"session": session["session"], "updates": 1_000_000}
    # Each ends after a moment, and the page asks again.
    assert 0 < json.loads(ask(address, "/api/step", asked)[1])["taken"] < 1_000_000
    assert json.loads(ask(address, "/api/try", asked)[1]) == {"attempt": None, "trying": True}
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    assert said.splitlines()[-1] == "This machine alone can reach it. Ctrl-C ends it."


def test_what_can_not_be_served_is_told_at_once(capsys) -> None:
    assert main(["play", "--link", "v=1&p=nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err
    assert main(["play", "--target", "price"]) == 2
    assert "misstep play FILE" in capsys.readouterr().err
    assert main(["play", "--without", "price"]) == 2
    assert "misstep play FILE" in capsys.readouterr().err
    assert main(["play", "iris", "--without", "nothing"]) == 2
    assert "nothing" in capsys.readouterr().err
    assert main(["play", "nowhere.csv"]) == 2
    assert "nowhere.csv" in capsys.readouterr().err
    assert main(["play", "--port", "70000"]) == 2
    assert "65535" in capsys.readouterr().err
