"""`PatientProtocol`: HTTP as uvicorn speaks it, with an end to the patience for slow clients.

uvicorn waits without end for the rest of a request that came in part. Here each request, from its
first byte (or from the connection on) to the end of its answer, has so many seconds; then the
connection is cut. Knows connections and a clock.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from misstep.web.guard import Limits

__all__ = ["patient_protocol"]


class PatientProtocol(H11Protocol):
    """One connection; `limits` stand on the class that `patient_protocol` makes."""

    limits = Limits()
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Take a connection, or cut it where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            transport.abort()
            return
        self._begin()

    def data_received(self, data: bytes) -> None:
        """Take what came; the first of a request starts the clock."""
        if self._deadline is None:
            self._begin()
        super().data_received(data)

    def on_response_complete(self) -> None:
        """Stop the clock; it runs again where the next request is there already."""
        self._end()
        super().on_response_complete()
        if self.cycle is not None and not self.cycle.response_complete:
            self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock."""
        self._end()
        super().connection_lost(exc)

    def _begin(self) -> None:
        self._end()
        self._deadline = self.loop.call_later(self.limits.seconds, self._cut)

    def _end(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()


def patient_protocol(limits: Limits) -> type[PatientProtocol]:
    """Return the protocol with these limits."""
    return type("LimitedProtocol", (PatientProtocol,), {"limits": limits})
