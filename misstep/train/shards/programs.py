"""What a shard of a batch computes, and what all shards compute together: programs of both.

The graph of a shard is that of a step on its rows, in which whatever is about the whole batch is a
sum over shards: statistics of batches, and at the end gradients, loss and weight. The loss of a
batch is Σ wᵢ lᵢ / Σ wᵢ; a shard has the gradient of its part of the first sum, and what all add up
to is divided once. Knows graphs, not who runs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep import ops
from misstep.compiler import Roles
from misstep.errors import ArgumentError
from misstep.ir import Graph, Interpreter, Value, make_input, make_literal
from misstep.nn import Network, Program
from misstep.nn.inference import make_target
from misstep.nn.losses import Loss
from misstep.nn.tracing import Shard
from misstep.ops import slice_axis
from misstep.train.anatomy import Anatomy, Part
from misstep.train.mixup import Mixture, mixed_shard
from misstep.train.programs import Programs
from misstep.train.shards.cutting import Cut, cut

# Inputs of which each shard has its own.
LOCAL = ("x", "y", "weights", "first")


@dataclass
class ShardProgram:
    """The programs of shards of so many rows: one for each stage.

    `rows`: that are gathered, `more` than the shard has: 1 where rows are mixed with their
    neighbors, else 0. `dtypes`: of what is gathered, by name.
    """

    cut: Cut
    stages: list[Program]
    rows: int
    more: int
    dtypes: dict[str, str]


class ShardPrograms:
    """Makes and keeps the programs of shards, of one network, loss and optimizer.

    Raises ArgumentError for a network or a loss in which rows of a batch need each other by another
    way than sums over shards: they would learn from a shard as if it were the batch.
    """

    def __init__(self, programs: Programs) -> None:
        self.programs = programs
        self._kept: dict[tuple[Any, ...], ShardProgram] = {}
        self._last: dict[tuple[Any, ...], Program] = {}
        if type(programs.loss).__call__ is not Loss.__call__:
            raise ArgumentError(
                f"shards of a batch with the loss {type(programs.loss).__name__}",
                needed="a loss that is the mean over rows, as per_row gives them",
                got="one that says for itself what a batch's loss is",
                try_="shards=1, on one machine",
            )
        _refuse_mixing_layers(programs.network)

    def shard(self, rows: int, whole: int, *, weighted: bool) -> ShardProgram:
        """Return the programs of a shard of so many rows of a batch of `whole`."""
        key = (rows, whole, weighted, self.programs.network.frozen)
        if key not in self._kept:
            made, gathered = self._cut(rows, whole, weighted)
            programs = [
                Program(stage.graph, Roles(), self.programs.compiling) for stage in made.stages
            ]
            dtype = self.programs.network.dtype
            answers = make_target(self.programs.loss, (1,), dtype).dtype
            dtypes = {"x": dtype, "y": answers, "weights": dtype}
            self._kept[key] = ShardProgram(made, programs, gathered, gathered - rows, dtypes)
            # The rows of a shard are in none of its numbers.
            last = (whole, weighted, self.programs.network.frozen)
            self._last.setdefault(last, Program(made.last, Roles(), self.programs.compiling))
        return self._kept[key]

    def last(self, whole: int, *, weighted: bool) -> Program:
        """Return the program of what all shards have in common, once one of them was made.

        Outputs: loss, the mean, and weight; buffers, where a layer changes some.
        """
        return self._last[whole, weighted, self.programs.network.frozen]

    @property
    def so_far(self) -> list[Program]:
        """Return the programs made so far."""
        stages = [program for one in self._kept.values() for program in one.stages]
        return [*stages, *self._last.values()]

    def _cut(self, rows: int, whole: int, weighted: bool) -> tuple[Cut, int]:
        programs = self.programs
        network, loss = programs.network, programs.loss
        mixing = programs.mixup > 0 and whole > 1
        gathered = rows + 1 if mixing else rows
        flat = network.input_values()
        x = make_input("x", (gathered, *network.input_shape), network.dtype)
        y = make_target(loss, (gathered, *network.output_shape), network.dtype)
        seed, draw = make_input("seed", (), "int64"), make_input("draw", (), "int64")
        first = make_input("first", (), "int64")
        weights = make_input("weights", (gathered,), network.dtype) if weighted else None
        inputs = [*flat.values(), x, y, seed, draw, first]
        inputs += [] if weights is None else [weights]
        if mixing and weights is not None:
            weights = slice_axis(weights, 0, 0, rows)
        anatomy = Anatomy(network)
        mixture: Mixture | None = None
        target = y
        with anatomy.part(Part.MIXUP):
            if mixing:
                mixture = mixed_shard(x, y, programs.mixup, seed, draw, first)
                target = slice_axis(y, 0, 0, rows)
        raw, trace = network.apply(
            x if mixture is None else mixture.x,
            flat["parameters"],
            buffers=flat.get("buffers"),
            training=True,
            seed=seed,
            step=draw,
            shard=Shard(rows, whole, first),
            precision=programs.precision,
        )
        if mixture is None:
            loss_sum, weight = _sums(loss, raw, target, weights)
            if weight is None:
                whole_weight = make_literal(float(whole), network.dtype)
            else:
                whole_weight = ops.sum_over_shards(weight)
        else:
            loss_sum, weight = loss.mixed_sums(raw, target, mixture.other, mixture.share, weights)
            whole_weight = ops.sum_over_shards(weight)
        slopes = programs.slopes(loss_sum, trace, anatomy)
        loss_of_all = ops.sum_over_shards(loss_sum)
        divisor = ops.where(ops.equal(whole_weight, 0.0), 1.0, whole_weight)
        outputs = {
            "gradients": ops.sum_over_shards(slopes),
            "loss": loss_of_all / divisor,
            # A number of its own, also where it is a sum over shards.
            "weight": whole_weight * 1.0,
        }
        after = network.buffers_after(trace)
        if after is not None:
            outputs["buffers"] = after
        return cut(outputs, inputs, LOCAL), gathered


def _sums(
    loss: Loss, raw: Value, target: Value, weights: Value | None
) -> tuple[Value, Value | None]:
    """Return Σ wᵢ lᵢ over the rows of a shard, and Σ wᵢ; None where every row weighs 1."""
    loss.check(raw, target)
    rows = loss.per_row(raw, target)
    weights = loss.all_weights(raw, target, weights)
    if weights is None:
        return ops.sum(rows), None
    return ops.sum(rows * weights), ops.sum(weights)


def _refuse_mixing_layers(network: Network) -> None:
    """Raise ArgumentError where a row's output depends on another row of its batch.

    Found out by trying: a shard of two rows passes twice, the second row another one in the second
    pass. What layers have of the whole batch, sums over shards, is held.
    """
    rows = 2
    flat = network.input_values()
    x = make_input("x", (rows, *network.input_shape), network.dtype)
    seed, draw, first = (make_input(name, (), "int64") for name in ("seed", "draw", "first"))
    raw, _ = network.apply(
        x,
        flat["parameters"],
        buffers=flat.get("buffers"),
        training=True,
        seed=seed,
        step=draw,
        shard=Shard(rows, 2 * rows, first),
    )
    held = cut({"held": ops.sum_over_shards(raw)}, [*flat.values(), x, seed, draw, first], LOCAL)
    random = np.random.default_rng(0)
    one, other = (
        network.with_positions(
            random.normal(size=(rows, *network.input_shape)).astype(network.dtype)
        )
        for _ in range(2)
    )
    other[0] = one[0]
    feeds: dict[str, Any] = {**network.feeds(), "seed": 0, "draw": 0, "first": 0}
    for name, (_, size, dtype) in held.totals.items():
        feeds[name] = random.uniform(0.5, 1.5, size).astype(dtype)

    def passed(numbers: Any) -> Any:
        carried: dict[str, Any] = {}
        out: dict[str, Any] = {}
        for stage in held.stages:
            out = Interpreter(stage.graph).run(
                _known(stage.graph, feeds | carried | {"x": numbers})
            )
            carried |= out
        (partial,) = held.stages[-1].partials
        return out[partial][-raw.size :].reshape(raw.shape)

    before, after = passed(one), passed(other)
    if not np.array_equal(before[0], after[0], equal_nan=True):
        raise ArgumentError(
            "shards of a batch",
            needed="layers that work on each row by itself, or that sum over shards what is of the "
            "whole batch, as BatchNorm does",
            got="a network in which a row's output depends on other rows",
            try_="shards=1, on one machine",
        )


def _known(graph: Graph, feeds: dict[str, Any]) -> dict[str, Any]:
    return {value.name: feeds[value.name] for value in graph.inputs if value.name in feeds}
