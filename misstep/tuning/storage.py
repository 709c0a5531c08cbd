"""Where a study is kept: a journal file, or any storage that Optuna takes, opened for many workers.

A worker may be killed at any moment, in the middle of a write too. Knows storages; no trials.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from misstep.errors import ArgumentError, MisstepError, StorageError
from misstep.tuning.requirement import as_it_is, optuna

try:
    import fcntl
except ImportError:  # a system without such locks
    fcntl = None  # type: ignore[assignment]

__all__ = ["JOURNAL", "open_storage", "storage_words"]

# The study of a run, beside its record.
JOURNAL = "tuning.journal"
# What a journal begins with, as Optuna writes it.
FIRST = b'{"op_code":'
# What speaks to a storage, by the kind of its URL.
PACKAGES = {
    "postgresql": "psycopg2-binary",
    "mysql": "mysqlclient",
    "redis": "redis",
    "rediss": "redis",
    "grpc": "grpcio",
}
# Seconds that a SQLite file is waited for while somebody else writes.
PATIENCE = 60.0
# How often tables are made in a new database, where others make them at the same moment, and the
# seconds between.
MOST_TRIES, PAUSE = 5, 0.3
# Beside a journal; Optuna's own lock, which ends in .lock, takes away what it finds there.
LOCK = ".flock"
# What a URL has a password by, behind its question mark, if not before its host.
SECRETS = ("password", "passwd", "pwd", "sslpassword")


def open_storage(place: str | os.PathLike[str] | None) -> Any:
    """Return the storage at `place`: a URL, or the path of a journal file; None: in memory.

    URLs: sqlite:///FILE, postgresql://…, mysql://…, redis://…, and grpc://HOST:PORT of Optuna's
    proxy. Raises ArgumentError for another URL, StorageError for a place that can't be had.
    """
    if place is None:
        return optuna().storages.InMemoryStorage()
    words = os.fspath(place)
    try:
        with as_it_is():
            return _opened(words)
    except MisstepError:
        raise
    except ImportError as error:
        kind = words.partition("://")[0].partition("+")[0]
        package = PACKAGES.get(kind)
        raise MisstepError(
            f"the storage {storage_words(words)}",
            needed=f"the package {package}" if package else "the package that speaks to it",
            got="none",
            try_=f"pip install {package}" if package else "a journal file, such as study.journal",
        ) from error
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ArgumentError(
            f"the storage {storage_words(words)}",
            needed="a journal file, or a URL that Optuna takes and that answers",
            got=reason,
            try_="sqlite:///study.db, postgresql://user@host/db, or study.journal",
        ) from error


def _opened(words: str) -> Any:
    storages = optuna().storages
    kind, is_url, rest = words.partition("://")
    if not is_url:
        return journal_file(Path(words))
    if kind == "grpc":
        host, _, port = rest.partition(":")
        return storages.GrpcStorageProxy(host=host or "localhost", port=int(port or 13000))
    if kind.startswith("redis"):
        return storages.JournalStorage(_logs_only(storages.journal.JournalRedisBackend(words)))
    storage = _database(words)
    if kind.startswith("sqlite"):
        _one_at_a_time(storage)
    return storages.get_storage(storage)


def storage_words(place: str | os.PathLike[str] | None) -> str:
    """Return what a storage is called, a password left out."""
    if place is None:
        return ""
    words = os.fspath(place)
    kind, is_url, rest = words.partition("://")
    if not is_url:
        return words
    before, at, where = rest.rpartition("@")
    # A password may hold any character, a question mark too.
    user = re.split("[:/?]", before)[0]
    address, mark, query = where.partition("?")
    settings = [one for one in query.split("&") if one.partition("=")[0].casefold() not in SECRETS]
    shown = mark + "&".join(settings) if any(settings) else ""
    return f"{kind}://{user}{at}{address}{shown}"


def _database(words: str) -> Any:
    """Return the storage in a database; two that make its tables at once do not disturb another."""
    from sqlalchemy.exc import DBAPIError

    for left in reversed(range(MOST_TRIES)):
        try:
            return optuna().storages.RDBStorage(words, skip_compatibility_check=False)
        except DBAPIError as error:
            if not left or "already exists" not in str(error):
                raise
            time.sleep(PAUSE)
    raise AssertionError("the last try returns or raises")


def _logs_only(backend: Any) -> Any:
    """Return a backend without snapshots, which Optuna keeps and reads as pickles."""
    journal = optuna().storages.journal

    class Logs(journal.BaseJournalBackend):  # type: ignore[name-defined]
        def read_logs(self, log_number_from: int) -> Any:
            return backend.read_logs(log_number_from)

        def append_logs(self, logs: list[dict[str, Any]]) -> None:
            backend.append_logs(logs)

    return Logs()


def journal_file(path: Path) -> Any:
    """Return the storage in a journal file, made where it is not there. Raises StorageError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            with path.open("rb") as file:
                begins = file.read(len(FIRST))
            # A killed worker may have left a part of it.
            if not FIRST.startswith(begins):
                raise StorageError(
                    str(path),
                    needed="the journal of a study",
                    got="another file",
                    try_="another name",
                )
        return optuna().storages.JournalStorage(_journal(path))
    except MisstepError:
        raise
    except OSError as error:
        raise StorageError.of_writing(str(path), error) from error


