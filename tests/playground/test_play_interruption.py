"""Ctrl-C leaves a session behind a whole update, from which it goes on to the same bits."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from misstep.playground import Session, Settings
from misstep.playground.timeline import Timeline


@pytest.mark.parametrize("after", [3, 17])
def test_ctrl_c_leaves_a_whole_update_behind(after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    session, straight = (Session(Settings(rows=20, layers=(2,))) for _ in range(2))
    learn = Timeline._learn
    calls = 0

    def interrupted(self: Timeline, updates: int) -> None:
        nonlocal calls
        calls += 1
        if calls == after:
            os.kill(os.getpid(), signal.SIGINT)
        learn(self, updates)

    monkeypatch.setattr(Timeline, "_learn", interrupted)
    with pytest.raises(KeyboardInterrupt):
        session.step(500)
    monkeypatch.setattr(Timeline, "_learn", learn)
    stood = session.update
    assert 0 < stood < 500
    assert session.timeline.furthest == stood
    straight.step(stood)
    assert session.frame() == straight.frame()
    session.step(40)
    straight.step(40)
    assert session.frame() == straight.frame()
    assert session.diagnose()["findings"] == straight.diagnose()["findings"]


def test_a_session_works_in_another_thread_the_same() -> None:
    here, there = (Session(Settings(rows=20, layers=(2,))) for _ in range(2))
    thread = threading.Thread(target=lambda: there.step(30))
    thread.start()
    thread.join()
    here.step(30)
    assert np.array_equal(here.timeline.state.parameters, there.timeline.state.parameters)
