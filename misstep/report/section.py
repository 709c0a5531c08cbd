"""`Section`: the contract of a part of the report. A class in `sections/` is one by being written.

A section is a pure function of `Material`: it computes what it shows, draws it, words it. It never
prints, never asks the clock, and gives the same bytes for the same run.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import misstep.report.sections
from misstep.report.markup import Markup
from misstep.report.material import Material

__all__ = ["Section", "registered_sections"]


class Section(ABC):
    """A part of the report.

    `slug`: its name in links. `title`: its heading. `place`: where it stands, the lowest first.
    """

    slug: ClassVar[str]
    title: ClassVar[str]
    place: ClassVar[int]
    registry: ClassVar[dict[str, type[Section]]] = {}

    def __init_subclass__(cls, **more: Any) -> None:
        """Register a section that has a slug."""
        super().__init_subclass__(**more)
        if "slug" in vars(cls):
            Section.registry[cls.slug] = cls

    @abstractmethod
    def content(self, material: Material) -> Markup | None:
        """Return what stands below the heading; None where there is nothing to say."""


def registered_sections() -> list[Section]:
    """Return every section, in the order of the page."""
    for module in pkgutil.iter_modules(misstep.report.sections.__path__):
        importlib.import_module(f"{misstep.report.sections.__name__}.{module.name}")
    classes = sorted(Section.registry.values(), key=lambda one: (one.place, one.slug))
    return [one() for one in classes]
