"""What the rows of a series are made of: columns and calendar, as a whole and step by step.

Every step of the target is measured from the last one, which all of a row rests on: it is no input
of its own. Knows windows.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from misstep.data.inputs import Inputs
from misstep.data.series.time_steps import SIZES

if TYPE_CHECKING:
    from misstep.data.series.windows import SeriesWindows

__all__ = ["window_inputs"]

# Spans of steps that a window is cut into, where it has more steps than this.
MOST_SPANS = 60


def window_inputs(windows: SeriesWindows) -> tuple[Inputs, ...]:
    """Return the columns and the calendar, each as a whole, and the columns span by span."""
    return _whole(windows), _by_span(windows)


def _whole(windows: SeriesWindows) -> Inputs:
    steps, columns = windows.window, windows.plan.columns
    names = [f"the course of {columns[0]}", *columns[1:]]
    members = np.tile(np.arange(len(columns)), steps)
    for part in windows.calendar:
        members = np.append(members, np.full(SIZES[part], len(names)))
        names.append(f"the {part}")
    if windows.reference:
        members = np.append(members, len(names))
        names.append(f"the level of {columns[0]}")
    return Inputs("input", names, members)


def _by_span(windows: SeriesWindows) -> Inputs:
    steps, columns = windows.window, windows.plan.columns
    spans = min(steps, MOST_SPANS)
    # Counted back from the origin: the span of the newest steps comes first.
    edges = [steps * span // spans for span in range(spans + 1)]
    back = np.arange(steps - 1, -1, -1)
    span_of = np.searchsorted(edges, back, side="right") - 1
    members = (span_of[:, None] * len(columns) + np.arange(len(columns))).reshape(-1)
    members = np.concatenate([members, np.full(windows.number_of_features - len(members), -1)])
    names, places, heads = [], [], []
    for span, (first, stop) in enumerate(itertools.pairwise(edges)):
        heads.append(f"{first}" if stop - first == 1 else f"{first}–{stop - 1}")
        for column, name in enumerate(columns):
            names.append(f"{name}{_back(first, stop - 1)}")
            places.append((column, span))
    return Inputs(
        "step", names, members, places=places, lines=list(columns), columns=heads, alike=True
    )


def _back(first: int, last: int) -> str:
    """Return how many steps back from the origin."""
    if first == last == 0:
        return ", the last step"
    if first == last:
        return f", {first} {'step' if first == 1 else 'steps'} back"
    return f", {first} to {last} steps back"
