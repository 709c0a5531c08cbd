"""LSTM or GRU in place of plain recurrent layers."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.nn import GRU, LSTM, RNN, Bidirectional, Module
from misstep.trials.carrying import rebuilt
from misstep.trials.layers import exchanged, plain
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import NotApplicableError


class GatedCells(Remedy):
    """Recurrent layers with gates, along which gradients last."""

    name = "gated-cells"
    title = "recurrent layers with gates"
    answers = ("vanishing-gradients", "exploding-gradients", "underfitting", "slow-learning")
    rank = 16

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield LSTM and GRU of as many units in place of each RNN."""
        for kind in (LSTM, GRU):

            def exchange(layer: Module, kind: type[LSTM] | type[GRU] = kind) -> Module:
                if isinstance(layer, Bidirectional) and isinstance(layer.onward, RNN):
                    return Bidirectional(exchange(layer.onward, kind))
                if isinstance(layer, RNN):
                    return kind(layer.units, layer.return_sequences, layer.reverse)
                return layer

            try:
                module = exchanged(plain(case.start.network), exchange)
            except NotApplicableError as reason:
                raise NotApplicableError("it has no plain recurrent layer to exchange") from reason
            yield rebuilt(
                case.start,
                f"{kind.__name__} in place of RNN",
                module,
                f"ms.{kind.__name__} in place of ms.nn.RNN",
            )
