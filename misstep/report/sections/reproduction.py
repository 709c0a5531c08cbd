"""How to get the same again: the command, the seed, and what the record says of settings."""

from __future__ import annotations

from typing import Any, ClassVar

from misstep import __version__
from misstep.report.markup import Markup, folded, joined, paragraph, tag
from misstep.report.material import Material
from misstep.report.section import Section
from misstep.text.lists import shortened

# Facts of a record, in this order, by what they are called; the others are shown folded.
FACTS = {
    "seed": "seed",
    "dtype": "numbers",
    "backend": "ran",
    "rows": "rows learned from",
    "framework": "framework",
    "version": "its version",
    "data": "sum of the rows",
}
LONGEST = 400


class Reproduction(Section):
    """Command, seed, facts."""

    slug: ClassVar[str] = "reproduction"
    title: ClassVar[str] = "The same again"
    place: ClassVar[int] = 200

    def content(self, material: Material) -> Markup | None:
        """Return what a person needs to do it again; None without a record."""
        record = material.record
        if record is None:
            return None
        facts = dict(record.facts)
        described = record.description
        if described is not None:
            facts.setdefault("seed", described.seed)
            facts.setdefault("framework", described.framework)
        shown = [(words, facts[name]) for name, words in FACTS.items() if name in facts]
        rest = [(name, fact) for name, fact in sorted(facts.items()) if name not in FACTS]
        command = material.command
        parts = [
            paragraph(_promise(material)) if command else None,
            tag("pre", tag("code", command), tabindex=0) if command else None,
            _list(shown),
            folded("Everything that was written down of its settings", _list(rest))
            if rest
            else None,
            paragraph(f"This page was made by misstep {__version__}.", quiet=True),
        ]
        return joined(parts)


def _promise(material: Material) -> str:
    words = (
        "The same command on the same data gives the same weights, bit for bit, however many "
        "threads it uses."
    )
    record = material.record
    if "--minutes" in material.command and record is not None and record.description is not None:
        epochs = record.description.epochs
        words += f" How many epochs fit into its minutes, only --epochs {epochs} repeats."
    return words


def _list(facts: list[tuple[str, Any]]) -> Markup:
    return tag(
        "dl",
        *(
            part
            for name, fact in facts
            for part in (tag("dt", name.replace("_", " ")), tag("dd", _words(fact)))
        ),
        class_="facts",
    )


def _words(fact: Any) -> str:
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    if isinstance(fact, list):
        return ", ".join(map(str, fact)) or "none"
    return shortened(str(fact), LONGEST)
