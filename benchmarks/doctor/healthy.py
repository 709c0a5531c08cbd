"""Healthy runs: customary settings, and the hard ones that look ill and are not.

Each is proven before it counts: its score must be within reach of the base program's, or of what
its data allow, and its validation loss must not have turned up. `hard` names are those of the list
of false alarms that others raise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import misstep as ms
from benchmarks.doctor.faults.network import with_activation, with_width
from benchmarks.doctor.setups import Array, Part, Setup
from misstep.nn import Activation, BatchNorm
from misstep.optim import RMSProp, Schedule, ScheduleContext

Variation = Callable[[Setup, np.random.Generator], Setup | None]


@dataclass(frozen=True)
class Healthy:
    """A way to vary a base program that leaves it healthy.

    `hard`: whether it looks ill. `same_data`: whether the base program's score can be asked of it;
    else a reference from scikit-learn on the same rows tells what the data allow.
    """

    name: str
    hard: bool
    change: Variation
    same_data: bool = True


HEALTHY: dict[str, Healthy] = {}


def healthy(
    name: str, *, hard: bool = False, same_data: bool = True
) -> Callable[[Variation], Variation]:
    """Register a variation. `same_data`: whether the base program's score can be asked of it."""

    def register(change: Variation) -> Variation:
        HEALTHY[name] = Healthy(name, hard, change, same_data)
        return change

    return register


def _rated(setup: Setup, factor: float) -> Setup:
    optimizer: Any = setup.optimizer
    rate = optimizer.learning_rate * factor
    return replace(setup, optimizer=replace(optimizer, learning_rate=rate))


def _after_activations(setup: Setup, layer: Any) -> Setup:
    layers: list[ms.Module] = []
    for one in setup.layers:
        layers += [one, replace(layer)] if isinstance(one, Activation) else [one]
    return replace(setup, layers=tuple(layers))


# --- customary settings ---------------------------------------------------------------------------


@healthy("as it is")
def _base(setup: Setup, random: np.random.Generator) -> Setup:
    return setup


@healthy("no validation")
def _unjudged(setup: Setup, random: np.random.Generator) -> Setup:
    return replace(setup, validating=False)


@healthy("momentum")
def _momentum(setup: Setup, random: np.random.Generator) -> Setup:
    return replace(setup, optimizer=setup.steady)


@healthy("AdamW")
def _adamw(setup: Setup, random: np.random.Generator) -> Setup:
    optimizer: Any = setup.optimizer
    return replace(setup, optimizer=ms.AdamW(optimizer.learning_rate, weight_decay=0.01))


@healthy("RMSProp")
def _rmsprop(setup: Setup, random: np.random.Generator) -> Setup:
    optimizer: Any = setup.optimizer
    return replace(setup, optimizer=RMSProp(0.5 * optimizer.learning_rate))


@healthy("batch of 16")
def _batch_16(setup: Setup, random: np.random.Generator) -> Setup:
    return replace(_rated(setup, 0.7), batch_size=16)


@healthy("batch of 64")
def _batch_64(setup: Setup, random: np.random.Generator) -> Setup:
    return replace(_rated(setup, 1.5), batch_size=64, epochs=round(1.3 * setup.epochs))


@healthy("twice the width")
def _wide(setup: Setup, random: np.random.Generator) -> Setup:
    return with_width(setup, 2.0)


@healthy("another activation")
def _other_activation(setup: Setup, random: np.random.Generator) -> Setup:
    has_relu = any(isinstance(layer, ms.ReLU) for layer in setup.layers)
    return with_activation(setup, ms.Tanh() if has_relu else ms.ReLU())


@healthy("cosine")
def _cosine(setup: Setup, random: np.random.Generator) -> Setup:
    return replace(_rated(setup, 1.5), schedule=ms.optim.Cosine())


@healthy("clipped gently")
def _clipped(setup: Setup, random: np.random.Generator) -> Setup:
    return replace(setup, clipping=(ms.optim.ClipNorm(5.0),))


@healthy("weak penalty")
def _penalty(setup: Setup, random: np.random.Generator) -> Setup:
    return replace(setup, regularizers=(ms.optim.L2(1e-5),))


