"""Which words a model goes by, and what each adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from misstep.errors import ArgumentError
from misstep.modeling import Importance, Model, TrainedModel, word_importances_of
from misstep.plots.display import ModelDisplay, rows_of
from misstep.plots.shown_words import shown_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import BarContainer

MOST_BARS = 20


class WordsDisplay(ModelDisplay):
    """What each word adds to a probability or a number, where a text has it.

    `importance`: the numbers; `subject`: what they are added to; `number`: which place of `moved`
    that is. `bars_`: a bar for each word, the one that matters most at the top.
    """

    kind: ClassVar[str] = "words"
    bars_: BarContainer

    def __init__(self, importance: Importance, subject: str, number: int = -1) -> None:
        self.importance = importance
        self.subject = subject
        self.number = number

    @classmethod
    def suits(cls, model: TrainedModel) -> bool:
        """Tell whether the model reads texts."""
        return isinstance(model, Model) and bool(model.preprocessing.text_columns)

    @classmethod
    def from_model(
        cls, model: TrainedModel, data: Any = None, *, ax: Axes | None = None, **more: Any
    ) -> Self:
        """Measure it on `data` and draw it.

        `column`: which texts, by default the first ones; `label`: the class whose probability is
        drawn, by default the last one.
        """
        rows, held_out = rows_of(model, data)
        column, label = more.pop("column", None), more.pop("label", None)
        found = {one.about: one for one in word_importances_of(rows, held_out, **more)}
        if not found:
            raise ArgumentError("the data", needed="words that stand in several texts", got="none")
        if column is not None and column not in found:
            raise ArgumentError("column", needed=f"one of {', '.join(found)}", got=repr(column))
        importance = found[column] if column is not None else next(iter(found.values()))
        target = model.target
        if target.is_number:
            return cls(importance, target.name, 0).plot(ax)
        labels = [str(one) for one in target.classes]
        if label is not None and str(label) not in labels:
            raise ArgumentError("label", needed=f"one of {', '.join(labels)}", got=repr(label))
        number = len(labels) - 1 if label is None else labels.index(str(label))
        return cls(importance, f"the probability of {labels[number]}", number).plot(ax)

    def draw(self, ax: Axes) -> None:
        """Draw the bars."""
        shown = self.importance.inputs[:MOST_BARS]
        places = range(len(shown))
        self.bars_ = ax.barh(places, [one.moved[self.number] for one in shown])
        ax.set_yticks(places, [shown_words(one.name) for one in shown])
        ax.invert_yaxis()
        ax.axvline(0.0, color="gray", linewidth=0.8)
        ax.set_xlabel(f"what the word adds to {shown_words(self.subject)}")
