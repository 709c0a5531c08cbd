"""A time series from a table: rows in their order, at a regular step, without gaps.

Recognizes by a date column that rises at a regular step, or takes the order of rows. Values are
filled from the past only. Knows tables and dates, nothing of windows (`windows.py`) or networks.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.series.time_steps import Dates, Step, recognize_step
from misstep.data.stored_json import Stored
from misstep.data.table.cell_values import category_words, date_format_of, parse_dates
from misstep.data.table.column_transformers import as_numbers
from misstep.data.table.column_types import ColumnType, recognize_columns
from misstep.data.table.table import Table
from misstep.errors import DataError, NotYetError
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
    "series_because",
    "series_hint",
]

# Fewer rows leave too little to learn from once the newest fifth is set apart to be judged on.
FEWEST_ROWS = 30
# More filled rows than this share would make the series our invention.
MOST_FILLED = 0.2
# A column that is empty in more than this share of rows says too little about each of them.
MOST_EMPTY = 0.5
# Of dates that rise by a step, this share may repeat for us to take that for a mistake (rows pasted
# twice, the hour when clocks are set back); where more do, they tell no order.
MOST_REPEATED = 0.05


@dataclass(frozen=True)
class SeriesPlan(Stored):
    """Which columns make the series. `forms`: how target and inputs are written, in that order.

    `date`: the column of dates, empty where the order of rows is the order in time. `only`: the
    column and the value that pick one series out of several, or nothing.
    """

    target: str
    inputs: tuple[str, ...]
    forms: tuple[str, ...]
    date: str
    step: Step
    only: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.forms) != 1 + len(self.inputs):
            raise ValueError("each column needs a form")
        if len({self.target, *self.inputs}) != len(self.forms):
            raise ValueError("a column stands twice")
        if len(self.only) not in (0, 2):
            raise ValueError("a column and a value are needed to pick a series")
        if self.step.unit != "row" and not self.date:
            raise ValueError("a step in time needs dates")

    @property
    def columns(self) -> tuple[str, ...]:
        """Return target and inputs."""
        return (self.target, *self.inputs)

    def with_inputs(self, inputs: tuple[str, ...]) -> SeriesPlan:
        """Return the plan with these of its inputs only."""
        forms = dict(zip(self.inputs, self.forms[1:], strict=True))
        kept = (self.forms[0], *(forms[name] for name in inputs))
        return replace(self, inputs=inputs, forms=kept)


@dataclass
class Series:
    """A series in memory: `values` (rows, columns) float64 without gaps, the target first.

    `dates`: (rows,) datetime64[s], or None. `notes`: what was noticed while reading.
    """

    plan: SeriesPlan
    values: NDArray[np.float64]
    dates: Dates | None
    name: str = "the series"
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def target(self) -> NDArray[np.float64]:
        """Return the values of the target, (rows,)."""
        return self.values[:, 0]

    def first(self, rows: int) -> Series:
        """Return the first `rows` rows."""
        dates = None if self.dates is None else self.dates[:rows]
        return replace(self, values=self.values[:rows], dates=dates, notes=[])

    def with_inputs(self, inputs: tuple[str, ...]) -> Series:
        """Return the series with these of its inputs only."""
        places = [0, *(1 + self.plan.inputs.index(name) for name in inputs)]
        return replace(self, plan=self.plan.with_inputs(inputs), values=self.values[:, places])

    def following(self, steps: int) -> Dates | None:
        """Return the dates of the next steps, (steps,), or None where there are no dates."""
        if self.dates is None or self.plan.step.unit == "row":
            return None
        return self.plan.step.following(self.dates[-1], steps)


def only_rows(table: Table, only: tuple[str, ...]) -> Table:
    """Return the rows whose column holds a value; only: (column, value). Raises DataError."""
    column, value = only
    titles = [str(title) for title in table.frame.columns]
    if column not in titles:
        raise DataError(
            f"{table.name}: the column {column!r}",
            needed="a column of the table",
            got="none of that name",
            try_=did_you_mean(column, titles),
        )
    words = category_words(table.frame[column].tolist())
    kept = np.asarray([word == value for word in words])
    if not kept.any():
        there = sorted({word for word in words if word is not None})
        raise DataError(
            f"{table.name}: the rows with {column} {value!r}",
            needed="at least one",
            got="none",
            try_=did_you_mean(value, there),
        )
    return replace(table, frame=table.frame[kept].reset_index(drop=True))


def series_because(table: Table, target: str) -> str | None:
    """Return why the rows of `table` are a series, or None where they are not seen to be one.

    Raises DataError where they are several series, one below the other, naming the column that
    tells them apart.
    """
    if len(table) < FEWEST_ROWS:
        return None
    for name, dates in _date_columns(table.frame, target):
        found = _rising(dates)
        if found is not None:
            step = recognize_step(found)
            if step is not None:
                return f"the dates in {name} rise by one {step.words} from row to row"
            continue
        _refuse_several(table, target, name, dates)
    return None


def series_hint(table: Table, target: str) -> str | None:
    """Return what makes rows look like a series that do not stand in order, or None.

    They may be one whose rows were shuffled or pasted twice, or as well be drawn from many.
    """
    if len(table) < FEWEST_ROWS:
        return None
    for name, dates in _date_columns(table.frame, target):
        found = np.unique(dates)
        again = len(dates) - len(found)
        if again <= MOST_REPEATED * len(dates) and recognize_step(found) is not None:
            repeats = f", but {again:,} stand more than once" if again else ""
            return f"the dates in {name} would rise by an even step in another order{repeats}"
    return None


def plan_series(
    table: Table, target: str, only: tuple[str, ...] = ()
) -> tuple[SeriesPlan, list[tuple[str, str]]]:
    """Return the plan of the series in `table`, and the columns left out, each with its reason.

    Raises DataError: no such target, a target that is no number, or dates that repeat.
    """
    frame = table.frame
    titles = [str(title) for title in frame.columns]
    if target not in titles:
        raise DataError(
            f"the target {target!r}",
            needed="a column of the table",
            got="no column of that name",
            try_=did_you_mean(target, titles),
        )
    if frame[target].nunique() < 2:
        raise DataError(
            f"the target {target!r}",
            needed="values that change",
            got=f"{frame[target].iloc[0]} in all {len(frame):,} rows",
        )
    columns = {one.name: one for one in _recognized(frame)}
    if columns[target].column_type not in (ColumnType.NUMBER, ColumnType.IDENTIFIER):
        raise DataError(
            f"the target {target!r}",
            needed="numbers that go on in time",
            got=f"{columns[target].column_type} ({columns[target].reason})",
            try_="another target, or --task classification",
        )
    date, step = "", Step()
    left_out: list[tuple[str, str]] = []
    for name, dates in _date_columns(frame, target):
        order = _rising(dates)
        if order is None:
            _refuse_several(table, target, name, dates)
            order = _rising(np.sort(dates))
        if order is None:
            _refuse_repeated(table, name, dates)
        date, step = name, recognize_step(order) or Step()  # type: ignore[arg-type]
        break
    inputs = []
    for name, column in columns.items():
        if name in (target, date):
            continue
        reason = _unfit(column.column_type, column.reason, frame[name], name)
        if reason is None:
            inputs.append(name)
        else:
            left_out.append((name, reason))
    forms = tuple(_form(columns[name].form) for name in (target, *inputs))
    return SeriesPlan(target, tuple(inputs), forms, date, step, only), left_out


def read_series(table: Table, plan: SeriesPlan) -> Series:
    """Return the series of `table` in the order of time.

    Rows that are missing between two dates, and values that are missing in a row, get the latest
    known value; that is said in the notes. Raises DataError: absent columns, dates that repeat or
    have another step, too many gaps.
    """
    if plan.only and plan.only[0] in map(str, table.frame.columns):
        table = only_rows(table, plan.only)
    frame, name = table.frame, table.name
    _refuse_absent(name, [*plan.columns, *([plan.date] if plan.date else [])], frame)
    notes: list[str] = []
    columns = [
        as_numbers(frame[column], column, form)
        for column, form in zip(plan.columns, plan.forms, strict=True)
    ]
    values = np.column_stack(columns)
    dates = None
    if plan.date:
        dates = _dates_of(frame[plan.date], plan.date, name)
        order = np.argsort(dates, kind="stable")
        if (np.diff(order) < 0).all() and len(order) > 1:
            notes.append("the newest row stands first, so the rows were turned around")
        elif (np.diff(order) < 0).any():
            notes.append(f"the rows were put in the order of {plan.date}")
        dates, values = dates[order], values[order]
        if len(dates) > 1 and _rising(dates) is None:
            _refuse_repeated(table, plan.date, dates)
        values, dates = _filled_rows(values, dates, plan, name, notes)
    values, dates = _filled_values(values, dates, plan, name, notes, len(values) - len(frame))
    return Series(plan, values, dates, name, notes)


def _recognized(frame: pandas.DataFrame) -> Any:
    try:
        return recognize_columns(frame)
    except NotYetError as error:
        raise DataError(
            "the table", needed="a column of numbers that go on in time", got="only texts"
        ) from error


def _form(form: str) -> str:
    return form or "plain"


def _unfit(kind: ColumnType, because: str, column: Any, name: str) -> str | None:
    """Return why a column can't be an input, or None."""
    if kind is not ColumnType.NUMBER:
        return f"{kind}: {because}" if kind is not ColumnType.CONSTANT else because
    empty = float(column.isna().mean())
    if empty > MOST_EMPTY:
        return f"{empty:.0%} of its values are missing"
    numbers = column.to_numpy() if column.dtype.kind in "iuf" else None
    if numbers is not None and len(numbers) > 2 and np.ptp(np.diff(numbers.astype(float))) == 0:
        return "it only counts the rows"
    return None


