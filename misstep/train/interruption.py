"""Ctrl-C: a flag that the loop looks at between two steps, so that no step is left half done.

Other signals that ask a process to end do the same where its owner has set them to `end_by_signal`.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from misstep.exchange import joined

# What a terminal sends when it is closed, and a machine or a scheduler that wants a process to end.
ENDING = ("SIGTERM", "SIGHUP")
# The signals of this process that were taken for Ctrl-C, in their order.
_received: list[int] = []


def last_signal() -> int:
    """Return the number of the signal that came last; of Ctrl-C where none is known of."""
    return _received[-1] if _received else int(signal.SIGINT)


def forget_signals() -> None:
    """Begin anew: what came before belongs to work that is over."""
    _received.clear()


def end_by_signal(number: int, frame: FrameType | None) -> None:
    """Handle a signal as Ctrl-C is handled: raise KeyboardInterrupt, with the signal's number."""
    joined().end_if_lost()
    _received.append(number)
    raise KeyboardInterrupt(number)


class Interruption:
    """Within it, the first Ctrl-C only sets `requested`; the second one breaks in at once.

    `signal`: the number of the signal that came. Signals reach the main thread only; in another
    thread this does nothing.
    """

    def __init__(self) -> None:
        self.requested = False
        self.signal = int(signal.SIGINT)
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", *ENDING):
                number = getattr(signal, name, None)
                before = None if number is None else signal.getsignal(number)
                # Only where it would interrupt: a caller's own handler, or ignoring it, stays.
                if number is not None and before in (signal.default_int_handler, end_by_signal):
                    self._before[number] = before
                    signal.signal(number, self._on_signal)
        return self

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        joined().end_if_lost()
        _received.append(number)
        if self.requested:
            raise KeyboardInterrupt(number)
        self.requested, self.signal = True, number

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
