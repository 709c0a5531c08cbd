"""Curves of any length become some hundred points that hide no peak."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misstep.record import Record
from misstep.web.watch.curves import Curve, curves_of, envelope


def by_hand(
    steps: list[int], mean: list[float], low: list[float], high: list[float], points: int
) -> list[tuple[int, float, float, float]]:
    """Return spans one by one, as the docstring of `envelope` says."""
    spans: dict[int, list[int]] = {}
    whole = steps[-1] - steps[0] + 1
    for at, step in enumerate(steps):
        spans.setdefault((step - steps[0]) * points // whole, []).append(at)
    told = []
    for places in spans.values():
        weighted = [
            (mean[at], steps[at] - (steps[at - 1] if at else steps[0] - 1))
            for at in places
            if np.isfinite(mean[at])
        ]
        total = sum(weight for _, weight in weighted)
        middle = sum(number * weight for number, weight in weighted) / total if total else np.nan
        lows = [low[at] for at in places if np.isfinite(low[at])]
        highs = [high[at] for at in places if np.isfinite(high[at])]
        ends = min(lows, default=np.nan), max(highs, default=np.nan)
        told.append((steps[places[-1]], middle, *ends))
    return told


NUMBERS = st.floats(-1e6, 1e6) | st.just(float("nan")) | st.just(float("inf"))


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 50), NUMBERS, st.floats(0, 5)), min_size=5, max_size=80),
    st.integers(1, 4),
)
def test_spans_are_what_they_are_by_hand(
    entries: list[tuple[int, float, float]], points: int
) -> None:
    steps = np.cumsum([far for far, _, _ in entries])
    mean = np.array([number for _, number, _ in entries])
    around = np.array([one for _, _, one in entries])
    low, high = mean - around, mean + around
    got = envelope("loss", steps, mean, low, high, points)
    wanted = by_hand(steps.tolist(), mean.tolist(), low.tolist(), high.tolist(), points)
    assert len(got.steps) <= points
    rows = zip(got.steps, got.mean, got.low, got.high, strict=True)
    np.testing.assert_allclose(list(rows), wanted, rtol=1e-9)


def test_a_single_peak_of_a_long_run_is_seen() -> None:
    steps = np.arange(1, 100_001)
    loss = np.ones(100_000)
    loss[73_456] = 50.0
    curve = envelope("loss", steps, loss, loss, loss)
    assert len(curve.steps) <= 400
    assert np.nanmax(curve.high) == 50.0
    assert curve.steps[-1] == 100_000


def test_few_entries_are_drawn_as_they_are() -> None:
    steps = np.array([2, 4])
    loss = np.array([1.0, np.inf])
    assert envelope("loss", steps, loss, loss, loss).plain() == {"x": [2, 4], "mean": [1.0, None]}


@pytest.mark.parametrize(
    ("number", "short"),
    [(1.23456789, 1.23457), (0.0, 0.0), (-98765.4321, -98765.4), (1e300, 1e300), (5e-324, 5e-324)],
)
def test_numbers_keep_six_figures(number: float, short: float) -> None:
    numbers = np.array([number])
    (told,) = Curve("loss", np.array([1]), numbers, numbers, numbers).plain()["mean"]
    assert told == pytest.approx(short, rel=1e-12)


def test_a_record_has_its_curves() -> None:
    record = Record({})
    record.add({"kind": "steps", "first": 1, "loss": [3.0, 2.0], "learning_rate": 0.1})
    for epoch, loss in enumerate((2.5, 1.5), start=1):
        values = {"training_loss": loss, "validation_loss": loss + 1, "seconds": 1.0}
        record.add({"kind": "epoch", "epoch": epoch, "step": epoch, "values": values})
    curves = {name: curve.plain() for name, curve in curves_of(record).items()}
    assert curves["loss"] == {"x": [1, 2], "mean": [3.0, 2.0]}
    assert curves["validation_loss"] == {"x": [1, 2], "mean": [3.5, 2.5]}
    assert set(curves) == {"loss", "learning_rate", "training_loss", "validation_loss"}
    assert curves_of(Record({})) == {}
