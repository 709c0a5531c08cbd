"""Signals that ask a process to end, taken as Ctrl-C while something is trained.

A closed terminal, a shutdown or a scheduler sends them; what was learned is then kept.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

from misstep.exchange import joined
from misstep.train.interruption import ENDING, end_by_signal, forget_signals


@contextlib.contextmanager
def signals_interrupt() -> Iterator[None]:
    """Let the signals that ask a process to end do as Ctrl-C, where nobody has other plans."""
    forget_signals()
    before: dict[int, Any] = {}
    nobodys = signal.SIG_DFL, joined().at_signal or signal.SIG_DFL
    if threading.current_thread() is threading.main_thread():
        for name in ENDING:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) in nobodys:
                before[number] = signal.signal(number, end_by_signal)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
