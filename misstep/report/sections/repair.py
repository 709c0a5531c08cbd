"""What was tried to repair it: rounds of remedies beside the unchanged control, what was kept."""

from __future__ import annotations

from typing import ClassVar

from misstep.report.markup import Markup, figure, folded, joined, paragraph, tag
from misstep.report.material import Material
from misstep.report.repair import repair_drawing
from misstep.report.section import Section
from misstep.text.repairs import arm_words, judged_rows, summary_words, verdict_sentence


class TheRepair(Section):
    """Rounds of remedies."""

    slug: ClassVar[str] = "repair"
    title: ClassVar[str] = "What was tried to repair it"
    place: ClassVar[int] = 55

    def content(self, material: Material) -> Markup | None:
        """Return each round with its arms; None where nothing was tried."""
        repair = material.repaired
        if repair is None:
            return None
        rounds = repair["rounds"]
        arms = [
            tag("li", f"Round {one['number']}: {arm_words(arm, judged_rows(one))}")
            for one in rounds
            for arm in one["arms"]
        ]
        return joined(
            [
                paragraph(f"{summary_words(repair)}."),
                *(paragraph(f"Round {one['number']}: {verdict_sentence(one)}") for one in rounds),
                figure(repair_drawing(repair, "Remedies beside an unchanged control")),
                folded("What came of each arm", tag("ul", *arms)) if arms else None,
            ]
        )
