"""A time series from a table: rows in their order, at a regular step, without gaps.

Recognizes by a date column that rises at a regular step, or takes the order of rows. Values are
filled from the past only. Knows tables and dates, nothing of windows (`windows.py`) or networks.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from misstep.data.decision import Decision
from misstep.data.series.time_steps import Dates, Step, recognize_step
from misstep.data.series.times import Times, find_times, local_times, read_times, with_zone
from misstep.data.stored_json import Stored, check
from misstep.data.table.cell_values import category_words
from misstep.data.table.column_transformers import as_numbers
from misstep.data.table.column_types import Column, ColumnType, recognize_columns
from misstep.data.table.number_forms import number_in_form
from misstep.data.table.table import Table, require_column, require_columns
from misstep.data.target_recognition import check_one_unit
from misstep.errors import DataError
from misstep.text.counts import counted
from misstep.text.lists import and_so_on
from misstep.text.names import did_you_mean

if TYPE_CHECKING:
    import pandas

__all__ = [
    "Series",
    "SeriesPlan",
    "only_rows",
    "plan_series",
    "read_series",
    "series_hint",
    "series_reason",
]

# Fewer rows leave too little to learn from once the newest fifth is set apart to be judged on.
FEWEST_ROWS = 30
# More filled rows than this share would make the series our invention.
MOST_FILLED = 0.2
# A gap of so many steps and more parts a series in two: neither what was filled in nor windows that
# show it are learned from or judged on. Yet half of all steps must be there.
LONG_GAP, MOST_MISSING = 100, 0.5
# A column that is empty in more than this share of rows says too little about each of them.
MOST_EMPTY = 0.5
# Beyond these sizes squares of numbers are infinite or nothing at all (float64 ends near 1e308 and
# 1e-308), and with them every spread, season and score.
SMALLEST_SIZE, LARGEST_SIZE = 1e-150, 1e150
# Of dates that rise by a step, this share may repeat for us to take that for a mistake (rows pasted
# twice, the hour when clocks are set back); where more do, they tell no order.
MOST_REPEATED = 0.05


@dataclass(frozen=True)
class SeriesPlan(Stored):
    """Which columns make the series. `forms`: how target and inputs are written, in that order.

    `date`: the column of dates, empty where the order of rows is the order in time. `only`: the
    column and the value that pick one series out of several, or nothing. `date_parts`, `date_form`,
    `zone`, `utc`: of the dates, as `Times` has them.
    """

    target: str
    inputs: tuple[str, ...]
    forms: tuple[str, ...]
    date: str
    step: Step
    only: tuple[str, ...] = ()
    date_parts: tuple[tuple[str, str], ...] = ()
    date_form: str = ""
    zone: str = ""
    utc: bool = False

    def __post_init__(self) -> None:
        check(
            (len(self.forms) == 1 + len(self.inputs), "each column needs a form"),
            (len({self.target, *self.inputs}) == len(self.forms), "a column stands twice"),
            (len(self.only) in (0, 2), "a column and a value are needed to pick a series"),
            (self.step.unit == "row" or self.date, "a step in time needs dates"),
            (_is_zone(self.zone), "unknown time zone"),
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Return target and inputs."""
        return (self.target, *self.inputs)

    @property
    def times(self) -> Times:
        """Return how the times of rows are read; without any."""
        none = np.empty(0, "datetime64[s]")
        return Times(self.date, none, self.date_parts, self.date_form, self.zone, self.utc)

    def with_inputs(self, inputs: tuple[str, ...]) -> SeriesPlan:
        """Return the plan with these of its inputs only."""
        forms = dict(zip(self.inputs, self.forms[1:], strict=True))
        kept = (self.forms[0], *(forms[name] for name in inputs))
        return replace(self, inputs=inputs, forms=kept)


