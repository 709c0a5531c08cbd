"""Layers that bring signals to mean 0 and deviation 1: BatchNorm, LayerNorm, RMSNorm.

Each then scales and shifts by parameters of its own. Features lie along the last axis. The
arithmetic of the first two is the op `normalize`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from misstep import ops
from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value
from misstep.nn.initializers import Constant, Zeros
from misstep.nn.module import LayerExample, Module
from misstep.nn.tracing import current_trace
from misstep.ops import maximum, mean, normalize, reshape, sqrt, variance, where


def check_epsilon(layer: str, epsilon: Any) -> None:
    """Raise ArgumentError unless epsilon is a number above 0."""
    number = isinstance(epsilon, int | float) and not isinstance(epsilon, bool)
    if not number or not 0 < epsilon < math.inf:
        raise ArgumentError(f"epsilon of {layer}", needed="a number above 0", got=repr(epsilon))


def check_features(layer: Module, x: Value) -> None:
    """Raise ShapeError unless x has a batch and features."""
    if x.ndim < 2 or x.shape[-1] == 0:
        raise ShapeError(
            f"the input of {layer}",
            needed="(batch, …, features) with a feature or more",
            got=str(x.shape),
            try_="a row of features for each example: x.reshape(-1, 1)",
        )


@dataclass(frozen=True)
class BatchNorm(Module):
    """Each feature gets mean 0 and deviation 1 over the batch (Ioffe and Szegedy, 2015).

    x: (batch, …, features) → the same shape; scale, shift, mean, variance: (features,). In
    training, mean and variance are those over all axes but the last, and the running ones move
    toward them: running ← (1 − momentum) · running + momentum · of the batch, with the variance
    divided by n − 1 as PyTorch has it (of the batch itself, by n). Evaluation takes the running
    ones, so that a row's output depends on no other row. `epsilon` is added to the variance.

    A frozen one takes the running ones in training too, and leaves them as they are.

    Entries that only fill up short sequences (the mask of `nn/tracing.py`) count for neither.

    Of one entry for each feature, as in a batch of one row, the variance is 0: the output is then
    the shift alone, nothing is learned from it but the shift, and only the running mean moves.

    Raises ArgumentError for a momentum outside (0, 1] or an epsilon of 0 or less, ShapeError for an
    input without a features axis.

    >>> import misstep as ms
    >>> layers = ms.Sequential(ms.Dense(8), ms.BatchNorm(), ms.ReLU(), ms.Dense(1))
    >>> network = ms.Network(layers, input_shape=(4,))
    >>> network.parameter_count, network.buffer_count  # scale, shift; running mean, variance
    (65, 16)
    """

    momentum: float = 0.1
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        number = isinstance(self.momentum, int | float) and not isinstance(self.momentum, bool)
        if not number or not 0 < self.momentum <= 1:
            raise ArgumentError(
                "momentum of BatchNorm",
                needed="a share above 0, at most 1",
                got=repr(self.momentum),
                try_="0.1: a tenth of each new batch",
            )
        check_epsilon("BatchNorm", self.epsilon)

    def forward(self, x: Value) -> Value:
        """Return x normalized: by the batch in training, by what is running in evaluation."""
        check_features(self, x)
        features = x.shape[-1:]
        scale = self.parameter("scale", features, Constant(1.0), regularized=False)
        shift = self.parameter("shift", features, Zeros(), regularized=False)
        running_mean = self.buffer("mean", features, Zeros())
        running_variance = self.buffer("variance", features, Constant(1.0))
        if not current_trace().training or self.is_frozen():
            slope = scale / sqrt(running_variance + self.epsilon)
            return (x - running_mean) * slope + shift
        mask = current_trace().mask_of(x) if x.ndim == 3 else None
        if current_trace().shard is not None:
            return self._over_shards(x, mask, (running_mean, running_variance), (scale, shift))
        if mask is not None:
            return self._of_what_counts(x, mask, (running_mean, running_variance), (scale, shift))
        axes = tuple(range(x.ndim - 1))
        count = math.prod(x.shape[:-1])
        if count:
            batch_mean = reshape(mean(x, axes, keep=True), features)
            self.becomes("mean", self._moved(running_mean, batch_mean))
        if count > 1:
            spread = reshape(variance(x, axes, keep=True), features) * (count / (count - 1))
            self.becomes("variance", self._moved(running_variance, spread))
        return normalize(x, scale, shift, axes, self.epsilon)

    def _of_what_counts(
        self, x: Value, mask: Value, running: tuple[Value, Value], parameters: tuple[Value, Value]
    ) -> Value:
        """Return sequences normalized by mean and variance of the entries that count."""
        counts = reshape(mask, (*mask.shape, 1))
        count = ops.sum(mask)
        n = maximum(count, 1.0)
        batch_mean = ops.sum(x * counts, (0, 1), keep=True) / n
        centered = x - batch_mean
        # What rounding left of the mean, as in `ops.centered`.
        centered = centered - ops.sum(centered * counts, (0, 1), keep=True) / n
        spread = ops.sum(centered * centered * counts, (0, 1), keep=True) / n
        features = x.shape[-1:]
        # Nothing moves where no entry counts, and no variance where but one does.
        moved = self._moved(running[0], reshape(batch_mean, features))
        self.becomes("mean", where(count > 0.0, moved, running[0]))
        unbiased = reshape(spread, features) * (n / maximum(n - 1.0, 1.0))
        moved = self._moved(running[1], unbiased)
        self.becomes("variance", where(count > 1.0, moved, running[1]))
        scale, shift = parameters
        return centered * (scale / sqrt(spread + self.epsilon)) + shift

    def _over_shards(
        self,
        x: Value,
        mask: Value | None,
        running: tuple[Value, Value],
        parameters: tuple[Value, Value],
    ) -> Value:
        """Return the shard x normalized by mean and variance of the whole batch.

        A first mean is taken away from all entries; what it was wrong by, and the variance, follow
        from sums of what is left. Since that makes up for it, nothing need flow back through the
        first mean: two sums over shards on the way forward and one on the way back are enough.
        """
        trace, features = current_trace(), x.shape[-1:]
        axes = tuple(range(x.ndim - 1))
        wide = (*(1,) * (x.ndim - 1), *features)
        if mask is None:
            counts, count = None, None
            assert trace.shard is not None
            entries = trace.shard.whole * math.prod(x.shape[1:-1])
            n: Value | float = float(max(entries, 1))
        else:
            counts = reshape(mask, (*mask.shape, 1))
            count = trace.over_shards(ops.sum(mask), flows=False)
            n, entries = maximum(count, 1.0), 0

        def summed(entries: Value) -> Value:
            return ops.sum(entries if counts is None else entries * counts, axes)

        first = trace.over_shards(summed(x), flows=False) / n
        centered = x - reshape(first, wide)
        sums = ops.concatenate([summed(centered), summed(centered * centered)])
        means = trace.over_shards(sums) / n
        size = features[0]
        error = ops.slice_axis(means, 0, 0, size)
        spread = ops.slice_axis(means, 0, size, 2 * size) - error * error
        mean_after = self._moved(running[0], first + error)
        if count is None:
            if entries:
                self.becomes("mean", mean_after)
            if entries > 1:
                # Where all entries are the same, rounding may leave a little less than nothing.
                unbiased = maximum(spread, 0.0) * (entries / (entries - 1))
                self.becomes("variance", self._moved(running[1], unbiased))
        else:
            self.becomes("mean", where(count > 0.0, mean_after, running[0]))
            unbiased = maximum(spread, 0.0) * (n / maximum(count - 1.0, 1.0))
            moved = self._moved(running[1], unbiased)
            self.becomes("variance", where(count > 1.0, moved, running[1]))
        scale, shift = parameters
        slope = scale / sqrt(spread + self.epsilon)
        return (centered - reshape(error, wide)) * reshape(slope, wide) + reshape(shift, wide)

    def _moved(self, running: Value, batch: Value) -> Value:
        return running * (1.0 - self.momentum) + batch * self.momentum

    def describe(self) -> str:
        """Return batch normalization."""
        return "batch normalization"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(), (4,)
        yield cls(momentum=0.5, epsilon=0.01), (3, 4)
        yield cls(), (2, 3, 2)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(momentum=0.0), (4,)
        yield lambda: cls(momentum=1.5), (4,)
        yield lambda: cls(momentum="slow"), (4,)  # type: ignore[arg-type]
        yield lambda: cls(epsilon=0.0), (4,)
        yield lambda: cls(epsilon=math.nan), (4,)
        yield lambda: cls(), ()
        yield lambda: cls(), (0,)


@dataclass(frozen=True)
class LayerNorm(Module):
    """Each row of features gets mean 0 and deviation 1 (Ba, Kiros and Hinton, 2016).

    x: (batch, …, features) → the same shape; scale, shift: (features,). The variance is divided by
    the number of features; `epsilon` is added to it. Training and evaluation do the same.

    Raises ArgumentError for an epsilon of 0 or less, ShapeError for an input without features.

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.LayerNorm(), input_shape=(3,))
    >>> network.predict([[1.0, 2.0, 3.0]]).round(3)
    array([[-1.225,  0.   ,  1.225]], dtype=float32)
    """

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        check_epsilon("LayerNorm", self.epsilon)

    def forward(self, x: Value) -> Value:
        """Return x normalized along its last axis."""
        check_features(self, x)
        features = x.shape[-1:]
        scale = self.parameter("scale", features, Constant(1.0), regularized=False)
        shift = self.parameter("shift", features, Zeros(), regularized=False)
        return normalize(x, scale, shift, (x.ndim - 1,), self.epsilon)

    def describe(self) -> str:
        """Return layer normalization."""
        return "layer normalization"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(), (4,)
        yield cls(0.01), (2, 5)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(-1.0), (4,)
        yield lambda: cls("small"), (4,)  # type: ignore[arg-type]
        yield lambda: cls(), ()
        yield lambda: cls(), (2, 0)


@dataclass(frozen=True)
class RMSNorm(Module):
    """Each row of features is divided by √(mean of its squares + epsilon) (Zhang, Sennrich, 2019).

    x: (batch, …, features) → the same shape; scale: (features,). Unlike LayerNorm it leaves the
    mean where it is, and has no shift.

    Raises ArgumentError for an epsilon of 0 or less, ShapeError for an input without features.

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.RMSNorm(), input_shape=(2,))
    >>> network.predict([[3.0, 4.0]]).round(3)
    array([[0.849, 1.131]], dtype=float32)
    """

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        check_epsilon("RMSNorm", self.epsilon)

    def forward(self, x: Value) -> Value:
        """Return x divided by its root mean square, scaled."""
        check_features(self, x)
        scale = self.parameter("scale", x.shape[-1:], Constant(1.0), regularized=False)
        return x * (1.0 / sqrt(mean(x * x, -1, keep=True) + self.epsilon)) * scale

    def describe(self) -> str:
        """Return RMS normalization."""
        return "RMS normalization"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(), (4,)
        yield cls(0.01), (2, 3)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(0), (4,)
        yield lambda: cls("small"), (4,)  # type: ignore[arg-type]
        yield lambda: cls(), ()
