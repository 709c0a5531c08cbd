"""Recurrent layers: RNN, GRU, LSTM, and Bidirectional around one of them.

Each reads (batch, time, features) step after step and gives back its last output, or all of them.
A mask of the pass (`tracing.py`) says which entries count: where one does not, a layer stays as it
was and its output repeats, so that the last output is the one after the last entry that counts. The
formulas and conventions stand in `recurrence.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from misstep.errors import ArgumentError
from misstep.ir import Value
from misstep.nn.containers import Sequential
from misstep.nn.embedding import check_sequences
from misstep.nn.initializers import ForgetGateBias, GlorotUniform, Initializer, Orthogonal, Zeros
from misstep.nn.layers import positive_whole
from misstep.nn.module import LayerExample, Module
from misstep.nn.recurrence import FUNCTIONS, gru, lstm, rnn
from misstep.nn.tracing import current_trace
from misstep.ops import concatenate, reshape, slice_axis
from misstep.text.counts import plural


def _check_switch(owner: str, setting: Any) -> None:
    if not isinstance(setting, bool):
        raise ArgumentError(owner, needed="True or False", got=repr(setting))


@dataclass(frozen=True)
class Recurrent(Module, abstract=True):
    """What recurrent layers share: settings, parameters, masks, and which steps they give back."""

    units: int
    return_sequences: bool = False
    reverse: bool = False
    gates: ClassVar[int] = 1

    def __post_init__(self) -> None:
        name_of_layer = type(self).__name__
        positive_whole(name_of_layer, "units", self.units)
        for name in ("return_sequences", "reverse"):
            if not isinstance(getattr(self, name), bool):
                raise ArgumentError(
                    f"{name} of {name_of_layer}",
                    needed="True or False",
                    got=repr(getattr(self, name)),
                )

    def states(self, x: Value, mask: Value | None, training: bool) -> Value:
        """Return what the layer carries at each step, its outputs in the first columns."""
        raise NotImplementedError

    def first_bias(self) -> Initializer:
        """Return how the bias starts."""
        return Zeros()

    def weights(self, features: int) -> list[Value]:
        """Return W, U and b."""
        units, columns = self.units, self.gates * self.units
        glorot, turn = GlorotUniform(), Orthogonal()
        return [
            self.parameter("weight", (features, columns), glorot, fan_in=features, fan_out=units),
            self.parameter("recurrent", (units, columns), turn, fan_in=units, fan_out=units),
            self.parameter("bias", (columns,), self.first_bias(), regularized=False),
        ]

    def forward(self, x: Value) -> Value:
        """Return the last output, or the outputs of all steps."""
        check_sequences(self, x)
        trace = current_trace()
        states = self.states(x, trace.mask_of(x), trace.training)
        outputs = slice_axis(states, 2, 0, self.units)
        if self.return_sequences:
            return outputs
        trace.mask = None
        last = 0 if self.reverse else x.shape[1] - 1
        return reshape(slice_axis(outputs, 1, last, last + 1), (x.shape[0], self.units))

    def describe(self) -> str:
        """Return LSTM, 64 units, whole sequence."""
        units = f"{type(self).__name__}, {self.units} {plural(self.units, 'unit')}"
        whole = ", whole sequence" if self.return_sequences else ""
        return f"{units}{whole}{', backwards' if self.reverse else ''}"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(3), (4, 2)
        yield cls(2, return_sequences=True), (3, 3)
        yield cls(2, reverse=True), (1, 1)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(0), (4, 2)
        yield lambda: cls(2.5), (4, 2)  # type: ignore[arg-type]
        yield lambda: cls(3), (4,)
        yield lambda: cls(3), (0, 2)
        yield lambda: cls(3), (2, 0)
        yield lambda: cls(3, return_sequences="yes"), (4, 2)  # type: ignore[arg-type]
        yield lambda: cls(3, reverse=1), (4, 2)  # type: ignore[arg-type]


@dataclass(frozen=True)
class RNN(Recurrent):
    """A plain recurrent layer: h' = f(x W + h U + b) at each step (Elman, 1990).

    x: (batch, time, features) → (batch, units), h after the last step, or with `return_sequences`
    (batch, time, units). W: (features, units), U: (units, units), b: (units,). h starts at 0.
    `reverse`: from the last step to the first. `activation`: f, "tanh" or "relu". Steps that the
    mask leaves out change nothing.

    Raises ArgumentError for units below 1, ShapeError for an input without time or features.

    >>> import misstep as ms
    >>> ms.Network(ms.nn.RNN(3), input_shape=(10, 2)).parameter_count  # 2 × 3, 3 × 3 and 3
    18
    """

    activation: str = "tanh"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.activation not in FUNCTIONS:
            raise ArgumentError(
                "activation of RNN",
                needed=" or ".join(map(repr, FUNCTIONS)),
                got=repr(self.activation),
            )

    def states(self, x: Value, mask: Value | None, training: bool) -> Value:
        """Return h at each step."""
        return rnn(
            x,
            *self.weights(x.shape[2]),
            mask=mask,
            reverse=self.reverse,
            training=training,
            activation=self.activation,
        )

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield from super().bad_examples()
        yield lambda: cls(3, activation="sine"), (4, 2)


@dataclass(frozen=True)
class GRU(Recurrent):
    """A layer of gated recurrent units (Cho and others, 2014), as PyTorch places the reset gate.

    x: (batch, time, features) → (batch, units), h after the last step, or with `return_sequences`
    (batch, time, units). At each step r = σ(x Wᵣ + h Uᵣ + bᵣ), z = σ(x W_z + h U_z + b_z),
    n = tanh(x Wₙ + bₙ + r ∘ (h Uₙ + c)) and h' = (1 − z) ∘ n + z ∘ h; h starts at 0. W:
    (features, 3 · units), U: (units, 3 · units), b: (3 · units,), in the order r, z, n; c:
    (units,). `reverse`: from the last step to the first. `reset_first`: n = tanh(x Wₙ + bₙ +
    (r ∘ h) Uₙ), as in the paper, and no c. Steps that the mask leaves out change nothing.

    Raises ArgumentError for units below 1, ShapeError for an input without time or features.

    >>> import misstep as ms
    >>> ms.Network(ms.GRU(3), input_shape=(10, 2)).output_shape
    (3,)
    """

    reset_first: bool = False
    gates = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_switch("reset_first of GRU", self.reset_first)

    def states(self, x: Value, mask: Value | None, training: bool) -> Value:
        """Return h at each step."""
        weight, recurrent, bias = self.weights(x.shape[2])
        second = None
        if not self.reset_first:
            second = self.parameter("recurrent_bias", (self.units,), Zeros(), regularized=False)
        return gru(
            x,
            weight,
            recurrent,
            bias,
            second,
            mask=mask,
            reverse=self.reverse,
            training=training,
            reset_first=self.reset_first,
        )

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield from super().examples()
        yield cls(3, reset_first=True), (4, 2)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield from super().bad_examples()
        yield lambda: cls(3, reset_first="yes"), (4, 2)  # type: ignore[arg-type]


@dataclass(frozen=True)
class LSTM(Recurrent):
    """A layer of long short-term memory (Hochreiter and Schmidhuber, 1997; Gers and others, 2000).

    x: (batch, time, features) → (batch, units), h after the last step, or with `return_sequences`
    (batch, time, units). At each step i, f and o are σ(x W + h U + b) and g is tanh(x W + h U + b),
    each of its own columns; c' = f ∘ c + i ∘ g and h' = o ∘ tanh(c'); h and c start at 0. W:
    (features, 4 · units), U: (units, 4 · units), b: (4 · units,), in the order i, f, g, o; that of
    the forget gate starts at 1, so that it remembers at first (Jozefowicz and others, 2015).
    `reverse`: from the last step to the first. `peepholes`: gates see the cell as well, i and f
    p ∘ c, o p ∘ c' (Gers and Schmidhuber, 2000); p: (3 · units,), in the order i, f, o. Steps that
    the mask leaves out change nothing.

    Raises ArgumentError for units below 1, ShapeError for an input without time or features.

    >>> import misstep as ms
    >>> network = ms.Sequential(ms.LSTM(8, return_sequences=True), ms.LSTM(4), ms.Dense(1))
    >>> ms.Network(network, input_shape=(10, 2)).output_shape
    (1,)
    """

    peepholes: bool = False
    gates = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_switch("peepholes of LSTM", self.peepholes)

    def states(self, x: Value, mask: Value | None, training: bool) -> Value:
        """Return h and c at each step."""
        weights = self.weights(x.shape[2])
        peepholes = None
        if self.peepholes:
            peepholes = self.parameter("peepholes", (3 * self.units,), Zeros(), regularized=False)
        return lstm(
            x, *weights, mask=mask, reverse=self.reverse, training=training, peepholes=peepholes
        )

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield from super().examples()
        yield cls(3, peepholes=True), (4, 2)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield from super().bad_examples()
        yield lambda: cls(3, peepholes=1), (4, 2)  # type: ignore[arg-type]

    def first_bias(self) -> Initializer:
        """Return 1 for the forget gate, 0 for the others."""
        return ForgetGateBias()


class Bidirectional(Sequential):
    """A recurrent layer and its mirror image, which reads backwards (Schuster and Paliwal, 1997).

    x: (batch, time, features) → (batch, 2 · units), or (batch, time, 2 · units) for a layer that
    gives back whole sequences: the outputs of both side by side, each at the step that it belongs
    to. The mirror image has weights of its own. The mask holds for both.

    Raises ArgumentError for what is no recurrent layer, or reads backwards already.

    >>> import misstep as ms
    >>> ms.Network(ms.nn.Bidirectional(ms.LSTM(8)), input_shape=(10, 2)).output_shape
    (16,)
    """

    def __init__(self, *layers: Module) -> None:
        super().__init__(*layers)
        fits = len(layers) == 1 and isinstance(layers[0], Recurrent) and not layers[0].reverse
        if not fits:
            raise ArgumentError(
                "Bidirectional",
                needed="one recurrent layer that reads forwards",
                got=", ".join(map(repr, layers)) or "none",
                try_="ms.nn.Bidirectional(ms.LSTM(64))",
            )
        self.onward: Recurrent = layers[0]  # type: ignore[assignment]
        self.backward = replace(self.onward, reverse=True)

    def children(self) -> Iterator[tuple[str, Module]]:
        """Yield both layers."""
        yield "forward", self.onward
        yield "backward", self.backward

    def forward(self, x: Value) -> Value:
        """Return the outputs of both side by side."""
        trace = current_trace()
        mask = trace.mask
        first = self.onward(x)
        trace.mask = mask
        return concatenate([first, self.backward(x)], axis=-1)

    def describe(self) -> str:
        """Return both ways: LSTM, 64 units."""
        return f"both ways: {self.onward.describe()}"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(LSTM(2)), (3, 2)
        yield cls(GRU(2, return_sequences=True)), (2, 2)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(), (3, 2)
        yield lambda: cls(LSTM(2), LSTM(2)), (3, 2)
        yield lambda: cls(LSTM(2, reverse=True)), (3, 2)
        yield lambda: cls(Sequential(LSTM(2))), (3, 2)
        yield lambda: cls(LSTM(2)), (3,)
