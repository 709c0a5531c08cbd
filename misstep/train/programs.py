"""The programs of training: the step, its two halves for accumulation, and evaluation, as graphs.

A step is one graph from parameters, optimizer state and a batch to what they become: forward pass,
loss, backward pass, clipping, optimizer, random numbers and probes. Shapes are static, so each size
of batch has a program of its own, made once. Knows how to build programs, not when to run them.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from misstep.autodiff import gradient
from misstep.compiler import NativeProgram, PreparedCall, Roles
from misstep.errors import ArgumentError, NotYetError
from misstep.ir import Array, Graph, Interpreter, Value, make_input, verify
from misstep.nn import Network, Trace
from misstep.nn.losses import Loss
from misstep.ops import cast, concatenate, equal, reshape, slice_axis, where
from misstep.optim import Clipping, Optimizer, Regularizer, StepContext
from misstep.train.mixup import mixed_rows
from misstep.train.probes import activation_probes, gradient_probes, together

Legend = tuple[tuple[str, str], ...]


class Program:
    """A graph ready to run: by the interpreter, or compiled for many steps at a time.

    `legend`: what the numbers of its output `probes` mean. `roles`: what inputs and outputs are to
    many steps. `compiling`: False keeps to the interpreter. `obstacle`: why it can't be compiled,
    once that was tried in vain.
    """

    def __init__(
        self, graph: Graph, roles: Roles, legend: Legend = (), compiling: bool = True
    ) -> None:
        self.graph = graph
        self.legend = legend
        self.roles = roles
        self.obstacle = "" if compiling else "the interpreter was asked for"
        self._native: dict[int | None, NativeProgram] = {}

    @cached_property
    def interpreter(self) -> Interpreter:
        """Return what runs the graph one assignment after the other."""
        return Interpreter(self.graph)

    def run(self, feeds: dict[str, object]) -> dict[str, Array]:
        """Return the outputs by name for inputs by name, by the interpreter."""
        return self.interpreter.run(feeds)

    def compiled(self, threads: int | None = None) -> NativeProgram | None:
        """Return the graph as machine code, or None where it can't be compiled."""
        if self.obstacle:
            return None
        if threads not in self._native:
            try:
                self._native[threads] = NativeProgram(self.graph, self.roles, threads=threads)
            except NotYetError as error:
                self.obstacle = str(error)
                return None
        return self._native[threads]

    @property
    def engine(self) -> str:
        """Return in words what runs the graph; empty while it was not compiled nor tried to be."""
        if self.obstacle:
            return f"interpreter, because {self.obstacle}"
        return next((f"compiled for {one.target.cpu}" for one in self._native.values()), "")

    def measures(self, out: dict[str, Array]) -> dict[tuple[str, str], float] | None:
        """Return what the probes of a step said, by signal and place; None without probes."""
        if not self.legend:
            return None
        return dict(zip(self.legend, out["probes"].tolist(), strict=True))


@dataclass
class _Backward:
    """What a forward and backward pass over one batch gives, as Values."""

    inputs: list[Value]
    parameters: Value
    trace: Trace
    # What the network's buffers become, by the name of their input; empty where nothing does.
    buffers: dict[str, Value]
    loss: Value
    weight: Value
    gradient: Value


