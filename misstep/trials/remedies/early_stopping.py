"""The weights of the best epoch rather than of the last one."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import NotApplicableError


class EarlyStopping(Remedy):
    """What was learned until validation rows were predicted worse."""

    name = "early-stopping"
    title = "the weights of the best epoch"
    answers = (
        "overfitting",
        "label-errors",
        "learning-rate-too-high",
        "diverging",
        "exploding-gradients",
        "not-a-number",
        "unshuffled",
    )
    rank = 17
    is_general = True

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the run with its best weights kept."""
        if case.keeps_best:
            raise NotApplicableError("it keeps the weights of its best epoch")
        if not case.has_validation():
            raise NotApplicableError("there are no validation rows to tell which epoch is best")
        yield Change(
            "with the weights of its best epoch",
            case.start,
            f"early_stopping=ms.EarlyStopping({case.epochs}), with validation=(x, y)",
            keeps_best=True,
        )
