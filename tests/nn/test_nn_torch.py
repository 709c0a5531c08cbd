"""Activations, losses and a whole network beside PyTorch's own, values and gradients.

PyTorch is no dependency of this project; `tests/optim/test_optimizers_torch.py` says how to run
these where it is. `test_activations.py` and `test_losses.py` check the same against formulas.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from misstep import ops
from misstep.autodiff import gradient
from misstep.ir import Array, Value, evaluate, make_literal, make_parameter
from misstep.nn import Activation, Dense, Network, Residual, Sequential, Tanh, registered_layers
from misstep.nn.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Loss,
    SquaredError,
    registered_losses,
)

torch: Any = pytest.importorskip(
    "torch", reason="PyTorch is no dependency; tests/optim/test_optimizers_torch.py says more"
)
functions = torch.nn.functional

CLOSE = {"rtol": 1e-11, "atol": 1e-13}
# PyTorch's slope of a hard sigmoid is 1/6 as float32 has it, in float64 too.
ROUNDED, IN_FLOAT32 = {"HardSigmoid"}, {"rtol": 1e-7, "atol": 1e-8}
ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "CELU": functions.celu,
    "ELU": functions.elu,
    "GELU": functions.gelu,
    "HardSigmoid": functions.hardsigmoid,
    "HardSwish": functions.hardswish,
    "HardTanh": functions.hardtanh,
    "LeakyReLU": functions.leaky_relu,
    "Mish": functions.mish,
    "ReLU": functions.relu,
    "SELU": functions.selu,
    "SiLU": functions.silu,
    "Sigmoid": torch.sigmoid,
    "Softmax": lambda x: torch.softmax(x, -1),
    "Softplus": functions.softplus,
    "Softsign": functions.softsign,
    "Tanh": torch.tanh,
    "ThresholdedReLU": lambda x: functions.threshold(x, 1.0, 0.0),
}


def ours(function: Callable[[Value], Value], x: Array, upstream: Array) -> tuple[Array, Array]:
    value = make_parameter(x, "x")
    y = function(value)
    found, slope = evaluate([y, gradient(ops.sum(y * upstream), value)])
    return found, slope


def theirs(function: Callable[[Any], Any], x: Array, upstream: Array) -> tuple[Array, Array]:
    value = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    y = function(value)
    (y * torch.tensor(upstream)).sum().backward()
    return y.detach().numpy(), value.grad.numpy()


def test_every_activation_and_loss_has_a_twin() -> None:
    kinds = registered_layers()
    assert set(ACTIVATIONS) == {
        name for name, kind in kinds.items() if issubclass(kind, Activation)
    }
    assert {type(loss) for loss, _ in LOSSES} == set(registered_losses().values())


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_beside_pytorch(name: str) -> None:
    random = np.random.default_rng(0)
    # Zeros too: the slope at a kink is PyTorch's. Beyond 20 its softplus gives x, 2e-9 off ours.
    x = np.concatenate([random.normal(0, 4, (30, 5)).clip(-20, 20), np.zeros((1, 5))])
    upstream = random.normal(0, 1, x.shape)
    network = Network(registered_layers()[name](), (5,), dtype="float64")
    empty = make_literal(np.zeros(0), "float64")
    found, slope = ours(lambda value: network.apply(value, empty)[0], x, upstream)
    value, other = theirs(ACTIVATIONS[name], x, upstream)
    np.testing.assert_allclose(found, value, **CLOSE)
    np.testing.assert_allclose(slope, other, **(IN_FLOAT32 if name in ROUNDED else CLOSE))


def cross_entropy(weights: tuple[float, ...] | None = None) -> Callable[..., Any]:
    # PyTorch divides by the sum of the weights as ours does.
    given = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    return lambda p, y: functions.cross_entropy(p, y, weight=given)


LOSSES: list[tuple[Loss, Callable[..., Any]]] = [
    (SquaredError(), functions.mse_loss),
    (AbsoluteError(), functions.l1_loss),
    (Huber(), functions.huber_loss),
    (Huber(0.3), lambda p, y: functions.huber_loss(p, y, delta=0.3)),
    (BinaryCrossEntropy(), functions.binary_cross_entropy_with_logits),
    (CrossEntropy(), cross_entropy()),
    (CrossEntropy((0.5, 2.0, 1.0)), cross_entropy((0.5, 2.0, 1.0))),
]


@pytest.mark.parametrize(("loss", "other"), LOSSES, ids=str)
@pytest.mark.parametrize("size", [1.0, 30.0])
def test_losses_beside_pytorch(loss: Loss, other: Callable[..., Any], size: float) -> None:
    random = np.random.default_rng(1)
    p = random.normal(0, size, (8, 3))
    y = random.normal(0, size, (8, 3))
    if isinstance(loss, CrossEntropy):
        y = random.integers(0, 3, 8)
    elif isinstance(loss, BinaryCrossEntropy):
        y = random.uniform(0, 1, (8, 3))
    target = make_literal(y, y.dtype.name)
    found = ours(lambda value: loss(value, target), p, np.ones(()))
    expected = theirs(lambda value: other(value, torch.tensor(y)), p, np.ones(()))
    np.testing.assert_allclose(found[0], expected[0], **CLOSE)
    np.testing.assert_allclose(found[1], expected[1], **CLOSE)


def test_a_network_beside_pytorch() -> None:
    network = Network(
        Sequential(Dense(6), Tanh(), Residual(Dense(6), Tanh()), Dense(3)), (4,), dtype="float64"
    )
    random = np.random.default_rng(2)
    x, y = random.normal(0, 1, (9, 4)), random.integers(0, 3, 9)
    flat = make_parameter(network.parameters, "flat")
    raw, _ = network.apply(make_literal(x, "float64"), flat)
    loss = CrossEntropy()(raw, make_literal(y, "int64"))
    value, slope = evaluate([loss, gradient(loss, flat)])
    p = {name: torch.tensor(array, requires_grad=True) for name, array in network.arrays().items()}
    h = torch.tanh(torch.tensor(x) @ p["dense1.weight"] + p["dense1.bias"])
    h = h + torch.tanh(h @ p["residual1.dense1.weight"] + p["residual1.dense1.bias"])
    other = functions.cross_entropy(h @ p["dense2.weight"] + p["dense2.bias"], torch.tensor(y))
    other.backward()
    assert float(value) == pytest.approx(other.item(), rel=1e-13)
    joined = np.concatenate([one.grad.numpy().reshape(-1) for one in p.values()])
    np.testing.assert_allclose(slope, joined, **CLOSE)
