"""Less that holds weights back, or none of it: penalties, decay, mixing of rows, dropout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from misstep.nn import Module
from misstep.trials.advice import optimizer_options, written
from misstep.trials.experiments.no_penalties import DISTURBING, NoPenalties
from misstep.trials.layers import changed, exchanged
from misstep.trials.remedy import Case, Change, Remedy, with_settings
from misstep.trials.setting import NotApplicableError

# What is left of penalties, decay and mixing, and of the rates of dropout.
LESS, LESS_DROPOUT = 0.1, 0.5


class WeakerPenalty(Remedy):
    """None of what holds weights back, and a tenth of it, with half of the dropout."""

    name = "weaker-penalty"
    title = "no penalties, weight decay, mixing of rows and dropout, or less of them"
    answers = ("over-regularized", "underfitting", "slow-learning", "constant-prediction")
    rank = 6

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the run without any, and with less."""
        none = next(NoPenalties().arms(case.setting))
        own: Any = case.start.optimizer
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
        try:
            settings["network"] = exchanged(start.network.module, _less_disturbed)
            said.append(f"{LESS_DROPOUT:g} times the rate of each Dropout")
        except NotApplicableError:
            pass
        return with_settings(
            case, "with less that holds weights back", settings, ", ".join(said), options=options
        )


def _less(penalty: Any) -> Any:
    return replace(penalty, strength=float(f"{LESS * penalty.strength:.2g}"))


def _less_disturbed(layer: Module) -> Module:
    name = DISTURBING.get(type(layer).__name__)
    rate = getattr(layer, name, 0.0) if name else 0.0
    return changed(layer, **{str(name): LESS_DROPOUT * rate}) if rate else layer
