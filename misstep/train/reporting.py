"""Leaves a report in the folder of a training that is over; who makes it is offered from the roof.

What can't be reported is a warning: the training is whole, and nothing of it may be lost.
"""

from __future__ import annotations

import warnings
from typing import Protocol

from misstep.offers import ask
from misstep.train.run import Run

__all__ = ["leave_report"]


class Reporter(Protocol):
    """Who leaves reports."""

    def __call__(self, run: Run) -> str:
        """Leave one in the folder of a run; return in words why there is none, or ""."""


def leave_report(run: Run) -> None:
    """Leave a report beside the record of a run that has a folder."""
    if run.folder is None:
        return
    reporter: Reporter = ask("report left by a run")
    try:
        trouble = reporter(run)
    except KeyboardInterrupt:
        # As in training, Ctrl-C ends what goes on and keeps what there is.
        trouble = "no report was written: you ended it"
    if trouble:
        warnings.warn(trouble, RuntimeWarning, stacklevel=4)
