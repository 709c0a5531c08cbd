"""What was wrong of the same validation rows as a network learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from misstep.plots.display import RunDisplay
from misstep.train import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

# What the scores of snapshots are called; of numbers they are those that the network learned, which
# may be standardized.
WORDS = {"error": "share that is wrong", "rmse": "root mean squared error of the numbers learned"}


class StoryDisplay(RunDisplay):
    """The error on validation rows after 1, 10, 100 … updates.

    `updates`, `scores`: one for each snapshot; `score_name`: "error" or "rmse". `line_`: the curve.
    """

    kind: ClassVar[str] = "story"
    line_: Line2D

    def __init__(self, updates: Sequence[int], scores: Sequence[float], score_name: str) -> None:
        self.updates = tuple(updates)
        self.scores = tuple(scores)
        self.score_name = score_name

    @classmethod
    def suits(cls, run: Run) -> bool:
        """Tell whether somebody looked as it learned: `ms.Snapshots`, as `misstep train` has it."""
        return bool(run.snapshots)

    @classmethod
    def from_run(cls, run: Run, *, ax: Axes | None = None, **more: Any) -> Self:
        """Take it from the snapshots of a run and draw it; no further arguments."""
        looks = run.snapshots
        updates = [one.update for one in looks]
        scores = [one.score for one in looks]
        return cls(updates, scores, looks[0].score_name, **more).plot(ax)

    def draw(self, ax: Axes) -> None:
        """Draw the curve over the logarithm of updates, with 0 at its left."""
        (self.line_,) = ax.plot(self.updates, self.scores, marker="o")
        ax.set_xscale("symlog", linthresh=1.0)
        ax.set_ylim(bottom=0.0)
        ax.set_xlabel("updates of the weights")
        ax.set_ylabel(WORDS.get(self.score_name, self.score_name))
