"""Probes: extra outputs of the training step, already reduced to a few numbers for each layer.

They are part of the graph, so watching needs no hooks and keeps no activations alive. Knows Values
and the names of signals in `record/signals.py`.
"""

from __future__ import annotations

from misstep import ops
from misstep.ir import Value
from misstep.nn import Network, Trace
from misstep.nn.module import Module
from misstep.ops import (
    absolute,
    cast,
    concatenate,
    equal,
    logical_or,
    mean,
    norm,
    reshape,
    slice_axis,
    sqrt,
    variance,
)

# An entry counts as saturated within this share of the range from one of its bounds: there a
# sigmoid's slope is below 4 % of its largest, a tanh's below 4 %.
SATURATION_MARGIN = 0.01


# What is measured, by the name of the signal and that of the layer or parameter; one number each.
Probes = dict[tuple[str, str], Value]


def gradient_probes(network: Network, before: Value, gradient: Value, after: Value) -> Probes:
    """Return the norms of gradient, weights and update for each parameter.

    `before`, `gradient`, `after`: flat, (parameters,).
    """
    probes: Probes = {}
    for slice_ in network.parameter_slices:
        name, entries = slice_.specification.name, (0, slice_.start, slice_.stop)
        old = slice_axis(before, *entries)
        probes["gradient_norm", name] = norm(slice_axis(gradient, *entries))
        probes["weight_norm", name] = norm(old)
        probes["update_norm", name] = norm(slice_axis(after, *entries) - old)
    return probes


def activation_probes(trace: Trace) -> Probes:
    """Return mean, deviation, share of dead units and of saturated entries for each layer."""
    probes: Probes = {}
    for path, output in trace.outputs.items():
        layer = trace.layers[path]
        if not isinstance(layer, Module) or output.ndim < 2 or output.size == 0:
            continue
        probes["activation_mean", path] = mean(output)
        probes["activation_deviation", path] = sqrt(variance(output))
        if layer.can_die:
            dead = equal(ops.max(absolute(output), 0), 0.0)
            probes["dead_share", path] = mean(cast(dead, output.dtype))
        if layer.bounds is not None:
            low, high = layer.bounds
            margin = SATURATION_MARGIN * (high - low)
            at_bound = logical_or(output < low + margin, output > high - margin)
            probes["saturated_share", path] = mean(cast(at_bound, output.dtype))
    return probes


def as_vector(probes: Probes) -> Value:
    """Return all probes as one vector, in their order."""
    return concatenate([reshape(value, (1,)) for value in probes.values()])
