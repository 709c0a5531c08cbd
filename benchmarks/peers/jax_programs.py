"""JAX as an entrant: a jitted step called again and again, and a jitted scan over many steps.

Parameters, optimizer state and the count of steps are one donated structure; the order of the rows
is on the device, and each step takes its own indices from it. Two more things that make JAX fast
here: gathering without bounds checks, and the hardware-friendly random generator for dropout.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.entrant import Entrant, product_numbers
from benchmarks.job import CHECKED_PREDICTIONS, Array, Job
from benchmarks.workloads import Workload

State = dict[str, Any]
# Steps in one scan, unless an epoch is shorter.
MOST_STEPS = 500


def loss_of(workload: Workload, outputs: Any, y: Any) -> Any:
    """Return the mean loss."""
    if workload.loss == "squared-error":
        return ((outputs - y) ** 2).mean()
    logarithms = jax.nn.log_softmax(outputs)
    return -jnp.take_along_axis(logarithms, y[:, None], axis=1).mean()


def updated(workload: Workload, state: State, gradients: Any) -> State:
    """Return the state after one update."""
    update, dtype = workload.update, workload.dtype
    count = state["count"] + 1
    old, tree = state["parameters"], jax.tree.map
    if workload.clip is not None:
        norm = jnp.sqrt(sum((one * one).sum() for one in jax.tree.leaves(gradients)))
        factor = jnp.minimum(workload.clip / norm, 1.0)
        gradients = tree(lambda g: g * factor, gradients)
    if update.kind == "sgd":
        if not update.momentum:
            new = tree(lambda w, g: w - update.rate * g, old, gradients)
            return state | {"parameters": new, "count": count}
        mean = tree(lambda m, g: update.momentum * m + g, state["mean"], gradients)
        new = tree(lambda w, m: w - update.rate * m, old, mean)
        return state | {"parameters": new, "mean": mean, "count": count}
    # β₁ = 0.9, β₂ = 0.999, ε = 1e-8: the defaults of Adam everywhere.
    mean = tree(lambda m, g: 0.9 * m + 0.1 * g, state["mean"], gradients)
    squares = tree(lambda v, g: 0.999 * v + 0.001 * g * g, state["squares"], gradients)
    size = update.rate / (1.0 - 0.9 ** count.astype(dtype))
    spread = jnp.sqrt(1.0 - 0.999 ** count.astype(dtype))
    decay = update.rate * update.weight_decay if update.kind == "adamw" else 0.0

    def moved(w: Any, m: Any, v: Any) -> Any:
        return w * (1.0 - decay) - size * (m / (jnp.sqrt(v) / spread + 1e-8))

    new = tree(moved, old, mean, squares)
    return state | {"parameters": new, "mean": mean, "squares": squares, "count": count}


class JaxStep(Entrant):
    """JAX, one call for each step."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        workload = self.workload
        jax.config.update("jax_enable_x64", workload.dtype == "float64")
        jax.config.update("jax_default_prng_impl", "rbg")
        self.x, self.y = jnp.asarray(job.x), jnp.asarray(job.y)
        self.order = jnp.asarray(job.order, dtype="int32")
        self._next = 0
        self._outputs = jax.jit(self._judged)
        self._predict = jax.jit(lambda state, x: jax.nn.softmax(self._judged(state, x)))
        self._product = jax.jit(jnp.matmul)
        self.prepare()
        self.state = self.fresh()

    def prepare(self) -> None:
        """Make what is compiled."""
        self._step = jax.jit(self.one_step, donate_argnums=0)

    def fresh(self) -> State:
        """Return the state before any step."""
        network = self.workload.network
        if network is None:
            return {}
        given = network.jax_parameters(self.job.weights)
        parameters = jax.tree.map(jnp.array, given)
        state: State = {
            "parameters": parameters,
            "running": jax.tree.map(jnp.array, network.running(self.workload.dtype)),
            "count": jnp.zeros((), "int32"),
            "key": jax.random.key(0),
        }
        update = self.workload.update
        if update.kind != "sgd" or update.momentum:
            state["mean"] = jax.tree.map(jnp.zeros_like, parameters)
        if update.kind != "sgd":
            state["squares"] = jax.tree.map(jnp.zeros_like, parameters)
        return state

    def one_step(self, state: State, x: Any, y: Any, order: Any) -> tuple[State, Any]:
        """Return state and loss after the step whose turn it is."""
        workload = self.workload
        index = order[state["count"] % len(order)]
        rows = x.at[index].get(mode="promise_in_bounds")
        targets = y.at[index].get(mode="promise_in_bounds")
        key = jax.random.fold_in(state["key"], state["count"]) if workload.network.dropout else None

        network = workload.network
        old = dict(state["parameters"])
        # Where only looked-up rows move, their gradient is taken, and not the whole table's.
        table = old.pop(network.looked_up) if network.looked_up else None
        if table is not None:
            old["looked_up"] = table.at[rows].get(mode="promise_in_bounds")

        def judged(parameters: Any) -> Any:
            outputs, running = network.jax_forward(parameters, state["running"], rows, True, key)
            return loss_of(workload, outputs, targets), running

        (loss, running), gradients = jax.value_and_grad(judged, has_aux=True)(old)
        moved = None if table is None else gradients.pop("looked_up")
        if moved is not None:
            del old["looked_up"]
        state = updated(workload, state | {"parameters": old, "running": running}, gradients)
        if moved is not None:
            table = table.at[rows].add(-workload.update.rate * moved, mode="promise_in_bounds")
            state["parameters"] = state["parameters"] | {network.looked_up: table}
        return state, loss

    def _judged(self, state: State, x: Any) -> Any:
        network = self.workload.network
        return network.jax_forward(state["parameters"], state["running"], x, False)[0]

    def train(self, state: State, units: int) -> State:
        """Make that many units of steps."""
        for _ in range(units):
            state, _ = self._step(state, self.x, self.y, self.order)
        return state

    def losses(self, state: State, checked: Array) -> tuple[State, list[float]]:
        """Return the loss of each of the steps `checked`."""
        order = jnp.asarray(checked, dtype="int32")
        found = []
        for _ in checked:
            state, loss = self._step(state, self.x, self.y, order)
            found.append(float(loss))
        return state, found

    def run(self, units: int) -> None:
        """Train, predict or multiply."""
        kind, batch, rows = self.workload.kind, self.workload.batch, self.workload.rows
        if kind == "train":
            self.state = jax.block_until_ready(self.train(self.state, units))
            return
        for _ in range(units):
            if kind == "product":
                self._product(self.x, self.y).block_until_ready()
            elif batch == rows:
                np.asarray(self._predict(self.state, self.x))
            else:
                np.asarray(self._predict(self.state, self.job.x[self._next : self._next + batch]))
                self._next = (self._next + batch) % rows

    def verify(self) -> dict[str, Any]:
        """Return losses, predictions or a product to compare."""
        job = self.job
        if self.workload.kind == "product":
            return {"numbers": product_numbers(np.asarray(self._product(self.x, self.y)))}
        if self.workload.kind == "predict":
            predicted = self._predict(self.state, job.x[:CHECKED_PREDICTIONS])
            return {"numbers": np.asarray(predicted, "float64").reshape(-1).tolist()}
        epochs, steps, batch = job.checked.shape
        state, found = self.losses(self.fresh(), job.checked.reshape(-1, batch))
        final = [
            float(loss_of(self.workload, self._outputs(state, self.x[part]), self.y[part]))
            for part in job.checked_parts
        ]
        means = np.asarray(found).reshape(epochs, steps).mean(axis=1)
        return {"epochs": means.tolist(), "final": float(np.mean(final))}


class JaxScan(JaxStep):
    """JAX, one call for many steps."""

    _scanned: Callable[..., Any]

    def prepare(self) -> None:
        """Make what is compiled."""

        def scanned(state: State, x: Any, y: Any, order: Any, steps: int) -> tuple[State, Any]:
            return jax.lax.scan(
                lambda state, _: self.one_step(state, x, y, order), state, None, length=steps
            )

        self._scanned = jax.jit(scanned, donate_argnums=0, static_argnums=4)
        self.unit = min(MOST_STEPS, self.workload.batches)

    def train(self, state: State, units: int) -> State:
        """Make that many scans."""
        for _ in range(units):
            state, _ = self._scanned(state, self.x, self.y, self.order, self.unit)
        return state

    def losses(self, state: State, checked: Array) -> tuple[State, list[float]]:
        """Return the loss of each of the steps `checked`."""
        order = jnp.asarray(checked, dtype="int32")
        state, found = self._scanned(state, self.x, self.y, order, len(checked))
        return state, np.asarray(found).tolist()
