"""How the time of a step grows with batch, width, depth and threads, drawn to a picture.

`scripts/bench growth`. Beside ours and the best peer stands the line of expected scaling: the time
that the arithmetic alone needs at the measured peak. Where a curve leaves the line's slope,
something else than arithmetic costs: docs/benchmarks.md says what to look for.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import machine
from benchmarks.compete import Outcome, Peak, Say, compete
from benchmarks.networks import Dense
from benchmarks.report import all_agree, best_peer, heading, peer_table, write_results
from benchmarks.workloads import Update, Workload

BATCHES = (1, 4, 16, 64, 128, 256, 1024)
WIDTHS = (16, 32, 64, 128, 256, 512, 1024)
DEPTHS = (1, 2, 4, 8, 16)
# Rows: enough steps in an epoch for a fair mean, few enough to be quick.
STEPS = 40


@dataclass(frozen=True)
class Axis:
    """What grows: its name, its values, the workload for each, and the threads for each."""

    name: str
    values: tuple[int, ...]
    make: Callable[[int], Workload]
    threads: Callable[[int], int] | None = None


@dataclass
class Curve:
    """Seconds of a step along an axis; `expected`: at the measured peak."""

    axis: Axis
    outcomes: list[Outcome] = field(default_factory=list)

    def ours(self) -> list[float]:
        """Return our times."""
        return [median(one.ours.times) for one in self.outcomes]

    def best(self) -> list[float | None]:
        """Return the best peer's times, or None where no peer took part."""
        found = [best_peer(one) for one in self.outcomes]
        return [None if peer is None else median(peer.times) for peer in found]

    def expected(self) -> list[float]:
        """Return the times of the arithmetic alone."""
        return [one.workload.flops / max(one.peaks) for one in self.outcomes]


def network(batch: int, width: int, depth: int) -> Workload:
    """Return 784 inputs, `depth` hidden layers of `width`, 10 outputs, with Adam."""
    return Workload(
        f"grown-{batch}-{width}-{depth}",
        f"784-{depth}x{width}-10 ReLU, batch {batch}, Adam",
        network=Dense((784, *[width] * depth, 10)),
        batch=batch,
        rows=batch * max(STEPS, 512 // batch),
        # As for the deep network in workloads.py.
        update=Update("adam", 1e-4),
        data="mnist",
        tolerance=1e-2,
        checked=8,
    )


def axes() -> list[Axis]:
    """Return everything that grows."""
    cores = len(machine.usable_cores())
    return [
        Axis("batch", BATCHES, lambda batch: network(batch, 128, 1)),
        Axis("width", WIDTHS, lambda width: network(128, width, 2)),
        Axis("depth", DEPTHS, lambda depth: network(128, 256, depth)),
        Axis(
            "threads",
            tuple(range(1, cores + 1)),
            lambda threads: replace(network(256, 1024, 2), name=f"grown-threads-{threads}"),
            lambda threads: threads,
        ),
    ]


def run(wanted: argparse.Namespace, facts: dict[str, Any], slug: str, say: Say) -> bool:
    """Measure all axes, draw them and keep the numbers; return whether all losses agree."""
    curves = []
    for axis in axes():
        curve = Curve(axis)
        curves.append(curve)
        values = axis.values[:: 3 if wanted.quick and len(axis.values) > 3 else 1]
        for value in values:
            threads = axis.threads(value) if axis.threads is not None else wanted.threads
            with ExitStack() as stack:
                peak = Peak(stack, threads, wanted.seconds / 2, lambda line: None)
                outcome = compete(
                    axis.make(value),
                    wanted.peers,
                    pairs=max(3, wanted.pairs // 3),
                    threads=threads,
                    seconds=wanted.seconds / 2,
                    peak=peak,
                    say=say,
                )
            curve.outcomes.append(outcome)
            say(f"{axis.name} {value}: " + peer_table([outcome]).splitlines()[-1])
    outcomes = [one for curve in curves for one in curve.outcomes]
    text = "\n\n".join([heading(facts), *[f"{c.axis.name}\n\n{growth_table(c)}" for c in curves]])
    say(f"\n{text}")
    stem = write_results("growth", facts, outcomes, text, slug)
    picture = draw(curves, stem.with_name(stem.name + ".png"), facts)
    say(f"\nkept as {stem}.json and .md" + (f", drawn as {picture}" if picture else ""))
    return all_agree(outcomes, say)


def along(curve: Curve) -> list[int]:
    """Return the values along the axis that were measured."""
    if curve.axis.name == "threads":
        return [one.threads for one in curve.outcomes]
    place = {"batch": 1, "width": 2, "depth": 3}[curve.axis.name]
    return [int(one.workload.name.split("-")[place]) for one in curve.outcomes]


def growth_table(curve: Curve) -> str:
    """Return times along one axis, in Markdown."""
    lines = [
        f"| {curve.axis.name} | ours, µs | best peer, µs | at the peak, µs |",
        "|---|---|---|---|",
    ]
    rows = zip(along(curve), curve.ours(), curve.best(), curve.expected(), strict=True)
    for value, ours, best, expected in rows:
        told = "–" if best is None else f"{best * 1e6:,.1f}"
        lines.append(f"| {value} | {ours * 1e6:,.1f} | {told} | {expected * 1e6:,.1f} |")
    return "\n".join(lines)


def draw(curves: list[Curve], path: Path, facts: dict[str, Any]) -> Path | None:
    """Draw all curves into one picture; return its path, or None without matplotlib."""
    try:
        import matplotlib as mpl

        mpl.use("agg")
        from matplotlib import pyplot
    except ImportError:
        return None
    figure, places = pyplot.subplots(2, 2, figsize=(11, 8), layout="constrained")
    for place, curve in zip(places.flat, curves, strict=True):
        values = along(curve)
        microseconds = [one * 1e6 for one in curve.ours()]
        place.plot(values, microseconds, "o-", color="tab:blue", label="misstep")
        best = [(v, one * 1e6) for v, one in zip(values, curve.best(), strict=True) if one]
        if best:
            place.plot(*zip(*best, strict=True), "s-", color="tab:orange", label="best peer")
        expected = [one * 1e6 for one in curve.expected()]
        place.plot(values, expected, "--", color="gray", label="arithmetic at the measured peak")
        place.set_xscale("log", base=2)
        place.set_yscale("log")
        place.set_xticks(values, [str(value) for value in values])
        place.minorticks_off()
        place.set_xlabel(curve.axis.name)
        place.set_ylabel("µs per step")
        place.grid(alpha=0.3)
        place.set_title(_title(curve), fontsize=10)
    places.flat[0].legend()
    figure.suptitle(f"{facts['processor']}, {facts['threads']} threads unless said", fontsize=10)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    return path


def _title(curve: Curve) -> str:
    return {
        "batch": "784-128-10, over the batch",
        "width": "784-w-w-10, batch 128, over the width w",
        "depth": "784-d x 256-10, batch 128, over the depth d",
        "threads": "784-1024-1024-10, batch 256, over threads",
    }[curve.axis.name]
