"""What ops that move, cut, join and look up entries are in ONNX."""

from __future__ import annotations

import numpy as np

from misstep.onnx_operators.exporting.maker import Maker, Pair, Twin, exports


@exports("reshape")
def reshape(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write Reshape."""
    return maker.reshaped(inputs[0], value.shape)


@exports("transpose")
def transpose(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write Transpose."""
    return maker.transposed(inputs[0], value.op.axes)


@exports("broadcast_to")
def broadcast_to(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write Expand."""
    return maker.expanded(inputs[0], value.shape)


@exports("flip")
def flip(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write a Slice that goes backwards."""
    return maker.flipped(inputs[0], [axis % value.ndim for axis in value.op.axes])


@exports("slice")
def slice_(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write Slice."""
    starts, stops, steps = (value.both(name) for name in ("starts", "stops", "steps"))
    whole = value.operand(0).shape
    cut = [
        axis
        for axis in range(value.ndim)
        if (starts[axis], stops[axis], steps[axis]) != ((0, 0), whole[axis], (1, 1))
    ]
    if not cut:
        return maker.node("Identity", inputs)
    chosen: list[str] = [
        maker.lengths([numbers[axis] for axis in cut]) for numbers in (starts, stops)
    ]
    axes = maker.constant(np.array(cut, "int64"))
    return maker.node(
        "Slice", [*inputs, *chosen, axes, maker.lengths([steps[axis] for axis in cut])]
    )


@exports("pad")
def pad(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write Pad; zeros between entries as an axis of their own for a while."""
    name, x = inputs[0], value.operand(0)
    shape = list(x.shape)
    zero = maker.number(0, value.dtype)
    for axis, between in enumerate(value.op.between):
        if not between or shape[axis][0] < 1:
            continue
        after: list[Pair] = [*shape[: axis + 1], (1, 1), *shape[axis + 1 :]]
        apart = maker.reshaped(name, after)
        widths = [0] * (2 * len(after))
        widths[len(after) + axis + 1] = between
        apart = maker.node("Pad", [apart, maker.constant(np.array(widths, "int64")), zero])
        first, second = shape[axis]
        shape[axis] = (first * (between + 1), second * (between + 1))
        joined = maker.reshaped(apart, shape)
        last: Pair = (shape[axis][0] - between, shape[axis][1] - between)
        name = maker.node(
            "Slice",
            [joined, maker.lengths([(0, 0)]), maker.lengths([last]), maker.lengths([(axis, axis)])],
        )
        shape[axis] = last
    widths_of = [*value.both("before"), *value.both("after")]
    if not any(a or b for a, b in widths_of):
        return name if name != inputs[0] else maker.node("Identity", [name])
    if value.dtype == "bool":
        whole = maker.node("Pad", [maker.cast(name, "int32"), maker.lengths(widths_of)])
        return maker.cast(whole, "bool")
    return maker.node("Pad", [name, maker.lengths(widths_of), zero])


@exports("concatenate")
def concatenate(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write Concat."""
    return maker.node("Concat", inputs, axis=value.op.axis % value.ndim)


@exports("gather")
def gather(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write Gather along the first axis."""
    return maker.node("Gather", [inputs[0], _whole(maker, value, inputs[1])], axis=0)


def _whole(maker: Maker, value: Twin, name: str) -> str:
    """Return positions in a kind of number that ONNX looks up by."""
    if value.operand(1).dtype in ("int32", "int64"):
        return name
    return maker.cast(name, "int64")


@exports("scatter_add")
def scatter_add(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write ScatterND that adds."""
    places = maker.cast(inputs[1], "int64")
    wide = maker.node("Unsqueeze", [places, maker.constant(np.array([-1], "int64"))])
    return maker.node("ScatterND", [inputs[0], wide, inputs[2]], reduction="add")


@exports("take_along_axis")
def take_along_axis(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write GatherElements along the last axis."""
    last = maker.constant(np.array([-1], "int64"))
    wide = maker.node("Unsqueeze", [_whole(maker, value, inputs[1]), last])
    axis = value.operand(0).ndim - 1
    found = maker.node("GatherElements", [inputs[0], wide], axis=axis)
    return maker.node("Squeeze", [found, last])


@exports("scatter")
def scatter(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write a comparison of places with positions, and a choice."""
    last = maker.constant(np.array([-1], "int64"))
    wide = maker.node("Unsqueeze", [maker.cast(inputs[1], "int64"), last])
    hits = maker.node("Equal", [wide, maker.constant(np.arange(value.op.width))])
    entry = maker.node("Unsqueeze", [inputs[0], last])
    return maker.node("Where", [hits, entry, maker.number(0, value.dtype)])


@exports("gather_elements")
def gather_elements(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write GatherElements, of no more than the positions have along other axes."""
    axis = value.op.axis % value.ndim
    others = [at for at in range(value.ndim) if at != axis]
    cut = [at for at in others if value.operand(0).shape[at] != value.shape[at]]
    x = inputs[0]
    if cut:
        starts, axes = ([(0, 0)] * len(cut), [(at, at) for at in cut])
        stops = [value.shape[at] for at in cut]
        x = maker.node("Slice", [x, *(maker.lengths(one) for one in (starts, stops, axes))])
    return maker.node("GatherElements", [x, _whole(maker, value, inputs[1])], axis=axis)


_REDUCTIONS = {"set": "none", "multiply": "mul", "minimum": "min", "maximum": "max"}


@exports("scatter_elements")
def scatter_elements(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write ScatterElements."""
    places = _whole(maker, value, inputs[1])
    return maker.node(
        "ScatterElements",
        [inputs[0], places, inputs[2]],
        axis=value.op.axis % value.ndim,
        reduction=_REDUCTIONS.get(value.op.how, value.op.how),
    )


@exports("argsort")
def argsort(maker: Maker, value: Twin, inputs: list[str]) -> str:
    """Write the positions of TopK, of all entries."""
    axis = value.op.axis % value.ndim
    count = maker.lengths([value.shape[axis]])
    largest = int(value.op.descending)
    return maker.several("TopK", [inputs[0], count], 2, axis=axis, largest=largest)[1]
