"""The contract of a lab: a question, real trainings that answer it, and claims that they must bear.

A lab is a class in a file of its own in `lessons/`; subclassing registers it. It measures first:
plain fields, that can be kept as JSON and read again. What is said and shown is made of them last,
so that the terminal, the page that a lab leaves and the documentation say the same, and every
number in it was measured. Knows no terminal and no page.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import TypeAdapter

import misstep.labs.lessons
from misstep.errors import ArgumentError
from misstep.labs.bench import Bench
from misstep.labs.exhibits import Exhibit

Measured = TypeVar("Measured")


@dataclass(frozen=True)
class Section:
    """A part of what a lab says: a title, paragraphs, and what is shown below them."""

    title: str
    paragraphs: tuple[str, ...]
    exhibits: tuple[Exhibit, ...] = ()


@dataclass(frozen=True)
class Claim:
    """What a lab is there to show, in a sentence with its numbers. `holds`: whether it came so."""

    words: str
    holds: bool


class Chapter(Enum):
    """What labs are about, in the order in which they are listed."""

    ONE_STEP = "One step, one weight"
    HOW_FAR = "How far to step"
    EVERY_LAYER = "What reaches every layer"
    NEW_ROWS = "What holds on new rows"


class Lab(ABC, Generic[Measured]):
    """A small experiment with an ailment and its remedies, or with one thing to understand.

    `slug`: what it is called on the command line; `chapter`, `place`: where it is listed, the
    lowest place of a chapter first; `title`: a noun; `question`: what it answers;
    `summary`: what it shows, on one line of a list. `measured`: the dataclass that `measure`
    returns: numbers, texts, and tuples and dataclasses of them. `next_commands`: what to type next.

    It has no data of its own but those that come with the library or are drawn from a seed, takes
    less than 15 s, and gives the same numbers each time, on any number of threads.
    """

    slug: ClassVar[str]
    chapter: ClassVar[Chapter]
    place: ClassVar[int]
    title: ClassVar[str]
    question: ClassVar[str]
    summary: ClassVar[str]
    measured: ClassVar[type]
    next_commands: ClassVar[tuple[str, ...]] = ()
    registry: ClassVar[dict[str, type[Lab[Any]]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "slug" in vars(cls):
            Lab.registry[cls.slug] = cls

    @abstractmethod
    def measure(self, bench: Bench) -> Measured:
        """Train, and return what was measured. Raises KeyboardInterrupt after Ctrl-C."""

    @abstractmethod
    def sections(self, measured: Measured) -> Iterator[Section]:
        """Yield what is said and shown, one idea after the other."""

    @abstractmethod
    def claims(self, measured: Measured) -> Iterator[Claim]:
        """Yield what the numbers must bear out; the tests assert every one."""

    def plain(self, measured: Measured) -> dict[str, Any]:
        """Return what was measured as plain JSON, but for numbers that are not finite."""
        return asdict(measured)  # type: ignore[call-overload]

    def read(self, plain: dict[str, Any]) -> Measured:
        """Return what was measured from its plain form. Raises ArgumentError for another one."""
        try:
            adapter: TypeAdapter[Measured] = TypeAdapter(self.measured)
            return adapter.validate_python(plain)
        except ValueError as error:
            raise ArgumentError(
                f"what was kept of the lab {self.slug}",
                needed="the numbers that it measures",
                got=str(error).split("\n")[0],
                try_="measuring them again",
            ) from error


def registered_labs() -> dict[str, Lab[Any]]:
    """Return every lab by its slug, in the order in which they are listed."""
    for module in pkgutil.iter_modules(misstep.labs.lessons.__path__):
        importlib.import_module(f"{misstep.labs.lessons.__name__}.{module.name}")
    chapters = list(Chapter)
    classes = sorted(
        Lab.registry.values(), key=lambda lab: (chapters.index(lab.chapter), lab.place, lab.slug)
    )
    return {lab.slug: lab() for lab in classes}


def find_lab(slug: str) -> Lab[Any]:
    """Return the lab of a name. Raises ArgumentError, with the nearest name, where none has it."""
    labs = registered_labs()
    if slug not in labs:
        near = difflib.get_close_matches(slug, labs, n=1)
        raise ArgumentError(
            f"the lab {slug!r}",
            needed=f"one of {', '.join(labs)}",
            got="another name",
            try_=f"misstep lab {near[0]}" if near else "misstep lab, which lists them",
        )
    return labs[slug]
