"""The search for settings: what each trial came to, and which hyperparameters mattered."""

from __future__ import annotations

from typing import ClassVar

from misstep.report.markup import Markup, figure, joined, paragraph
from misstep.report.material import Material
from misstep.report.section import Section
from misstep.report.tuning import tuning_drawing
from misstep.text.counts import counted


class TheSearch(Section):
    """Trials of a search."""

    slug: ClassVar[str] = "search"
    title: ClassVar[str] = "The search for settings"
    place: ClassVar[int] = 57

    def content(self, material: Material) -> Markup | None:
        """Return the trials; None where nobody searched."""
        search = material.search
        if search is None:
            return None
        early = sum(not one.whole for one in search.points)
        words = (
            f"{counted(len(search.points), 'trial')}, {early:,} of them ended early; {search.words}"
        )
        return joined(
            [
                paragraph(words),
                figure(
                    tuning_drawing(
                        search.points,
                        search.importances,
                        title="What each trial came to on validation rows",
                        axis=search.axis,
                        less_is_better=search.less_is_better,
                    )
                ),
            ]
        )
