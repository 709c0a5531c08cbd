"""What comes out of files steers no terminal."""

from __future__ import annotations

import os
import pty

import pytest

from misstep.cli.output import write_output
from misstep.cli.page import Page


def test_labels_are_written_out_on_a_terminal_and_left_alone_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = "row,\x1b]0;PWN\x07\x1b[2Jno\n"
    main, side = pty.openpty()
    with os.fdopen(main, "rb", buffering=0) as reader, os.fdopen(side, "w") as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        write_output(words)
        said = reader.read(200)
    assert b"\x1b" not in said
    assert b"PWN" in said
    main, side = os.pipe()
    with os.fdopen(main, "rb", buffering=0) as reader, os.fdopen(side, "w") as pipe:
        monkeypatch.setattr("sys.stdout", pipe)
        write_output(words)
        assert reader.read(200) == words.encode()


def test_whatever_a_page_says_is_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    words = "a\x1b[2Jb\u202ec\x9bd"
    page = Page()
    page.title(words)
    page.say(words)
    page.fact(words, words, words)
    page.table([[words, words]], [words, words], [1])
    page.lines(words)
    page.commands([words])
    said = capsys.readouterr().out
    assert not set("\x1b\u202e\x9b") & set(said)
    # Title, paragraph, label, words and reason, two cells and two heads, a line and a command.
    assert "".join(said.split()).count("a\\x1b[2Jb\\u202ec\\x9bd") == 11
