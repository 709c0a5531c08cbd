"""Recurrent layers (LSTM or GRU) over a sequence, and a dense layer on the last step.

Gates lie in PyTorch's order (LSTM: input, forget, cell, output; GRU: reset, update, new), and GRU's
reset gate acts after the recurrent product, as in PyTorch and cuDNN. Each gate has one bias, and
GRU's new gate a second one inside the reset gate's reach. PyTorch has two for each gate; where they
only add up, the second is held at 0, since trained it would double the first one's steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from benchmarks.networks.family import Family, Product, Weights, dense_product, glorot

if TYPE_CHECKING:
    import torch

    import misstep as ms

GATES = {"LSTM": 4, "GRU": 3}
# Steps that JAX's scan writes out in a row: for the LSTM the fastest of 1, 2, 5, 10 and 25.
UNROLLED = 5


@dataclass(frozen=True)
class Recurrent(Family):
    """`cell`: LSTM or GRU, `layers` of them; x: (batch, steps, features) → (batch, 1)."""

    cell: str
    features: int
    units: int
    steps: int
    layers: int = 1

    kind: ClassVar[str] = "recurrent"
    # nn.LSTM and nn.GRU are one call of a library each, which torch.compile leaves as it is.
    torch_whole: ClassVar[bool] = False

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        """Return what misstep must have."""
        return (self.cell,)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Return (steps, features)."""
        return (self.steps, self.features)

    @property
    def outputs(self) -> int:
        """Return 1."""
        return 1

    def products(self, batch: int) -> list[Product]:
        """Return those of inputs, of states (the first one's zeros too) and the dense layer."""
        places, gates = batch * self.steps, GATES[self.cell] * self.units
        products = [dense_product(places, self.features, gates, backward=1)]
        products += [dense_product(places, self.units, gates)] * (2 * self.layers - 1)
        return [*products, dense_product(batch, self.units, 1)]

    def weights(self, random: np.random.Generator, dtype: str) -> Weights:
        """Return weights of Glorot's spread and small biases."""
        gates, units = GATES[self.cell], self.units

        def biases(gates: int) -> Any:
            return random.normal(0.0, 0.1, gates * units).astype(dtype)

        made: Weights = {}
        for name in self._names:
            inputs = units if made else self.features
            made[f"{name}.weight"] = glorot(random, inputs, units, dtype, gates)
            made[f"{name}.recurrent"] = glorot(random, units, units, dtype, gates)
            made[f"{name}.bias"] = biases(gates)
            if self.cell == "GRU":
                made[f"{name}.recurrent_bias"] = biases(1)
        made["dense.weight"] = glorot(random, units, 1, dtype)
        made["dense.bias"] = np.zeros(1, dtype)
        return made

    @property
    def _names(self) -> list[str]:
        """Return what the weights of each layer begin with."""
        return ["recurrent", *(f"recurrent{number}" for number in range(1, self.layers))]

    def ours(self) -> ms.Module:
        """Return misstep's layers."""
        import misstep as ms

        layer = {"LSTM": ms.LSTM, "GRU": ms.GRU}[self.cell]
        below = [layer(self.units, return_sequences=True) for _ in range(self.layers - 1)]
        return ms.Sequential(*below, layer(self.units), ms.Dense(1))

    def torch_model(self, weights: Weights) -> torch.nn.Module:
        """Return PyTorch's module."""
        from torch import nn

        from benchmarks.networks import torch_parts as parts

        class LastStep(nn.Module):
            def __init__(self, layer: nn.RNNBase, dense: nn.Linear) -> None:
                super().__init__()
                self.layer, self.dense = layer, dense

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                outputs, _ = self.layer(x)
                return self.dense(outputs[:, -1])

        dtype = parts.tensor(weights["dense.weight"]).dtype
        layer = getattr(nn, self.cell)(
            self.features, self.units, self.layers, batch_first=True, dtype=dtype
        )
        for number, name in enumerate(self._names):
            _fill(layer, number, name, weights)
        return LastStep(layer, parts.linear(weights, "dense"))

    def jax_forward(
        self,
        parameters: Mapping[str, Any],
        running: Mapping[str, Any],
        x: Any,
        training: bool,
        key: Any = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Return the outputs; all inputs meet their weights in one product before the scan."""
        import jax
        import jax.numpy as jnp

        from benchmarks.networks import jax_parts as parts

        sigmoid, tanh = jax.nn.sigmoid, jnp.tanh

        def layer(name: str, x: Any) -> tuple[Any, Any]:
            """Return the last state, and those of all steps; x: (steps, batch, features)."""
            recurrent = parameters[f"{name}.recurrent"]
            own_bias = parameters.get(f"{name}.recurrent_bias")

            def lstm(state: Any, given: Any) -> tuple[Any, Any]:
                h, c = state
                i, f, g, o = jnp.split(given + h @ recurrent, 4, axis=-1)
                c = sigmoid(f) * c + sigmoid(i) * tanh(g)
                h = sigmoid(o) * tanh(c)
                return (h, c), h

            def gru(h: Any, given: Any) -> tuple[Any, Any]:
                inner = h @ recurrent
                (r, z, n), (hr, hz, hn) = jnp.split(given, 3, axis=-1), jnp.split(inner, 3, axis=-1)
                z = sigmoid(z + hz)
                n = tanh(n + sigmoid(r + hr) * (hn + own_bias))
                h = n + z * (h - n)
                return h, h

            given = x @ parameters[f"{name}.weight"] + parameters[f"{name}.bias"]
            zeros = jnp.zeros((x.shape[1], self.units), x.dtype)
            if self.cell == "LSTM":
                (last, _), all_steps = jax.lax.scan(lstm, (zeros, zeros), given, unroll=UNROLLED)
            else:
                last, all_steps = jax.lax.scan(gru, zeros, given, unroll=UNROLLED)
            return last, all_steps

        x = x.swapaxes(0, 1)
        for name in self._names:
            last, x = layer(name, x)
        return parts.dense(parameters, "dense", last), dict(running)


def _fill(layer: Any, number: int, name: str, weights: Weights) -> None:
    """Put the weights of a layer into the one of that number of PyTorch's `layer`."""
    from benchmarks.networks import torch_parts as parts

    def part(kind: str) -> Any:
        return getattr(layer, f"{kind}_l{number}")

    parts.fill(part("weight_ih"), weights[f"{name}.weight"].T)
    parts.fill(part("weight_hh"), weights[f"{name}.recurrent"].T)
    parts.fill(part("bias_ih"), weights[f"{name}.bias"])
    second, held = part("bias_hh"), np.zeros_like(weights[f"{name}.bias"])
    own = weights.get(f"{name}.recurrent_bias")
    if own is None:
        second.requires_grad_(False)
    else:
        held[-len(own) :] = own
        trained = parts.tensor((np.arange(len(held)) >= len(held) - len(own)).astype(held.dtype))
        second.register_hook(lambda gradient: gradient * trained)
    parts.fill(second, held)
