"""Pass: a convolution over three axes of space or more becomes a sum of ones over fewer.

Kernels loop over two axes of space. The first axis is taken out: for each entry that a window has
along it, every place along it that is seen there becomes an example of its own, and a convolution
over the axes that are left goes by that entry's part of the weights. The gradient of the weights
falls into these parts in the same way. Changes bits: a sum over a window is one of several sums.
"""

from __future__ import annotations

from misstep.compiler.passes.rewriting import Rewriting
from misstep.compiler.passes.rules import Rules
from misstep.ir import Graph, Value, make_input
from misstep.ops import convolution
from misstep.ops.arithmetic import Add
from misstep.ops.convolution import Convolution, WindowProducts
from misstep.ops.pieces import Concatenate, Slice

# As many as kernels loop over (codegen/kernels/windows.py).
MOST_AXES = 2

split_space = Rules(
    "split_space", "convolutions over many axes are sums of ones over two", exact=False
)


def _seen_at(here: Rewriting, op: Convolution | WindowProducts, x: Value, entry: int) -> Value:
    """Return what windows see at one entry of their first axis, its places as examples."""
    positions = op.positions(x.type)[0]
    start = entry * op.dilation[0]
    stops = (x.shape[0], start + (positions - 1) * op.stride[0] + 1, *x.shape[2:])
    ones = (1,) * (x.ndim - 2)
    cut = Slice((0, start, *(0,) * (x.ndim - 2)), stops, (1, op.stride[0], *ones))
    seen = here.make(cut, x)
    return here.reshape(seen, (seen.shape[0] * seen.shape[1], *seen.shape[2:]))


@split_space.on(Convolution)
def convolution_split(here: Rewriting, value: Value) -> Value | None:
    """The sum, over the entries of a window's first axis, of convolutions over the others."""
    op = value.op
    assert isinstance(op, Convolution)
    if len(op.window) <= MOST_AXES:
        return None
    x, weight = value.inputs
    rows, filters = weight.shape[0] // op.window[0], weight.shape[1]
    over_rest = Convolution(op.window[1:], op.stride[1:], op.dilation[1:])
    total: Value | None = None
    for entry in range(op.window[0]):
        part = Slice((entry * rows, 0), ((entry + 1) * rows, filters), (1, 1))
        share = here.make(over_rest, _seen_at(here, op, x, entry), here.make(part, weight))
        total = share if total is None else here.make(Add(), total, share)
    assert total is not None
    return here.reshape(total, value.shape)


@split_space.on(WindowProducts)
def window_products_split(here: Rewriting, value: Value) -> Value | None:
    """For each entry of a window's first axis the products over the others, one below the other."""
    op = value.op
    assert isinstance(op, WindowProducts)
    if len(op.window) <= MOST_AXES:
        return None
    x, upstream = value.inputs
    examples = here.reshape(upstream, (upstream.shape[0] * upstream.shape[1], *upstream.shape[2:]))
    over_rest = WindowProducts(op.window[1:], op.stride[1:], op.dilation[1:])
    parts = [
        here.make(over_rest, _seen_at(here, op, x, entry), examples)
        for entry in range(op.window[0])
    ]
    return parts[0] if len(parts) == 1 else here.make(Concatenate(0), *parts)


@split_space.example
def _() -> Graph:
    x, weight = make_input("x", (2, 5, 4, 4, 1)), make_input("weight", (2, 1, 1, 1, 3))
    return Graph(convolution(x * x, weight * weight, stride=(2, 1, 1)))


@split_space.example
def _() -> Graph:
    x, upstream = make_input("x", (1, 4, 2, 2, 2, 1)), make_input("upstream", (1, 2, 1, 1, 1, 4))
    products = WindowProducts((2, 2, 2, 2), (1,) * 4, (2, 1, 1, 1))
    return Graph(products(x * x, upstream * upstream))
