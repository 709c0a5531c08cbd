"""Activations between layers that only sum."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.carrying import rebuilt_arms
from misstep.trials.experiments.activations_between import ActivationsBetween as Experiment
from misstep.trials.remedy import Case, Change, Remedy


class ActivationsBetween(Remedy):
    """A ReLU between weighted sums, one behind the other."""

    name = "activations-between"
    title = "activations between layers that only sum"
    answers = ("missing-activation", "underfitting")
    rank = 5
    # Sums in a row are one sum: whatever else is wrong, they are worth this trial.
    is_general = True

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield what the experiment of that name tries."""
        yield from rebuilt_arms(case.start, Experiment().arms(case.setting))
