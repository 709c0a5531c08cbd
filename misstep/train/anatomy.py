"""`Anatomy`: which Value of a training program belongs to what: a layer, the loss, the optimizer.

Kept by the serials between which each part was made, so that building a program costs no more for
it. Knows Values and traces; runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from misstep.autodiff.reverse import Steps
from misstep.ir import Value, serial_by_now
from misstep.nn import Network, Trace


class Part(StrEnum):
    """What a Value of a training program is part of."""

    MIXUP = "mixup"
    NETWORK = "network"
    LOSS = "loss"
    PENALTY = "penalty"
    CLIPPING = "clipping"
    OPTIMIZER = "optimizer"


class Phase(StrEnum):
    """Which way a step goes as it computes a Value."""

    FORWARD = "forward"
    BACKWARD = "backward"
    UPDATE = "update"


@dataclass(frozen=True)
class Place:
    """Where a Value belongs. `layer`: its path, of Values of the network.

    `of`: on the way back, the Value of the way forward whose gradient it helps to compute; else the
    Value itself.
    """

    part: Part
    phase: Phase
    layer: str
    of: Value


@dataclass
class Anatomy:
    """Which serials belong to which part of a program of `network`.

    `trace`: of its pass, None in programs without one. `steps_back`: of each Value the serials of
    its gradient. `slopes`: the gradient of each parameter by name.
    """

    network: Network
    trace: Trace | None = None
    steps_back: Steps = field(default_factory=list)
    slopes: dict[str, Value] = field(default_factory=dict)
    _parts: list[tuple[Part, int, int]] = field(default_factory=list)

    @contextmanager
    def part(self, part: Part) -> Iterator[None]:
        """Let every Value made inside belong to `part`."""
        first = serial_by_now()
        yield
        self._parts.append((part, first, serial_by_now()))

    def place(self, value: Value) -> Place:
        """Return where a Value belongs."""
        for of, first, last in self.steps_back:
            if first < value.serial < last:
                forward = self.place(of)
                return Place(forward.part, Phase.BACKWARD, forward.layer, of)
        for part, first, last in self._parts:
            if first < value.serial < last:
                late = part in (Part.CLIPPING, Part.OPTIMIZER)
                return Place(part, Phase.UPDATE if late else Phase.FORWARD, "", value)
        for path, first, last in () if self.trace is None else self.trace.calls:
            if first < value.serial < last:
                return Place(Part.NETWORK, Phase.FORWARD, path, value)
        # Putting gradients side by side, and taking parameters out of their flat array.
        if value.name in ("gradients", "gradient_weight") or self.trace is None:
            return Place(Part.OPTIMIZER, Phase.UPDATE, "", value)
        owner = next((name for name, own in self.trace.values.items() if own is value), "")
        return Place(Part.NETWORK, Phase.FORWARD, owner.rpartition(".")[0], value)

    def kind_of(self, path: str) -> str:
        """Return what the layer at `path` is called, such as Dense."""
        layer = self.network.layers.get(path, self.network.module)
        return type(layer).__name__

    def parameters_at(self, entries: list[int]) -> list[str]:
        """Return the names of the parameters that have one of the flat `entries`."""
        return [
            one.specification.name
            for one in self.network.parameter_slices
            if any(one.start <= entry < one.stop for entry in entries)
        ]
