"""Normalizing, embedding and attention layers beside PyTorch's own, in float64.

Forward passes, gradients of inputs and parameters, running statistics; masks, shapes and settings
are generated. PyTorch is no dependency of this project; `tests/optim/test_optimizers_torch.py` says
how to run these where it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from misstep import ops
from misstep.autodiff import gradient
from misstep.ir import Array, Graph, Interpreter, Value, make_literal, make_parameter
from misstep.nn import (
    BatchNorm,
    Embedding,
    LayerNorm,
    Module,
    MultiHeadAttention,
    Network,
    RMSNorm,
    TransformerBlock,
)
from misstep.nn.tracing import current_trace

torch: Any = pytest.importorskip(
    "torch", reason="PyTorch is no dependency; tests/optim/test_optimizers_torch.py says more"
)

CLOSE = {"rtol": 1e-9, "atol": 1e-11}
CASES = 40


class Masked(Module):
    """A layer behind which a mask of sequences was set."""

    def __init__(self, layer: Module, mask: Array | None) -> None:
        self.layer = layer
        self.mask = mask

    def forward(self, x: Value) -> Value:
        if self.mask is not None and x.shape[0] == len(self.mask):
            current_trace().mask = make_literal(self.mask, x.dtype)
        return self.layer(x)


def ours(
    network: Network, x: Array, upstream: Array, training: bool = True
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return y, the gradient by x, buffers afterwards; and gradients by parameter."""
    floats = x.dtype.kind == "f"
    value = make_parameter(x, "x", "float64") if floats else make_literal(x, "int64")
    flat = make_parameter(network.parameters, "flat", "float64")
    y, trace = network.apply(value, flat, training=training)
    weighed = ops.sum(y * upstream)
    outputs = {"y": y, "flat": gradient(weighed, flat)}
    if floats:
        outputs["x"] = gradient(weighed, value)
    after = network.buffers_after(trace)
    if after is not None:
        outputs["buffers"] = after
    found = Interpreter(Graph(outputs)).run()
    return found, network.arrays(found["flat"])


def tensor(array: Array) -> Any:
    return torch.tensor(np.array(array), dtype=torch.float64)


def back(layer: Any, x: Array, upstream: Array, *more: Any, **settings: Any) -> tuple[Any, Any]:
    given = tensor(x).requires_grad_()
    y = layer(given, *more, **settings)
    (y * tensor(upstream)).sum().backward()
    return y.detach().numpy(), given.grad.numpy()


def drawn(network: Network, random: np.random.Generator) -> None:
    network.parameters[:] = random.normal(0.2, 0.7, network.parameter_count)


def put(into: Any, array: Array) -> None:
    with torch.no_grad():
        into.copy_(tensor(array))


@pytest.mark.parametrize("case", range(CASES))
def test_batch_norm(case: int) -> None:
    random = np.random.default_rng(case)
    features, rows = int(random.integers(1, 9)), int(random.integers(2, 12))
    middle = tuple(int(n) for n in random.integers(1, 5, case % 3))
    momentum, epsilon = float(random.uniform(0.01, 1)), float(10 ** random.uniform(-6, -1))
    network = Network(BatchNorm(momentum, epsilon), (*middle, features), dtype="float64")
    drawn(network, random)
    network.buffers[:] = random.uniform(0.5, 2, 2 * features)
    kind = (torch.nn.BatchNorm1d, torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)[len(middle)]
    other = kind(features, eps=epsilon, momentum=momentum, dtype=torch.float64)
    held = network.arrays()
    for name, into in {
        "scale": other.weight,
        "shift": other.bias,
        "mean": other.running_mean,
        "variance": other.running_var,
    }.items():
        put(into, held[name])
    front = (0, len(middle) + 1, *range(1, len(middle) + 1))
    behind = tuple(np.argsort(front))
    x = random.normal(random.normal(0, 3), random.uniform(0.5, 3), (rows, *middle, features))
    upstream = random.normal(0, 1, x.shape)
    for training in (True, False):
        other.train(training)
        other.zero_grad()
        found, slopes = ours(network, x, upstream, training)
        y, by_x = back(other, x.transpose(front), upstream.transpose(front))
        np.testing.assert_allclose(found["y"], y.transpose(behind), **CLOSE)
        np.testing.assert_allclose(found["x"], by_x.transpose(behind), **CLOSE)
        np.testing.assert_allclose(slopes["scale"], other.weight.grad, **CLOSE)
        np.testing.assert_allclose(slopes["shift"], other.bias.grad, **CLOSE)
        if training:
            network.buffers[:] = found["buffers"]
            running = torch.cat([other.running_mean, other.running_var])
            np.testing.assert_allclose(network.buffers, running, **CLOSE)


