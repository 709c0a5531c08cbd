"""Checkpoints in a folder: files, and a manifest that says which of them are whole.

A checkpoint counts once the manifest, written after it, names it with its SHA-256, and its file is
never written again: one of other content has another name. Whenever a process is killed, the
manifest therefore names a whole checkpoint, if there ever was one. Files that are not of this room
are never touched.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from misstep.errors import FileFormatError, StorageError
from misstep.storage.atomic import make_folder, remove_unfinished, write_bytes, write_text
from misstep.storage.container import Array, container_bytes, parse_container, read_file
from misstep.storage.plain import read_json
from misstep.storage.unfinished import TEMPORARY

KIND = "checkpoint"
VERSION = 1
MANIFEST = "manifest.json"
# The names of files that a folder of checkpoints has; of older versions without the sum's start.
_CHECKPOINT = re.compile(r"checkpoint-\d{12}(-[0-9a-f]{8})?\.misstep")
_UNFINISHED = re.compile(rf"\..*{re.escape(TEMPORARY)}")


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint held; `notes`: damage that was found and passed over."""

    step: int
    arrays: dict[str, Array]
    state: dict[str, Any]
    path: Path
    notes: tuple[str, ...] = ()


def save_checkpoint(
    folder: Path | str,
    step: int,
    arrays: Mapping[str, Array],
    state: dict[str, Any],
    *,
    keep: int = 2,
    first: bool = False,
) -> Path:
    """Write a checkpoint for `step` and keep the newest `keep`. Raises StorageError.

    `first`: it is the first one of its run; those of the run before go once it is whole.
    """
    folder = make_folder(folder)
    data = container_bytes({"step": step, "state": state}, arrays, kind=KIND, version=VERSION)
    sha256 = hashlib.sha256(data).hexdigest()
    path = folder / f"checkpoint-{step:012d}-{sha256[:8]}.misstep"
    write_bytes(path, data)
    entry = {"file": path.name, "step": step, "size": len(data), "sha256": sha256}
    before = [] if first else _entries(folder, forgiving=True)
    entries = [one for one in before if one["step"] != step]
    entries = sorted([*entries, entry], key=lambda one: int(one["step"]))[-keep:]
    manifest = {"kind": "misstep checkpoints", "version": VERSION, "checkpoints": entries}
    write_text(folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")
    named = {one["file"] for one in entries}
    # What can't be removed is in nobody's way.
    with contextlib.suppress(OSError):
        for old in folder.iterdir():
            if _CHECKPOINT.fullmatch(old.name) and old.name not in named:
                with contextlib.suppress(OSError):
                    old.unlink(missing_ok=True)
    remove_unfinished(folder)
    return path


def foreign_files(folder: Path | str) -> list[str]:
    """Return the names in `folder` that are not of checkpoints, sorted; none without a folder.

    Raises OSError where it can't be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        return []
    names = [each.name for each in folder.iterdir() if each.name != MANIFEST]
    own = (_CHECKPOINT, _UNFINISHED)
    return sorted(name for name in names if not any(one.fullmatch(name) for one in own))


def load_latest_checkpoint(folder: Path | str) -> Checkpoint | None:
    """Return the newest whole checkpoint of `folder`, or None when none was ever written.

    Raises FileFormatError when there are some and all are damaged.
    """
    folder = Path(folder)
    if not (folder / MANIFEST).exists():
        return None
    notes: list[str] = []
    for entry in reversed(_entries(folder)):
        path = folder / entry["file"]
        try:
            data = read_file(path)
            if hashlib.sha256(data).hexdigest() != entry["sha256"]:
                raise FileFormatError(f"{path}", needed="the bytes of the manifest", got="others")
            found = parse_container(data, path, kind=KIND, newest=VERSION)
            step, state = found.document.get("step"), found.document.get("state")
            if not isinstance(step, int) or not isinstance(state, dict):
                raise FileFormatError(f"{path}", needed="a step and a state")
        except (FileFormatError, StorageError) as error:
            notes.append(str(error))
            continue
        return Checkpoint(step, found.arrays, state, path, tuple(notes))
    raise FileFormatError(
        f"the checkpoints in {folder}",
        needed="one that is whole",
        got="; ".join(notes) or "none",
        try_="training anew, in another folder",
    )


def _entries(folder: Path, forgiving: bool = False) -> list[dict[str, Any]]:
    """Return the manifest's entries, oldest first."""
    path = folder / MANIFEST
    try:
        manifest = read_json(read_file(path), f"{path}")
        entries = manifest["checkpoints"]
        for one in entries:
            if not isinstance(one["step"], int) or Path(one["file"]).name != one["file"]:
                raise TypeError
            one["sha256"].encode()
        return sorted(entries, key=lambda one: int(one["step"]))
    except (FileFormatError, StorageError):
        if forgiving:
            return []
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if forgiving:
            return []
        raise FileFormatError(f"{path}", needed="a manifest of checkpoints") from error
