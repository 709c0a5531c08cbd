"""Checkpoints in a folder: files, and a manifest that says which of them are whole.

A checkpoint counts once the manifest, written after it, names it with its SHA-256. Whenever a
process is killed, the manifest therefore names a whole checkpoint, if there ever was one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from misstep.errors import FileFormatError, StorageError
from misstep.storage.atomic import make_folder, remove_unfinished, write_text
from misstep.storage.container import Array, parse_container, read_file, write_container
from misstep.storage.plain import read_json

KIND = "checkpoint"
VERSION = 1
MANIFEST = "manifest.json"


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
) -> Path:
    """Write a checkpoint for `step` and keep the newest `keep`. Raises StorageError."""
    folder = make_folder(folder)
    path = folder / f"checkpoint-{step:012d}.misstep"
    data = write_container(path, {"step": step, "state": state}, arrays, kind=KIND, version=VERSION)
    entry = {
        "file": path.name,
        "step": step,
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    entries = [one for one in _entries(folder, forgiving=True) if one["file"] != path.name]
    entries = sorted([*entries, entry], key=lambda one: int(one["step"]))[-keep:]
    manifest = {"kind": "misstep checkpoints", "version": VERSION, "checkpoints": entries}
    write_text(folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")
    named = {one["file"] for one in entries}
    for old in folder.glob("checkpoint-*.misstep"):
        if old.name not in named:
            old.unlink(missing_ok=True)
    remove_unfinished(folder)
    return path


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