@pytest.mark.parametrize("case", range(CASES))
def test_layer_norm_and_rms_norm(case: int) -> None:
    random = np.random.default_rng(case)
    middle = tuple(int(n) for n in random.integers(1, 5, case % 3))
    features, epsilon = int(random.integers(2, 20)), float(10 ** random.uniform(-6, -1))
    x = random.normal(1, 2, (int(random.integers(1, 6)), *middle, features))
    upstream = random.normal(0, 1, x.shape)
    pairs: list[tuple[Module, Any]] = [
        (LayerNorm(epsilon), torch.nn.LayerNorm(features, epsilon, dtype=torch.float64))
    ]
    if hasattr(torch.nn, "RMSNorm"):
        pairs.append((RMSNorm(epsilon), torch.nn.RMSNorm(features, epsilon, dtype=torch.float64)))
    for layer, other in pairs:
        network = Network(layer, (*middle, features), dtype="float64")
        drawn(network, random)
        put(other.weight, network.arrays()["scale"])
        if isinstance(layer, LayerNorm):
            put(other.bias, network.arrays()["shift"])
        found, slopes = ours(network, x, upstream)
        y, by_x = back(other, x, upstream)
        np.testing.assert_allclose(found["y"], y, **CLOSE)
        np.testing.assert_allclose(found["x"], by_x, **CLOSE)
        np.testing.assert_allclose(slopes["scale"], other.weight.grad, **CLOSE)
        if isinstance(layer, LayerNorm):
            np.testing.assert_allclose(slopes["shift"], other.bias.grad, **CLOSE)


@pytest.mark.parametrize("case", range(CASES))
def test_embedding(case: int) -> None:
    random = np.random.default_rng(case)
    count, features = int(random.integers(1, 30)), int(random.integers(1, 8))
    padding = int(random.integers(0, count)) if case % 2 else None
    vectors = random.normal(0, 1, (count, features))
    network = Network(
        Embedding(count, features, padding=padding, vectors=vectors), (4,), dtype="float64"
    )
    other = torch.nn.Embedding(count, features, padding_idx=padding, dtype=torch.float64)
    put(other.weight, network.arrays()["vectors"])  # our padding row is zeros, as theirs starts
    x = random.integers(0, count, (int(random.integers(1, 9)), 4))
    upstream = random.normal(0, 1, (*x.shape, features))
    found, slopes = ours(network, x, upstream)
    y = other(torch.tensor(x))
    (y * tensor(upstream)).sum().backward()
    np.testing.assert_allclose(found["y"], y.detach().numpy(), **CLOSE)
    np.testing.assert_allclose(slopes["vectors"], other.weight.grad, **CLOSE)


def made_mask(random: np.random.Generator, rows: int, time: int) -> Array:
    """Return a mask of sequences of 1 to `time` steps."""
    lengths = random.integers(1, time + 1, rows)
    return (np.arange(time) < lengths[:, np.newaxis]).astype(float)


