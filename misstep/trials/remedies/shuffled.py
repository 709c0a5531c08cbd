"""Rows in a new order in each epoch."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.remedy import Case, Change, Remedy, with_settings
from misstep.trials.setting import NotApplicableError


class Shuffled(Remedy):
    """Shuffling, where rows are taken in the order given."""

    name = "shuffled"
    title = "rows in a new order in each epoch"
    answers = ("unshuffled",)
    rank = 5

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the run with shuffling."""
        if case.start.shuffle:
            raise NotApplicableError("its rows are shuffled")
        yield with_settings(
            case, "with shuffled rows", {"shuffle": True}, "shuffle=True", options={"shuffle": True}
        )
