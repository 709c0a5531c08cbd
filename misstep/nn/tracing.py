"""One pass of a network through Values: which parameters it asks for, what each layer gave.

A trace hands every layer its parameters (new placeholders on the first pass, slices of the flat
array later), its random numbers and the mode, training or evaluation. Knows modules by their path
only. Read `module.py` next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value, make_input
from misstep.nn.initializers import Initializer
from misstep.ops import random_rows, random_uniform, sum_over_shards

_state = threading.local()

# Layers that contain layers several times over may double at each level; a file of a few lines must
# not be a pass without end.
MOST_CALLS = 20_000


@dataclass(frozen=True)
class ParameterSpecification:
    """What a layer asked for: the parameter's path, shape, first numbers and number of inputs.

    `fan_in` and `fan_out`: how many inputs one output sums over, and how many outputs one input
    reaches; initializers scale by them. `regularized`: whether L1 and L2 apply (weights, not
    biases).
    """

    name: str
    shape: tuple[int, ...]
    initializer: Initializer
    fan_in: int
    fan_out: int
    regularized: bool


@dataclass(frozen=True)
class BufferSpecification:
    """What a layer asked for that is no parameter: numbers that no gradient moves.

    Training may say what they become (running means), evaluation reads them.
    """

    name: str
    shape: tuple[int, ...]
    initializer: Initializer


@dataclass(frozen=True)
class Shard:
    """The part of a batch that a pass is about. `first`: the number of its first row, int64.

    `rows`: how many it has; `whole`: how many the batch has.
    """

    rows: int
    whole: int
    first: Value


@dataclass
class Trace:
    """The state of one pass. `paths` maps the id of a module to its path in the network.

    `supply` returns the Value of a parameter or a buffer by its specification; without it
    placeholders are made. `seed` and `step` are int64 Values from which training draws random
    numbers.
    """

    paths: dict[int, str]
    training: bool
    dtype: str
    supply: Callable[[ParameterSpecification | BufferSpecification], Value] | None = None
    seed: Value | None = None
    step: Value | None = None
    parameters: dict[str, ParameterSpecification] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    buffers: dict[str, BufferSpecification] = field(default_factory=dict)
    # What each buffer is now, and those that this pass changed.
    current: dict[str, Value] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    # Values that hold positions below a number, whole ones of 0 or more.
    positions: dict[Value, int] = field(default_factory=dict)
    # What each layer got and gave in its first call, by path.
    inputs: dict[str, Value] = field(default_factory=dict)
    outputs: dict[str, Value] = field(default_factory=dict)
    layers: dict[str, object] = field(default_factory=dict)
    # Which Values each call of a layer made, by path and serials; calls inside others come first.
    calls: list[tuple[str, int, int]] = field(default_factory=list)
    # The layer that takes the current layer's output: a Dense draws its weights to suit it.
    following: object | None = None
    # (batch, time) numbers of the network's dtype: 1 where an entry of a sequence counts, 0 where
    # it fills up a shorter one; None where all count. Set by layers that know, dropped by layers
    # that give back no time axis, heeded by layers that sum, compare or remember along it.
    mask: Value | None = None
    # Which layers and parameters training leaves as they are, by path; None: it moves all.
    frozen: Callable[[str], bool] | None = None
    # The part of the batch that this pass has; None: it has the whole batch.
    shard: Shard | None = None
    # In what products of dense layers take their operands: float32 or bfloat16.
    precision: str = "float32"
    _streams: int = 0
    _calls: int = 0
    _numbers: int = 0

    def parameter(self, asked: ParameterSpecification) -> Value:
        """Return the Value of a parameter; a layer used twice gets the same one twice.

        Raises ShapeError when a layer used twice asks for different shapes.
        """
        if self._is_known(asked, self.parameters, self.buffers):
            return self.values[asked.name]
        self.parameters[asked.name] = asked
        self.values[asked.name] = value = self._supplied(asked)
        return value

    def buffer(self, asked: BufferSpecification) -> Value:
        """Return the Value of a buffer as it is now: for a layer used twice, as it became.

        Raises ShapeError when a layer used twice asks for different shapes.
        """
        if not self._is_known(asked, self.buffers, self.parameters):
            self.buffers[asked.name] = asked
            self.current[asked.name] = self._supplied(asked)
        return self.current[asked.name]

    def takes_positions(self, value: Value, count: int) -> None:
        """Say that `value` must hold whole numbers from 0 to `count` − 1."""
        self.positions[value] = min(count, self.positions.get(value, count))

    def count_call(self) -> None:
        """Count a call of a layer. Raises ArgumentError for more than any real network has."""
        self._calls += 1
        if self._calls > MOST_CALLS:
            raise ArgumentError(
                "a network",
                needed=f"at most {MOST_CALLS:,} calls of layers in a pass",
                try_="fewer layers that stand in it several times",
            )

    def count_numbers(self, output: Value) -> None:
        """Count what a layer gave. Raises ArgumentError beyond the limit of `limited_rows`."""
        most: int | None = getattr(_state, "most_numbers", None)
        if most is None:
            return
        self._numbers += output.size // max(output.shape[0] if output.ndim else 1, 1)
        if self._numbers > most:
            raise ArgumentError(
                "a network",
                needed=f"at most {most:,} numbers on the way of a row",
                got=f"{self._numbers:,} after {self._calls:,} layers",
            )

    def mask_of(self, x: Value) -> Value | None:
        """Return the mask of the sequences `x` (batch, time, …), or None where all entries count.

        Raises ShapeError when the mask is about sequences of another length.
        """
        if self.mask is not None and self.mask.shape != x.shape[:2]:
            raise ShapeError(
                "the mask of sequences",
                needed=f"shape {x.shape[:2]}, as the sequences have",
                got=str(self.mask.shape),
                try_="layers that keep the length of sequences, or an Embedding without a mask",
            )
        return self.mask

    def becomes(self, name: str, value: Value) -> None:
        """Say what a buffer is after this pass. Raises ShapeError for another shape."""
        known = self.buffers.get(name)
        if known is None:
            raise ArgumentError(f"what {name} becomes", needed="a buffer that was asked for")
        if value.shape != known.shape:
            raise ShapeError(
                f"what {name} becomes", needed=f"shape {known.shape}", got=str(value.shape)
            )
        if self.is_frozen(name):
            return
        self.current[name] = value
        self.changed.add(name)

    def is_frozen(self, path: str) -> bool:
        """Tell whether training leaves a layer, a parameter or a buffer as it is."""
        return self.frozen is not None and self.frozen(path)

    def _is_known(
        self,
        asked: _Specification,
        same: Mapping[str, _Specification],
        others: Mapping[str, _Specification],
    ) -> bool:
        if asked.name in others:
            raise ArgumentError(
                f"two things of a layer called {asked.name}",
                needed="a name of its own for each parameter and each buffer",
            )
        known = same.get(asked.name)
        if known is not None and known.shape != asked.shape:
            what = "parameter" if isinstance(asked, ParameterSpecification) else "buffer"
            raise ShapeError(
                f"the {what} {asked.name}, which is used more than once",
                needed=f"shape {known.shape} each time",
                got=str(asked.shape),
            )
        return known is not None

    def _supplied(self, asked: _Specification) -> Value:
        if self.supply is None:
            return make_input(asked.name, asked.shape, self.dtype)
        return self.supply(asked)

    def random_uniform(self, shape: tuple[int, ...]) -> Value:
        """Return random numbers from 0 up to but not 1, new at each step and for each layer."""
        if self.seed is None or self.step is None:
            raise ArgumentError("random numbers in a network", needed="a trace with seed and step")
        self._streams += 1
        shard = self.shard
        if shard is not None and shape[:1] == (shard.rows,):
            return random_rows(shape, self.seed, self.step, shard.first, self._streams, self.dtype)
        return random_uniform(shape, self.seed, self.step, self._streams, self.dtype)

    def over_shards(self, value: Value, flows: bool = True) -> Value:
        """Return the sum of a value of this pass over all shards of the batch.

        Where the pass has the whole batch, that is the value. `flows`: as in `sum_over_shards`.
        """
        return value if self.shard is None else sum_over_shards(value, flows)


_Specification = ParameterSpecification | BufferSpecification


@contextmanager
def limited_rows(most: int) -> Iterator[None]:
    """Let no network be made inside of which a row becomes more than so many numbers in all."""
    before = getattr(_state, "most_numbers", None)
    _state.most_numbers = most
    try:
        yield
    finally:
        _state.most_numbers = before


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
