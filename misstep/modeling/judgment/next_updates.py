"""What the next update would make of one row: every weight before and after, and the loss after it.

The row alone is learned from, as it goes in evaluation: nothing is dropped out, no penalty and no
clipping takes part. All is computed in float64, and the loss afterward by running the network anew,
not by a slope. Knows one row's graph and optimizers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from misstep.ir import Array, Graph, Interpreter, Value, make_literal, make_parameter
from misstep.modeling.model import Model, RowGraph
from misstep.nn import Network
from misstep.optim import SGD, Optimizer, StepContext
from misstep.train import Trainer, TrainingState

__all__ = ["ChangedWeight", "NextUpdate", "next_updates", "parameter_at"]

# Weights that are named: those that move most.
MOST_CHANGED = 6
# The rate of plain descent where nobody says another.
RATE = 0.01


@dataclass(frozen=True)
class ChangedWeight:
    """A weight, such as dense1.weight[3,0], before and after an update, and its gradient."""

    name: str
    path: str
    index: tuple[int, ...]
    before: float
    after: float
    gradient: float


@dataclass(frozen=True)
class NextUpdate:
    """An update that learns from one row alone.

    `rule`: "gradient descent" or the name of the run's optimizer; `own`: whether it is that one,
    and `begun_anew` whether without what it kept from training, which is not known or is of other
    weights. `learning_rate`: before any schedule. `loss_before`, `loss_after`: of the row;
    `said_before`, `said_after`: the probability of the right class, or the predicted number.
    `moved`: √Σ Δw² over all weights; `share`: that over √Σ w². `weights`: those that move most.
    """

    rule: str
    own: bool
    begun_anew: bool
    learning_rate: float
    loss_before: float
    loss_after: float
    said_before: float
    said_after: float
    moved: float
    share: float
    weights: tuple[ChangedWeight, ...]


def next_updates(
    model: Model,
    graph: RowGraph,
    gradients: Array,
    *,
    trainer: Trainer | None = None,
    learning_rate: float | None = None,
) -> tuple[NextUpdate, ...]:
    """Return what plain descent would do next, and the run's own optimizer where it is known.

    `graph`: of the row, with its answer; `gradients`: of its loss by all parameters, (parameters,).
    `learning_rate`: of plain descent; by default the optimizer's.
    """
    rate = learning_rate
    if rate is None:
        rate = RATE if trainer is None else trainer.optimizer.learning_rate
    row = _Row(model, graph, gradients)
    found = [row.outcome(row.before - rate * row.gradients, _Rule(rate))]
    if trainer is not None and not _is_plain(trainer.optimizer):
        state, optimizer = trainer.state, trainer.optimizer
        # Weights of an earlier epoch may have been kept, to which the state does not belong.
        known = state is not None and np.array_equal(state.parameters, model.network.parameters)
        after = _optimized(optimizer, row, state if known else None)
        name = type(optimizer).__name__
        rule = _Rule(optimizer.learning_rate, name, own=True, begun_anew=not known)
        found.append(row.outcome(after, rule))
    return tuple(found)


@dataclass(frozen=True)
class _Rule:
    rate: float
    name: str = "gradient descent"
    own: bool = False
    begun_anew: bool = False


class _Row:
    """A row's loss as a function of all parameters, (parameters,); frozen ones do not move."""

    def __init__(self, model: Model, graph: RowGraph, gradients: Array) -> None:
        assert graph.flat is not None
        assert graph.loss is not None
        self._model, self._network = model, model.network
        self.before = np.asarray(graph.flat.data, np.float64)
        self.free = np.ones(len(self.before), bool)
        for name, part in self._network.arrays(self.free).items():
            part[...] = not self._network.is_frozen(name)
        self.gradients = np.where(self.free, gradients, 0.0)
        self._right = 0
        if graph.truth is not None and not model.target.is_number:
            self._right = int(np.asarray(graph.truth.data).reshape(-1)[0])
        said = model.loss.predict(graph.output)
        self._program = Interpreter(Graph({"loss": graph.loss, "said": said}, [graph.flat]))
        self._first = self._outcome(self.before)

    def outcome(self, after: Array, rule: _Rule) -> NextUpdate:
        """Return what becomes of the row with other parameters."""
        after = np.where(self.free, after, self.before)
        loss, said = self._outcome(after)
        moved = float(np.sqrt(((after - self.before) ** 2).sum()))
        size = float(np.sqrt((self.before[self.free] ** 2).sum()))
        return NextUpdate(
            rule.name,
            rule.own,
            rule.begun_anew,
            rule.rate,
            self._first[0],
            loss,
            self._first[1],
            said,
            moved,
            moved / size if size else float("inf"),
            _most_changed(self._network, self.before, after, self.gradients),
        )

    def _outcome(self, parameters: Array) -> tuple[float, float]:
        numbers = self._program.run({"parameters": parameters})
        return float(numbers["loss"].reshape(())), self._said(numbers["said"])

    def _said(self, outputs: Array) -> float:
        """Return the probability of the right class, or the predicted number."""
        target = self._model.target
        if target.is_number:
            return float(target.decode_outputs(outputs.reshape(-1))[0])
        if outputs.shape[1] == 1:
            return float(outputs[0, 0] if self._right == 1 else 1 - outputs[0, 0])
        return float(outputs[0, self._right])


def _is_plain(optimizer: Optimizer) -> bool:
    return isinstance(optimizer, SGD) and optimizer == SGD(optimizer.learning_rate)


def _optimized(optimizer: Optimizer, row: _Row, state: TrainingState | None) -> Array:
    """Return all parameters after a step of the optimizer's own rule, in float64.

    `state`: where training stands; None: as before the first update.
    """
    count, scalars = 0, dict(optimizer.scalars)
    slots = {
        name: np.full(len(row.before), optimizer.first(name)) for name in optimizer.used_slots()
    }
    if state is not None:
        slots = dict(zip(slots, state.optimizer_state, strict=True))
        scalars = dict(zip(scalars, state.scalars.tolist(), strict=True))
        count = state.update
    context = StepContext(_literal(count + 1.0), _literal(optimizer.learning_rate))
    kept = {name: _literal(array) for name, array in slots.items()}
    single = {name: _literal(number) for name, number in scalars.items()}
    parameters = make_parameter(row.before, dtype="float64")
    new, _ = optimizer.update(parameters, _literal(row.gradients), {**kept, **single}, context)
    return np.asarray(new.numpy(), np.float64)


def _literal(number: float | Array) -> Value:
    return make_literal(np.asarray(number, "float64"), "float64")


def _most_changed(
    network: Network, before: Array, after: Array, gradients: Array
) -> tuple[ChangedWeight, ...]:
    sizes = np.abs(after - before)
    # Of equal ones, the first of the first layer comes first.
    order = np.argsort(-sizes, kind="stable")[:MOST_CHANGED]
    weights = []
    for place in order[sizes[order] > 0].tolist():
        name, index = parameter_at(network, place)
        title = f"{name}[{','.join(map(str, index))}]" if index else name
        numbers = [float(each[place]) for each in (before, after, gradients)]
        weights.append(ChangedWeight(title, name, index, *numbers))
    return tuple(weights)


def parameter_at(network: Network, place: int) -> tuple[str, tuple[int, ...]]:
    """Return name and index of the parameter at a place of the flat array."""
    for part in network.parameter_slices:
        if part.start <= place < part.stop:
            shape = part.specification.shape
            index = np.unravel_index(place - part.start, shape) if shape else ()
            return part.specification.name, tuple(int(at) for at in index)
    raise IndexError(place)
