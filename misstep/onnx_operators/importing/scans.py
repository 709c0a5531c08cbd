"""Scan and If: graphs inside of nodes."""

from __future__ import annotations

from misstep import ops
from misstep.ir import Value
from misstep.onnx_operators.importing.call import Call
from misstep.onnx_operators.importing.rules import imports
from misstep.onnx_operators.importing.shapes import axis_of

# Steps that are written down one by one, where a body is not of the form of a loop over rows.
MOST_STEPS = 512


@imports("If")
def choice(call: Call, condition: Value) -> tuple[Value, ...]:
    """Return what one of two graphs makes; which of them must be known."""
    branches = {True: call.graph("then_branch"), False: call.graph("else_branch")}
    chosen = call.known(condition, "a condition").reshape(-1)
    if chosen.size != 1:
        raise call.broken("one truth value", f"{chosen.size}")
    return tuple(call.apply(branches[bool(chosen[0])], {}))


@imports("Scan", since=9)
def scan(call: Call, *given: Value) -> tuple[Value, ...]:
    """Return the last states, and what each step left along an axis, of a graph applied in turn.

    Steps are written down one after the other.
    """
    body, sequences = call.graph("body"), call.whole("num_scan_inputs")
    states = len(given) - sequences
    left = len(body.outputs) - states
    fits = len(body.inputs) == len(given) and states >= 0 and left >= 0 and sequences > 0
    if call.version < 9 or not fits:
        raise call.broken("a body of as many inputs", f"{len(body.inputs)} for {len(given)}")
    axes = call.wholes("scan_input_axes", (0,) * sequences)
    back = call.wholes("scan_input_directions", (0,) * sequences)
    out_axes = call.wholes("scan_output_axes", (0,) * left)
    out_back = call.wholes("scan_output_directions", (0,) * left)
    if len({len(axes), len(back), sequences}) > 1 or len({len(out_axes), len(out_back), left}) > 1:
        raise call.broken("an axis and a direction for each", f"{axes}, {back}")
    entries = given[states:]
    places = [axis_of(call, one, axis) for one, axis in zip(entries, axes, strict=True)]
    counts = {one.shape[place] for one, place in zip(entries, places, strict=True)}
    if len(counts) != 1:
        raise call.broken("sequences of one length", f"{sorted(counts)}")
    (count,) = counts
    if not 0 < count <= MOST_STEPS:
        raise call.refusal(f"1 to {MOST_STEPS} steps", str(count))
    now = list(given[:states])
    kept: list[list[Value]] = [[] for _ in range(left)]
    for step in range(count):
        inside = dict(zip(body.inputs, now, strict=False))
        for name, one, place, turned in zip(
            body.inputs[states:], entries, places, back, strict=True
        ):
            at = count - 1 - step if turned else step
            entry = ops.slice_axis(one, place, at, at + 1)
            inside[name] = ops.reshape(entry, (*one.shape[:place], *one.shape[place + 1 :]))
        made = call.apply(body, inside)
        now = made[:states]
        for place, one in enumerate(made[states:]):
            kept[place].append(one)
    results = []
    for parts, axis, turned in zip(kept, out_axes, out_back, strict=True):
        at = axis % (parts[0].ndim + 1)
        apart = [
            ops.reshape(one, (*one.shape[:at], 1, *one.shape[at:]))
            for one in (parts[::-1] if turned else parts)
        ]
        results.append(ops.concatenate(apart, at))
    return (*now, *results)
