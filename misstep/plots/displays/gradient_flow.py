"""How strong the gradient of each layer was, beside the last ones, over a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from misstep.doctor.flow import Strip, gradient_flow
from misstep.plots.display import RunDisplay
from misstep.plots.shown_words import shown_words
from misstep.train import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


class GradientFlowDisplay(RunDisplay):
    """A curve for each layer, and the band in which they are healthy.

    `strip`: the numbers. `lines_`: by layer.
    """

    kind: ClassVar[str] = "gradient_flow"
    lines_: dict[str, Line2D]

    def __init__(self, strip: Strip) -> None:
        self.strip = strip

    @classmethod
    def suits(cls, run: Run) -> bool:
        """Tell whether somebody watched gradients of two layers or more."""
        return run.record is not None and gradient_flow(run.record) is not None

    @classmethod
    def from_run(cls, run: Run, *, ax: Axes | None = None, **more: Any) -> Self:
        """Take it from the record of a run and draw it; no further arguments."""
        strip = None if run.record is None else gradient_flow(run.record)
        assert strip is not None
        return cls(strip, **more).plot(ax)

    def draw(self, ax: Axes) -> None:
        """Draw the curves; a layer without any gradient has a gap."""
        strip, low, high = self.strip, *self.strip.band
        ax.set_yscale("log", nonpositive="mask")
        ax.axhspan(low, high, color="green", alpha=0.08, label="healthy")
        self.lines_ = {}
        for name, numbers in zip(strip.names, strip.numbers, strict=True):
            marker = "o" if len(strip.steps) == 1 else None
            (self.lines_[name],) = ax.plot(
                strip.steps, numbers, label=shown_words(name), marker=marker
            )
        ax.set_xlabel("update")
        ax.set_ylabel("gradient beside that of the last layers")
        ax.legend(fontsize="small")
