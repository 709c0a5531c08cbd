"""Counts of what is and what was said, as a square."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from misstep.modeling import TrainedModel
from misstep.modeling.judgment.confusion import Confusion, confusion_of
from misstep.plots.display import ModelDisplay, rows_of
from misstep.plots.shown_words import shown_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

# Classes in the square; of more, those that err most and the rest as one. Counts are written up to
# so many, beyond they would not fit.
MOST_CLASSES, MOST_WRITTEN = 40, 26
# From which depth of the color on a count is written in white.
DEEP = 0.55


class ConfusionDisplay(ModelDisplay):
    """A confusion matrix.

    `confusion`: the counts. `image_`: the square, of each cell the share of its line.
    """

    kind: ClassVar[str] = "confusion"
    image_: AxesImage

    def __init__(self, confusion: Confusion) -> None:
        self.confusion = confusion

    @classmethod
    def suits(cls, model: TrainedModel) -> bool:
        """Tell whether classes are predicted."""
        return not model.target.is_number

    @classmethod
    def from_model(
        cls, model: TrainedModel, data: Any = None, *, ax: Axes | None = None, **more: Any
    ) -> Self:
        """Count what the model says of `data` and draw it; no further arguments.

        >>> import misstep as ms
        >>> x, y = [[0.0], [1.0]] * 30, ["low", "high"] * 30
        >>> model = ms.Classifier(epochs=1, random_state=0).fit(x, y).model_
        >>> ms.plots.ConfusionDisplay.suits(model)
        True
        """
        _, held_out = rows_of(model, data)
        return cls(confusion_of(held_out, model.target), **more).plot(ax)

    def draw(self, ax: Axes) -> None:
        """Draw the square: lines for what is, columns for what was said."""
        shown = self.confusion.folded(MOST_CLASSES)
        counts = shown.counts
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        self.image_ = ax.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
        places = np.arange(len(shown.classes))
        names = [shown_words(name) for name in shown.classes]
        turned = max(map(len, names), default=0) > 3
        ax.set_xticks(places, names, rotation=90 if turned else 0)
        ax.set_yticks(places, names)
        ax.set_xlabel("said")
        ax.set_ylabel("is")
        for line, column in zip(*np.nonzero(counts), strict=True):
            if len(places) <= MOST_WRITTEN:
                ax.text(
                    int(column),
                    int(line),
                    f"{counts[line, column]:,}",
                    ha="center",
                    va="center",
                    color="white" if shares[line, column] > DEEP else "black",
                )
