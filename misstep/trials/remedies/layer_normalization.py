"""Layer normalization in place of batch normalization."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.nn import BatchNorm, LayerNorm, Module
from misstep.trials.carrying import rebuilt
from misstep.trials.layers import exchanged, plain
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import NotApplicableError


class LayerNormalization(Remedy):
    """LayerNorm, which needs no other rows."""

    name = "layer-normalization"
    title = "layer normalization in place of batch normalization"
    answers = ("normalization-on-tiny-batch",)
    rank = 12

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the network with each BatchNorm exchanged."""

        def exchange(layer: Module) -> Module:
            return LayerNorm() if isinstance(layer, BatchNorm) else layer

        try:
            module = exchanged(plain(case.start.network), exchange)
        except NotApplicableError as reason:
            raise NotApplicableError("it has no batch normalization to exchange") from reason
        yield rebuilt(
            case.start,
            "LayerNorm in place of BatchNorm",
            module,
            "ms.nn.LayerNorm() in place of ms.BatchNorm()",
        )
