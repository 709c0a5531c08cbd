"""Answers that are never certain, so that wrong ones can't pull without end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from misstep.nn.losses import BinaryCrossEntropy, CrossEntropy
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import NotApplicableError

# Shares of each answer that all classes have alike (Szegedy and others, 2016, took 0.1).
SHARES = (0.1, 0.3)


class LabelSmoothing(Remedy):
    """A cross-entropy whose answers are smoothed."""

    name = "label-smoothing"
    title = "smoothed answers"
    answers = ("label-errors", "overfitting")
    rank = 26

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the run with answers that are smoothed more than they were."""
        start = case.start
        loss: Any = start.loss
        if not isinstance(loss, BinaryCrossEntropy | CrossEntropy):
            raise NotApplicableError("its answers are numbers")
        shares = [share for share in SHARES if share > loss.smoothing]
        if not shares:
            raise NotApplicableError(f"{loss.smoothing:.0%} of its answers are smoothed already")
        names = tuple(start.network.arrays())
        for share in shares:
            yield Change(
                f"answers smoothed by {share:.0%}",
                start.variant(loss=replace(loss, smoothing=share)),
                f"loss=ms.{type(loss).__name__}(smoothing={share})",
                carried=names,
            )
