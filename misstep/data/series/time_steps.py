"""The regular step of dates: months, business days or a fixed time; and seasons that go with it.

Knows dates, not what was measured on them. A series without dates has a step too: from one row to
the next. `series.py` reads tables with it, `seasons.py` asks the values which season they have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from misstep.data.stored_json import Stored, check

__all__ = ["Step", "recognize_step", "regularity"]

Dates = NDArray[np.datetime64]
# With their units: NumPy no longer takes bare numbers for spans of time.
A_DAY, A_MONTH = np.timedelta64(1, "D"), np.timedelta64(1, "M")

MICROSECOND = 1_000_000
MINUTE, HOUR, DAY = 60, 3600, 86_400
WEEK = 7 * DAY
# At least this share of the distances must be the step itself; the others are gaps in it.
LEAST_REGULAR = 0.9
# Weekdays alone mean business days only where weekends had their chance: two weeks of rows.
FEWEST_BUSINESS_DAYS = 10
# Dates that differ from an even step by so little of it, nine times in ten, and never by more than
# half, are about one step apart: clocks of instruments drift, and days of trade are missed.
NEARLY, AT_MOST = 0.1, 0.5
# A span so near to whole days, hours or minutes is meant to be so many.
ROUNDED = 0.01
# A season of more steps than this leaves few repetitions in any series that fits on a desk.
LONGEST_SEASON = 400


@dataclass(frozen=True)
class Step(Stored):
    """What lies between two rows: `count` of `unit`.

    `month_end`: dates of months are their last days; `business`: their last or first weekdays.
    `about`: steps are of that length only nearly, and rows are taken as they come. A "row" is a
    step without a date.
    """

    unit: Literal["row", "microsecond", "second", "business day", "month"] = "row"
    count: int = 1
    month_end: bool = False
    business: bool = False
    about: bool = False

    def __post_init__(self) -> None:
        check((1 <= self.count <= 10**9, "count must be 1 or more"))

    @property
    def words(self) -> str:
        """Return one step in words, such as "month", "business day" or "15 minutes"."""
        if self.unit == "microsecond":
            if self.count % 1000 == 0:
                return _counted(self.count // 1000, "millisecond")
            return _counted(self.count, "microsecond")
        if self.unit == "second":
            for size, word in ((WEEK, "week"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
                if self.count % size == 0:
                    return _counted(self.count // size, word)
            return _counted(self.count, "second")
        if self.unit == "month":
            for size, word in ((12, "year"), (3, "quarter")):
                if self.count % size == 0:
                    return _counted(self.count // size, word)
        return _counted(self.count, self.unit)

    @property
    def one(self) -> str:
        """Return one step with its article, such as "one month", "about one hour", "15 minutes"."""
        words = self.words if self.words[0].isdigit() else f"one {self.words}"
        return f"about {words}" if self.about else words

    @property
    def seasons(self) -> list[tuple[int, str]]:
        """Return lengths of seasons in steps, each with its name, the shortest first."""
        seasons: list[tuple[int, str]] = []
        if self.unit == "month" and 12 % self.count == 0 and self.count < 12:
            seasons = [(12 // self.count, "a year")]
        elif self.unit == "business day":
            seasons = [(5, "a working week")]
        elif self.unit in ("second", "microsecond"):
            names = ((1, "a second"), (MINUTE, "a minute"), (HOUR, "an hour"), (DAY, "a day"))
            scale = 1 if self.unit == "second" else MICROSECOND
            sizes = [(size * scale, name) for size, name in (*names, (WEEK, "a week"))]
            seasons = [(size // self.count, name) for size, name in sizes if size % self.count == 0]
            if self.unit == "second" and self.count == WEEK:
                seasons = [(52, "a year")]
        return [(length, name) for length, name in seasons if 2 <= length <= LONGEST_SEASON]

    @property
    def calendar(self) -> list[str]:
        """Return what of a date could matter at such a step: month, weekday, hour."""
        if self.unit == "month":
            return ["month"] if self.count < 12 else []
        if self.unit == "business day":
            return ["weekday", "month"]
        if self.unit == "second":
            in_a_day, in_a_week, in_a_month = (self.count < size for size in (DAY, WEEK, 31 * DAY))
            parts = [("hour", in_a_day), ("weekday", in_a_week), ("month", in_a_month)]
            return [name for name, fits in parts if fits]
        return []

    def positions(self, dates: Dates) -> NDArray[np.float64]:
        """Return how many steps each date lies after the first, (rows,); whole where it fits.

        Business days are counted as they come: a day on which nothing was recorded is no gap.
        """
        if self.about:
            return np.arange(len(dates), dtype=np.float64)
        if self.unit == "month":
            months = dates.astype("datetime64[M]").astype(np.int64)
            return (months - months[0]) / self.count
        if self.unit in ("second", "microsecond"):
            moments = dates.astype("datetime64[us]").astype(np.int64)
            return (moments - moments[0]) / (self.count * self._microseconds)
        return np.arange(len(dates), dtype=np.float64)

    @property
    def _microseconds(self) -> int:
        return 1 if self.unit == "microsecond" else MICROSECOND

    def missing(self, dates: Dates) -> int:
        """Return how many steps between the first and the last of `dates`, (rows,), have none."""
        if self.about or self.unit == "row" or len(dates) < 2:
            return 0
        if self.unit == "business day":
            days = dates.astype("datetime64[D]")
            return int(np.busday_count(days[0], days[-1])) + 1 - len(days)
        return int(self.positions(dates)[-1]) + 1 - len(dates)

    def following(self, last: Any, steps: int) -> Dates:
        """Return the next `steps` dates after the date `last`, (steps,).

        They are datetime64[s], and datetime64[us] where steps are shorter.
        """
        ahead = np.arange(1, steps + 1)
        moment = np.datetime64(last, "us")
        if self.unit == "microsecond" or (
            self.unit == "second" and moment != moment.astype("datetime64[s]")
        ):
            spans = ahead * self.count * self._microseconds
            return moment + spans.astype("timedelta64[us]")
        last = moment.astype("datetime64[s]")
        if self.unit == "second":
            return last + (ahead * self.count).astype("timedelta64[s]")
        day = last.astype("datetime64[D]")
        time = last - day.astype("datetime64[s]")
        if self.unit == "business day":
            days = np.busday_offset(day, ahead, roll="backward")
        else:
            month = day.astype("datetime64[M]")
            months = month + (ahead * self.count).astype("timedelta64[M]")
            ends = (months + A_MONTH).astype("datetime64[D]") - A_DAY
            kept = months.astype("datetime64[D]") + (day - month.astype("datetime64[D]"))
            days = ends if self.month_end else np.minimum(kept, ends)
            if self.business:
                # The last or the first weekday of each month.
                starts = months.astype("datetime64[D]")
                days = (
                    np.busday_offset(ends, 0, roll="backward")
                    if self.month_end
                    else np.busday_offset(starts, 0, roll="forward")
                )
        return days.astype("datetime64[s]") + time

    def calendar_of(self, dates: Dates, part: str) -> NDArray[np.int64]:
        """Return month (0 to 11), weekday (0 to 6, from Monday) or hour (0 to 23), (rows,)."""
        days = dates.astype("datetime64[D]").astype(np.int64)
        if part == "month":
            return dates.astype("datetime64[M]").astype(np.int64) % 12
        if part == "weekday":
            # 1970-01-01, day 0, was a Thursday.
            return (days + 3) % 7
        return dates.astype("datetime64[h]").astype(np.int64) % 24


# How many values each part of a date has, and after how many seconds they come round.
SIZES = {"month": 12, "weekday": 7, "hour": 24}
ROUNDS = {"month": 365 * DAY, "weekday": WEEK, "hour": DAY}


def regularity(dates: Dates) -> float:
    """Return the share of distances that are the step of `dates`, strictly rising; 0 for none."""
    step = recognize_step(dates)
    if step is None:
        return 0.0
    return float((np.diff(step.positions(dates)) == 1).mean())


def recognize_step(dates: Dates) -> Step | None:
    """Return the regular step of `dates`, strictly rising, (rows,); None if there is none.

    At least nine distances in ten are that step, or nearly so; all others are whole multiples of
    it, or nearly it as well.
    """
    dates = dates.astype("datetime64[us]")
    if len(dates) < 3:
        return None
    days = dates.astype("datetime64[D]")
    if len(np.unique(dates - days.astype("datetime64[us]"))) == 1:
        by_month = _by_month(days)
        if by_month is not None:
            return by_month
        weekdays = (days.astype(np.int64) + 3) % 7
        if len(days) >= FEWEST_BUSINESS_DAYS and (weekdays < 5).all():
            between = np.busday_count(days[:-1], days[1:])
            if (between == 1).mean() >= LEAST_REGULAR:
                return Step("business day")
    moments: NDArray[np.int64] = dates.astype(np.int64)
    spans: NDArray[np.int64] = moments[1:] - moments[:-1]
    commonest = _commonest(spans)
    if (spans % commonest == 0).all() and (spans == commonest).mean() >= LEAST_REGULAR:
        return _step_of(commonest)
    monthly = _once_a_month(days)
    if monthly is not None:
        return monthly
    middle = float(np.median(spans))
    off = np.abs(spans / middle - 1)
    if (off <= NEARLY).mean() >= LEAST_REGULAR and off.max() <= AT_MOST:
        return _step_of(_rounded(middle), about=True)
    return None


def _step_of(span: int, *, about: bool = False) -> Step:
    """Return the step of so many microseconds."""
    if span % MICROSECOND == 0:
        return Step("second", span // MICROSECOND, about=about)
    return Step("microsecond", span, about=about)


def _rounded(span: float) -> int:
    """Return a span to the nearest day, hour or minute, or else second, that it nearly is."""
    for size in (DAY, HOUR, MINUTE):
        whole = round(span / (size * MICROSECOND)) * size * MICROSECOND
        if whole and abs(span - whole) <= ROUNDED * span:
            return whole
    if span >= 10 * MICROSECOND:
        return round(span / MICROSECOND) * MICROSECOND
    return round(span)


def _by_month(days: NDArray[np.datetime64]) -> Step | None:
    """Return the step of dates that all stand on one day of their months."""
    months = days.astype("datetime64[M]")
    starts, ends = months.astype("datetime64[D]"), (months + A_MONTH).astype("datetime64[D]")
    ends = ends - A_DAY
    at_end = bool((days == ends).all())
    business = False
    if not at_end and len(np.unique(days - starts)) > 1:
        at_end = bool((days == np.busday_offset(ends, 0, roll="backward")).all())
        business = at_end or bool((days == np.busday_offset(starts, 0, roll="forward")).all())
        if not business:
            return None
    count = _months_between(months)
    return None if count is None else Step("month", count, at_end, business)


def _once_a_month(days: NDArray[np.datetime64]) -> Step | None:
    """Return the step of dates that stand on any day, but one in each month, quarter or year."""
    count = _months_between(days.astype("datetime64[M]"))
    return None if count is None else Step("month", count)


def _months_between(months: NDArray[np.datetime64]) -> int | None:
    numbers: NDArray[np.int64] = months.astype(np.int64)
    between: NDArray[np.int64] = numbers[1:] - numbers[:-1]
    if between.min() < 1:
        return None
    commonest = _commonest(between)
    regular = (between % commonest == 0).all() and (between == commonest).mean() >= LEAST_REGULAR
    return commonest if regular else None


def _commonest(values: NDArray[np.int64]) -> int:
    distinct, counts = np.unique(values, return_counts=True)
    return int(distinct[counts.argmax()])


def _counted(count: int, word: str) -> str:
    return word if count == 1 else f"{count} {word}s"
