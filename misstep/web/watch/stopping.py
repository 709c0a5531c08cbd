"""Ends a run as Ctrl-C in its own terminal does: SIGINT to the process that holds its folder.

The number of a process that has ended may belong to a stranger by now. So the process is held by a
handle of the system where there is one, and asked when it began, before it is sent anything. What
another user wrote into a lock names whom they like, so it is not believed. Knows processes; nothing
of records.
"""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

from misstep.errors import MisstepError
from misstep.storage import Holder, folder_holder, process_mark

__all__ = ["stop_run"]


def stop_run(folder: Path, called: str) -> int:
    """Send SIGINT to the process that works in `folder`, which is `called` so; return its number.

    Raises MisstepError where nobody works there, or who does can't be told for certain.
    """
    holder = folder_holder(folder)
    if holder is None:
        raise MisstepError(
            f"stopping {called}", needed="a run that goes on", got="one that is over"
        )
    where = f"process {holder.pid} on {holder.host}"
    if holder.host != socket.gethostname():
        raise MisstepError(
            f"stopping {called}", needed="a run on this machine", got=where, try_="Ctrl-C there"
        )
    if holder.user != os.geteuid():
        raise MisstepError(
            f"stopping {called}", needed="a run of this user", got="one whose lock is another's"
        )
    if holder.pid == os.getpid():
        raise MisstepError(f"stopping {called}", needed="a process of its own", got="this very one")
    try:
        handle = os.pidfd_open(holder.pid) if hasattr(os, "pidfd_open") else None
    except ProcessLookupError as error:
        raise _unknown(called, where) from error
    except OverflowError as error:
        raise _unknown(called, "a process of no number") from error
    except OSError:  # a system that knows the name but not the thing
        handle = None
    try:
        # While the handle is held, the number can't become another's.
        if (
            not holder.mark
            or process_mark(holder.pid) != holder.mark
            or _has_changed(folder, holder)
        ):
            raise _unknown(called, where)
        if handle is not None:
            signal.pidfd_send_signal(handle, signal.SIGINT)
        else:
            os.kill(holder.pid, signal.SIGINT)
    except PermissionError as error:
        raise MisstepError(
            f"stopping {called}", needed="a process of this user", got=f"{where}, another's"
        ) from error
    except ProcessLookupError as error:
        raise _unknown(called, where) from error
    finally:
        if handle is not None:
            os.close(handle)
    return holder.pid


def _has_changed(folder: Path, holder: Holder) -> bool:
    return folder_holder(folder) != holder


def _unknown(called: str, where: str) -> MisstepError:
    return MisstepError(
        f"stopping {called}",
        needed="a process that can be told for certain",
        got=f"{where}, which may be another by now",
        try_="Ctrl-C where it runs",
    )