@dataclass
class Series:
    """A series in memory: `values` (rows, columns) float64 without gaps, the target first.

    `dates`: (rows,) datetime64, or None. `notes`: what was noticed while reading. `known`: whether
    the target was measured in a row, (rows,), or filled from the one before; None: it always was.
    `gaps`: the note on rows that were missing, if any.
    """

    plan: SeriesPlan
    values: NDArray[np.float64]
    dates: Dates | None
    name: str = "the series"
    notes: list[str] = field(default_factory=list)
    known: NDArray[np.bool_] | None = None
    gaps: str = ""

    def __len__(self) -> int:
        return len(self.values)

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Return whether the target was measured in a row, (rows,)."""
        return np.ones(len(self), bool) if self.known is None else self.known

    @property
    def local(self) -> Dates | None:
        """Return the dates as the clock on the wall has them, (rows,)."""
        if self.dates is None or not self.plan.utc:
            return self.dates
        return local_times(self.dates, self.plan.zone)

    @property
    def target(self) -> NDArray[np.float64]:
        """Return the values of the target, (rows,)."""
        return self.values[:, 0]

    def first(self, rows: int) -> Series:
        """Return the first `rows` rows."""
        dates = None if self.dates is None else self.dates[:rows]
        known = None if self.known is None else self.known[:rows]
        return replace(self, values=self.values[:rows], dates=dates, notes=[], known=known)

    def with_inputs(self, inputs: tuple[str, ...]) -> Series:
        """Return the series with these of its inputs only."""
        columns = [0, *(1 + self.plan.inputs.index(name) for name in inputs)]
        return replace(self, plan=self.plan.with_inputs(inputs), values=self.values[:, columns])

    def following(self, steps: int) -> Dates | None:
        """Return the dates of the next steps, (steps,), or None where there are no dates."""
        if self.dates is None or self.plan.step.unit == "row":
            return None
        return self.plan.step.following(self.dates[-1], steps)

    def gone_on(self, values: NDArray[np.float64]) -> Series:
        """Return this series with further values, (rows,), as if they had come.

        For a series without inputs. What is behind the end was measured as far as it is known.
        """
        dates = self.dates
        if dates is not None:
            following = self.following(len(values))
            dates = None if following is None else np.concatenate([dates, following])
        known = None if self.known is None else np.append(self.known, np.ones(len(values), bool))
        more = np.asarray(values, np.float64).reshape(-1, 1)
        together = np.concatenate([self.values, more])
        return replace(self, values=together, dates=dates, known=known)

    def stamped(self, dates: Dates) -> pandas.DatetimeIndex:
        """Return such dates with their time zone, if one is known."""
        return with_zone(dates, self.plan.zone, utc=self.plan.utc)


def only_rows(table: Table, only: tuple[str, ...]) -> Table:
    """Return the rows whose column holds a value; only: (column, value). Raises DataError."""
    column, value = only
    require_column(table.frame, column, f"{table.name}: the column {column!r}")
    words = category_words(table.column(column).tolist(), literal=True)
    kept = np.asarray([word == value for word in words])
    if not kept.any():
        raise DataError(
            f"{table.name}: the rows with {column} {value!r}",
            needed="at least one",
            got="none",
            try_=did_you_mean(value, sorted({word for word in words if word is not None})),
        )
    return replace(table.take(np.flatnonzero(kept)), notes=table.notes)


def series_reason(table: Table, target: str) -> str | None:
    """Return why the rows of `table` are a series, or None where they are not seen to be one.

    Raises DataError where they are several series, one below the other, naming the column that
    tells them apart.
    """
    if len(table) < FEWEST_ROWS:
        return None
    found = find_times(table, target)
    for times in found:
        rising = times.rising()
        if rising is not None and (step := recognize_step(rising)) is not None:
            said = f"the dates in {times.column} rise by {step.one}"
            missing = step.missing(rising)
            if not missing:
                return f"{said} from row to row"
            absent = "days off" if step.unit == "business day" else "missing"
            return f"{said}, but for {missing:,} of {len(rising) + missing:,}, which are {absent}"
    others = set(map(str, table.frame.columns)) - {target}
    for times in found:
        if times.rising() is None:
            _refuse_several(table, target, times)
        if times.distinct and others <= set(times.columns):
            # There is nothing else to learn from than what was before.
            ordered = np.sort(times.dates)
            if (step := recognize_step(ordered)) is not None:
                if step.missing(ordered) > MOST_MISSING * (step.positions(ordered)[-1] + 1):
                    continue
                return f"the dates in {times.column} rise by {step.one}, put in their order"
            return f"{times.column} tells when each row was, and nothing else can be learned from"
    return None


def series_hint(table: Table, target: str) -> str | None:
    """Return what makes rows look like a series that do not stand in order, or None.

    They may be one whose rows were shuffled or pasted twice, or as well be drawn from many.
    """
    if len(table) < FEWEST_ROWS:
        return None
    for times in find_times(table, target):
        distinct = np.unique(times.dates)
        again = len(times.dates) - len(distinct)
        if again <= MOST_REPEATED * len(times.dates) and recognize_step(distinct) is not None:
            repeats = f", but {again:,} stand more than once" if again else ""
            return (
                f"the dates in {times.column} would rise by an even step in another order{repeats}"
            )
    return None


def plan_series(
    table: Table, target: str, only: tuple[str, ...] = ()
) -> tuple[SeriesPlan, list[Decision]]:
    """Return the plan of the series in `table`, and for columns left out a decision each.

    Raises DataError: no such target, a target that is no number, or dates that repeat.
    """
    frame = table.frame
    require_column(frame, target, f"the target {target!r}")
    if frame[target].nunique() < 2:
        raise DataError(
            f"the target {target!r}",
            needed="values that change",
            got=f"{frame[target].iloc[0]} in all {len(frame):,} rows",
        )
    columns = {column.name: column for column in recognize_columns(frame)}
    if columns[target].column_type not in (ColumnType.NUMBER, ColumnType.IDENTIFIER):
        raise DataError(
            f"the target {target!r}",
            needed="numbers that go on in time",
            got=f"{columns[target].column_type} ({columns[target].reason})",
            try_="another target, or --task classification",
        )
    words = [cell if isinstance(cell, str) else None for cell in table.column(target).tolist()]
    form = table.form(target) or columns[target].form or "plain"
    known = [word is not None and number_in_form(word, form) is not None for word in words]
    check_one_unit(words, known, target)
    times, step = _best_times(table, target)
    inputs, left_out = [], []
    for name, column in columns.items():
        if name != target and (times is None or name not in times.columns):
            reason = _unfit(column, frame[name])
            if reason is None:
                inputs.append(name)
            else:
                left_out.append(Decision(f"column {name}", "left out", reason))
    forms = tuple(columns[name].form or "plain" for name in (target, *inputs))
    plan = SeriesPlan(target, tuple(inputs), forms, "", Step(), only)
    if times is not None:
        plan = replace(
            plan,
            date=times.column,
            step=step,
            date_parts=times.parts,
            date_form=times.form,
            zone=times.zone,
            utc=times.utc,
        )
        if times.note:
            left_out.append(Decision(f"column {times.column}", "date", times.note))
    return plan, left_out


def _best_times(table: Table, target: str) -> tuple[Times | None, Step]:
    """Return when rows were, where that is told, and their step; one that is even comes first."""
    found = find_times(table, target)
    for times in found:
        if times.distinct and (step := recognize_step(np.sort(times.dates))) is not None:
            return times, step
    for times in found[:1]:
        if times.rising() is None:
            _refuse_several(table, target, times)
            _strictly_rising(table, times.column, np.sort(times.dates))
        return times, Step()
    return None, Step()


def read_series(table: Table, plan: SeriesPlan) -> Series:
    """Return the series of `table` in the order of time.

    Rows that are missing between two dates, and values that are missing in a row, get the latest
    known value; that is said in the notes. Raises DataError: absent columns, dates that repeat or
    have another step, too many gaps.
    """
    if plan.only and plan.only[0] in map(str, table.frame.columns):
        table = only_rows(table, plan.only)
    frame, name = table.frame, table.name
    require_columns(frame, [*plan.columns, *(plan.times.columns if plan.date else ())], name)
    notes: list[str] = []
    formed = zip(plan.columns, plan.forms, strict=True)
    values = np.column_stack([as_numbers(frame[column], column, form) for column, form in formed])
    _refuse_sizes(values, plan.columns)
    dates, gaps = None, ""
    if plan.date:
        dates = read_times(table, plan.times).dates
        order = np.argsort(dates, kind="stable")
        if (np.diff(order) < 0).all() and len(order) > 1:
            notes.append("the newest row stands first, so the rows were turned around")
        elif (np.diff(order) < 0).any():
            notes.append(f"the rows were put in the order of {plan.date}")
        dates, values = _strictly_rising(table, plan.date, dates[order]), values[order]
        values, dates, gaps = _filled_rows(values, dates, plan, name)
        notes += [gaps] if gaps else []
    values, dates, known = _filled_values(
        values, dates, plan, name, notes, len(values) - len(frame)
    )
    return Series(plan, values, dates, name, notes, None if known.all() else known, gaps)


def _refuse_sizes(values: NDArray[np.float64], columns: tuple[str, ...]) -> None:
    for column, numbers in zip(columns, values.T, strict=True):
        sizes = np.abs(numbers[np.isfinite(numbers) & (numbers != 0)])
        if len(sizes) and (sizes.max() > LARGEST_SIZE or sizes.max() < SMALLEST_SIZE):
            raise DataError(
                f"column {column!r} of the series",
                needed=f"numbers of sizes from {SMALLEST_SIZE:g} to {LARGEST_SIZE:g}",
                got=f"sizes up to {sizes.max():g}",
                try_="another unit",
            )


def _unfit(column: Column, series: pandas.Series) -> str | None:
    """Return why a column can't be an input, or None."""
    if column.column_type is ColumnType.CONSTANT:
        return column.reason
    if column.column_type is not ColumnType.NUMBER:
        return f"{column.column_type}: {column.reason}"
    empty = float(series.isna().mean())
    if empty > MOST_EMPTY:
        return f"{empty:.0%} of its values are missing"
    numbers = series.to_numpy().astype(float) if series.dtype.kind in "iuf" else np.empty(0)
    counts = len(numbers) > 2 and np.ptp(np.diff(numbers)) == 0
    return "it only counts the rows" if counts else None


