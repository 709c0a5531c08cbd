"""How the loss fell: training beside validation, with the epoch whose weights were kept."""

from __future__ import annotations

import math
from typing import ClassVar

from misstep.drawing import Drawing
from misstep.drawing.charts import Line, line_chart
from misstep.record import Record
from misstep.report.markup import Markup, figure, tag
from misstep.report.material import Material
from misstep.report.section import Section
from misstep.text.counts import counted
from misstep.text.figures import four_figures

# The curves of one frame, by signal, and what they are called.
LOSSES = (("training_loss", "training"), ("validation_loss", "validation"))
SCORES = (
    ("validation_accuracy", "right, of validation rows"),
    ("validation_rmse", "root mean squared error on validation rows"),
)


class Curves(Section):
    """Losses and scores over epochs."""

    slug: ClassVar[str] = "curves"
    title: ClassVar[str] = "How the loss fell"
    place: ClassVar[int] = 40

    def content(self, material: Material) -> Markup | None:
        """Return the curves; None for fewer than two epochs."""
        record = material.record
        if record is None or len(record.epochs) < 2:
            return None
        best = material.best_epoch or material.lowest_epoch
        drawings = [loss_curves(record, best), *score_curves(record, best)]
        return tag("div", *(figure(one) for one in drawings), class_="figures")


def loss_curves(record: Record, best: int | None) -> Drawing:
    """Return the losses of a record over its epochs; `best`: the best one, which is marked."""
    lines, parts = [], []
    for name, words in LOSSES:
        epochs, losses = _numbers(record, name)
        finite = [loss for loss in losses if math.isfinite(loss)]
        if finite:
            lines.append(Line(words, epochs, losses))
            ends = f"from {four_figures(finite[0])} to {four_figures(finite[-1])}"
            parts.append(f"{words} {ends}")
    kept = f"; epoch {best} was the best one" if best is not None else ""
    return line_chart(
        lines,
        title="Loss by epoch",
        description=f"{counted(len(record.epochs), 'epoch')}: {', '.join(parts)}{kept}",
        across="epoch",
        up="loss",
        marks=[] if best is None else [(best, "best epoch")],
        whole=True,
        logarithmic=None,
    )


def score_curves(record: Record, best: int | None) -> list[Drawing]:
    """Return the scores on validation rows over epochs, where there are any."""
    drawings = []
    for name, words in SCORES:
        epochs, scores = _numbers(record, name)
        if len(scores) < 2:
            continue
        drawings.append(
            line_chart(
                [Line(words, epochs, scores)],
                title=words[:1].upper() + words[1:],
                description=f"from {four_figures(scores[0])} after the first epoch to "
                f"{four_figures(scores[-1])} after the last",
                across="epoch",
                up=words,
                marks=[] if best is None else [(best, "best epoch")],
                whole=True,
            )
        )
    return drawings


def _numbers(record: Record, name: str) -> tuple[list[float], list[float]]:
    """Return the epochs that have a number, and the numbers."""
    epochs = [one for one in record.epochs if name in one]
    return [one["epoch"] for one in epochs], [one[name] for one in epochs]
