"""Where an axis has its marks: at round numbers, and at the beginnings of days, months and years.

Knows numbers and dates, no drawings.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["date_ticks", "round_ticks", "tick_words"]

# Marks on an axis: fewer leave one guessing, more crowd their words.
MOST_TICKS = 6
# Round steps, times a power of ten.
ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
MINUTE, HOUR, DAY = 60, 3600, 86_400
# Spans of time that people count by, and how a mark at such a step is written.
_SECONDS = (
    *((step, "%H:%M:%S") for step in (1, 2, 5, 10, 15, 30)),
    *((step * MINUTE, "%Y-%m-%d %H:%M") for step in (1, 2, 5, 10, 15, 30)),
    *((step * HOUR, "%Y-%m-%d %H:%M") for step in (1, 2, 3, 6, 12)),
    *((step * DAY, "%Y-%m-%d") for step in (1, 2, 7, 14)),
)
_MONTHS = (
    *((months, "%Y-%m") for months in (1, 2, 3, 6)),
    *((years * 12, "%Y") for years in (1, 2, 5, 10, 20, 25, 50, 100, 200)),
)
# 1970-01-01 was a Thursday; weeks begin on Mondays.
MONDAY = 4 * DAY

Dates = NDArray[np.datetime64]


def round_ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Return round numbers from `low` to `high`, about five; `whole`: only whole ones."""
    if not (np.isfinite(low) and np.isfinite(high)) or high <= low:
        return [low]
    power = 10.0 ** np.floor(np.log10((high - low) / MOST_TICKS))
    for size in ROUND:
        step = max(size * power, 1.0) if whole else size * power
        first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
        if last - first + 1 <= MOST_TICKS and (not whole or step % 1 == 0):
            break
    # Multiplied as whole numbers, so that 0.3 is not 0.30000000000000004.
    digits = max(0, 2 - int(np.floor(np.log10(step))))
    return [round(float(count * step), digits) + 0.0 for count in np.arange(first, last + 1)]


def tick_words(ticks: list[float]) -> list[str]:
    """Return numbers of one axis as words, all with as many decimals as the finest needs."""
    decimals = next(
        (count for count in range(12) if all(round(tick, count) == tick for tick in ticks)), 12
    )
    return [f"{tick:,.{decimals}f}".replace("-", "\u2212") for tick in ticks]


def date_ticks(dates: Dates) -> list[tuple[np.datetime64, str]]:
    """Return marks between the first and the last of sorted dates, each with its words."""
    first, last = dates[0].astype("datetime64[s]"), dates[-1].astype("datetime64[s]")
    start, end = int(first.astype(np.int64)), int(last.astype(np.int64))
    between = np.diff(dates.astype("datetime64[s]")).astype(np.int64)
    finest = int(between.min()) if len(between) else DAY
    for step, form in _SECONDS if finest < 28 * DAY else ():
        offset = MONDAY if step % (7 * DAY) == 0 else 0
        begin = -(-(start - offset) // step) * step + offset
        if step >= min(finest, DAY) and (end - begin) // step + 1 <= MOST_TICKS:
            marks = np.arange(begin, end + 1, step).astype("datetime64[s]")
            return [(mark, _written(mark, form)) for mark in marks]
    months = np.array([first, last]).astype("datetime64[M]")
    begin, final = months.astype(np.int64).tolist()
    begin += bool(first > months[0])
    # Of the longest, a mark too many is better than none.
    step, form = next(
        (
            (size, form)
            for size, form in _MONTHS
            if (final - -(-begin // size) * size) // size + 1 <= MOST_TICKS
        ),
        _MONTHS[-1],
    )
    marks = np.arange(-(-begin // step) * step, final + 1, step).astype("datetime64[M]")
    return [(mark.astype("datetime64[s]"), _written(mark, form)) for mark in marks]


def _written(mark: np.datetime64, form: str) -> str:
    moment = mark.astype("datetime64[s]").item()
    return f"{moment:{form}}"
