"""What a frame of the playground costs: updates, all that is seen of them, and its JSON.

    python -m benchmarks.playground [--frames N]

The time of one core, which other processes do not stretch; warm: programs are made by then, which
the first frame pays for. A frame is one
update and everything that a page draws of it, as bytes of JSON. Thirty of them a second leave 33 ms
for each; the page draws in what this leaves. Beside it: an update alone, a step back, an
explanation of a weight and of a unit, and an examination by the doctor.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from misstep.ir import Array
from misstep.playground import Session, Settings, preset_named

# Milliseconds that a frame of the first network may take on one core.
BUDGET = 10.0
EXPLANATIONS = 20


@dataclass(frozen=True)
class Case:
    """Settings with a name."""

    name: str
    settings: Settings


CASES = (
    Case("2-8-8-1, the ring", Settings()),
    Case("2-8-8-1, Adam, dropout", Settings(optimizer="adam", dropout=0.1)),
    Case("2-16-16-1, two spirals", preset_named("spirals").settings),
    Case("1-24-24-1, a staircase", preset_named("staircase").settings),
    Case("2-8×10-1, sigmoids", preset_named("sigmoid-ten-deep").settings),
    Case("2-64×3-1, the ring", Settings(layers=(64, 64, 64))),
    Case("64-16-10, digits", preset_named("digits").settings),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("python -m benchmarks.playground", description=__doc__)
    parser.add_argument("--frames", type=int, default=300)
    frames = parser.parse_args().frames
    heads = ("first", "frame", "p95", "update", "back", "weight", "unit", "doctor", "bytes")
    print(f"{'':24s}" + "".join(f"{head:>9s}" for head in heads))
    within = True
    for case in CASES:
        measured = _measured(case, frames)
        print(f"{case.name:24s}" + "".join(f"{one:9,.6g}" for one in measured))
        within &= case is not CASES[0] or measured[1] <= BUDGET
    print("milliseconds of one core, medians; first: a session made, its first update and frame")
    print(f"a frame of {CASES[0].name} within {BUDGET:g} ms: {'yes' if within else 'NO'}")


def _measured(case: Case, frames: int) -> list[float]:
    """Return the columns of a case."""
    began = time.process_time()
    session = Session(case.settings)
    session.step(1)
    size = len(json.dumps(session.frame()))
    first = 1e3 * (time.process_time() - began)
    session.diagnose()
    frame = _milliseconds(lambda: _frame(session), frames)
    others = [
        _milliseconds(lambda: session.step(1), frames),
        _milliseconds(lambda: session.back(1), frames // 10),
        _milliseconds(lambda: session.explain("dense1.weight.0.0"), EXPLANATIONS),
        _milliseconds(lambda: session.explain("unit.1.0"), EXPLANATIONS),
        _milliseconds(lambda: _examined(session), EXPLANATIONS),
    ]
    medians = [float(np.median(one)) for one in (frame, *others)]
    rounded = [round(one, 2) for one in (first, medians[0], float(np.quantile(frame, 0.95)))]
    return [*rounded, *(round(one, 2) for one in medians[1:]), size]


def _frame(session: Session) -> None:
    session.step(1)
    json.dumps(session.frame())


def _examined(session: Session) -> None:
    session.step(1)
    session.diagnose()


def _milliseconds(work: Callable[[], object], times: int) -> Array:
    """Return what each of so many times took, (times,)."""
    taken = []
    for _ in range(max(times, 3)):
        began = time.process_time()
        work()
        taken.append(1e3 * (time.process_time() - began))
    return np.array(taken)


if __name__ == "__main__":
    main()