@pytest.mark.parametrize("case", range(CASES))
def test_attention(case: int) -> None:
    random = np.random.default_rng(case)
    heads = int(random.integers(1, 5))
    width, time, rows = (int(n) for n in random.integers(1, 6, 3))
    features, bias, causal = heads * width, case % 4 != 0, case % 3 == 0
    mask = made_mask(random, rows, time) if case % 2 else None
    layer = MultiHeadAttention(heads, causal=causal, bias=bias)
    network = Network(Masked(layer, mask), (time, features), dtype="float64")
    drawn(network, random)
    held = {name.removeprefix("layer."): one for name, one in network.arrays().items()}
    other = torch.nn.MultiheadAttention(
        features, heads, bias=bias, batch_first=True, dtype=torch.float64
    )
    put(other.in_proj_weight, held["input_weight"].T)
    put(other.out_proj.weight, held["output_weight"].T)
    if bias:
        put(other.in_proj_bias, held["input_bias"])
        put(other.out_proj.bias, held["output_bias"])
    x = random.normal(0, 1, (rows, time, features))
    upstream = random.normal(0, 1, x.shape)
    if mask is not None:
        upstream *= mask[..., np.newaxis]
    found, slopes = ours(network, x, upstream)
    hidden = None if mask is None else torch.tensor(mask == 0)
    later = torch.triu(torch.ones(time, time, dtype=torch.bool), 1) if causal else None

    def attend(given: Any) -> Any:
        return other(
            given, given, given, key_padding_mask=hidden, attn_mask=later, need_weights=False
        )[0]

    y, by_x = back(attend, x, upstream)
    np.testing.assert_allclose(found["y"], y, **CLOSE)
    np.testing.assert_allclose(found["x"], by_x, **CLOSE)
    np.testing.assert_allclose(slopes["layer.input_weight"].T, other.in_proj_weight.grad, **CLOSE)
    np.testing.assert_allclose(slopes["layer.output_weight"].T, other.out_proj.weight.grad, **CLOSE)
    if bias:
        np.testing.assert_allclose(slopes["layer.input_bias"], other.in_proj_bias.grad, **CLOSE)
        np.testing.assert_allclose(slopes["layer.output_bias"], other.out_proj.bias.grad, **CLOSE)


NAMES = {
    "attention.input_weight": "self_attn.in_proj_weight",
    "attention.input_bias": "self_attn.in_proj_bias",
    "attention.output_weight": "self_attn.out_proj.weight",
    "attention.output_bias": "self_attn.out_proj.bias",
    "attention_norm.scale": "norm1.weight",
    "attention_norm.shift": "norm1.bias",
    "dense_norm.scale": "norm2.weight",
    "dense_norm.shift": "norm2.bias",
    "hidden_weight": "linear1.weight",
    "hidden_bias": "linear1.bias",
    "output_weight": "linear2.weight",
    "output_bias": "linear2.bias",
}


@pytest.mark.parametrize("case", range(CASES))
def test_transformer_block(case: int) -> None:
    random = np.random.default_rng(case)
    heads, width, time, rows = (int(n) for n in random.integers(1, 5, 4))
    features, hidden = heads * width, int(random.integers(1, 12))
    activation, first = ("gelu", "relu")[case % 2], case % 4 < 2
    mask = made_mask(random, rows, time) if case % 3 else None
    layer = TransformerBlock(heads, hidden, activation=activation, norm_first=first, epsilon=1e-3)
    network = Network(Masked(layer, mask), (time, features), dtype="float64")
    drawn(network, random)
    other = torch.nn.TransformerEncoderLayer(
        features,
        heads,
        hidden,
        0.0,
        activation,
        1e-3,
        batch_first=True,
        norm_first=first,
        dtype=torch.float64,
    )
    theirs = dict(other.named_parameters())
    held = network.arrays()
    assert {f"layer.{name}" for name in NAMES} == set(held)
    assert set(NAMES.values()) == set(theirs)
    for name, twin in NAMES.items():
        put(theirs[twin], held[f"layer.{name}"].T)
    x = random.normal(0, 1, (rows, time, features))
    upstream = random.normal(0, 1, x.shape)
    if mask is not None:
        upstream *= mask[..., np.newaxis]
    found, slopes = ours(network, x, upstream)
    hidden_steps = None if mask is None else torch.tensor(mask == 0)
    y, by_x = back(other, x, upstream, src_key_padding_mask=hidden_steps)
    np.testing.assert_allclose(found["y"], y, **CLOSE)
    np.testing.assert_allclose(found["x"], by_x, **CLOSE)
    for name, twin in NAMES.items():
        np.testing.assert_allclose(slopes[f"layer.{name}"].T, theirs[twin].grad, **CLOSE)
