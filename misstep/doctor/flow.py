"""How signals of layers went over a run, as strips: gradients, updates, units that sleep.

Measured as the rules measure them and beside the same bounds, so that a page shows what a finding
says. Knows records; draws nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.doctor.evidence import Array, Evidence
from misstep.doctor.gradients import relative_gradients
from misstep.doctor.rules import (
    dead_units,
    exploding_gradients,
    saturated_units,
    vanishing_gradients,
)
from misstep.doctor.rules.learning_rate_too_high import LARGE_STEP
from misstep.doctor.unfinished import HEALTHY_RATIO
from misstep.record import Record

__all__ = ["Strip", "dead_shares", "gradient_flow", "saturated_shares", "update_ratios"]

# Columns that a strip has at most: more than a screen's width can tell apart.
MOST_COLUMNS = 120
# What is healthy reaches a decade below what is usual; upward, to where steps are too long.
SMALLEST_RATIO = HEALTHY_RATIO / 10


@dataclass(frozen=True)
class Strip:
    """A number of each layer, or parameter, over the updates of a run.

    `names`: of the layers, from the first to the last; `steps`: (columns,) the last update before
    each column's look, rising, 0 before the first one. `numbers`: (names, columns), NaN where
    nobody looked. `band`: between which they are healthy; `source`: where these bounds come from,
    in words; `usual`: what is usual, or None. `looks`: how many there were; of more than there are
    columns, each column is the middle one of several.
    """

    signal: str
    names: tuple[str, ...]
    steps: Array
    numbers: Array
    band: tuple[float, float]
    source: str
    looks: int
    usual: float | None = None

    @property
    def latest(self) -> Array:
        """Return the last number of each that was seen, (names,); NaN where none was."""
        seen = [row[np.isfinite(row)] for row in self.numbers]
        return np.array([row[-1] if len(row) else np.nan for row in seen])

    def plain(self) -> dict[str, Any]:
        """Return all of it as plain JSON; None where nobody looked."""
        numbers = [
            [float(one) if np.isfinite(one) else None for one in row] for row in self.numbers
        ]
        return {
            "signal": self.signal,
            "names": list(self.names),
            "steps": self.steps.tolist(),
            "numbers": numbers,
            "band": list(self.band),
            "source": self.source,
            "looks": self.looks,
        }


def gradient_flow(record: Record) -> Strip | None:
    """Return each layer's gradient over its weights, beside the larger one of the last two layers.

    1: as strong as there. Of a layer with several weights the strongest counts. None where the
    record has no two layers of it. The band is that of `vanishing-gradients` and of
    `exploding-gradients`, which ask besides how much each layer takes away or adds.
    """
    if record.description is None:
        return None
    by_layer: dict[str, dict[int, float]] = {}
    for each in relative_gradients(Evidence(record)):
        looks = by_layer.setdefault(each.layer.path, {})
        for step, value in zip(each.steps.tolist(), each.values.tolist(), strict=True):
            looks[step] = max(looks.get(step, 0.0), value)
    if len(by_layer) < 2:
        return None
    names, steps, table = _table(by_layer)
    with np.errstate(invalid="ignore", divide="ignore"):
        last = np.fmax(table[-1], table[-2])
        beside = np.where(last > 0, table / last, np.nan)
    return _strip(
        "gradient_flow",
        names,
        steps,
        beside,
        (vanishing_gradients.FIRST_TO_LAST, exploding_gradients.FIRST_TO_LAST),
        "a hundredth: where vanishing-gradients begins; 70 times: exploding-gradients "
        "(after AutoTrainer)",
        usual=1.0,
        middle=_middle_of_logarithms,
    )


def update_ratios(record: Record) -> Strip | None:
    """Return by how much of itself each weight moves in one update, ‖Δw‖ ÷ ‖w‖; None without any.

    A schedule that ends makes all of them small at last, which is no fault.
    """
    if record.description is None:
        return None
    evidence = Evidence(record)
    by_weight: dict[str, dict[int, float]] = {}
    for _, parameter in evidence.weights:
        if not parameter.learns:
            continue
        updates = _series(evidence, "update_norm", parameter.name)
        sizes = _series(evidence, "weight_norm", parameter.name)
        ratios = {
            step: update / sizes[step]
            for step, update in updates.items()
            if sizes.get(step, 0.0) > 0 and np.isfinite(update / sizes[step])
        }
        if ratios:
            by_weight[parameter.name] = ratios
    if not by_weight:
        return None
    return _strip(
        "update_ratio",
        *_table(by_weight),
        (SMALLEST_RATIO, LARGE_STEP),
        "1e-4 to 1e-1, usual a thousandth (Karpathy, cs231n; TheDeepChecker)",
        usual=HEALTHY_RATIO,
        middle=_middle_of_logarithms,
    )


def dead_shares(record: Record) -> Strip | None:
    """Return which share of each layer's units is 0 for every probe row; None without any."""
    source = "half of a layer: where dead-units begins to ask what it cost"
    return _shares(record, "dead_share", dead_units.MANY, source)


def saturated_shares(record: Record) -> Strip | None:
    """Return which share of each layer's outputs lies at a bound; None without any."""
    source = "half of a layer's outputs: where saturated-units begins to ask what it cost"
    return _shares(record, "saturated_share", saturated_units.MOST, source)


def _shares(record: Record, signal: str, most: float, source: str) -> Strip | None:
    if record.description is None:
        return None
    evidence = Evidence(record)
    by_layer = {
        layer.path: _series(evidence, signal, layer.path)
        for layer in record.description.layers
        if layer.path in record.paths(signal)
    }
    if not by_layer:
        return None
    return _strip(signal, *_table(by_layer), (0.0, most), source, middle=_middle)


def _series(evidence: Evidence, signal: str, path: str) -> dict[int, float]:
    steps, values = evidence.series(signal, path)
    return dict(zip(steps.tolist(), values.tolist(), strict=True))


def _table(by_name: Mapping[str, Mapping[int, float]]) -> tuple[tuple[str, ...], Array, Array]:
    """Return names, steps at which any was looked at, and (names, steps) with NaN for the rest."""
    steps = sorted({step for looks in by_name.values() for step in looks})
    rows = [[looks.get(step, np.nan) for step in steps] for looks in by_name.values()]
    return tuple(by_name), np.array(steps, "int64"), np.array(rows, "float64")


def _strip(
    signal: str,
    names: tuple[str, ...],
    steps: Array,
    numbers: Array,
    band: tuple[float, float],
    source: str,
    *,
    middle: Callable[[Array], Array],
    usual: float | None = None,
) -> Strip:
    looks = len(steps)
    if looks > MOST_COLUMNS:
        edges = np.linspace(0, looks, MOST_COLUMNS + 1).round().astype(np.int64)
        parts: Sequence[Array] = [
            middle(numbers[:, start:stop]) for start, stop in itertools.pairwise(edges)
        ]
        numbers, steps = np.stack(parts, axis=1), steps[edges[1:] - 1]
    return Strip(signal, names, steps, numbers, band, source, looks, usual)


def _middle(numbers: Array) -> Array:
    """Return the median of each row, (names,), of what was seen; NaN where nothing was."""
    seen = [row[~np.isnan(row)] for row in numbers]
    return np.array([np.median(row) if len(row) else np.nan for row in seen])


def _middle_of_logarithms(numbers: Array) -> Array:
    """Return the same of numbers that span decades; 0 counts as less than all others."""
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = _middle(np.log(numbers))
    return np.asarray(np.exp(middle))
