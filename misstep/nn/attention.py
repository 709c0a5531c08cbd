"""Layers in which every step of a sequence looks at every other: attention, Transformer blocks.

Sequences: (batch, time, features). Steps that only fill up a sequence (the mask of
`nn/tracing.py`) are not looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value, make_literal
from misstep.nn.activations import GELU, ReLU
from misstep.nn.embedding import check_sequences
from misstep.nn.initializers import GlorotUniform, HeNormal, Initializer, Zeros
from misstep.nn.layers import Dropout, positive_whole
from misstep.nn.module import LayerExample, Module
from misstep.nn.normalization import LayerNorm
from misstep.nn.tracing import current_trace
from misstep.ops import equal, reshape, slice_axis, softmax, transpose, where
from misstep.text.counts import plural

# What a step that must not be looked at gets in place of its score: e to the power of it is 0
# beside any real score, and it is finite, so that a row of nothing but such steps is no NaN.
UNSEEN = -1e30


def projected(
    layer: Module, name: str, x: Value, units: int, initializer: Initializer, *, bias: bool = True
) -> Value:
    """Return x W + b along the last axis, with parameters `name`_weight and `name`_bias of `layer`.

    x: (batch, …, inputs) → (batch, …, units); W: (inputs, units); b: (units,).
    """
    inputs = x.shape[-1]
    weight = layer.parameter(
        f"{name}_weight", (inputs, units), initializer, fan_in=inputs, fan_out=units
    )
    y = reshape(x, (-1, inputs)) @ weight
    if bias:
        y = y + layer.parameter(f"{name}_bias", (units,), Zeros(), regularized=False)
    return reshape(y, (*x.shape[:-1], units))


def check_share(layer: str, name: str, share: Any) -> None:
    """Raise ArgumentError unless `share` is a number from 0 up to but not 1."""
    number = isinstance(share, int | float) and not isinstance(share, bool)
    if not number or not 0 <= share < 1:
        raise ArgumentError(
            f"{name} of {layer}", needed="a share from 0 up to but not 1", got=repr(share)
        )


def check_truth(layer: str, name: str, setting: Any) -> None:
    """Raise ArgumentError unless `setting` is True or False."""
    if not isinstance(setting, bool):
        raise ArgumentError(f"{name} of {layer}", needed="True or False", got=repr(setting))


@dataclass(frozen=True)
class MultiHeadAttention(Module):
    """Each step becomes a mean of all steps, weighed by how well they answer it, in several heads.

    x: (batch, time, features) → the same shape; features must be a multiple of `heads`. With
    [q k v] = x W + b, each head takes its own features/heads of q, k and v, and gives
    softmax(q kᵀ / √(features/heads)) v; the heads, side by side, are projected once more (Vaswani
    and others, 2017). input_weight: (features, 3 · features), q before k before v, head after head
    in each; output_weight: (features, features). These are the transposes of PyTorch's in_proj and
    out_proj weights, drawn as there (Glorot, biases 0).

    Masked steps are not looked at; what they become themselves means nothing. `causal`: no step
    looks at later ones. `dropout`: the share of weights that are left out in training. `bias`:
    whether the projections have one.

    Raises ArgumentError for settings that don't fit, ShapeError for what is no sequence or can't be
    shared out among the heads.

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.MultiHeadAttention(4), input_shape=(10, 32))
    >>> network.output_shape, network.parameter_count  # 32 × 96 + 96, 32 × 32 + 32
    ((10, 32), 4224)
    """

    heads: int
    dropout: float = 0.0
    causal: bool = False
    bias: bool = True

    def __post_init__(self) -> None:
        positive_whole("MultiHeadAttention", "heads", self.heads)
        check_share("MultiHeadAttention", "dropout", self.dropout)
        check_truth("MultiHeadAttention", "causal", self.causal)
        check_truth("MultiHeadAttention", "bias", self.bias)
        object.__setattr__(self, "dropped", Dropout(self.dropout))

    def forward(self, x: Value) -> Value:
        """Return what each step makes of all steps."""
        check_sequences(self, x)
        batch, time, features = x.shape
        if features % self.heads:
            raise ShapeError(
                f"the input of {self}",
                needed=f"features that {self.heads} heads can share",
                got=f"{features}",
                try_=f"{-(-features // self.heads) * self.heads} features",
            )
        width = features // self.heads
        whole = projected(self, "input", x, 3 * features, GlorotUniform(), bias=self.bias)

        def projection(index: int, order: tuple[int, ...]) -> Value:
            """Return q, k or v as (batch, heads, time, width), or in another order of these."""
            cut = slice_axis(whole, 2, index * features, (index + 1) * features)
            apart = reshape(cut, (batch, time, self.heads, width))
            return transpose(apart, tuple((0, 2, 1, 3)[axis] for axis in order))

        query, key, value = (
            projection(0, (0, 1, 2, 3)),
            projection(1, (0, 1, 3, 2)),
            projection(2, (0, 1, 2, 3)),
        )
        scores = query @ key * (1.0 / math.sqrt(width))
        weights = softmax(self._seen(scores, x), -1)
        if self.dropout:
            weights = self.dropped(weights)  # type: ignore[attr-defined]
        heads_side_by_side = reshape(transpose(weights @ value, (0, 2, 1, 3)), x.shape)
        return projected(
            self, "output", heads_side_by_side, features, GlorotUniform(), bias=self.bias
        )

    def _seen(self, scores: Value, x: Value) -> Value:
        """Return the scores (batch, heads, time, time) without those of steps not to look at."""
        mask = current_trace().mask_of(x)
        if mask is not None:
            filler = reshape(equal(mask, 0.0), (x.shape[0], 1, 1, x.shape[1]))
            scores = where(filler, UNSEEN, scores)
        if self.causal:
            steps = np.arange(x.shape[1])
            own, other = make_literal(steps[:, np.newaxis], "int64"), make_literal(steps, "int64")
            later = own < other
            scores = where(later, UNSEEN, scores)
        return scores

    def describe(self) -> str:
        """Return attention with 4 heads."""
        words = f"attention with {self.heads} {plural(self.heads, 'head')}"
        return f"{words}, looking back only" if self.causal else words

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(2), (3, 4)
        yield cls(1, causal=True, bias=False), (4, 3)
        yield cls(2, dropout=0.3), (2, 2)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(0), (3, 4)
        yield lambda: cls(3), (3, 4)
        yield lambda: cls(2), (4,)
        yield lambda: cls(2, dropout=1.0), (3, 4)
        yield lambda: cls(2, causal="yes"), (3, 4)  # type: ignore[arg-type]
        yield lambda: cls(2, bias=1), (3, 4)  # type: ignore[arg-type]


_ACTIVATIONS: dict[str, Module] = {"gelu": GELU(), "relu": ReLU()}


@dataclass(frozen=True)
class TransformerBlock(Module):
    """Attention, then two dense layers on each step, each beside a shortcut (Vaswani, 2017).

    x: (batch, time, features) → the same shape. `hidden`: units of the first dense layer; 4 ·
    features when left out. `dropout`: on the attention's weights, behind the activation and before
    each sum, as in PyTorch's TransformerEncoderLayer. `activation`: "gelu" or "relu".

    `norm_first`: x + attention(norm x), then x + dense(norm x). The shortcut then runs unbroken
    through all blocks, so that deep ones learn at usual rates without a warm-up (Xiong and others,
    2020); a last LayerNorm behind the last block is usual. False: norm(x + attention x), then
    norm(x + dense x), as in the first paper.

    Raises ArgumentError for settings that don't fit, ShapeError as `MultiHeadAttention` does.

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.TransformerBlock(4, dropout=0.1), input_shape=(10, 32))
    >>> network.output_shape, network.parameter_count
    ((10, 32), 12704)
    """

    heads: int
    hidden: int | None = None
    dropout: float = 0.0
    activation: str = "gelu"
    norm_first: bool = True
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        positive_whole("TransformerBlock", "heads", self.heads)
        if self.hidden is not None:
            positive_whole("TransformerBlock", "hidden", self.hidden)
        check_share("TransformerBlock", "dropout", self.dropout)
        check_truth("TransformerBlock", "norm_first", self.norm_first)
        if self.activation not in _ACTIVATIONS:
            raise ArgumentError(
                "activation of TransformerBlock",
                needed=" or ".join(sorted(_ACTIVATIONS)),
                got=repr(self.activation),
            )
        layers = {
            "attention": MultiHeadAttention(self.heads, self.dropout),
            "attention_norm": LayerNorm(self.epsilon),
            "dense_norm": LayerNorm(self.epsilon),
            "dropped": Dropout(self.dropout),
        }
        for name, layer in layers.items():
            object.__setattr__(self, name, layer)

    def forward(self, x: Value) -> Value:
        """Return what attention and the dense layers make of x."""
        check_sequences(self, x)
        here: Any = self
        # Steps as rows: so what follows a matrix product entry by entry is worked out with it.
        rows = reshape(x, (-1, x.shape[-1]))
        if self.norm_first:
            rows = rows + self._attended(here.attention_norm(rows), x.shape)
            rows = rows + self._dense(here.dense_norm(rows))
        else:
            rows = here.attention_norm(rows + self._attended(rows, x.shape))
            rows = here.dense_norm(rows + self._dense(rows))
        return reshape(rows, x.shape)

    def _attended(self, rows: Value, shape: tuple[int, ...]) -> Value:
        here: Any = self
        attended: Value = here.dropped(reshape(here.attention(reshape(rows, shape)), rows.shape))
        return attended

    def _dense(self, x: Value) -> Value:
        here: Any = self
        activation = _ACTIVATIONS[self.activation]
        hidden = 4 * x.shape[-1] if self.hidden is None else self.hidden
        first = HeNormal() if self.activation == "relu" else GlorotUniform()
        y = activation.forward(projected(self, "hidden", x, hidden, first))
        y = projected(self, "output", here.dropped(y), x.shape[-1], GlorotUniform())
        result: Value = here.dropped(y)
        return result

    def describe(self) -> str:
        """Return Transformer block with 4 heads, 128 hidden units."""
        hidden = "" if self.hidden is None else f", {self.hidden} hidden units"
        return f"Transformer block with {self.heads} {plural(self.heads, 'head')}{hidden}"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(2, 5), (3, 4)
        yield cls(1, dropout=0.2, activation="relu", norm_first=False), (2, 4)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(0), (3, 4)
        yield lambda: cls(2, 0), (3, 4)
        yield lambda: cls(2, dropout=-0.1), (3, 4)
        yield lambda: cls(2, activation="tanh"), (3, 4)
        yield lambda: cls(2, norm_first=1), (3, 4)  # type: ignore[arg-type]
        yield lambda: cls(2, epsilon=0.0), (3, 4)
        yield lambda: cls(3), (3, 4)
        yield lambda: cls(2), (4,)
