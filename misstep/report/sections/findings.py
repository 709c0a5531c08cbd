"""What went wrong in training: each finding with its evidence, what follows, and a remedy."""

from __future__ import annotations

from typing import ClassVar

from misstep.doctor import Finding
from misstep.doctor.diagnosis_text import (
    consequences_of,
    finding_parts,
    heading,
    outcome_of,
    reasons_of,
)
from misstep.report.markup import Markup, folded, joined, paragraph, tag
from misstep.report.material import Material
from misstep.report.section import Section


class Findings(Section):
    """What the doctor found, and what could not be examined."""

    slug: ClassVar[str] = "findings"
    title: ClassVar[str] = "What went wrong"
    place: ClassVar[int] = 30

    def content(self, material: Material) -> Markup | None:
        """Return a card for each finding."""
        diagnosis = material.diagnosis
        if diagnosis is None:
            return None
        unknown = [
            tag("li", f"Not examined, because {because}: {names}.")
            for names, because in reasons_of(diagnosis)
        ]
        return joined(
            [
                paragraph(outcome_of(diagnosis)),
                *(_card(finding) for finding in diagnosis.findings),
                folded("What could not be examined", tag("ul", *unknown)) if unknown else None,
            ]
        )


def _card(finding: Finding) -> Markup:
    (_, symptom), *parts = finding_parts(finding)
    rows = [part for label, words in parts for part in (tag("dt", label), tag("dd", words))]
    below = [
        tag("li", f"{named}: {words}" if words else named)
        for named, words in consequences_of(finding)
    ]
    return tag(
        "div",
        tag("h3", heading(finding)),
        paragraph(symptom),
        tag("dl", *rows),
        joined([paragraph("What follows from it:"), tag("ul", *below)]) if below else None,
        class_=f"card {finding.severity.value}",
    )
