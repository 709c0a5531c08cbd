"""The tree of exceptions. Every message says which thing, what was needed, what came, what to try.

Knows of the rest of the library only how words are made fit to be shown: an error names labels and
columns of strangers' files, and a traceback shows it. All floors above raise what stands here; the
command line turns a `MisstepError` into a message and exit code 2, never into a traceback.
"""

from __future__ import annotations

import errno

from misstep.text.plain import printable

__all__ = [
    "AbstractValueError",
    "ArgumentError",
    "DataError",
    "DtypeError",
    "FileFormatError",
    "GraphError",
    "MisstepError",
    "NotFittedError",
    "NotYetError",
    "ShapeError",
    "StorageError",
]


class MisstepError(Exception):
    """Something that a person can mend; the parts of the message stay on the exception.

    `which`: the thing at fault. `needed`: what it wanted. `got`: what came instead.
    `try_`: what to do about it. All four are plain phrases or sentences; only `which` is a must.

    >>> import misstep as ms
    >>> try:
    ...     ms.ops.matmul([[1.0, 2.0]], [[1.0, 2.0]])
    ... except ms.MisstepError as error:
    ...     print(error.got, error.try_, sep="; ")
    (1, 2) and (1, 2) (2 against 1); transposing one of them with .T
    """

    def __init__(
        self,
        which: str,
        *,
        needed: str | None = None,
        got: str | None = None,
        try_: str | None = None,
    ) -> None:
        self.which = which
        self.needed = needed
        self.got = got
        self.try_ = try_
        super().__init__(self.message())

    def message(self) -> str:
        """Return the whole message: the thing, then what was needed, what came and what to try.

        What would steer a terminal is written out.
        """
        text = self.which.rstrip(".")
        if self.needed is not None:
            text += f": needed {self.needed}"
        if self.got is not None:
            text += f"{', but' if self.needed is not None else ':'} got {self.got.rstrip('.')}"
        text += "."
        if self.try_ is not None:
            text += f" Try: {self.try_.rstrip('.')}."
        return printable(text)

    def __reduce__(self) -> tuple[object, ...]:
        """Let worker processes pass the exception on (keyword arguments need their own way)."""
        return _rebuild, (type(self), self.which, self.needed, self.got, self.try_)


def _rebuild(
    cls: type[MisstepError], which: str, needed: str | None, got: str | None, try_: str | None
) -> MisstepError:
    return cls(which, needed=needed, got=got, try_=try_)


class ArgumentError(MisstepError, ValueError):
    """An argument has a value that is not among those allowed."""


class ShapeError(MisstepError, ValueError):
    """Shapes do not fit together."""


class DtypeError(MisstepError, TypeError):
    """Numbers of one dtype were given where those of another are needed."""


class AbstractValueError(MisstepError, TypeError):
    """A Value that stands for numbers not yet given was asked for its numbers."""


class GraphError(MisstepError):
    """A graph breaks a rule of the program form (found by the verifier or the text reader)."""


class DataError(MisstepError, ValueError):
    """The data given can't be used as they are."""


class NotYetError(DataError):
    """A kind of data or network is recognized, and this version can't work with it yet."""


class FileFormatError(MisstepError, ValueError):
    """A file is not what it should be: truncated, damaged, of another kind, or hostile."""


class StorageError(MisstepError, OSError):
    """A file or folder can't be read or written."""

    @classmethod
    def of_writing(cls, what: str, error: OSError) -> StorageError:
        """Return what to raise where writing `what`, a place by its name, met the system's `error`.

        >>> import errno
        >>> print(StorageError.of_writing("out.csv", OSError(errno.ENOSPC, "No space")))
        writing out.csv: needed space on the disk, but got a full one. Try: another place.
        """
        reasons = {
            errno.ENOENT: ("a folder that exists", "no such folder"),
            errno.ENOTDIR: ("folders above it", "a file in the way"),
            errno.EEXIST: ("a folder", "a file of that name"),
            errno.EISDIR: ("the name of a file", "a folder"),
            errno.EACCES: ("permission to write", "none"),
            errno.EPERM: ("permission to write", "none"),
            errno.EROFS: ("a place to write", "a read-only disk"),
            errno.ENOSPC: ("space on the disk", "a full one"),
            errno.EDQUOT: ("space on the disk", "none left of this account's share"),
            errno.EFBIG: ("room for a file of its size", "less than that"),
            errno.EIO: ("a disk or device that takes it", "an error of the device"),
            errno.EBADF: ("one that is open", "a closed one"),
            errno.ENAMETOOLONG: ("a shorter name", f"{len(what.rsplit('/', 1)[-1])} characters"),
        }
        other = "a place to write", error.strerror or str(error)
        needed, got = reasons.get(error.errno or 0, other)
        return cls(f"writing {what}", needed=needed, got=got, try_="another place")


class NotFittedError(MisstepError):
    """Something was asked of a model that has not been trained."""
