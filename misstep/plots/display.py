"""`Display`: the contract of a plot. A class in `displays/` is one by being written.

Knows axes, not what is drawn on them. Colors and sizes are those that matplotlib is set to.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

from misstep.errors import ArgumentError
from misstep.extras import required
from misstep.modeling import Model, TrainedModel
from misstep.modeling.held_out import HeldOut
from misstep.modeling.judgment.judging import judged
from misstep.train import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["Display", "ModelDisplay", "RunDisplay", "rows_of"]


class Display(ABC):
    """Something drawn on matplotlib's axes.

    `kind`: its name, as `plot` takes it. `ax_`, `figure_`: what it was drawn on last.
    """

    kind: ClassVar[str]
    registry: ClassVar[dict[str, type[Display]]] = {}
    ax_: Axes
    figure_: Figure | SubFigure

    def __init_subclass__(cls, **more: Any) -> None:
        """Register a display that has a kind."""
        super().__init_subclass__(**more)
        if "kind" in vars(cls):
            Display.registry[cls.kind] = cls

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw it and return it; `ax`: what to draw on, by default a new figure.

        Raises MisstepError where there is no matplotlib.
        """
        if ax is None:
            ax = _new_axes()
        self.ax_, self.figure_ = ax, ax.figure
        self.draw(ax)
        return self

    @abstractmethod
    def draw(self, ax: Axes) -> None:
        """Draw it on these axes."""


class ModelDisplay(Display):
    """A display of what a model does on rows with answers."""

    @classmethod
    @abstractmethod
    def suits(cls, model: TrainedModel) -> bool:
        """Tell whether there is such a thing for a model."""

    @classmethod
    @abstractmethod
    def from_model(
        cls, model: TrainedModel, data: Any = None, *, ax: Axes | None = None, **more: Any
    ) -> Self:
        """Compute it for `data` and draw it.

        data: rows with answers that the model did not learn from: a path, table or frame, as for
        `model.evaluate`, or a `HeldOut`. `more`: as the class says. Raises DataError,
        ArgumentError, or MisstepError where there is no matplotlib.
        """


class RunDisplay(Display):
    """A display of how a training went."""

    @classmethod
    @abstractmethod
    def suits(cls, run: Run) -> bool:
        """Tell whether this run has what is needed."""

    @classmethod
    @abstractmethod
    def from_run(cls, run: Run, *, ax: Axes | None = None, **more: Any) -> Self:
        """Take it from a run and draw it. Raises MisstepError where there is no matplotlib."""


def rows_of(model: TrainedModel, data: Any) -> tuple[Model, HeldOut]:
    """Return a model of rows, and these rows beside what it says of them.

    Raises ArgumentError without data, for a model of a series and for no rows; DataError for data
    that can't be used.
    """
    if data is None:
        raise ArgumentError(
            "the data", needed="rows with answers that were not learned from", got="None"
        )
    held_out = data if isinstance(data, HeldOut) else judged(model, data)
    if not isinstance(model, Model) or not len(held_out):
        raise ArgumentError("the data", needed="at least one row with an answer", got="none")
    return model, held_out


def _new_axes() -> Axes:
    pyplot = required("matplotlib.pyplot", "plot", "a plot")
    axes: Axes = pyplot.subplots(layout="constrained")[1]
    return axes
