"""One pass of a network through Values: which parameters it asks for, what each layer gave.

A trace hands every layer its parameters (new placeholders on the first pass, parts of the flat
buffer later), its random numbers and the mode, training or evaluation. Knows modules by their path
only. Read `module.py` next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value, make_input
from misstep.nn.initializers import Initializer
from misstep.ops import random_uniform

_state = threading.local()


@dataclass(frozen=True)
class ParameterSpecification:
    """What a layer asked for: the parameter's path, shape, first numbers and number of inputs.

    `fan_in` and `fan_out`: how many inputs one output sums over, and how many outputs one input
    reaches; initializers scale by them. `penalized`: whether L1 and L2 apply (weights, not biases).
    """

    name: str
    shape: tuple[int, ...]
    initializer: Initializer
    fan_in: int
    fan_out: int
    penalized: bool


@dataclass
class Trace:
    """The state of one pass. `paths` maps the id of a module to its path in the network.

    `supply` returns the Value of a parameter by its specification; without it placeholders are
    made. `seed` and `step` are int64 Values from which training draws random numbers.
    """

    paths: dict[int, str]
    training: bool
    dtype: str
    supply: Callable[[ParameterSpecification], Value] | None = None
    seed: Value | None = None
    step: Value | None = None
    parameters: dict[str, ParameterSpecification] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    outputs: dict[str, Value] = field(default_factory=dict)
    layers: dict[str, object] = field(default_factory=dict)
    # The layer that takes the current layer's output: a Dense draws its weights to suit it.
    following: object | None = None
    # (batch, time) numbers of the network's kind: 1 where an entry of a sequence counts, 0 where it
    # fills up a shorter one; None where all count. Set by layers that know, dropped by layers that
    # give back no time axis, heeded by layers that sum, compare or remember along it.
    mask: Value | None = None
    _streams: int = 0

    def parameter(self, wanted: ParameterSpecification) -> Value:
        """Return the Value of a parameter; a layer used twice gets the same one twice.

        Raises ShapeError when a layer used twice asks for different shapes.
        """
        known = self.parameters.get(wanted.name)
        if known is not None:
            if known.shape != wanted.shape:
                raise ShapeError(
                    f"the parameter {wanted.name}, which is used more than once",
                    needed=f"shape {known.shape} each time",
                    got=str(wanted.shape),
                )
            return self.values[wanted.name]
        self.parameters[wanted.name] = wanted
        if self.supply is None:
            value = make_input(wanted.name, wanted.shape, self.dtype)
        else:
            value = self.supply(wanted)
        self.values[wanted.name] = value
        return value

    def random_uniform(self, shape: tuple[int, ...]) -> Value:
        """Return random numbers from 0 up to but not 1, new at each step and for each layer."""
        if self.seed is None or self.step is None:
            raise ArgumentError("random numbers in a network", needed="a trace with seed and step")
        self._streams += 1
        return random_uniform(shape, self.seed, self.step, self._streams, self.dtype)


def current_trace() -> Trace:
    """Return the pass going on. Raises ArgumentError outside of one."""
    trace: Trace | None = getattr(_state, "trace", None)
    if trace is None:
        raise ArgumentError(
            "calling a layer by itself",
            needed="a network that knows its shapes",
            got="a call outside of one",
            try_="ms.Trainer(network, ...).fit(x, y), or ms.Network(network, shape).predict(x)",
        )
    return trace


@contextmanager
def tracing(trace: Trace) -> Iterator[Trace]:
    """Let layers called inside belong to `trace`."""
    before = getattr(_state, "trace", None)
    _state.trace = trace
    try:
        yield trace
    finally:
        _state.trace = before
