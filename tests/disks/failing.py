"""Disks that fail at the operation of a given number: once, or from then on.

Knows operations; nothing of who asks for them.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field

from tests.disks.operations import NEEDS_ROOM, Kind, Operation


@dataclass(frozen=True)
class Fault:
    """How a disk fails. `code`: what the system says. `short`: half of a write is taken first."""

    code: int
    short: bool = False

    @property
    def name(self) -> str:
        """Return what it is called."""
        return errno.errorcode[self.code] + (" after half" if self.short else "")

    def concerns(self, operation: Operation) -> bool:
        """Tell whether an operation is one that such a disk refuses."""
        full = self.code in (errno.ENOSPC, errno.EDQUOT)
        return operation.kind in NEEDS_ROOM if full else True


FAULTS = (
    Fault(errno.ENOSPC),
    Fault(errno.ENOSPC, short=True),
    Fault(errno.EROFS),
    Fault(errno.EDQUOT),
    Fault(errno.EIO),
)


@dataclass
class FailingDisk:
    """Refuses the operation of a number, counted from 0 among those that the fault concerns.

    `lasting`: each one after it too. `refused`: what was; none where there were fewer operations.
    """

    fault: Fault
    number: int
    lasting: bool
    seen: int = 0
    refused: list[Operation] = field(default_factory=list)
    # Set once half of a write was taken: what is left of it fails.
    _half: bool = False

    def before(self, operation: Operation) -> int | None:
        """Fail where it is time."""
        if not self.fault.concerns(operation):
            return None
        at, self.seen = self.seen, self.seen + 1
        due = at >= self.number if self.lasting else at == self.number
        if self._half:
            due, self._half = True, False
        if not due:
            return None
        if (
            self.fault.short
            and at == self.number
            and operation.kind is Kind.WRITE
            and len(operation.data) > 1
        ):
            self._half = True
            return len(operation.data) // 2
        self.refused.append(operation)
        raise OSError(self.fault.code, os.strerror(self.fault.code), operation.path)

    def after(self, operation: Operation) -> None:
        """Nothing is to be learned from what was done."""


@dataclass
class Counter:
    """Counts operations."""

    operations: list[Operation] = field(default_factory=list)

    def before(self, operation: Operation) -> int | None:
        """Let it be done."""
        return None

    def after(self, operation: Operation) -> None:
        """Keep it."""
        self.operations.append(operation)


__all__ = ["FAULTS", "Counter", "FailingDisk", "Fault", "Kind"]
