"""The workloads: what is trained, predicted or multiplied, its arithmetic, and what to reach.

Knows numbers only: no library that runs them. `job.py` makes arrays for a workload.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from benchmarks.networks import (
    Dense,
    EmbeddingBag,
    Family,
    Recurrent,
    ResidualCNN,
    SmallCNN,
    Transformer,
)

# Who is asked when a target is given against single peers.
TORCH, SKLEARN = "torch", "scikit-learn"


@dataclass(frozen=True)
class Update:
    """How a gradient becomes a step: `kind` is adam, adamw or sgd; the rest its settings."""

    kind: str = "adam"
    rate: float = 1e-3
    momentum: float = 0.0
    weight_decay: float = 0.0


@dataclass(frozen=True)
class Target:
    """What to reach: best peer's time ÷ ours, share of the roofline, and ratios to single peers.

    With `judged` only these peers count for `ratio`.
    """

    ratio: float | None = None
    share: float | None = None
    against: Mapping[str, float] = field(default_factory=dict)
    judged: tuple[str, ...] = ()


@dataclass(frozen=True)
class Workload:
    """One thing to time.

    `kind`: train, predict or product. `network`: what is trained or predicts; of a product, None,
    and `side` is that of its squares. `batch`: rows of a step or of one prediction. `rows`: of the
    whole array from which each step gathers its batch. `data`: where they come from, a name in
    `rows.py`. `tolerance`: by what share losses may differ, after two passes over `checked`
    batches.
    """

    name: str
    words: str
    kind: str = "train"
    network: Family | None = None
    batch: int = 128
    rows: int = 0
    loss: str = "cross-entropy"
    update: Update = Update()
    clip: float | None = None
    dtype: str = "float32"
    data: str = "random"
    tolerance: float = 2e-3
    checked: int = 40
    side: int = 0
    target: Target = Target()

    @property
    def batches(self) -> int:
        """Return the steps in one pass over the rows; every batch is full."""
        return self.rows // self.batch

    @property
    def flops(self) -> int:
        """Return the floating-point operations of the matrix products of one step.

        A product (m, k) (k, n) is 2 · m · k · n of them; convolutions are products, with what they
        multiply by the zeros around an image. The backward pass has as many again for each factor
        whose gradient is wanted: of the first layer, the weights' only.
        """
        if self.network is None:
            return 2 * self.side**3
        products = self.network.products(self.batch)
        if self.kind == "predict":
            return sum(one.flops for one in products)
        return sum(one.flops * (1 + one.backward) for one in products)

    @property
    def unit(self) -> str:
        """Return what one measured time is for."""
        return {"train": "step", "predict": "prediction", "product": "product"}[self.kind]

    def smaller(self, share: int) -> Workload:
        """Return it with that much fewer rows, for a quick look; batches stay as they are."""
        if self.kind == "product":
            return self
        if self.kind == "predict":
            return replace(self, rows=max(self.rows // share, self.batch))
        batches = max(self.batches // share, min(8, self.batches))
        return replace(self, rows=batches * self.batch)


# Larger than this machine's kind of last-level cache (32 MiB): a batch comes from memory, as in
# real trainings. 784 numbers of 4 bytes are 3 KiB a row.
_BEYOND_CACHE = 15_360

WIDE = Workload(
    "wide-dropout",
    "784-1024-1024-10 ReLU, batch 256, AdamW, dropout 0.2",
    network=Dense((784, 1024, 1024, 10), dropout=0.2),
    batch=256,
    rows=_BEYOND_CACHE,
    update=Update("adamw", 1e-3, weight_decay=0.01),
    data="mnist",
    # Each library draws other masks.
    tolerance=0.2,
    target=Target(1.5, 0.8),
)

TRAINING = [
    Workload(
        "mnist-adam",
        "784-128-10 ReLU, batch 128, Adam",
        network=Dense((784, 128, 10)),
        batch=128,
        rows=468 * 128,
        data="mnist",
        target=Target(2.2, 0.75),
    ),
    Workload(
        "table-adam",
        "13-64-32-1 ReLU, batch 32, Adam",
        network=Dense((13, 64, 32, 1)),
        batch=32,
        rows=16_384,
        loss="squared-error",
        target=Target(3.0, against={TORCH: 40.0}),
    ),
    Workload(
        "one-by-one",
        "784-30-10 sigmoid, one sample at a time, SGD",
        network=Dense((784, 30, 10), "sigmoid"),
        batch=1,
        rows=_BEYOND_CACHE,
        update=Update("sgd", 0.05),
        data="mnist",
        target=Target(3.0, against={TORCH: 15.0}),
    ),
    Workload(
        "funnel-momentum",
        "784-300-100-10 ReLU, batch 50, SGD with momentum",
        network=Dense((784, 300, 100, 10)),
        batch=50,
        rows=_BEYOND_CACHE // 50 * 50,
        update=Update("sgd", 0.01, momentum=0.9),
        data="mnist",
        target=Target(1.5, 0.7),
    ),
    Workload(
        "middle-adam",
        "100-200-100-5 ReLU, batch 100, Adam",
        network=Dense((100, 200, 100, 5)),
        batch=100,
        rows=16_400,
        target=Target(1.8),
    ),
    Workload(
        "deep-adam",
        "784-10x256-10 ReLU, batch 128, Adam",
        network=Dense((784, *[256] * 10, 10)),
        batch=128,
        rows=_BEYOND_CACHE,
        # Adam divides by gradients near 0, and ten layers amplify what the last bits make of that:
        # at 1e-3 correct libraries are 10 % apart after 80 steps; so, 1e-4 after 16.
        update=Update("adam", 1e-4),
        data="mnist",
        checked=8,
        target=Target(1.6, 0.75),
    ),
    WIDE,
    replace(
        WIDE,
        name="wide-clipped",
        words=WIDE.words + ", clipped by global norm",
        clip=1.0,
        target=Target(1.5, 0.75),
    ),
    Workload(
        "double-momentum",
        "64-256-10 ReLU, batch 64, float64, SGD with momentum",
        network=Dense((64, 256, 10)),
        batch=64,
        rows=16_384,
        update=Update("sgd", 0.05, momentum=0.9),
        dtype="float64",
        tolerance=1e-9,
        target=Target(1.5),
    ),
]

PREDICTING = [
    Workload(
        "predict-one",
        "predict one row, 784-128-10",
        kind="predict",
        network=Dense((784, 128, 10)),
        batch=1,
        rows=1_000,
        data="mnist",
        target=Target(2.0, judged=(SKLEARN, TORCH)),
    ),
    Workload(
        "predict-many",
        "predict 100,000 rows, 784-128-10",
        kind="predict",
        network=Dense((784, 128, 10)),
        batch=100_000,
        rows=100_000,
        data="mnist",
        target=Target(1.3, 0.75),
    ),
]

# Not in the table of what to reach, but what it would hide: an epoch of only 12 steps.
SHORT_EPOCHS = Workload(
    "short-epochs",
    "13-64-32-1 ReLU, batch 32, Adam, epochs of 384 rows",
    network=Dense((13, 64, 32, 1)),
    batch=32,
    rows=384,
    loss="squared-error",
)

# What came after dense networks. Twenty steps show a wrong one. An epoch is some tenths of a second
# long, so that a measurement is not much longer than it was asked to be.
LAYERS = [
    Workload(
        "cnn-adam",
        "28x28: conv 3x3 32, conv 3x3 64, pool 2, dense 128, 10; batch 64, Adam",
        network=SmallCNN(),
        batch=64,
        rows=20 * 64,
        data="mnist",
        checked=10,
        target=Target(1.4, 0.7),
    ),
    Workload(
        "residual-cnn",
        "32x32x3 residual CNN with batch normalization, 16-32-64, 2 blocks each; batch 64, "
        "SGD with momentum",
        network=ResidualCNN(),
        batch=64,
        rows=10 * 64,
        # At 0.01 roundings grow to 0.2 % in 20 steps; in float64 libraries still agree to 1e-14.
        update=Update("sgd", 0.002, momentum=0.9),
        data="cifar",
        checked=10,
        target=Target(1.4, 0.6),
    ),
    Workload(
        "lstm-adam",
        "LSTM 8-64, 50 steps, last step to 1; batch 64, Adam",
        network=Recurrent("LSTM", 8, 64, 50),
        batch=64,
        rows=50 * 64,
        loss="squared-error",
        checked=10,
        target=Target(1.8, 0.6),
    ),
    Workload(
        "lstm-stacked",
        "LSTM 16-96, another one on it, 40 steps, last step to 1; batch 32, Adam",
        network=Recurrent("LSTM", 16, 96, 40, layers=2),
        batch=32,
        rows=50 * 32,
        loss="squared-error",
        checked=10,
        target=Target(1.4, 0.6),
    ),
    Workload(
        "gru-adam",
        "GRU 32-128, 100 steps, last step to 1; batch 32, Adam",
        network=Recurrent("GRU", 32, 128, 100),
        batch=32,
        rows=40 * 32,
        loss="squared-error",
        checked=10,
        target=Target(1.5, 0.6),
    ),
    Workload(
        "deep-normalized",
        "784-10x256-10 with batch normalization and ReLU, batch 128, Adam",
        network=Dense((784, *[256] * 10, 10), normalized=True),
        batch=128,
        rows=_BEYOND_CACHE,
        # As for deep-adam.
        update=Update("adam", 1e-4),
        data="mnist",
        checked=10,
        target=Target(1.7, 0.65),
    ),
    Workload(
        "embedding-adam",
        "embedding 20,000 x 64, mean over 100 words, dense 64, 2; batch 64, Adam",
        network=EmbeddingBag(),
        batch=64,
        rows=100 * 64,
        data="words",
        checked=10,
        target=Target(1.5),
    ),
    Workload(
        "embedding-sgd",
        "embedding 20,000 x 64, mean over 100 words, dense 64, 2; batch 64, SGD",
        network=EmbeddingBag(sparse=True),
        batch=64,
        rows=100 * 64,
        update=Update("sgd", 0.1),
        data="words",
        checked=10,
        target=Target(1.5),
    ),
    Workload(
        "transformer-adam",
        "Transformer encoder, 2 blocks, width 128, 4 heads, 64 tokens; batch 32, Adam",
        network=Transformer(),
        batch=32,
        rows=20 * 32,
        checked=10,
        target=Target(1.4, 0.6),
    ),
]

WORKLOADS = {one.name: one for one in [*TRAINING, *PREDICTING, SHORT_EPOCHS, *LAYERS]}

PRODUCT_SIDES = (64, 128, 256, 384, 512, 768, 1024, 1536, 2048)
# Large enough that the library's best kernel runs at its full speed, small enough to be quick.
PEAK_SIDE = 2048


def product(side: int, dtype: str = "float32") -> Workload:
    """Return the product of two square matrices."""
    return Workload(
        f"product-{side}",
        f"{side} x {side} matrix product, {dtype}",
        kind="product",
        side=side,
        dtype=dtype,
        tolerance=1e-4,
        target=Target(0.95),
    )


def quick(workload: Workload) -> Workload:
    """Return a workload with an eighth of the rows, and predictions of fewer rows at a time."""
    smaller = workload.smaller(8)
    if workload.kind == "predict" and workload.batch > 1:
        rows = math.ceil(workload.batch / 10)
        return replace(smaller, rows=rows, batch=rows, words=f"{workload.words} (here {rows})")
    return smaller
