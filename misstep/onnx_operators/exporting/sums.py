"""What ops that gather many entries into one are in ONNX: reductions, products, windows, scans."""

from __future__ import annotations

from typing import Any

import numpy as np

from misstep.onnx_operators.exporting.maker import Maker, Twin, exports, has_no_words

has_no_words("draws by chance, in training alone", "random_rows", "random_uniform")
has_no_words("of many processes that train together", "sum_over_shards")


def axes_of(maker: Maker, value: Twin) -> str:
    """Return the name of the axes of a reduction, counted from the front."""
    count = value.operand(0).ndim
    return maker.constant(np.array([axis % count for axis in value.op.axes], "int64"))


def reduced(maker: Maker, operator: str, value: Twin, name: str, keep: bool | None = None) -> str:
    """Write a reduction along the axes of an op."""
    keep = value.op.keep if keep is None else keep
    return maker.node(
        operator, [name, axes_of(maker, value)], keepdims=int(keep), noop_with_empty_axes=1
    )


@exports("sum")
def sum_(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write ReduceSum; truth values are counted."""
    name = inputs[0]
    if value.operand(0).dtype == "bool":
        name = maker.cast(name, "int64")
    return reduced(maker, "ReduceSum", value, name)


@exports("max")
def max_(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write ReduceMax."""
    if not value.op.axes:
        return maker.node("Identity", inputs)
    return reduced(maker, "ReduceMax", value, inputs[0])


@exports("prod")
def prod(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write ReduceProd."""
    return reduced(maker, "ReduceProd", value, inputs[0])


@exports("cumsum")
def cumsum(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write CumSum."""
    axis = maker.number(value.op.axis % value.ndim, "int64")
    return maker.node("CumSum", [inputs[0], axis], reverse=int(value.op.reverse))


has_no_words("in ONNX from version 26 of its operators on", "cumprod")


@exports("log_sum_exp")
def log_sum_exp(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write ln Σ e^x, the largest taken out first."""
    if not value.op.axes:
        return maker.node("Identity", inputs)
    top = reduced(maker, "ReduceMax", value, inputs[0], keep=True)
    # An infinite largest would be infinity less infinity.
    endless = maker.node("Or", [_infinite(maker, top, value, 1), _infinite(maker, top, value, -1)])
    safe = maker.node("Where", [endless, maker.number(0.0, value.dtype), top])
    powers = maker.node("Exp", [maker.node("Sub", [inputs[0], safe])])
    total = maker.node("Log", [reduced(maker, "ReduceSum", value, powers, keep=True)])
    result = maker.node("Add", [total, safe])
    if value.op.keep:
        return result
    return maker.node("Squeeze", [result, axes_of(maker, value)])


def _infinite(maker: Maker, name: str, value: Twin, sign: int) -> str:
    return maker.node("Equal", [name, maker.number(sign * np.inf, value.dtype)])


@exports("argmax")
def argmax(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write ArgMax."""
    name = inputs[0]
    if value.operand(0).dtype in ("bool", "uint32"):
        name = maker.cast(name, "int64")
    axis = value.op.axis % value.operand(0).ndim
    return maker.node("ArgMax", [name], axis=axis, keepdims=0)


@exports("softmax")
def softmax(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write Softmax."""
    return maker.node("Softmax", inputs, axis=value.op.axis % value.ndim)


@exports("log_softmax")
def log_softmax(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write LogSoftmax."""
    return maker.node("LogSoftmax", inputs, axis=value.op.axis % value.ndim)


@exports("normalize")
def normalize(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write (x − mean) / √(variance + epsilon) along axes, scaled and shifted."""
    x, scale, shift = inputs
    mean = reduced(maker, "ReduceMean", value, x, keep=True)
    apart = maker.node("Sub", [x, mean])
    square = maker.node("Mul", [apart, apart])
    spread = reduced(maker, "ReduceMean", value, square, keep=True)
    epsilon = maker.number(value.op.epsilon, value.dtype)
    root = maker.node("Sqrt", [maker.node("Add", [spread, epsilon])])
    scaled = maker.node("Mul", [maker.node("Div", [apart, root]), scale])
    return maker.node("Add", [scaled, shift])


@exports("matrix_product")
def matrix_product(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write MatMul."""
    return maker.node("MatMul", inputs)


def _first(axes: int) -> tuple[int, ...]:
    return (0, axes + 1, *range(1, axes + 1))


def _last(axes: int) -> tuple[int, ...]:
    return (0, *range(2, axes + 2), 1)


@exports("convolution")
def convolution(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write Conv, which has channels before space."""
    op, axes = value.op, len(value.op.window)
    channels, filters = value.operand(0).shape[-1], value.operand(1).shape[-1]
    taps = maker.reshaped(inputs[1], [*((n, n) for n in op.window), channels, filters])
    weight = maker.transposed(taps, (axes + 1, axes, *range(axes)))
    result = maker.node(
        "Conv",
        [maker.transposed(inputs[0], _first(axes)), weight],
        kernel_shape=tuple(op.window),
        strides=tuple(op.stride),
        dilations=tuple(op.dilation),
    )
    return maker.transposed(result, _last(axes))


@exports("window_max")
def window_max(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write MaxPool."""
    op, axes = value.op, len(value.op.window)
    result = maker.node(
        "MaxPool",
        [maker.transposed(inputs[0], _first(axes))],
        kernel_shape=tuple(op.window),
        strides=tuple(op.stride),
    )
    return maker.transposed(result, _last(axes))


has_no_words("the gradient of a convolution's weights, in training alone", "window_products")


@exports("scan")
def scan(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write Scan; where it starts from stands before what it leaves."""
    op: Any = value.first.op
    other: Any = value.second.op
    sequences, dtype = op.sequences, value.dtype
    first, second = op.graph(dtype), other.graph(dtype)
    carry, *given = inputs
    inside = {0: maker.fresh("carry")}
    inside |= {place: maker.fresh("entry") for place in range(1, sequences + 1)}
    outside = dict(enumerate(given[sequences:], start=sequences + 1))
    carried = value.operand(0).shape[1]

    def outputs(body: Maker, made: list[str]) -> list[str]:
        step = body.node("Concat", made, axis=1) if len(made) > 1 else made[0]
        step = body.node("Identity", [step])
        onward = body.node(
            "Slice",
            [
                step,
                body.constant(np.array([0])),
                body.lengths([carried]),
                body.constant(np.array([1])),
            ],
        )
        return [onward, step]

    body = maker.body(first, second, inside | outside, outputs)
    body = type(body)(tuple(inside.values()), body.outputs, body.nodes, body.arrays)
    # Time goes first and forth, as all tools have it.
    turned = [maker.transposed(name, (1, 0, 2)) for name in given[:sequences]]
    turned = [maker.flipped(name, [0]) for name in turned] if op.reverse else turned
    steps = maker.several("Scan", [carry, *turned], 2, body=body, num_scan_inputs=sequences)[1]
    steps = maker.flipped(steps, [0]) if op.reverse else steps
    steps = maker.transposed(steps, (1, 0, 2))
    rows, _, columns = value.shape
    start = maker.reshaped(carry, [rows, (1, 1), carried])
    more = (columns[0] - carried[0], columns[1] - carried[1])
    if more[0]:
        zeros = maker.expanded(maker.number(0, dtype), [rows, (1, 1), more])
        start = maker.node("Concat", [start, zeros], axis=2)
    return maker.node("Concat", [steps, start] if op.reverse else [start, steps], axis=1)
