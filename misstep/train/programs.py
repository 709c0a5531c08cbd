"""The programs of training: the step, and its two halves for accumulation, as graphs.

A step is one graph from parameters, optimizer state and a batch to what they become: forward pass,
loss, backward pass, clipping, optimizer and random numbers. A look is the same pass without the
update, with what probes measure. Shapes are static, so each size of batch has a program of its own,
made once. Knows how to build programs, not when to run them.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.autodiff import gradient
from misstep.compiler import Roles
from misstep.errors import ArgumentError
from misstep.ir import Array, Graph, Value, make_input, make_literal, verify
from misstep.nn import Network, Program, Trace
from misstep.nn.inference import make_target
from misstep.nn.losses import Loss
from misstep.ops import (
    broadcast_to,
    cast,
    concatenate,
    equal,
    logical_or,
    reshape,
    slice_axis,
    where,
)
from misstep.optim import Clipping, Optimizer, Regularizer, StepContext
from misstep.train.anatomy import Anatomy, Part
from misstep.train.mixup import mixed_rows
from misstep.train.probes import activation_probes, as_vector, unit_peaks


class StepProgram(Program):
    """A program of training. `anatomy`: which of its Values belongs to what."""

    def __init__(
        self, graph: Graph, anatomy: Anatomy, compiling: bool, stored: str | None = None
    ) -> None:
        super().__init__(graph, roles_of(graph, stored), compiling)
        self.anatomy = anatomy


class LookProgram(Program):
    """A look into the network. `legend`: signal and layer of each of its probes.

    `peaks`: the layers whose units' peaks it gives, with how many units each has.
    """

    def __init__(
        self,
        graph: Graph,
        legend: tuple[tuple[str, str], ...],
        peaks: dict[str, int],
        compiling: bool,
    ) -> None:
        stepped = ("x", "y", "weights", "draw")
        super().__init__(graph, Roles(stepped=stepped, logged=tuple(graph.outputs)), compiling)
        self.legend = legend
        self.peaks = peaks


@dataclass
class _Backward:
    """What a forward and backward pass over one batch gives, as Values."""

    inputs: list[Value]
    parameters: Value
    trace: Trace
    raw: Value
    # What the network's buffers become, by the name of their input; empty where nothing does.
    buffers: dict[str, Value]
    loss: Value
    weight: Value
    gradient: Value
    anatomy: Anatomy


class Programs:
    """Makes and keeps the programs for one network, loss and optimizer.

    Every program takes `parameters` (flat) and what else it needs by name: `buffers` (flat, of
    networks that have some; steps give back what they become), `optimizer_state`
    (slots, parameters), `scalars`, `x`, `y`, `weights`, `learning_rate`, `update` (updates done),
    `seed`, `draw` (batches seen, from which random numbers follow), `gradients` and
    `gradient_weight`.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        optimizer: Optimizer,
        clipping: Sequence[Clipping] = (),
        regularizers: Sequence[Regularizer] = (),
        compiling: bool = True,
        mixup: float = 0.0,
        precision: str = "float32",
    ) -> None:
        if network.parameter_count == 0:
            raise ArgumentError(
                "training",
                needed="a network with parameters",
                got="one without",
                try_="adding a layer such as ms.Dense(1)",
            )
        if mixup and network.position_limits is not None:
            raise ArgumentError(
                "mixup",
                needed="rows of numbers",
                got="positions that an Embedding takes",
                try_="mixup=0",
            )
        self.network = network
        self.loss = loss
        self.optimizer = optimizer
        self.mixup = mixup
        self.precision = precision
        self.clipping = tuple(clipping)
        self.regularizers = tuple(regularizers)
        self.scalar_names = tuple(optimizer.scalars)
        self.compiling = compiling
        self._kept: dict[tuple[Any, ...], StepProgram] = {}
        self._looks: dict[tuple[Any, ...], LookProgram] = {}
        # Those of shards of batches, kept by whoever makes them.
        self.of_shards: Any = None

    @property
    def so_far(self) -> list[Program]:
        """Return the programs made so far."""
        of_shards = [] if self.of_shards is None else self.of_shards.so_far
        return [*self._kept.values(), *of_shards]

    def first_state(self) -> tuple[Array, Array]:
        """Return the optimizer's state (slots, parameters) and scalars before any update."""
        names = self.optimizer.used_slots()
        state = np.zeros((len(names), self.network.parameter_count), self.network.dtype)
        for slot, name in enumerate(names):
            state[slot] = self.optimizer.first(name)
        return state, np.array([self.optimizer.scalars[name] for name in self.scalar_names])

    def step(self, rows: int, *, weighted: bool, stored: str | None = None) -> StepProgram:
        """Return the whole step. `stored`: as what whole numbers `x` lies in memory, if it does so.

        Outputs: parameters, optimizer_state, scalars, loss, weight; and where clipping finds it out
        anyway `clipped`: 1 where it changed the gradient, else 0.
        """
        key = ("step", rows, weighted, self.network.frozen, stored)
        if key not in self._kept:
            back = self._backward(rows, weighted)
            state, outputs = self._update(back.parameters, back.gradient, back.anatomy)
            outputs |= back.buffers | {"loss": back.loss, "weight": back.weight}
            self._keep(key, outputs, [*back.inputs, *state], back.anatomy, stored)
        return self._kept[key]

    def accumulate(self, rows: int, *, weighted: bool, stored: str | None = None) -> StepProgram:
        """Return the first half of a step. `stored`: as for `step`.

        Outputs: gradients and gradient_weight grown by a batch, loss, weight.
        """
        key = ("accumulate", rows, weighted, self.network.frozen, stored)
        if key not in self._kept:
            back = self._backward(rows, weighted)
            sum_ = make_input("gradients", back.gradient.shape, self.network.dtype)
            weight = make_input("gradient_weight", (), self.network.dtype)
            outputs = {
                "gradients": sum_ + back.gradient * back.weight,
                "gradient_weight": weight + back.weight,
                **back.buffers,
                "loss": back.loss,
                "weight": back.weight,
            }
            self._keep(key, outputs, [*back.inputs, sum_, weight], back.anatomy, stored)
        return self._kept[key]

    def apply(self, *, penalized: bool = False) -> StepProgram:
        """Return the second half: the update by the weighted mean of accumulated gradients.

        `penalized`: whether the slopes of penalties are still to be added.
        """
        key = ("apply", penalized, self.network.frozen)
        if key not in self._kept:
            count, dtype = self.network.parameter_count, self.network.dtype
            parameters = make_input("parameters", (count,), dtype)
            sum_ = make_input("gradients", (count,), dtype)
            weight = make_input("gradient_weight", (), dtype)
            # Rows that all weigh nothing have nothing to say, as in a loss: 0, not 0 / 0.
            mean = sum_ / where(equal(weight, 0.0), 1.0, weight)
            anatomy = Anatomy(self.network)
            if penalized and self.regularizers:
                mean = mean + self._slopes_of_penalties(parameters, anatomy)
            state, outputs = self._update(parameters, mean, anatomy)
            self._keep(key, outputs, [parameters, sum_, weight, *state], anatomy)
        return self._kept[key]

    def look(self, rows: int, *, weighted: bool) -> LookProgram:
        """Return a look: a pass forward and backward over rows as they are, in training mode.

        Outputs: gradients (parameters,), loss, weight, prediction; probes, one vector; peaks, the
        largest output of each unit that can die, one vector for all layers. Rows are not mixed.
        """
        key = (rows, weighted, self.network.frozen)
        if key not in self._looks:
            back = self._backward(rows, weighted, mixing=False)
            probes, peaks = activation_probes(back.trace), unit_peaks(back.trace)
            outputs = {
                "gradients": back.gradient,
                "loss": back.loss,
                "weight": back.weight,
                "prediction": self.loss.predict(back.raw),
            }
            if probes:
                outputs["probes"] = as_vector(probes)
            if peaks:
                several = list(peaks.values())
                outputs["peaks"] = concatenate(several) if len(several) > 1 else several[0]
            graph = verify(Graph(outputs, back.inputs, "look"))
            sizes = {path: peak.shape[0] for path, peak in peaks.items()}
            self._looks[key] = LookProgram(graph, tuple(probes), sizes, self.compiling)
        return self._looks[key]

    def _keep(
        self,
        key: tuple[Any, ...],
        outputs: dict[str, Value],
        inputs: list[Value],
        anatomy: Anatomy,
        stored: str | None = None,
    ) -> None:
        """Make the program of the name that `key` begins with."""
        graph = verify(Graph(outputs, inputs, key[0]))
        self._kept[key] = StepProgram(graph, anatomy, self.compiling, stored)

    def _backward(self, rows: int, weighted: bool, *, mixing: bool = True) -> _Backward:
        network = self.network
        dtype = network.dtype
        flat = network.input_values()
        parameters = flat["parameters"]
        x = make_input("x", (rows, *network.input_shape), dtype)
        seed, draw = make_input("seed", (), "int64"), make_input("draw", (), "int64")
        y = make_target(self.loss, (rows, *network.output_shape), dtype)
        anatomy = Anatomy(network)
        with anatomy.part(Part.MIXUP):
            mixture = mixed_rows(x, y, self.mixup, seed, draw) if self.mixup and mixing else None
        raw, trace = network.apply(
            x if mixture is None else mixture.x,
            parameters,
            buffers=flat.get("buffers"),
            training=True,
            seed=seed,
            step=draw,
            precision=self.precision,
        )
        anatomy.trace = trace
        inputs = [*flat.values(), x, y, seed, draw]
        after = network.buffers_after(trace)
        buffers = {} if after is None else {"buffers": after}
        weights = make_input("weights", (rows,), dtype) if weighted else None
        if weights is not None:
            inputs.append(weights)
        with anatomy.part(Part.LOSS):
            if mixture is None:
                loss = self.loss(raw, y, weights)
                weight = self.loss.total_weight(raw, y, weights)
            else:
                loss, weight = self.loss.mixed(raw, y, mixture.other, mixture.share, weights)
        regularized = self._regularized(loss, trace, anatomy)
        flat_gradient = self.slopes(regularized, trace, anatomy)
        return _Backward(
            inputs, parameters, trace, raw, buffers, loss, weight, flat_gradient, anatomy
        )

    def _regularized(self, loss: Value, trace: Trace, anatomy: Anatomy) -> Value:
        """Return a loss with the penalties for the parameters of a pass."""
        with anatomy.part(Part.PENALTY):
            for regularizer in self.regularizers:
                for name, specification in trace.parameters.items():
                    if specification.regularized and not self.network.is_frozen(name):
                        loss = loss + regularizer.penalty(trace.values[name])
        return loss

    def _slopes_of_penalties(self, parameters: Value, anatomy: Anatomy) -> Value:
        """Return the gradient of all penalties by the flat array of parameters."""
        loss = make_literal(np.zeros(()), self.network.dtype)
        with anatomy.part(Part.PENALTY):
            for slice_ in self.network.parameter_slices:
                asked = slice_.specification
                if asked.regularized and not self.network.is_frozen(asked.name):
                    entries = slice_axis(parameters, 0, slice_.start, slice_.stop)
                    for regularizer in self.regularizers:
                        loss = loss + regularizer.penalty(reshape(entries, asked.shape))
        return gradient(loss, parameters)

    def slopes(self, loss: Value, trace: Trace, anatomy: Anatomy) -> Value:
        """Return the gradient of a loss by all parameters, flat; 0 for frozen ones."""
        network = self.network
        moved = [name for name in trace.parameters if not network.is_frozen(name)]
        if not moved:
            raise ArgumentError(
                "training",
                needed="a parameter that it may move",
                got="a network that is frozen as a whole",
                try_="network.unfreeze()",
            )
        targets = [trace.values[name] for name in moved]
        found = gradient(loss, targets, steps=anatomy.steps_back)
        slopes = dict(zip(moved, found, strict=True))
        anatomy.slopes = slopes
        flat = concatenate(
            [
                reshape(slopes[name], (-1,)) if name in slopes else self._nothing(name)
                for name in trace.parameters
            ]
        )
        return flat.named("gradients")

    def _nothing(self, name: str) -> Value:
        """Return the gradient of a frozen parameter, flat: none was computed."""
        slice_ = next(
            one for one in self.network.parameter_slices if one.specification.name == name
        )
        zero = make_literal(np.zeros(()), self.network.dtype)
        return broadcast_to(zero, (slice_.stop - slice_.start,))

    def _held(self, before: Value, after: Value) -> Value:
        """Return a flat array after an update, with the entries of frozen parameters as before."""
        return concatenate(
            [
                slice_axis(
                    before if self.network.is_frozen(slice_.specification.name) else after,
                    0,
                    slice_.start,
                    slice_.stop,
                )
                for slice_ in self.network.parameter_slices
            ]
        )

    def _update(
        self, parameters: Value, flat_gradient: Value, anatomy: Anatomy
    ) -> tuple[list[Value], dict[str, Value]]:
        """Return the inputs and the outputs of clipping and the optimizer."""
        names = self.optimizer.used_slots()
        count = self.network.parameter_count
        state = make_input("optimizer_state", (len(names), count), self.network.dtype)
        scalars = make_input("scalars", (len(self.scalar_names),), "float64")
        learning_rate = make_input("learning_rate", (), "float64")
        update = make_input("update", (), "int64")
        before = {
            name: reshape(slice_axis(state, 0, slot, slot + 1), (count,)).named(name)
            for slot, name in enumerate(names)
        }
        before |= {
            name: reshape(slice_axis(scalars, 0, index, index + 1), ())
            for index, name in enumerate(self.scalar_names)
        }
        clipped = flat_gradient
        over: list[Value | None] = []
        with anatomy.part(Part.CLIPPING):
            for clipping in self.clipping:
                over.append(clipping.is_over(clipped))
                clipped = clipping.clip(clipped)
        with anatomy.part(Part.OPTIMIZER):
            context = StepContext(cast(update, "float64") + 1.0, learning_rate)
            changed, after = self.optimizer.update(parameters, clipped, before, context)
        if self.network.frozen:
            changed = self._held(parameters, changed)
            after = {
                name: self._held(before[name], value) if value.shape == (count,) else value
                for name, value in after.items()
            }
        outputs = {"parameters": changed}
        told = [one for one in over if one is not None]
        if told and len(told) == len(over):
            outputs["clipped"] = cast(functools.reduce(logical_or, told), self.network.dtype)
        if names:
            rows = [reshape(after[name], (1, count)) for name in names]
            outputs["optimizer_state"] = concatenate(rows) if len(rows) > 1 else rows[0]
        if self.scalar_names:
            outputs["scalars"] = concatenate(
                [reshape(after[name], (1,)) for name in self.scalar_names]
            )
        return [state, scalars, learning_rate, update], outputs


# What each input and output of the programs above is to a run of many steps.
_STATES = ("parameters", "buffers", "optimizer_state", "scalars", "gradients", "gradient_weight")
_STEPPED = ("learning_rate", "update", "draw")
_ROWS = ("x", "y", "weights")
_LOGGED = ("loss", "weight", "clipped")


def roles_of(graph: Graph, stored: str | None = None) -> Roles:
    """Return what the inputs and outputs of a training program are to a run of many steps.

    `stored`: as what whole numbers `x` lies in memory; None: as it is.
    """
    inputs = {value.name for value in graph.inputs}
    return Roles(
        states={name: name for name in _STATES if name in graph.outputs and name in inputs},
        stepped=_STEPPED,
        gathered=_ROWS,
        logged=tuple(name for name in _LOGGED if name in graph.outputs),
        guard="loss" if "loss" in graph.outputs else None,
        stored={} if stored is None else {"x": stored},
    )