def _rising(dates: Dates) -> Dates | None:
    """Return dates that rise strictly, turned around where they fall strictly; else None."""
    return Times("", dates).rising()


def _strictly_rising(table: Table, name: str, dates: Dates) -> Dates:
    """Return sorted dates. Raises DataError where one stands more than once."""
    if _rising(dates) is not None:
        return dates
    distinct, counts = np.unique(dates, return_counts=True)
    first = str(distinct[counts > 1][0]).replace("T", " ").removesuffix(" 00:00:00")
    raise DataError(
        f"column {name!r} of {table.name}",
        needed="another date in each row",
        got=f"{first} in {counts[counts > 1][0]} rows ({_dates_told(int((counts > 1).sum()))})",
        try_="one row for each date (their sum or mean), or --task regression to forget the order",
    )


def _dates_told(count: int) -> str:
    return "it is the only one" if count == 1 else f"{count:,} dates stand more than once"


def _refuse_several(table: Table, target: str, times: Times) -> None:
    """Raise DataError where a column tells several series apart, each with rising dates."""
    frame, dates = table.frame, times.dates
    for title in map(str, frame.columns):
        column = frame[title]
        if title in (*times.columns, target) or column.dtype.kind == "f" or column.isna().any():
            continue
        words = np.asarray(category_words(column.tolist()), dtype=str)
        names, codes = np.unique(words, return_inverse=True)
        if not 2 <= len(names) <= len(frame) / FEWEST_ROWS:
            continue
        each = [_rising(dates[codes == code]) for code in range(len(names))]
        if any(rising is None or recognize_step(rising) is None for rising in each):
            continue
        raise DataError(
            f"{table.name}",
            needed="one series, or rows without an order in time",
            got=f"{len(names)} series one below the other: {title} tells them apart "
            f"({and_so_on(names.tolist(), 3)})",
            try_=f'--only "{title}={names[0]}" for one of them, or --task regression to forget '
            "the order",
        )


