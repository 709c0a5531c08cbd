"""A profile put into words: a table of kernels with their times and rates, and what it means.

Returns text and prints nothing. Knows profiles; how they are measured stands in `profiling.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from misstep.inspection.profiling import KernelProfile, Profile
from misstep.text.counts import counted
from misstep.text.figures import percent, three_figures
from misstep.text.lists import shortened
from misstep.text.tables import WIDTH, in_columns, wrapped
from misstep.text.units import bytes_in_words, in_thousands

__all__ = ["profile_text", "spread"]

_SHORTEST_NAME = 20


def profile_text(
    profile: Profile, *, most: int | None = None, by_thread: bool = False, legend: bool = True
) -> str:
    """Return a profile as a table, and what it means.

    `most`: so many kernels, those that take longest, in the order in which they run. `by_thread`:
    with what each thread took, instead of rates.
    """
    heads = ["#", "kernel", "share", "µs", "operations", "bytes"]
    heads += (
        [f"thread {number}" for number in range(1, profile.threads + 1)]
        if by_thread
        else ["GFLOP/s", "GB/s", "of best"]
    )
    whole = profile.whole or 1.0
    kernels = sorted(profile.kernels, key=lambda kernel: -kernel.share)[:most]
    rows = [
        _row(kernel, whole, by_thread)
        for kernel in sorted(kernels, key=lambda kernel: kernel.number)
    ]

    def sum_row(words: str, took: float) -> list[str]:
        return ["", words, percent(took / whole), three_figures(1e6 * took)]

    left = len(profile.kernels) - len(kernels)
    together = sum(kernel.mean for kernel in profile.kernels)
    if left:
        rows.append(
            sum_row(
                f"{counted(left, 'smaller kernel')}",
                together - sum(kernel.mean for kernel in kernels),
            )
        )
    rows.append(
        [
            *sum_row("all kernels", together),
            in_thousands(profile.operations),
            bytes_in_words(sum(kernel.cost.bytes for kernel in profile.kernels)),
            *([] if by_thread else [_rate(profile.operations / (together or 1.0))]),
        ]
    )
    if profile.threads > 1:
        waits = [three_figures(1e6 * wait) for wait in profile.barriers] if by_thread else []
        waiting = profile.waiting * profile.seconds
        rows.append([*sum_row("waiting for other threads", waiting), *(["", "", *waits])])
    rows.append(sum_row("single numbers and loops", profile.rest))
    rows.append(sum_row("everything else", profile.outside))
    rows.append(sum_row("a step, with clocks read", profile.whole))
    room = WIDTH - _width_beside(rows, heads)
    rows = [[number, shortened(name, room), *rest] for number, name, *rest in rows]
    table = in_columns(rows, heads, [0, *range(2, len(heads))])
    return "\n".join([table, "", *_legend(profile)]) if legend else table


def spread(profile: Profile) -> str:
    """Return the time of a step without timers: the fastest round, and how far rounds differ."""
    words = f"{three_figures(1e6 * profile.plain)} µs"
    if len(profile.rounds) < 2:
        return words
    middle, slowest = np.median(profile.rounds), max(profile.rounds)
    return (
        f"{words} in the fastest of {counted(len(profile.rounds), 'round')} "
        f"(middle one {three_figures(1e6 * float(middle))}, "
        f"slowest {three_figures(1e6 * slowest)})"
    )


def _width_beside(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> int:
    """Return the width of a table whose second column is empty."""
    without = [[cell if at != 1 else "" for at, cell in enumerate(row)] for row in [heads, *rows]]
    # A column of names that is too narrow says nothing; then the table is too wide.
    widest = max(map(len, in_columns(without, right=range(2, len(heads))).splitlines()))
    return min(widest, WIDTH - _SHORTEST_NAME)


def _row(kernel: KernelProfile, whole: float, by_thread: bool) -> list[str]:
    cost = kernel.cost
    row = [
        str(kernel.number),
        kernel.name,
        percent(kernel.mean / whole),
        three_figures(1e6 * kernel.mean),
        in_thousands(cost.operations),
        bytes_in_words(cost.bytes),
    ]
    if by_thread:
        return [*row, *(three_figures(1e6 * seconds) for seconds in kernel.seconds)]
    reached = f"{100 * kernel.reached:.0f}%"
    return [*row, _rate(kernel.flops), _rate(kernel.bandwidth), reached]


def _legend(profile: Profile) -> list[str]:
    roofline = profile.roofline
    dtypes = {kernel.cost.dtype for kernel in profile.kernels if kernel.cost.products}
    dtypes = dtypes & set(roofline.operations) or {"float32"}
    most = " and ".join(
        f"{three_figures(roofline.operations[dtype] / 1e9)} GFLOP/s in {dtype}"
        for dtype in sorted(dtypes)
    )
    levels = ", ".join(
        f"{three_figures(level.read / 1e9)} from {level.name}" for level in roofline.levels
    )
    means = f"means of {profile.threads} threads, " if profile.threads > 1 else ""
    lines = [
        f"Times: {means}of the fastest round of {counted(profile.steps, 'step')}; shares of the "
        "whole step. Everything else is what no timer saw: checking what is given, starting the "
        f"program and its threads once for {counted(profile.steps, 'step')}, and whatever ran on "
        f"this machine meanwhile. Without reading the clock a step takes {spread(profile)}; "
        f"reading it adds about {three_figures(1e6 * profile.reading)}.",
        "of best: the time that arithmetic or memory alone would take at this machine's peaks, as "
        f"a share of the time it took. Peaks: {most}; GB/s read: {levels}.",
    ]
    if profile.threads > 1:
        lines.append(
            f"The busiest thread worked {percent(profile.imbalance)} longer than the mean."
        )
    return [wrapped(line, 2) for line in lines]


def _rate(number: float) -> str:
    return three_figures(number / 1e9) if number >= 5e6 else "–" if number == 0 else "0.00"
