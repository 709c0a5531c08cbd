"""Training and validation losses over epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from misstep.plots.display import RunDisplay
from misstep.train import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

# Names of losses in a history, and what they are called.
LOSSES = (("training_loss", "training"), ("validation_loss", "validation"))
# Losses that differ by more than so many times are drawn on a logarithmic axis.
FAR_APART = 50.0


class LossesDisplay(RunDisplay):
    """The losses of a run, with the epoch that was kept.

    `epochs`: (epochs,); `losses`: by "training" and "validation", (epochs,) each, NaN where there
    was none. `best_epoch`: the one that was kept, if not the last. `lines_`: by the same names.
    """

    kind: ClassVar[str] = "losses"
    lines_: dict[str, Line2D]

    def __init__(
        self,
        epochs: NDArray[np.float64],
        losses: dict[str, NDArray[np.float64]],
        best_epoch: int | None = None,
    ) -> None:
        self.epochs = epochs
        self.losses = losses
        self.best_epoch = best_epoch

    @classmethod
    def suits(cls, run: Run) -> bool:
        """Tell whether an epoch was completed."""
        return bool(run.history)

    @classmethod
    def from_run(cls, run: Run, *, ax: Axes | None = None, **more: Any) -> Self:
        """Take the losses of a run and draw them; no further arguments.

        >>> import misstep as ms
        >>> run = ms.Trainer(ms.Dense(1), loss=ms.SquaredError()).fit([[0.0]], [[1.0]], epochs=3)
        >>> ms.plots.LossesDisplay.suits(run)
        True
        """
        epochs = np.array([one["epoch"] for one in run.history], np.float64)
        losses = {
            words: np.array([one.get(name, np.nan) for one in run.history], np.float64)
            for name, words in LOSSES
            if any(name in one for one in run.history)
        }
        return cls(epochs, losses, run.best_epoch, **more).plot(ax)

    def draw(self, ax: Axes) -> None:
        """Draw the curves."""
        from matplotlib.ticker import MaxNLocator

        self.lines_ = {}
        for name, numbers in self.losses.items():
            marker = "o" if len(self.epochs) == 1 else None
            (self.lines_[name],) = ax.plot(self.epochs, numbers, label=name, marker=marker)
        if self.best_epoch is not None:
            ax.axvline(self.best_epoch, linestyle=":", color="gray", label="best epoch")
        numbers = np.concatenate([np.empty(0), *self.losses.values()])
        finite = numbers[np.isfinite(numbers)]
        if len(finite) and finite.min() > 0 and finite.max() > FAR_APART * finite.min():
            ax.set_yscale("log")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_xlabel("epoch")
        ax.set_ylabel("loss")
        ax.legend()