# --- hard ones ------------------------------------------------------------------------------------


@healthy("sparse units", hard=True)
def _sparse(setup: Setup, random: np.random.Generator) -> Setup:
    """Most entries are 0, though hardly a unit is 0 for every row."""
    layers: list[ms.Module] = []
    for place, one in enumerate(with_width(setup, 2.0).layers):
        layer: Any = one
        hidden = isinstance(layer, ms.Dense | ms.Conv2D) and place < len(setup.layers) - 1
        bias = ms.initializers.Constant(-0.4)
        layers.append(replace(layer, bias_initializer=bias) if hidden else layer)
    return with_activation(replace(setup, layers=tuple(layers)), ms.ReLU())


@healthy("plain SGD at 0.1", hard=True)
def _descent_small(setup: Setup, random: np.random.Generator) -> Setup:
    return replace(setup, optimizer=ms.SGD(0.1), epochs=2 * setup.epochs)


@healthy("plain SGD at 0.5", hard=True)
def _descent_large(setup: Setup, random: np.random.Generator) -> Setup:
    return replace(setup, optimizer=ms.SGD(0.5), epochs=round(1.5 * setup.epochs))


@healthy("fine-tuning at 1e-5", hard=True)
def _tuning(setup: Setup, random: np.random.Generator) -> Setup:
    """Trained before; now a little further on the rows in another order."""
    return replace(setup, practiced=setup, optimizer=ms.Adam(1e-5), epochs=5)


