"""Less dropout and noise in layers, or none."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.nn import Module
from misstep.trials.carrying import rebuilt
from misstep.trials.experiments.no_penalties import DISTURBING
from misstep.trials.layers import changed, exchanged, plain
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import NotApplicableError


class LessDropout(Remedy):
    """No dropout, and a third of it."""

    name = "less-dropout"
    title = "less dropout and noise in its layers"
    answers = ("over-regularized", "underfitting", "slow-learning")
    rank = 12

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the network whose layers disturb less."""
        for share, label in ((0.0, "without dropout"), (1 / 3, "a third of the dropout")):

            def exchange(layer: Module, share: float = share) -> Module:
                setting = DISTURBING.get(type(layer).__name__)
                amount = getattr(layer, setting, 0.0) if setting else 0.0
                if setting is None or not amount:
                    return layer
                return changed(layer, **{setting: round(share * amount, 3)})

            try:
                module = exchanged(plain(case.start.network), exchange)
            except NotApplicableError as reason:
                raise NotApplicableError("it has no dropout or noise in its layers") from reason
            yield rebuilt(
                case.start,
                label,
                module,
                f"{label}: rate=0, or no such layers at all"
                if not share
                else f"{label} in each such layer",
            )
