"""How hard each row is for a network as it is: its loss, and how strongly it would pull.

The gradient of a weighted sum x W + b by W and b is, for one row, x times the gradient by the sum:
its norm is √((‖x‖² + 1) · ‖δ‖²). Both stand in one pass forward and back to the last weighted sums,
so no row needs a pass of its own. Knows networks and losses; not who reads the scores.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import NamedTuple

from misstep import ops
from misstep.autodiff import gradient
from misstep.ir import Array, Value, make_input
from misstep.ir.value import ancestors
from misstep.nn import Dense, Network, Program, Trace
from misstep.nn.inference import Inference, KeptPrograms, make_target
from misstep.nn.losses import Loss
from misstep.ops import concatenate, matmul, reshape, sqrt, transpose
from misstep.ops.contraction import swap_last


class RowScores(NamedTuple):
    """What `Trainer.row_scores` returns.

    `losses`: of each row, (rows,), without its weight. `gradient_norms`: (rows,), the norm of the
    gradient of that loss by all weights and biases of the last dense layer (of each member, where
    an ensemble has several); of a network without dense layers, by its raw outputs.
    """

    losses: Array
    gradient_norms: Array


class RowScoring(Inference):
    """Scores rows by a network as it is, compiled, in chunks; made by `scores_of`."""

    def __init__(self, network: Network, compiling: bool) -> None:
        super().__init__(KeptPrograms(compiling), network._forward, network.feeds())
        self._network = network

    def score(self, x: Array, y: Array, loss: Loss, threads: int | None) -> RowScores:
        """Return the scores of checked rows."""
        out = self._run(lambda rows: self._program(rows, loss), {"x": x, "y": y}, threads)
        losses, norms = (out[name].astype("float64") for name in ("losses", "gradient_norms"))
        return RowScores(losses, norms)

    def _program(self, rows: int, loss: Loss) -> Program:
        key = ("scores", self._kept.number_of(loss), rows)
        if key not in self._kept.programs:
            network = self._network
            flat = network.input_values()
            x = make_input("x", (rows, *network.input_shape), network.dtype)
            raw, trace = network.apply(x, flat["parameters"], buffers=flat.get("buffers"))
            y = make_target(loss, raw.shape, raw.dtype)
            loss.check(raw, y)
            losses = loss.per_row(raw, y)
            outputs = {"losses": losses, "gradient_norms": _gradient_norms(losses, raw, trace)}
            self._keep(key, outputs, [*flat.values(), x, y])
        return self._kept.programs[key]


def scores_of(
    network: Network,
    loss: Loss,
    x: Array,
    y: Array,
    *,
    compiling: bool = True,
    threads: int | None = None,
) -> RowScores:
    """Return the scores of rows `x` (rows, …), one or more, with answers `y`, both checked."""
    return RowScoring(network, compiling).score(x, y, loss, threads)


def _gradient_norms(losses: Value, raw: Value, trace: Trace) -> Value:
    """Return the norm of each row's gradient by the last dense layers, (rows,)."""
    rows = losses.shape[0]
    products = _last_products(raw, trace)
    values = [product for uses in products.values() for product in uses]
    # The sum over rows: each row's share of it depends on that row alone.
    slopes = dict(zip([raw, *values], gradient(ops.sum(losses), [raw, *values]), strict=True))
    squares = []
    for path, uses in products.items():
        layer = trace.layers[path]
        assert isinstance(layer, Dense)
        pairs = [(product.inputs[0], slopes[product]) for product in uses]
        squares.append(_square_of_layer(pairs, rows, layer.bias))
    if not squares:
        whole = reshape(slopes[raw], (rows, -1))
        squares.append(ops.sum(whole * whole, -1))
    return sqrt(reduce(add, squares))


def _last_products(raw: Value, trace: Trace) -> dict[str, list[Value]]:
    """Return the products with the weights of each last dense layer, by its path.

    Last is a layer of whose output no other dense layer makes anything.
    """
    weights = {
        trace.values[f"{path}.weight"]: path
        for path, layer in trace.layers.items()
        if isinstance(layer, Dense) and f"{path}.weight" in trace.values
    }
    uses: dict[str, list[Value]] = {}
    products = []
    for value in ancestors([raw]):
        if value.op is not None and value.op.name == "matrix_product":
            path = weights.get(value.inputs[1])
            if path is not None:
                uses.setdefault(path, []).append(value)
                products.append(value)
    before = set()
    for product in products:
        before |= set(ancestors(list(product.inputs)))
    return {
        path: found
        for path, found in uses.items()
        if any(product not in before for product in found)
    }


def _square_of_layer(pairs: list[tuple[Value, Value]], rows: int, bias: bool) -> Value:
    """Return Σₘ ‖Σₜ xₘₜ δₘₜᵀ‖² for each row, (rows,): over members m and times t.

    `pairs`: inputs and gradients of each use of the weights: (rows · times, features) each, or
    (members, rows, features) where each member has weights of its own.
    """
    inputs = [_by_rows(x, rows) for x, _ in pairs]
    gradients = [_by_rows(slope, rows) for _, slope in pairs]
    x = inputs[0] if len(inputs) == 1 else concatenate(inputs, 2)
    slope = gradients[0] if len(gradients) == 1 else concatenate(gradients, 2)
    # A bias is one more input, which is always 1.
    one = 1.0 if bias else 0.0
    times, width, units = x.shape[2], x.shape[3], slope.shape[3]
    if times == 1:
        squares = (ops.sum(x * x, (2, 3)) + one) * ops.sum(slope * slope, (2, 3))
    elif times * times <= width * units:
        # ‖Σₜ xₜ δₜᵀ‖² = Σₛₜ (xₛ·xₜ)(δₛ·δₜ)
        alike = matmul(x, swap_last(x)) + one
        squares = ops.sum(alike * matmul(slope, swap_last(slope)), (2, 3))
    else:
        whole, summed = matmul(swap_last(x), slope), ops.sum(slope, 2)
        squares = ops.sum(whole * whole, (2, 3)) + ops.sum(summed * summed, 2) * one
    return ops.sum(squares, 1)


def _by_rows(x: Value, rows: int) -> Value:
    """Return what went into or came of a product as (rows, members, times, features)."""
    if x.ndim == 3:
        members, _, features = x.shape
        return reshape(transpose(x, (1, 0, 2)), (rows, members, 1, features))
    return reshape(x, (rows, 1, x.shape[0] // rows, x.shape[-1]))
