"""Faults of rows and answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.doctor.faults.registry import Harm, fault
from benchmarks.doctor.setups import Array, Part, Setup

INPUTS, ANSWERS, SPLIT = "inputs", "answers", "split"
BATCH = 32


def _on_inputs(setup: Setup, change: object, test: bool = True) -> Setup:
    def changed(part: Part) -> Part:
        x = change(part.x.astype("float64"))  # type: ignore[operator]
        return Part(np.ascontiguousarray(x, "float32"), part.y)

    return setup.with_parts(changed, test)


@fault("unscaled-inputs/large", (10.0, 100.0, 1000.0, 10000.0), stage=INPUTS)
def large_inputs(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """All inputs in units so many times as small."""
    return _on_inputs(setup, lambda x: x * strength)


@fault("unscaled-inputs/small", (0.1, 0.03, 0.01, 0.001), stage=INPUTS)
def small_inputs(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """All inputs in units so much larger."""
    return _on_inputs(setup, lambda x: x * strength)


@fault("unscaled-inputs/mixed", (1.0, 2.0, 3.0, 4.0), stage=INPUTS)
def mixed_inputs(setup: Setup, strength: float, random: np.random.Generator) -> Setup | None:
    """Each column in units of its own, up to so many powers of ten, as in a table of measures."""
    columns = setup.train.x.shape[-1]
    if columns < 2 or setup.train.x.ndim == 4:
        return None
    units = 10.0 ** random.permutation(np.linspace(0.0, strength, columns))
    middles = units * random.uniform(0.0, 3.0, columns)
    return _on_inputs(setup, lambda x: x * units + middles)


@fault("unscaled-inputs/far", (3.0, 10.0, 30.0, 100.0), stage=INPUTS)
def far_inputs(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """All inputs so far from 0, as years or temperatures in kelvins are."""
    return _on_inputs(setup, lambda x: x + strength)


@fault("unscaled-target", (10.0, 100.0, 1000.0, 100000.0), stage=ANSWERS)
def large_target(setup: Setup, strength: float, random: np.random.Generator) -> Setup | None:
    """Numbers to learn in units so many times as small, twice their deviation from 0."""
    if setup.is_classification:
        return None
    return setup.with_parts(
        lambda part: Part(part.x, ((part.y + 2.0) * strength).astype("float32"))
    )


@fault("constant-input", (0.3, 0.6, 0.8, 1.0), stage=INPUTS)
def constant_inputs(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """A share of the inputs are the same number in every row; one column at least."""
    shape = setup.train.x.shape[1:]
    # Of sequences a whole channel, else single numbers.
    varied = shape[-1:] if len(shape) == 2 else shape
    count = int(np.prod(varied))
    gone = random.permutation(count)[: max(1, round(strength * count))]
    flat = np.zeros(count, bool)
    flat[gone] = True
    return _on_inputs(setup, lambda x: np.where(flat.reshape(varied), 0.5, x))


@fault("outliers", (30.0, 100.0, 1000.0, 10000.0), stage=INPUTS)
def outliers(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """In one row of a hundred a slip of the point, so large, and then everything standardized."""

    def slipped(part: Part) -> Part:
        x = part.x.astype("float64")
        rows = random.permutation(len(x))[: max(1, len(x) // 100)]
        x[rows] *= strength
        return Part(x, part.y)

    spoiled = setup.with_parts(slipped, test=False)
    axes = tuple(range(spoiled.train.x.ndim - 1))
    mean = spoiled.train.x.mean(axis=axes)
    deviation = np.maximum(spoiled.train.x.std(axis=axes), 1e-9)
    return _on_inputs(spoiled, lambda x: (x - mean) / deviation)


def _wrong(y: Array, share: float, classes: int, random: np.random.Generator) -> Array:
    """Return the answers with a share of them wrong."""
    rows = random.permutation(len(y))[: round(share * len(y))]
    y = y.copy()
    if classes:
        y[rows] = (y[rows] + random.integers(1, classes, y[rows].shape)) % classes
    else:
        y[rows] = y[np.roll(rows, 1)]
    return y


@fault("label-errors", (0.05, 0.1, 0.2, 0.3, 0.4), stage=ANSWERS)
def label_errors(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """A share of the answers, of validation rows too, are of another class or another row."""
    classes = len(np.unique(setup.train.y)) if setup.is_classification else 0
    return setup.with_parts(
        lambda part: Part(part.x, _wrong(part.y, strength, classes, random)), test=False
    )


@fault("class-imbalance", (0.2, 0.1, 0.05, 0.02, 0.01), stage=ANSWERS)
def imbalance(setup: Setup, strength: float, random: np.random.Generator) -> Setup | None:
    """Of all classes but one, so small a share of rows; in practice all are as common."""
    if not setup.is_classification:
        return None
    common = random.choice(np.unique(setup.train.y))

    def thinned(part: Part) -> Part:
        is_common = part.y.reshape(len(part.y), -1)[:, 0] == common
        kept = is_common | (random.random(len(part.y)) < strength)
        rows = np.flatnonzero(kept)
        # Whole batches, so that few programs are compiled.
        rows = rows[: max(BATCH, len(rows) // BATCH * BATCH)]
        return Part(part.x[rows], part.y[rows])

    return setup.with_parts(thinned, test=False)


@fault("leakage/overlap", (0.5, 1.0), harm=Harm.CLAIM, stage=SPLIT)
def overlap(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """A share of the validation rows are rows that training learns from, few as they are."""
    rows = 160
    train = Part(setup.train.x[:rows], setup.train.y[:rows])
    epochs = min(4 * setup.epochs, 200)
    validation = Part(setup.validation.x.copy(), setup.validation.y.copy())
    count = round(strength * len(validation.x))
    copied = random.integers(0, rows, count)
    validation.x[:count], validation.y[:count] = train.x[copied], train.y[copied]
    return replace(setup, train=train, validation=validation, epochs=epochs)


@fault("leakage/column", (1.0, 0.3, 0.1, 0.01), harm=Harm.CLAIM, stage=INPUTS)
def telling_column(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """A number holds the answer, with this much noise, as long as the answers are known.

    In a table it is one more column, else it takes the last place in a row.
    """
    every = np.concatenate([setup.train.y, setup.validation.y]).reshape(-1)
    mean, deviation = every.mean(), every.std()

    def told(part: Part, known: bool) -> Part:
        answers = (part.y.reshape(-1) - mean) / deviation
        if not known:
            answers = random.permutation(answers)
        answers = (answers + random.normal(0.0, strength, len(answers))).astype("float32")
        x = part.x.copy()
        if x.ndim == 2:
            return Part(np.column_stack([x, answers]), part.y)
        x[(slice(None), *(-1 for _ in x.shape[1:]))] = answers
        return Part(x, part.y)

    return replace(
        setup,
        train=told(setup.train, True),
        validation=told(setup.validation, True),
        test=told(setup.test, False),
    )