def _date_columns(frame: pandas.DataFrame, target: str) -> list[tuple[str, Dates]]:
    """Return the columns that hold a date in each row."""
    found = []
    for title in map(str, frame.columns):
        column = frame[title]
        if title == target or column.dtype.kind in "iufb" or column.isna().any():
            continue
        dates = _parsed(column)
        if dates is not None:
            found.append((title, dates))
    return found


def _parsed(column: pandas.Series) -> Dates | None:
    if column.dtype.kind == "M":
        return column.to_numpy().astype("datetime64[s]")
    words = column.tolist()
    if not all(isinstance(word, str) for word in words):
        return None
    known = date_format_of(words)
    dates = None if known is None else parse_dates(words, known[0])
    # A year alone, or a number with a point, is no date that steps could be counted from.
    return None if dates is None else dates.to_numpy().astype("datetime64[s]")


def _dates_of(column: pandas.Series, which: str, name: str) -> Dates:
    dates = None if column.isna().any() else _parsed(column)
    if dates is None:
        raise DataError(
            f"column {which!r} of {name}",
            needed="a date in each row",
            got=f"{int(column.isna().sum())} rows without one"
            if column.isna().any()
            else f"{column.iloc[0]!r} in row 1",
        )
    return dates


def _rising(dates: Dates) -> Dates | None:
    """Return dates that rise strictly, turned around where they fall strictly; else None."""
    between = np.diff(dates).astype(np.int64)
    if (between > 0).all():
        return dates
    return dates[::-1] if (between < 0).all() else None


