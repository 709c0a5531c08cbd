"""Normalization layers between the hidden layers."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.nn import BatchNorm, LayerNorm, Module, Sequential
from misstep.trials.carrying import rebuilt
from misstep.trials.layers import NORMALIZING, blocks, is_weighted, last_place, plain
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import NotApplicableError

# Means over fewer rows than these are noise (Wu and He, "Group normalization", 2018).
FEWEST_ROWS = 16


class NormalizationLayers(Remedy):
    """A normalization behind each hidden layer's sums, before its activation."""

    name = "normalization-layers"
    title = "normalization between the hidden layers"
    answers = (
        "vanishing-gradients",
        "exploding-gradients",
        "bad-initialization",
        "saturated-units",
        "dead-units",
        "slow-learning",
        "unscaled-inputs",
        "underfitting",
        "constant-prediction",
    )
    rank = 27

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield batch normalization, where batches are large enough, and layer normalization."""
        start = case.start
        layers = plain(start.network).layers
        last = layers[last_place(layers)]
        size = len(case.setting.rows) if start.batch_size == "full" else int(start.batch_size)
        over_batch = size >= FEWEST_ROWS and not any(
            type(one).__name__ in ("LSTM", "GRU", "RNN") for one in layers
        )
        kinds: list[type[Module]] = [BatchNorm, LayerNorm] if over_batch else [LayerNorm]
        for kind in kinds:
            after: list[Module] = []
            count = 0
            for block in blocks(layers):
                normalized = any(type(one).__module__ == NORMALIZING for one in block)
                wanted = bool(block) and block[0] is not last and not normalized
                if wanted and is_weighted(block[0]):
                    after += [block[0], kind(), *block[1:]]
                    count += 1
                else:
                    after += block
            if not count:
                raise NotApplicableError("it has no hidden layer without a normalization")
            yield rebuilt(
                start,
                f"with {kind().describe()}",
                Sequential(*after),
                f"ms.{'' if kind is BatchNorm else 'nn.'}{kind.__name__}() behind each hidden "
                "layer, before its activation",
            )
