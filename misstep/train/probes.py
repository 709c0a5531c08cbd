"""Probes: what a look into the network measures of each layer, reduced to a few numbers of each.

They are extra outputs of a graph, so looking needs no hooks and keeps no activations alive. Knows
Values and the names of signals in `record/signals.py`; when to look is decided in `looks.py`.
"""

from __future__ import annotations

from misstep import ops
from misstep.ir import Value
from misstep.nn import Trace
from misstep.nn.module import Module
from misstep.ops import absolute, cast, concatenate, equal, logical_or, mean, reshape

# An entry counts as saturated within this share of the range from one of its bounds: there a
# sigmoid's slope is below 4 % of its largest, a tanh's below 4 %.
SATURATION_MARGIN = 0.01

# What is measured, by the name of the signal and that of the layer; one number each. Mean squares
# are among them, from which deviations over several batches follow.
Probes = dict[tuple[str, str], Value]
MEAN_SQUARE = "activation_mean_square"


def activation_probes(trace: Trace) -> Probes:
    """Return mean, mean square, and shares of zeros and of saturated entries for each layer."""
    probes: Probes = {}
    for path, output in trace.outputs.items():
        layer = trace.layers[path]
        if not isinstance(layer, Module) or output.ndim < 2 or output.size == 0:
            continue
        probes["activation_mean", path] = mean(output)
        # In float64, since squares of large numbers overflow float32.
        probes[MEAN_SQUARE, path] = mean(cast(output, "float64") ** 2)
        if layer.can_die:
            probes["zero_share", path] = mean(cast(equal(output, 0.0), output.dtype))
        if layer.bounds is not None:
            low, high = layer.bounds
            margin = SATURATION_MARGIN * (high - low)
            at_bound = logical_or(output < low + margin, output > high - margin)
            probes["saturated_share", path] = mean(cast(at_bound, output.dtype))
    return probes


def unit_peaks(trace: Trace) -> dict[str, Value]:
    """Return the largest size of each unit's output, (units,), for each layer whose units can die.

    A unit is an entry of the last axis: of a convolution a channel, wherever it looks.
    """
    peaks: dict[str, Value] = {}
    for path, output in trace.outputs.items():
        layer = trace.layers[path]
        if isinstance(layer, Module) and layer.can_die and output.ndim >= 2 and output.size:
            flat = reshape(absolute(output), (-1, output.shape[-1]))
            peaks[path] = ops.max(flat, 0)
    return peaks


def as_vector(probes: Probes) -> Value:
    """Return all probes as one vector of float64, in their order."""
    return concatenate([reshape(cast(value, "float64"), (1,)) for value in probes.values()])