def _refuse_several(table: Table, target: str, name: str, dates: Dates) -> None:
    """Raise DataError where a column tells several series apart, each with rising dates."""
    frame = table.frame
    for title in map(str, frame.columns):
        column = frame[title]
        if title in (name, target) or column.dtype.kind == "f" or column.isna().any():
            continue
        words = np.asarray(category_words(column.tolist()), dtype=str)
        kinds, codes = np.unique(words, return_inverse=True)
        if not 2 <= len(kinds) <= len(frame) / FEWEST_ROWS:
            continue
        parts = [_rising(dates[codes == code]) for code in range(len(kinds))]
        if any(part is None or recognize_step(part) is None for part in parts):
            continue
        shown = and_so_on(kinds.tolist(), 3)
        raise DataError(
            f"{table.name}",
            needed="one series, or rows without an order in time",
            got=f"{len(kinds)} series one below the other: {title} tells them apart ({shown})",
            try_=f'--only "{title}={kinds[0]}" for one of them, or --task regression to forget '
            "the order",
        )


def _refuse_repeated(table: Table, name: str, dates: Dates) -> None:
    found, counts = np.unique(dates, return_counts=True)
    first = found[counts > 1][0]
    raise DataError(
        f"column {name!r} of {table.name}",
        needed="another date in each row",
        got=f"{str(first).replace('T', ' ').removesuffix(' 00:00:00')} in "
        f"{counts[counts > 1][0]} rows ({(counts > 1).sum():,} dates stand more than once)",
        try_="one row for each date (their sum or mean), or --task regression to forget the order",
    )