@healthy("noisy small batches", hard=True)
def _small_batches(setup: Setup, random: np.random.Generator) -> Setup:
    return replace(_rated(setup, 0.25), batch_size=2, epochs=max(3, setup.epochs // 2))


@dataclass(frozen=True)
class Restarts(Schedule):
    """Half a cosine, again and again (Loshchilov and Hutter, 2017), `times` in all."""

    times: int = 3

    def factor(self, context: ScheduleContext, memory: dict[str, Any]) -> float:
        """Return the factor."""
        share = context.share * self.times % 1.0
        return 0.02 + 0.98 * 0.5 * (1.0 + float(np.cos(np.pi * share)))


@healthy("warm-up", hard=True)
def _warm_up(setup: Setup, random: np.random.Generator) -> Setup:
    steps = max(1, setup.epochs * len(setup.train.x) // 32 // 5)
    schedule = ms.optim.WarmUp(steps, then=ms.optim.Cosine())
    return replace(_rated(setup, 2.0), schedule=schedule)


@healthy("restarts", hard=True)
def _restarts(setup: Setup, random: np.random.Generator) -> Setup:
    return replace(_rated(setup, 1.5), schedule=Restarts(), epochs=round(1.2 * setup.epochs))


@healthy("plateau, then a fall", hard=True)
def _plateau(setup: Setup, random: np.random.Generator) -> Setup:
    """Weights start small, so that nothing happens for long."""

    def small(name: str, numbers: Array, random: np.random.Generator) -> Array:
        return numbers * 0.15 if name.endswith("weight") else numbers

    layers = with_activation(setup, ms.Tanh())
    return replace(layers, first_numbers=small, epochs=3 * setup.epochs)


@healthy("dropout", hard=True)
def _dropout(setup: Setup, random: np.random.Generator) -> Setup:
    """The validation loss is below that of training."""
    wide = with_width(setup, 3.0)
    return replace(_after_activations(wide, ms.Dropout(0.25)), epochs=2 * setup.epochs)


@healthy("easy task", hard=True, same_data=False)
def _easy(setup: Setup, random: np.random.Generator) -> Setup:
    """Classes far apart, or numbers that are a sum of the inputs: nearly all is right."""
    shape = setup.train.x.shape[1:]
    classes = len(np.unique(setup.train.y)) if setup.is_classification else 1
    directions = random.normal(0.0, 1.0, (classes, *shape))

    def easy(part: Part) -> Part:
        if setup.is_classification:
            which = part.y.reshape(len(part.y), -1)[:, 0].astype(int)
            spread = np.sqrt(np.mean(directions**2) * np.prod(shape)) / 8.0
            spread = 0.3 if np.prod(shape) < 4 else spread
            return Part(
                (directions[which] + random.normal(0.0, spread, part.x.shape)).astype("float32"),
                part.y,
            )
        x = random.normal(0.0, 1.0, part.x.shape)
        sums = (x * directions[0]).reshape(len(x), -1).sum(axis=1, keepdims=True)
        return Part(x.astype("float32"), (sums / np.sqrt(np.prod(shape))).astype("float32"))

    return replace(setup.with_parts(easy), epochs=max(6, setup.epochs // 2))


@healthy("loss at scale 1000", hard=True)
def _scaled(setup: Setup, random: np.random.Generator) -> Setup | None:
    """Numbers in units in which their squared errors are hundreds, and a rate that suits them."""
    if setup.is_classification:
        return None
    bigger = setup.with_parts(lambda part: Part(part.x, (part.y * 30.0).astype("float32")))
    return replace(_rated(bigger, 3.0), epochs=4 * setup.epochs)


@healthy("irreducible noise", hard=True, same_data=False)
def _noise(setup: Setup, random: np.random.Generator) -> Setup:
    """Inputs (of classes) or answers (numbers) with so much noise that half can't be known."""
    spread = float(setup.train.x.std())

    def noisy(part: Part) -> Part:
        if setup.is_classification:
            x = part.x + random.normal(0.0, 0.4 * spread, part.x.shape)
            return Part(x.astype("float32"), part.y)
        y = part.y + random.normal(0.0, 0.8, part.y.shape)
        return Part(part.x, y.astype("float32"))

    penalty = ms.optim.L2(0.003)
    return replace(with_width(setup.with_parts(noisy), 0.7), regularizers=(penalty,))


@healthy("frozen on purpose", hard=True)
def _frozen(setup: Setup, random: np.random.Generator) -> Setup:
    """The first layer stays as it was drawn, four times as wide."""
    wide = with_width(setup, 4.0)
    first: Any = wide.layers[0]
    layers = (replace(first, trainable=False), *wide.layers[1:])
    return replace(wide, layers=layers, epochs=2 * setup.epochs)


@healthy("large inputs, normalized inside", hard=True)
def _normalized(setup: Setup, random: np.random.Generator) -> Setup:
    """Inputs of hundreds, which the network's first layer brings to scale."""
    larger = setup.with_parts(lambda part: Part((part.x * 255.0).astype("float32"), part.y))
    return replace(larger, layers=(BatchNorm(), *larger.layers))


@healthy("sorted, and shuffled", hard=True)
def _sorted(setup: Setup, random: np.random.Generator) -> Setup:
    """Rows lie in the order of their answers, and training takes them in another."""
    order = np.argsort(setup.train.y.reshape(len(setup.train.y), -1)[:, 0], kind="stable")
    return replace(setup, train=Part(setup.train.x[order], setup.train.y[order]))


@healthy("idle columns", hard=True)
def _idle(setup: Setup, random: np.random.Generator) -> Setup | None:
    """Two more columns are the same in every row."""
    if setup.train.x.ndim != 2:
        return None

    def wider(part: Part) -> Part:
        idle = np.tile(np.array([1.0, 0.0], "float32"), (len(part.x), 1))
        return Part(np.concatenate([part.x, idle], axis=1), part.y)

    return setup.with_parts(wider)


@healthy("full batch, many epochs", hard=True)
def _full_batch(setup: Setup, random: np.random.Generator) -> Setup:
    return replace(_rated(setup, 1.5), batch_size="full", epochs=10 * setup.epochs)


@healthy("uneven classes", hard=True)
def _uneven(setup: Setup, random: np.random.Generator) -> Setup | None:
    """One class is a fifth as common as the others, in practice too."""
    if not setup.is_classification:
        return None
    rare = np.unique(setup.train.y)[0]

    def thinned(part: Part) -> Part:
        is_rare = part.y.reshape(len(part.y), -1)[:, 0] == rare
        rows = np.flatnonzero(~is_rare | (random.random(len(part.y)) < 0.2))
        rows = rows[: len(rows) // 32 * 32]
        return Part(part.x[rows], part.y[rows])

    return setup.with_parts(thinned)
