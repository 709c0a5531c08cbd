"""DeepDiagnosis: saturation, numbers that are none, weights that never change, range of outputs.

Stand-ins: within 1 % of a bound for an input beyond ±5: of a sigmoid that is the same, as
σ(5) = 0.993; tanh is there earlier.
"""

from __future__ import annotations

from benchmarks.doctor.peers.traces import Traces
from benchmarks.doctor.scoring import Named
from misstep.record import Record

SATURATED = 0.5
# Share of the range of the answers that the outputs leave out at either end.
RANGE_LEFT_OUT = 0.5


def judge(record: Record) -> list[Named]:
    """Return what its thresholds say of a record."""
    traces = Traces(record)
    found = []
    if traces.not_finite:
        found.append(Named("not-a-number", critical=True))
    unmoved = [traces.values("unmoved_share", one.name) for one in traces.weights]
    if any(len(values) > 1 and values[-1] == 1.0 for values in unmoved):
        found.append(Named("parameters-not-learning", critical=True))
    bounded = [layer for layer in traces.layers if layer.bounds is not None]
    if traces.largest("saturated_share", bounded) > SATURATED:
        found.append(Named("saturated-units", critical=True))
    if _out_of_range(record, traces):
        found.append(Named("wrong-output", critical=True))
    return found


def _out_of_range(record: Record, traces: Traces) -> bool:
    """Return whether the last layer can't reach the answers."""
    description = record.description
    answers = description.answers if description else None
    if description is None or answers is None or answers.numbers is None or not traces.layers:
        return False
    last = traces.layers[-1]
    lowest, highest = last.bounds or ((0.0, float("inf")) if last.can_die else (None, None))
    if lowest is None or highest is None:
        return False
    span = answers.numbers.largest - answers.numbers.smallest
    below, above = lowest - answers.numbers.smallest, answers.numbers.largest - highest
    return bool(max(below, above) > RANGE_LEFT_OUT * span / 2)