def _filled_rows(
    values: NDArray[np.float64], dates: Dates, plan: SeriesPlan, name: str
) -> tuple[NDArray[np.float64], Dates, str]:
    """Return the rows with one for each step, and a note; those that were missing hold NaN."""
    if plan.step.unit not in ("second", "microsecond", "month") or plan.step.about:
        return values, dates, ""
    steps = plan.step.positions(dates)
    uneven = steps % 1 != 0
    if uneven.any() or (np.diff(steps) < 1).any():
        row = int(np.argmax(uneven)) if uneven.any() else 1
        raise DataError(
            f"column {plan.date!r} of {name}",
            needed=f"dates {plan.step.one} apart",
            got=f"{dates[row]} after {dates[max(row - 1, 0)]}",
        )
    indices = steps.astype(np.int64)
    rows = int(indices[-1]) + 1
    missing = rows - len(values)
    if not missing:
        return values, dates, ""
    gaps = np.diff(indices) - 1
    apart = int(gaps[gaps >= LONG_GAP].sum())
    widest = int(gaps.argmax())
    gap = f"{dates[widest]} and {dates[widest + 1]}".replace("T00:00:00", "").replace("T", " ")
    if missing - apart > MOST_FILLED * (rows - apart) or missing > MOST_MISSING * rows:
        raise DataError(
            f"column {plan.date!r} of {name}",
            needed=f"a row for each {plan.step.words}",
            got=f"{missing:,} of {rows:,} missing, most of them between {gap}",
            try_="the rows after that gap only, or a longer step (sums or means)",
        )
    most = f"{gaps[widest]:,} of them" if apart else "for example"
    note = (
        f"{missing:,} of {rows:,} dates are missing, {most} between {gap}: each got the "
        "latest known values, on which nothing is judged"
    )
    whole = np.full((rows, values.shape[1]), np.nan)
    whole[indices] = values
    first = dates[0]
    return whole, np.concatenate([[first], plan.step.following(first, rows - 1)]), note


