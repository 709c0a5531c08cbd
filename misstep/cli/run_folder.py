"""Where a run is kept: the folder it gets, and whether anything is in the way there.

Looks before training starts, so that hours of it can't end at a file in the way.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from misstep.cli.places import MODEL, RUNS
from misstep.data.io.formats import split_part
from misstep.errors import StorageError
from misstep.storage import folder_lock, is_container, make_folder
from misstep.train.run_folder import check_run_folder

# What a table's name may end in; the last of it says how it is packed.
_ENDINGS = re.compile(
    r"(?i)(?<=.)(\.(csv|tsv|tab|txt|data|dat|npz|npy|parquet|feather|arrow|xlsx|xlsm|jsonl|ndjson"
    r"|json|arff|ts|zip|sqlite3?|db))?(\.(gz|bz2|xz|zst))?$"
)
# What a file's name should not hold, of the name of a table in a database.
_NO_NAME = re.compile(r"[^\w.-]+")


def default_folder(source: str) -> Path:
    """Return the folder of a run on `source`: runs/<its name without endings>.

    >>> default_folder("data/houses.csv.gz").as_posix()
    'runs/houses'
    >>> default_folder("shop.sqlite::orders").as_posix()
    'runs/shop-orders'
    """
    file, part = split_part(source)
    path = Path("standard-input" if file == "-" else file)
    if "idx" in path.name and re.search(r"ubyte(\.gz)?$", path.name):
        # One of MNIST's four files stands for its folder.
        path = path.parent
    name = path.name if path.name not in ("", "..") else path.resolve().name
    name = _ENDINGS.sub("", name)
    return RUNS / ("-".join(filter(None, [name, _NO_NAME.sub("_", part)])) or "model")


def check_folder(folder: Path) -> None:
    """Raise StorageError where a run in `folder` could not be written, or would destroy things."""
    try:
        for path in (folder, *folder.parents):
            if path.exists() or path.is_symlink():
                if not path.is_dir():
                    raise StorageError(
                        f"--out {folder}",
                        needed="a folder",
                        got=f"a file, {path}",
                        try_="another folder",
                    )
                if not os.access(path, os.W_OK | os.X_OK):
                    where = "this folder" if path == Path() else path
                    raise StorageError(
                        f"--out {folder}",
                        needed=f"permission to write to {where}",
                        got="none",
                        try_="another folder",
                    )
                break
        if (folder / MODEL).is_dir():
            raise StorageError(
                f"--out {folder}",
                needed=f"a place for the file {MODEL}",
                got="a folder of that name",
                try_="another folder",
            )
        if (folder / MODEL).exists() and not is_container(folder / MODEL):
            raise StorageError(
                f"--out {folder}",
                needed="a folder of its own",
                got=f"one whose {MODEL} is not a model",
                try_="another folder",
            )
    except StorageError:
        raise
    except OSError as error:
        words = error.strerror or str(error)
        raise StorageError(
            f"--out {folder}", needed="a folder to write to", got=words.lower()
        ) from error
    check_run_folder(folder, f"--out {folder}")


@contextlib.contextmanager
def reserved_folder(folder: Path, *, shared: bool = False) -> Iterator[None]:
    """Have the folder for one run; a new one in which nothing was written goes again.

    `shared`: with others that share it. Raises StorageError where it can't be made, and
    FolderInUseError where another run is at work there.
    """
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    make_folder(folder)
    try:
        with folder_lock(folder, shared=shared):
            yield
    finally:
        for path in new:
            # Only empty ones can be removed.
            with contextlib.suppress(OSError):
                path.rmdir()
