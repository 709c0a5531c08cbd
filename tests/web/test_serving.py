"""The server: its address is known before anything is served, and it ends in order."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

from raw_requests import ask, request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, Router

import misstep.web.extra
from misstep.errors import ArgumentError, MisstepError
from misstep.web.access import Access, is_loopback
from misstep.web.answers import json_bytes
from misstep.web.extra import check_web_extra
from misstep.web.serving import Server


def page(access: Access) -> Router:
    def read(request: object) -> PlainTextResponse:
        return PlainTextResponse("here")

    def fail(request: object) -> PlainTextResponse:
        raise KeyError("lost")

    def refuse(request: object) -> PlainTextResponse:
        raise ArgumentError("the rate", needed="a number", got="none")

    return Router([Route("/", read), Route("/fail", fail), Route("/refuse", refuse)])


def test_a_client_may_connect_before_anything_is_served() -> None:
    server = Server(page)
    assert (
        server.access.address
        == f"http://127.0.0.1:{server.access.port}/#token={server.access.token}"
    )
    with socket.create_connection(("127.0.0.1", server.access.port), timeout=5) as early:
        early.sendall(request(server.access.port))
        with server:
            assert early.recv(100).startswith(b"HTTP/1.1 200")


def test_a_port_in_use_is_said() -> None:
    with Server(page) as server, pytest.raises(MisstepError, match="a free port"):
        Server(page, port=server.access.port)
    with pytest.raises(ArgumentError, match="0 to 65535"):
        Server(page, port=70_000)
    with pytest.raises(MisstepError, match="a host of this machine"):
        Server(page, host="no.such.host.invalid")


def test_a_fault_is_said_and_the_page_goes_on(capfd: pytest.CaptureFixture[str]) -> None:
    with Server(page) as server:
        answer = ask(server.access.port, request(server.access.port, "/fail"))
        assert answer.status == 500
        assert b"KeyError" in answer.body
        answer = ask(server.access.port, request(server.access.port, "/refuse"))
        assert answer.status == 422
        assert b"the rate: needed a number" in answer.body
        assert ask(server.access.port, request(server.access.port)).body == b"here"
    assert capfd.readouterr() == ("", "")


def test_the_token_is_shown_by_the_address_alone() -> None:
    access = Access("127.0.0.1", 80)
    assert access.token not in repr(access)
    assert access.origin == "http://127.0.0.1"
    assert len(access.token) > 40
    assert access.token != Access("127.0.0.1", 80).token


def test_what_is_this_machine_alone() -> None:
    assert [
        host for host in ("127.0.0.1", "::1", "localhost", "127.9.9.9") if not is_loopback(host)
    ] == []
    assert [
        host for host in ("0.0.0.0", "::", "192.168.1.2", "example.org", "") if is_loopback(host)
    ] == []


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    check_web_extra("the page")
    monkeypatch.setattr(misstep.web.extra, "PACKAGES", ("starlette", "no_such_package"))
    with pytest.raises(MisstepError, match=r"no_such_package.*misstep\[web\]"):
        check_web_extra("the page")


def test_numbers_without_a_word_in_json_are_null() -> None:
    assert (
        json_bytes({"a": [1.5, float("nan"), float("inf")], "b": "ä"})
        == '{"a":[1.5,null,null],"b":"ä"}'.encode()
    )


PROGRAM = """
from starlette.routing import Router
from misstep.web.serving import Server
server = Server(lambda access: Router())
print(server.access.port, flush=True)
server.run()
print("ended in order", flush=True)
"""


def test_ctrl_c_ends_it_in_order() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        port = int(program.stdout.readline())
        assert ask(port, request(port)).status == 404
        began = time.monotonic()
        program.send_signal(signal.SIGINT)
        assert program.stdout.read() == "ended in order\n"
        assert program.wait(60) == 0
        assert time.monotonic() - began < 30
