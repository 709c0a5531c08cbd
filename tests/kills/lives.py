"""Lives: a process for each, forked from one that has all in memory, so that a life costs little.

What a life does is told to a log as it happens (`story.py`); who trains knows nothing of it.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import misstep.train.run_folder
from misstep.train.listeners import Listeners
from misstep.train.run_folder import RunFolder
from tests.kills.moments import Log, Moments

__all__ = ["begin", "ended", "kill_after"]


def begin(
    live: Callable[[], int],
    log: Path,
    last: int | None,
    calls: Sequence[str],
    seconds: float | None,
) -> int:
    """Begin a life that does `live` and ends with what it returns; return its number.

    `last`: at which moment of `calls` it dies (`moments.py`), None: at none. `seconds`: between
    checkpoints in the middle of an epoch, None: as everywhere.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        # What it says is of interest only where something is wrong.
        words = os.open(f"{log}.said", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(words, 1)
        os.dup2(words, 2)
        told = Log(str(log))
        told.say("life")
        moments = Moments(told, last, calls)
        if seconds is not None:
            misstep.train.run_folder.CHECKPOINT_SECONDS = seconds
        _tell(told, log.parent)
        moments.watch()
        code = live()
        told.say("moments", moments.count)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        sys.stdout.flush()
        os._exit(code)
    return 0


def ended(child: int) -> int:
    """Wait for a life; return its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_after(child: int, seconds: float) -> int:
    """Kill a life after so many seconds if it still goes on; return as `ended` does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        number, status = os.waitpid(child, os.WNOHANG)
        if number:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.0005)
    # It was not waited for, so that its number is still its own.
    os.kill(child, signal.SIGKILL)
    return ended(child)


def _tell(log: Log, place: Path) -> None:
    """Have told what is learned, written and renamed from now on."""
    updates, opened, checkpoint = Listeners.updates, RunFolder.open, RunFolder.checkpoint
    replace = os.replace

    def tell_updates(self: Any, training: Any, *values: Any) -> None:
        if self.folder is not None:
            log.say("update", training.update, time.monotonic())
        updates(self, training, *values)

    def tell_opened(self: Any, state: Any, resumed: bool) -> Any:
        if resumed:
            log.say("resumed", state.update)
        record = opened(self, state, resumed)
        log.say("opened")
        return record

    def tell_checkpoint(self: Any, state: Any) -> None:
        log.say("begin", state.update)
        checkpoint(self, state)
        assert not self.notes, self.notes
        log.say("written", state.update)

    def tell_replace(source: Any, target: Any, **more: Any) -> None:
        if not more:
            path = Path(os.path.abspath(target))
            if path.is_relative_to(place) and os.path.isfile(source):
                with open(source, "rb") as file:
                    sum_ = hashlib.sha256(file.read()).hexdigest()
                log.say("put", sum_, path.relative_to(place))
        replace(source, target, **more)

    Listeners.updates = tell_updates  # type: ignore[method-assign]
    RunFolder.open = tell_opened  # type: ignore[method-assign]
    RunFolder.checkpoint = tell_checkpoint  # type: ignore[method-assign]
    os.replace = tell_replace