def _filled_values(
    values: NDArray[np.float64],
    dates: Dates | None,
    plan: SeriesPlan,
    name: str,
    notes: list[str],
    absent: int,
) -> tuple[NDArray[np.float64], Dates | None, NDArray[np.bool_]]:
    """Return the rows from the first to the last known target, gaps filled from the past.

    The third tells where the target was known.

    absent: rows that were not in the table at all, which has been said.
    """
    import pandas

    known = np.flatnonzero(~np.isnan(values[:, 0]))
    if not len(known):
        raise DataError(f"the target {plan.target!r} of {name}", needed="numbers", got="none")
    kept = slice(known[0], known[-1] + 1)
    lost = len(values) - len(values[kept])
    if lost:
        notes.append(
            f"{plan.target}: {counted(lost, 'row')} before the first or after the last value left"
        )
    values = values[kept]
    measured = ~np.isnan(values[:, 0])
    for column, count in zip(plan.columns, np.isnan(values).sum(axis=0).tolist(), strict=True):
        if count > MOST_EMPTY * len(values):
            raise DataError(
                f"column {column!r} of {name}",
                needed="a value in most rows",
                got=f"none in {count:,} of {len(values):,}",
            )
        if count > absent:
            missing = counted(count - absent, "value")
            notes.append(f"{column}: {missing} missing; each got the latest known one")
    # What is missing at the very start has no past: it takes the first known value.
    filled = pandas.DataFrame(values).ffill().bfill().to_numpy()
    return filled, None if dates is None else dates[kept], measured


def _is_zone(zone: str) -> bool:
    try:
        with_zone(np.array(["2000-01-01"], "datetime64[s]"), zone, utc=True)
    except (ValueError, KeyError, OSError):
        return False
    return True
