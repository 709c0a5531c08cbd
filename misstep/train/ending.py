"""`Ending`: why a training ended, as a cause with its facts; the words are in `text/endings.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from misstep.text.endings import ending_words


class Cause(Enum):
    """What can end a training; beside each its facts.

    The values are the names of the functions that put them into words.
    """

    EPOCHS_DONE = "epochs_done"  # epochs
    EARLY_STOPPING = "early_stopping"  # patience
    CONVERGED = "converged"  # tolerance, patience
    LEARNED = "learned"  # epochs
    TIME_OVER = "time_over"  # seconds
    CALLBACK = "callback"  # message
    INTERRUPTED = "interrupted"  # signal
    LOSS_NOT_FINITE = "loss_not_finite"  # loss, update, learning_rate
    # The loss was finite, but does not show all weights.
    WEIGHTS_NOT_FINITE = "weights_not_finite"  # loss, update, learning_rate
    ERROR = "error"  # name


@dataclass(frozen=True)
class Ending:
    """Why a training ended. `facts`: by name, those of the cause. `str()` puts it into words.

    >>> print(Ending(Cause.EPOCHS_DONE, {"epochs": 3}))
    all 3 epochs are done
    """

    cause: Cause
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def planned(self) -> bool:
        """Return whether it ended as somebody had planned; not by Ctrl-C and not by a failure."""
        return not self.failed and self.cause not in (Cause.INTERRUPTED, Cause.ERROR)

    @property
    def cut_short(self) -> bool:
        """Return whether it ended before the learning rate had fallen as far as it was to fall."""
        return not self.planned or self.cause is Cause.TIME_OVER

    @property
    def failed(self) -> bool:
        """Return whether the loss, or the weights, were no longer finite numbers."""
        return self.cause in (Cause.LOSS_NOT_FINITE, Cause.WEIGHTS_NOT_FINITE)

    def __str__(self) -> str:
        return ending_words(self.cause.value, **self.facts)
