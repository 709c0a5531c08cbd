"""What a disk may hold after the power went, for each moment of a log of operations.

What was written and not yet synced may be there, be lost, be torn, or be zeros of its length. Names
that were given, changed and removed, and not yet synced, may be there or not, in one of two ways:

- JOURNALED, as ext4 and XFS have it: all of them up to some moment, none after it; whatever is
  synced brings what was before it along.
- STRICT, as POSIX allows: so for each folder by itself, and only syncing the folder itself helps.

Knows operations; nothing of what is written.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from tests.disks.operations import Kind, Operation

ROOT = 0
# Random mixtures of what is kept, for each moment and way.
MIXTURES = 2


# Entries that change at once: of each the folder, the name and what it stands for then.
Change = list[tuple[int, str, int | None]]


class Way(Enum):
    """How names become durable."""

    JOURNALED = "journaled"
    STRICT = "strict"


@dataclass
class Names:
    """Entries of folders changed together. Each: folder, name, and what it stands for then."""

    entries: Change


@dataclass
class Data:
    """Bytes of a file: written from `offset` on, or, where `data` is None, cut off there."""

    file: int
    offset: int
    data: bytes | None


@dataclass
class Sync:
    """A file or folder that is on the disk from then on."""

    node: int


@dataclass
class Mark:
    """What was reported as done by then."""

    what: str
    value: object


Step = Names | Data | Sync | Mark


class PowerLog:
    """Watches a folder and keeps what happens there. Files that are there at first are durable."""

    def __init__(self, root: Path) -> None:
        self.root = os.path.realpath(root)
        self.steps: list[Step] = []
        self.folders: dict[int, dict[str, int]] = {}
        self.contents: dict[int, bytes] = {}
        self._next = ROOT
        self._scan(Path(self.root))
        # As they are now, while those above are as they were at first.
        self._now = {node: dict(entries) for node, entries in self.folders.items()}
        self._open: dict[int, int] = {}

    @property
    def every_folder(self) -> set[int]:
        """Return the numbers of all folders that there ever were."""
        return set(self._now)

    def mark(self, what: str, value: object) -> None:
        """Say that something was reported as done."""
        self.steps.append(Mark(what, value))

    def _scan(self, path: Path) -> int:
        node, self._next = self._next, self._next + 1
        if path.is_dir():
            self.folders[node] = {}
            self.folders[node] = {one.name: self._scan(one) for one in sorted(path.iterdir())}
        else:
            self.contents[node] = path.read_bytes()
        return node

    def _place(self, path: str) -> tuple[int, str]:
        """Return the folder that an entry is in, and its name there."""
        parts = Path(os.path.relpath(path, self.root)).parts
        node = ROOT
        for part in parts[:-1]:
            node = self._now[node][part]
        return node, parts[-1] if parts else ""

    def _node(self, path: str) -> int | None:
        if path == self.root:
            return ROOT
        folder, name = self._place(path)
        return self._now[folder].get(name)

    def _name(self, *entries: tuple[tuple[int, str], int | None]) -> None:
        changed = [(folder, name, node) for (folder, name), node in entries]
        for folder, name, node in changed:
            if node is None:
                self._now[folder].pop(name, None)
            else:
                self._now[folder][name] = node
        self.steps.append(Names(changed))

    def before(self, operation: Operation) -> int | None:
        """Let everything be done."""
        return None

    def after(self, operation: Operation) -> None:
        """Keep what was done."""
        kind, path = operation.kind, operation.path
        if kind in (Kind.CREATE, Kind.OPEN):
            if not path:  # without a name nobody finds it
                self._open.pop(operation.handle, None)
                return
            node = self._node(path)
            if node is None:
                node, self._next = self._next, self._next + 1
                self._name((self._place(path), node))
            self._open[operation.handle] = node
        elif kind is Kind.WRITE:
            self.steps.append(Data(self._open[operation.handle], operation.offset, operation.data))
        elif kind is Kind.TRUNCATE:
            self.steps.append(Data(self._open[operation.handle], operation.offset, None))
        elif kind is Kind.SYNC:
            is_folder = os.path.isdir(path)
            synced = self._node(path) if is_folder else self._open[operation.handle]
            assert synced is not None
            self.steps.append(Sync(synced))
        elif kind is Kind.MAKE_FOLDER:
            node, self._next = self._next, self._next + 1
            self._now[node] = {}
            self._name((self._place(path), node))
        elif kind in (Kind.REMOVE, Kind.REMOVE_FOLDER):
            self._name((self._place(path), None))
        elif kind in (Kind.RENAME, Kind.LINK):
            node = self._node(path)
            gone = [(self._place(path), None)] if kind is Kind.RENAME else []
            self._name(*gone, (self._place(operation.target), node))


# A tree of files: the bytes of each by its name below the root; None for a folder.
Tree = dict[str, bytes | None]


@dataclass
class _Disk:
    """What is durable at a moment, and what is not yet. `every_folder`: that there ever was."""

    way: Way
    every_folder: set[int]
    folders: dict[int, dict[str, int]]
    contents: dict[int, bytes]
    names: list[Change] = field(default_factory=list)
    data: dict[int, list[Data]] = field(default_factory=dict)

    def take(self, step: Step) -> None:
        """Do a step."""
        if isinstance(step, Names):
            if self.way is Way.JOURNALED:
                self.names.append(step.entries)
                return
            for folder in dict.fromkeys(one[0] for one in step.entries):
                self.names.append([one for one in step.entries if one[0] == folder])
        elif isinstance(step, Data):
            self.data.setdefault(step.file, []).append(step)
        elif isinstance(step, Sync):
            for one in self.data.pop(step.node, []):
                self.contents[step.node] = _written(self.contents.get(step.node, b""), one)
            self.contents.setdefault(step.node, b"")
            if self.way is Way.JOURNALED:
                durable, self.names = self.names, []
            else:
                durable = [one for one in self.names if one[0][0] == step.node]
                self.names = [one for one in self.names if one[0][0] != step.node]
            _rename(self.folders, durable)

    def tree(
        self,
        kept: Callable[[list[Change]], list[Change]],
        content: Callable[[bytes, list[Data]], bytes],
    ) -> Tree:
        """Return what is there after the power went. `kept`: of names; `content`: of data."""
        folders = {node: dict(entries) for node, entries in self.folders.items()}
        _rename(folders, kept(self.names))
        tree: Tree = {}
        self._walk(folders, ROOT, "", content, tree)
        return tree

    def _walk(
        self,
        folders: dict[int, dict[str, int]],
        node: int,
        place: str,
        content: Callable[[bytes, list[Data]], bytes],
        tree: Tree,
    ) -> None:
        for name, child in sorted(folders.get(node, {}).items()):
            path = f"{place}{name}"
            if child in self.every_folder:
                tree[path] = None
                self._walk(folders, child, f"{path}/", content, tree)
            else:
                tree[path] = content(self.contents.get(child, b""), self.data.get(child, []))


def _rename(folders: dict[int, dict[str, int]], changes: list[Change]) -> None:
    for folder, name, node in (entry for change in changes for entry in change):
        inside = folders.setdefault(folder, {})
        if node is None:
            inside.pop(name, None)
        else:
            inside[name] = node


def _written(content: bytes, one: Data) -> bytes:
    if one.data is None:
        return content[: one.offset].ljust(one.offset, b"\0")
    content = content.ljust(one.offset, b"\0")
    return content[: one.offset] + one.data + content[one.offset + len(one.data) :]


def _whole(content: bytes, data: list[Data]) -> bytes:
    for one in data:
        content = _written(content, one)
    return content


def _lost(content: bytes, data: list[Data]) -> bytes:
    return content


def _torn(content: bytes, data: list[Data]) -> bytes:
    """Half of what was written since, in its order."""
    left = sum(len(one.data or b"") for one in data) // 2
    for one in data:
        part = None if one.data is None else one.data[:left]
        content = _written(content, Data(one.file, one.offset, part))
        left -= len(part or b"")
    return content


def _zeros(content: bytes, data: list[Data]) -> bytes:
    """The length of what was written since, without its bytes."""
    for one in data:
        part = None if one.data is None else bytes(len(one.data))
        content = _written(content, Data(one.file, one.offset, part))
    return content


_CONTENTS = (_lost, _whole, _torn, _zeros)


def trees(
    log: PowerLog, seed: int = 0, ways: Sequence[Way] = tuple(Way)
) -> Iterator[tuple[int, str, Tree, dict[str, object]]]:
    """Give each moment, in words what was lost, what is there, and the latest mark of each kind.

    Trees that were given for the same marks before are left out.
    """
    generator = random.Random(seed)
    for way in ways:
        disk = _Disk(way, log.every_folder, _copy(log.folders), dict(log.contents))
        marks: dict[str, object] = {}
        seen: set[int] = set()
        for moment, step in enumerate([None, *log.steps]):
            if isinstance(step, Mark):
                marks = {**marks, step.what: step.value}
                seen = set()
            elif step is not None:
                disk.take(step)
            for words, tree in _possible(disk, generator):
                key = hash(frozenset(tree.items()))
                if key not in seen:
                    seen.add(key)
                    yield moment, f"{way.value}, {words}", tree, marks


def _copy(folders: dict[int, dict[str, int]]) -> dict[int, dict[str, int]]:
    return {node: dict(entries) for node, entries in folders.items()}


def _possible(disk: _Disk, generator: random.Random) -> Iterator[tuple[str, Tree]]:
    for names, kept in (("no names", lambda all_: []), ("all names", lambda all_: all_)):
        for content in _CONTENTS:
            yield f"{names}, data {content.__name__[1:]}", disk.tree(kept, content)
    for _ in range(MIXTURES):
        yield "a mixture", disk.tree(_some_names(disk.way, generator), _some_data(generator))


def _some_names(way: Way, generator: random.Random) -> Callable[[list[Change]], list[Change]]:
    def kept(changes: list[Change]) -> list[Change]:
        if way is Way.JOURNALED:
            return changes[: generator.randint(0, len(changes))]
        folders = [change[0][0] for change in changes]
        left = {one: generator.randint(0, folders.count(one)) for one in dict.fromkeys(folders)}
        chosen = []
        for folder, change in zip(folders, changes, strict=True):
            left[folder] -= 1
            if left[folder] >= 0:
                chosen.append(change)
        return chosen

    return kept


def _some_data(generator: random.Random) -> Callable[[bytes, list[Data]], bytes]:
    return lambda content, data: generator.choice(_CONTENTS)(content, data)


def lay_out(tree: Tree, folder: Path) -> None:
    """Write a tree into an empty folder."""
    for name, content in tree.items():
        path = folder / name
        if content is None:
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
