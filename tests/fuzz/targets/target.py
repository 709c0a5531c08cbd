"""`Target`: one kind of file, how whole ones are made, and who reads broken ones."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from tests.fuzz.mutations import BYTES, Mutation


class Target(ABC):
    """One kind of file. It is registered by being written.

    `weight`: turns that it has in a round: fast ones have more. `ending`: of its name.
    `mutations`: ways to break it, one drawn for each try. `folder`: where `prepare` left what it
    made.
    """

    name: ClassVar[str]
    ending: ClassVar[str]
    mutations: ClassVar[tuple[Mutation, ...]] = BYTES
    weight: ClassVar[int] = 2
    registry: ClassVar[dict[str, type[Target]]] = {}

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if "name" in vars(cls):
            Target.registry[cls.name] = cls

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def make(self) -> list[bytes]:
        """Return whole files; what else is needed is left in `folder`. Once for a campaign."""

    def begin(self) -> None:  # noqa: B027
        """Take what `make` left in `folder`, if there is something. Once for a process."""

    @abstractmethod
    def attempt(self, path: Path) -> None:
        """Read the file and use what is in it. May raise a MisstepError; all else is wrong."""

    def size(self, content: bytes) -> int:
        """Return how many bytes a file counts for, of which it may take twice as much memory."""
        return len(content)

    def is_open(self, content: bytes) -> bool:
        """Return whether a refused file came past its outermost form: sum, packing or header."""
        return False

    def sometimes(self, path: Path, one_in: int) -> bool:
        """Return whether this file is one of those with which a slow thing is done, too."""
        return zlib.crc32(path.read_bytes()) % one_in == 0

    # --- what a campaign does with it -------------------------------------------------------------

    def prepare(self) -> None:
        """Make whole files and keep them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(self.make()):
            (self.folder / f"seed-{number:02d}").write_bytes(content)

    def seeds(self) -> list[bytes]:
        """Return whole files, as they were made."""
        self.begin()
        return [each.read_bytes() for each in sorted(self.folder.glob("seed-*"))]