def _journal(path: Path) -> Any:
    """Return a backend that raises StorageError where the disk refuses; what was written stays."""
    journal = optuna().storages.journal

    class Journal(journal.JournalFileBackend):  # type: ignore[name-defined]
        def read_logs(self, log_number_from: int) -> Any:
            with _told(path):
                yield from super().read_logs(log_number_from)

        def append_logs(self, logs: list[dict[str, Any]]) -> None:
            with _told(path):
                super().append_logs(logs)

    return Journal(str(path), _journal_lock(path))


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Raise StorageError for what the system says of a journal, and how to go on."""
    try:
        yield
    except OSError as error:
        told = StorageError.of_writing(str(path), error)
        raise StorageError(
            told.which,
            needed=told.needed,
            got=told.got,
            try_="making room; the same search again then goes on with the trials that are there",
        ) from error


def _journal_lock(path: Path) -> Any:
    """Return a lock that the system frees when its holder is killed, and that mends the journal.

    Optuna's own is a file that stands for half a minute after its maker was killed; it is taken
    where a disk knows no other. A line that a killed worker left half written, which nobody could
    read over, is cut off by the next one.
    """
    journal = optuna().storages.journal
    plain = journal.JournalFileOpenLock(str(path))

    class Lock(journal._file.BaseJournalFileLock):  # type: ignore[name-defined]
        def __init__(self) -> None:
            self._handle: int | None = None

        def acquire(self) -> bool:
            self._handle = _locked(f"{path}{LOCK}")
            if self._handle is None:
                plain.acquire()
            try:
                _mend(path)
            except BaseException:
                self.release()
                raise
            return True

        def release(self) -> None:
            handle, self._handle = self._handle, None
            if handle is not None:
                os.close(handle)
                return
            # Who stood still so long that another one took it away has none to give back.
            with contextlib.suppress(RuntimeError):
                plain.release()

    return Lock()


def _locked(name: str) -> int | None:
    """Return an open file that is locked; None where the system or the disk knows no such locks."""
    if fcntl is None:
        return None
    handle = os.open(name, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:
        os.close(handle)
        return None
    return handle


def _mend(path: Path) -> None:
    """Cut off what stands behind the last whole line of a file."""
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        if not end:
            return
        file.seek(end - 1)
        if file.read(1) == b"\n":
            return
        step, start = 1 << 16, end
        while start > 0:
            begin = max(0, start - step)
            file.seek(begin)
            found = file.read(start - begin).rfind(b"\n")
            if found >= 0:
                file.truncate(begin + found + 1)
                return
            start = begin
        file.truncate(0)


def _one_at_a_time(storage: Any) -> None:
    """Let each transaction with a SQLite file have it for itself from its first read on.

    SQLite has no lock for a row: without this two workers could both find that a trial waits, and
    both take it.
    """
    from sqlalchemy import event

    engine = storage.engine

    def connected(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {round(PATIENCE * 1000)}")

    def begun(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    engine.dispose()