def _refuse_absent(name: str, wanted: list[str], frame: pandas.DataFrame) -> None:
    titles = [str(title) for title in frame.columns]
    absent = [column for column in wanted if column not in titles]
    if absent:
        raise DataError(
            f"{name} has no column {absent[0]!r}",
            needed=f"the columns {', '.join(wanted)}",
            got=f"{', '.join(titles[:12])}",
            try_=did_you_mean(absent[0], titles),
        )


def _filled_rows(
    values: NDArray[np.float64], dates: Dates, plan: SeriesPlan, name: str, notes: list[str]
) -> tuple[NDArray[np.float64], Dates]:
    """Return the rows with one for each step; those that were missing hold NaN."""
    if plan.step.unit not in ("second", "month"):
        return values, dates
    places = plan.step.places(dates)
    if (places % 1 != 0).any() or (np.diff(places) < 1).any():
        row = int(np.argmax(places % 1 != 0)) if (places % 1 != 0).any() else 1
        raise DataError(
            f"column {plan.date!r} of {name}",
            needed=f"dates one {plan.step.words} apart",
            got=f"{dates[row]} after {dates[max(row - 1, 0)]}",
        )
    at = places.astype(np.int64)
    rows = int(at[-1]) + 1
    missing = rows - len(values)
    if not missing:
        return values, dates
    widest = int(np.diff(at).argmax())
    gap = f"{dates[widest]} and {dates[widest + 1]}".replace("T00:00:00", "").replace("T", " ")
    if missing > MOST_FILLED * rows:
        raise DataError(
            f"column {plan.date!r} of {name}",
            needed=f"a row for each {plan.step.words}",
            got=f"{missing:,} of {rows:,} missing, most of them between {gap}",
            try_="the rows after that gap only, or a longer step (sums or means)",
        )
    notes.append(
        f"{missing:,} of {rows:,} dates are missing, for example between {gap}: each got the "
        "latest known values"
    )
    whole = np.full((rows, values.shape[1]), np.nan)
    whole[at] = values
    first = dates[0]
    return whole, np.concatenate([[first], plan.step.following(first, rows - 1)])


def _filled_values(
    values: NDArray[np.float64],
    dates: Dates | None,
    plan: SeriesPlan,
    name: str,
    notes: list[str],
    absent: int,
) -> tuple[NDArray[np.float64], Dates | None]:
    """Return the rows from the first to the last known target, gaps filled from the past.

    absent: rows that were not in the table at all, which has been said.
    """
    known = np.flatnonzero(~np.isnan(values[:, 0]))
    if not len(known):
        raise DataError(f"the target {plan.target!r} of {name}", needed="numbers", got="none")
    kept = slice(known[0], known[-1] + 1)
    lost = len(values) - (known[-1] + 1 - known[0])
    if lost:
        notes.append(f"{plan.target}: {lost:,} rows before the first or after the last value left")
    values = values[kept]
    dates = None if dates is None else dates[kept]
    gaps = np.isnan(values)
    if gaps.any():
        import pandas

        for place in np.flatnonzero(gaps.any(axis=0)):
            count = int(gaps[:, place].sum())
            if count > MOST_EMPTY * len(values):
                raise DataError(
                    f"column {plan.columns[place]!r} of {name}",
                    needed="a value in most rows",
                    got=f"none in {count:,} of {len(values):,}",
                )
            count -= absent
            if count > 0:
                words = f"{plan.columns[place]}: {counted(count, 'value')} missing"
                notes.append(f"{words}; each got the latest known one")
        # What is missing at the very start has no past: it takes the first known value.
        values = pandas.DataFrame(values).ffill().bfill().to_numpy()
    return values, dates
