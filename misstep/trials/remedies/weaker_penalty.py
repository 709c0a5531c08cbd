"""Less that holds weights back, or none of it: penalties, decay, mixing of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from misstep.trials.advice import optimizer_options, written
from misstep.trials.experiments.no_penalties import NoPenalties
from misstep.trials.remedy import Case, Change, Remedy, with_settings
from misstep.trials.setting import NotApplicableError

# What is left of penalties, decay and mixing.
LESS = 0.1


class WeakerPenalty(Remedy):
    """None of what holds weights back, dropout neither, and a tenth of it."""

    name = "weaker-penalty"
    title = "no penalties, weight decay and mixing of rows, or less of them"
    answers = ("over-regularized", "underfitting", "slow-learning", "constant-prediction")
    rank = 6

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the run without any, and with less."""
        start = case.start
        own: Any = start.optimizer
        if not (start.regularizers or start.mixup or getattr(own, "weight_decay", 0.0)):
            raise NotApplicableError("it has no penalty, weight decay or mixing of rows")
        none = next(NoPenalties().arms(case.setting))
        options: dict[str, Any] = {}
        if getattr(own, "weight_decay", 0.0):
            options = optimizer_options(own, replace(own, weight_decay=0.0))
        yield Change(
            "without what holds weights back",
            none.trainer,
            none.advice.replace("less of, or none at all: ", "none of: "),
            options=options,
        )
        yield self._less(case)

    @staticmethod
    def _less(case: Case) -> Change:
        start = case.start
        settings: dict[str, Any] = {}
        said: list[str] = []
        options: dict[str, Any] = {}
        if start.regularizers:
            penalties = tuple(_less(one) for one in start.regularizers)
            settings["regularizers"] = penalties
            said.append(f"regularizers=[{', '.join(written(one) for one in penalties)}]")
        if start.mixup:
            settings["mixup"] = float(f"{LESS * start.mixup:.2g}")
            said.append(f"mixup={settings['mixup']:g}")
        own: Any = start.optimizer
        if getattr(own, "weight_decay", 0.0):
            other = replace(own, weight_decay=float(f"{LESS * own.weight_decay:.2g}"))
            settings["optimizer"] = other
            said.append(written(other))
            options = optimizer_options(own, other)
        return with_settings(
            case, "with less that holds weights back", settings, ", ".join(said), options=options
        )


def _less(penalty: Any) -> Any:
    return replace(penalty, strength=float(f"{LESS * penalty.strength:.2g}"))