class Programs:
    """Makes and keeps the programs for one network, loss and optimizer.

    Every program takes `parameters` (flat) and what else it needs by name: `buffers` (flat, of
    networks that have some; steps give back what they become), `optimizer_state`
    (buffers, parameters), `scalars`, `x`, `y`, `weights`, `rate`, `update` (updates done), `seed`,
    `draw` (batches seen, from which random numbers follow), `gradients` and `gradient_weight`.
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
        self.clipping = tuple(clipping)
        self.regularizers = tuple(regularizers)
        self.scalar_names = tuple(optimizer.scalars)
        self.compiling = compiling
        self._one: tuple[list[Array], Array, PreparedCall, Array] | None = None
        self._one_lock = threading.Lock()
        # Whether a program could not tell that no row's result depends on other rows, and the
        # numbers of rows that evaluation then compiled programs for.
        self.rows_unclear = False
        self._sizes: dict[int, None] = {}
        self._made: dict[tuple[object, ...], Program] = {}

    @property
    def engine(self) -> str:
        """Return in words what runs the programs that ran so far: the slowest of them counts."""
        found = [one.engine for one in self._made.values() if one.engine]
        return next((one for one in found if one.startswith("interpreter")), "".join(found[:1]))

    def first_state(self) -> tuple[Array, Array]:
        """Return the optimizer's buffers (buffers, parameters) and scalars before any update."""
        names = self.optimizer.used_buffers()
        buffers = np.zeros((len(names), self.network.parameter_count), self.network.dtype)
        for place, name in enumerate(names):
            buffers[place] = self.optimizer.first(name)
        return buffers, np.array([self.optimizer.scalars[name] for name in self.scalar_names])

    def remember_size(self, rows: int, most: int) -> None:
        """Note that programs of a size are in use; forget those of the size used longest ago.

        So that whoever predicts other numbers of rows each time does not fill the memory.
        """
        self._sizes.pop(rows, None)
        self._sizes[rows] = None
        if len(self._sizes) > most:
            oldest = next(iter(self._sizes))
            del self._sizes[oldest]
            for kind in ("evaluate", "predict"):
                self._made.pop((kind, oldest), None)

    def step(self, rows: int, *, weighted: bool, probing: bool) -> Program:
        """Return the whole step.

        Outputs: parameters, optimizer_state, scalars, loss, weight, probes.
        """
        key = ("step", rows, weighted, probing)
        if key not in self._made:
            back = self._backward(rows, weighted)
            state, outputs = self._update(back.parameters, back.gradient)
            outputs |= back.buffers | {"loss": back.loss, "weight": back.weight}
            legend: Legend = ()
            if probing:
                found = gradient_probes(
                    self.network, back.parameters, back.gradient, outputs["parameters"]
                )
                probes = together(found | activation_probes(back.trace))
                outputs["probes"], legend = probes.numbers, probes.legend
            self._keep(key, outputs, [*back.inputs, *state], "step", legend)
        return self._made[key]

    def accumulate(self, rows: int, *, weighted: bool, probing: bool) -> Program:
        """Return the first half of a step.

        Outputs: gradients and gradient_weight grown by a batch, loss, weight, probes.
        """
        key = ("accumulate", rows, weighted, probing)
        if key not in self._made:
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
            legend: Legend = ()
            if probing:
                found = activation_probes(back.trace)
                if found:
                    probes = together(found)
                    outputs["probes"], legend = probes.numbers, probes.legend
            self._keep(key, outputs, [*back.inputs, sum_, weight], "accumulate", legend)
        return self._made[key]

    def apply(self, *, probing: bool) -> Program:
        """Return the second half: the update by the weighted mean of accumulated gradients."""
        key = ("apply", probing)
        if key not in self._made:
            count, dtype = self.network.parameter_count, self.network.dtype
            parameters = make_input("parameters", (count,), dtype)
            sum_ = make_input("gradients", (count,), dtype)
            weight = make_input("gradient_weight", (), dtype)
            # Rows that all weigh nothing have nothing to say, as in a loss: 0, not 0 / 0.
            mean = sum_ / where(equal(weight, 0.0), 1.0, weight)
            state, outputs = self._update(parameters, mean)
            legend: Legend = ()
            if probing:
                found = gradient_probes(self.network, parameters, mean, outputs["parameters"])
                probes = together(found)
                outputs["probes"], legend = probes.numbers, probes.legend
            self._keep(key, outputs, [parameters, sum_, weight, *state], "apply", legend)
        return self._made[key]

    def evaluate(self, rows: int) -> Program:
        """Return the evaluation of a batch: outputs prediction and losses of each row."""
        key = ("evaluate", rows)
        if key not in self._made:
            inputs, raw = self._forward(rows)
            y = self._target(raw.shape)
            self.loss.check(raw, y)
            outputs = {"prediction": self.loss.predict(raw), "losses": self.loss.per_row(raw, y)}
            by_class = self.loss.row_weights(y, raw.dtype)
            if by_class is not None:
                outputs["class_weights"] = by_class
            self._keep(key, outputs, [*inputs, y], "evaluate", ())
        return self._made[key]

    def predict(self, rows: int) -> Program:
        """Return the prediction for a batch: output prediction."""
        key = ("predict", rows)
        if key not in self._made:
            inputs, raw = self._forward(rows)
            outputs = {"prediction": self.loss.predict(raw)}
            self._keep(key, outputs, inputs, "predict", ())
        return self._made[key]

    def _forward(self, rows: int) -> tuple[list[Value], Value]:
        """Return the inputs of a forward pass in evaluation, and the network's raw output."""
        held = self.network.input_values()
        x = make_input("x", (rows, *self.network.input_shape), self.network.dtype)
        raw, _ = self.network.apply(x, held["parameters"], buffers=held.get("buffers"))
        return [*held.values(), x], raw

    def predict_one(self, held: Mapping[str, Array], x: Array) -> Array | None:
        """Return the prediction for one row by a call made ready before; None: not compiled.

        `held`: the network's flat buffers by name. x: (1, *input_shape), of its kind of number.
        """
        with self._one_lock:
            ready, buffers = self._one, list(held.values())
            if ready is None or any(
                one is not other for one, other in zip(ready[0], buffers, strict=True)
            ):
                native = self.predict(1).compiled(1)
                if native is None:
                    return None
                prepared = native.prepare(held)
                ready = buffers, prepared.inputs["x"], prepared, prepared.outputs["prediction"]
                self._one = ready
            ready[1][...] = x
            ready[2]()
            return ready[3].copy()

    def _keep(
        self,
        key: tuple[object, ...],
        outputs: dict[str, Value],
        inputs: list[Value],
        name: str,
        legend: Legend,
    ) -> None:
        graph = verify(Graph(outputs, inputs, name))
        self._made[key] = Program(graph, roles_of(graph), legend, self.compiling)

    def _target(self, shape: tuple[int, ...]) -> Value:
        """Return the input of targets for raw outputs of `shape`."""
        dtype = "int64" if self.loss.target_kind == "int" else self.network.dtype
        return make_input("y", self.loss.target_shape(shape), dtype)

    def _backward(self, rows: int, weighted: bool) -> _Backward:
        network = self.network
        dtype = network.dtype
        held = network.input_values()
        parameters, others = held["parameters"], held.get("buffers")
        x = make_input("x", (rows, *network.input_shape), dtype)
        seed, draw = make_input("seed", (), "int64"), make_input("draw", (), "int64")
        y = self._target((rows, *network.output_shape))
        mixture = mixed_rows(x, y, self.mixup, seed, draw) if self.mixup else None
        raw, trace = network.apply(
            x if mixture is None else mixture.x,
            parameters,
            buffers=others,
            training=True,
            seed=seed,
            step=draw,
        )
        inputs = [*held.values(), x, y, seed, draw]
        after = network.buffers_after(trace)
        buffers = {} if after is None else {"buffers": after}
        weights = make_input("weights", (rows,), dtype) if weighted else None
        if weights is not None:
            inputs.append(weights)
        if mixture is None:
            loss = self.loss(raw, y, weights)
            weight = self.loss.total_weight(raw, y, weights)
        else:
            loss, weight = self.loss.mixed(raw, y, mixture.other, mixture.share, weights)
        regularized = loss
        for regularizer in self.regularizers:
            for name, wanted in trace.parameters.items():
                if wanted.regularized:
                    regularized = regularized + regularizer.penalty(trace.values[name])
        gradients = gradient(regularized, [trace.values[name] for name in trace.parameters])
        flat = concatenate([reshape(one, (-1,)) for one in gradients])
        flat = flat.named("gradients")
        return _Backward(inputs, parameters, trace, buffers, loss, weight, flat)

    def _update(
        self, parameters: Value, flat_gradient: Value
    ) -> tuple[list[Value], dict[str, Value]]:
        """Return the inputs and the outputs of clipping and the optimizer."""
        names = self.optimizer.used_buffers()
        count = self.network.parameter_count
        state = make_input("optimizer_state", (len(names), count), self.network.dtype)
        scalars = make_input("scalars", (len(self.scalar_names),), "float64")
        rate, update = make_input("rate", (), "float64"), make_input("update", (), "int64")
        before = {
            name: reshape(slice_axis(state, 0, place, place + 1), (count,)).named(name)
            for place, name in enumerate(names)
        }
        before |= {
            name: reshape(slice_axis(scalars, 0, place, place + 1), ())
            for place, name in enumerate(self.scalar_names)
        }
        for clipping in self.clipping:
            flat_gradient = clipping.clip(flat_gradient)
        context = StepContext(cast(update, "float64") + 1.0, rate)
        changed, after = self.optimizer.update(parameters, flat_gradient, before, context)
        outputs = {"parameters": changed}
        if names:
            rows = [reshape(after[name], (1, count)) for name in names]
            outputs["optimizer_state"] = concatenate(rows) if len(rows) > 1 else rows[0]
        if self.scalar_names:
            outputs["scalars"] = concatenate(
                [reshape(after[name], (1,)) for name in self.scalar_names]
            )
        return [state, scalars, rate, update], outputs


# What each input and output of the programs above is to a run of many steps.
_STATES = ("parameters", "buffers", "optimizer_state", "scalars", "gradients", "gradient_weight")
_STEPPED = ("rate", "update", "draw")
_ROWS = ("x", "y", "weights")
_LOGGED = ("loss", "weight")


def roles_of(graph: Graph) -> Roles:
    """Return what the inputs and outputs of a training program are to a run of many steps."""
    inputs = {value.name for value in graph.inputs}
    judging = "losses" in graph.outputs or "prediction" in graph.outputs
    return Roles(
        states={name: name for name in _STATES if name in graph.outputs and name in inputs},
        stepped=("x", "y") if judging else _STEPPED,
        gathered=() if judging else _ROWS,
        logged=tuple(graph.outputs) if judging else _LOGGED,
        guard="loss" if "loss" in graph.outputs else None,
    )
