"""When each row of a table was: in one column, or in several that make one time together.

Knows tables and dates, not what was measured. A column of dates may need another with the hour;
year, month, day and hour may each have a column. Steps are counted on the clock on the wall, unless
that is set forward and back between the rows: then in UTC, or in the latest offset.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.series.time_steps import DAY, Dates, recognize_step, regularity
from misstep.data.table.date_words import month_of
from misstep.data.table.dates import (
    Moments,
    date_format_of,
    parse_moments,
    spoken_form,
    swapped_form,
)
from misstep.data.table.number_dates import NUMBER_DATE_FORMATS, number_date_form, number_dates
from misstep.errors import DataError
from misstep.text.counts import counted

if TYPE_CHECKING:
    import pandas

    from misstep.data.table.table import Table

__all__ = ["Times", "find_times", "has_parts_of_times", "local_times", "read_times", "with_zone"]

MICROSECOND = 1_000_000
# What a column that holds one part of a time is called, in small letters without marks.
_ROLES = {
    "year": r"year|years|yr|yyyy|jahr|annee|année|ano|año|anno|jaar|år",
    "quarter": r"quarter|qtr|quartal|trimestre|trimester|kwartaal|kvartal|q",
    "month": r"month|months|mon|mnth|mo|mm|monat|mois|mes|mese|maand|manad|period",
    "week": r"week|weeks|kw|woche|semaine|semana|settimana|isoweek|weekofyear|weeknum",
    "day": r"day|days|dd|tag|jour|dia|día|giorno|dag|mday|dom|dayofmonth|dy",
    "hour": r"hour|hours|hr|hrs|hh|stunde|std|heure|hora|ora|uur|he|hourending|hourofday|time|zeit|"
    r"uhrzeit|clock|tijd",
    "minute": r"minute|minutes|min|mins|mn|minuto",
}
_NAMES = {role: re.compile(names) for role, names in _ROLES.items()}
_MARKS = re.compile(r"[^a-zäöüéèñíåáß]")
# Largest and least number of each part.
_LIMITS = {"quarter": (1, 4), "month": (1, 12), "week": (1, 53), "day": (1, 31), "hour": (0, 24)}
_LIMITS |= {"minute": (0, 59), "year": (1600, 2199)}
_CLOCK = re.compile(
    r"(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2}))?(?:[:.](?P<second>\d{2}))?(?:[.,]\d+)?"
    r"(?: ?(?P<half>[ap])\.? ?m\.?)?(?: ?uhr| ?h)?",
    re.IGNORECASE,
)
_MARKED = re.compile(
    r"(?:m|q|w|t|kw|week)? ?0?(?P<number>\d{1,2})(?:\.? ?(?:quartal|quarter|q))?\.?", re.IGNORECASE
)
# 1330 in a column of hours is half past one.
LARGEST_HOUR = 24


@dataclass(frozen=True)
class Times:
    """When the rows were. `dates`: (rows,), on the wall's clock, or in UTC where `utc` says so.

    `column`: what messages call them. `parts`: (role, column) of each part where there are several.
    `form`: how dates are written. `zone`: "" where none is known, an offset such as "+02:00", or a
    name such as "Europe/Berlin".
    """

    column: str
    dates: Dates
    parts: tuple[tuple[str, str], ...] = ()
    form: str = ""
    zone: str = ""
    utc: bool = False
    note: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that tell the time."""
        return tuple(column for _, column in self.parts) if self.parts else (self.column,)

    def rising(self) -> Dates | None:
        """Return dates that rise strictly, turned around where they fall strictly; else None."""
        between = np.diff(self.dates).astype(np.int64)
        if (between > 0).all():
            return self.dates
        return self.dates[::-1] if (between < 0).all() else None

    @property
    def distinct(self) -> bool:
        """Tell whether no date stands twice."""
        return len(np.unique(self.dates)) == len(self.dates)


def find_times(table: Table, target: str) -> list[Times]:
    """Return the columns of `table` that tell when each row was, the likeliest first."""
    frame = _written(table)
    single = []
    for title in map(str, frame.columns):
        if title != target and (found := _single(table, frame, title)) is not None:
            single.append(found)
    whole = [times for times in single if times.distinct]
    # A year that comes back is a number like others.
    again = [times for times in single if not times.distinct and times.form != "%Y"]
    if whole:
        return whole + again
    # Only where dates repeat can a second column be needed to tell rows apart.
    joined = [*_with_hours(frame, target, again), *_from_parts(frame, target)]
    return [*(times for times in joined if times.distinct), *again]


def has_parts_of_times(table: Table, target: str) -> bool:
    """Tell whether a column has the name of a part of a time, such as year, and its values."""
    frame = _written(table)
    roles = {title: _role(title) for title in map(str, frame.columns) if title != target}
    return any(role and _numbers(frame[title], role) is not None for title, role in roles.items())


def read_times(table: Table, times: Times) -> Times:
    """Return the times of another table with the same columns, read as `times` were.

    Raises DataError with the row of a cell that is no date.
    """
    frame = _written(table)
    if times.parts:
        dates = _joined(frame, times.parts, times.form)
        if dates is None:
            raise DataError(
                f"the columns {times.column} of {table.name}",
                needed="numbers and dates that make a time in each row",
                got="rows of which they do not",
            )
        return Times(times.column, dates, times.parts, times.form)
    column = frame[times.column]
    missing = int(column.isna().sum())
    found = None if missing else _moments(column, times.column, times.form)
    if found is None:
        row = int(column.isna().to_numpy().argmax()) if missing else 0
        raise DataError(
            f"column {times.column!r} of {table.name}",
            needed="a date in each row"
            + (f", written {spoken_form(times.form)}" if times.form else ""),
            got=f"{counted(missing, 'row')} without one, the first is row {row + 1}"
            if missing
            else f"{column.iloc[0]!r} in row 1",
        )
    moments, form = found
    zone = table.zones.get(times.column, "") if moments.offsets is None else ""
    if zone:
        instants, known = moments.instants, True
    else:
        instants, known = moments.instants, moments.offsets is not None
    if not times.zone or not known:
        dates = moments.local if not zone else local_times(instants, zone)
    elif times.utc:
        dates = instants
    else:
        dates = local_times(instants, times.zone)
    return Times(times.column, _plain(dates), (), form, times.zone, times.utc)


def _written(table: Table) -> pandas.DataFrame:
    """Return the frame with times of day as they were written, which tables read as hours."""
    words = {
        name: column.words
        for name, column in table.written.items()
        if column.words is not None and any(":" in str(word) for word in column.words[:1])
    }
    return table.frame.assign(**words) if words else table.frame


def local_times(instants: Dates, zone: str) -> Dates:
    """Return what the clock on the wall says in `zone` at moments in UTC, (rows,)."""
    if not zone:
        return instants
    import pandas

    stamps = pandas.DatetimeIndex(instants).tz_localize("UTC").tz_convert(_zone(zone))
    return stamps.tz_localize(None).to_numpy()


def with_zone(dates: Dates, zone: str, *, utc: bool) -> pandas.DatetimeIndex:
    """Return dates, (rows,), of the wall's clock or UTC as moments that know their zone."""
    import pandas

    index = pandas.DatetimeIndex(dates)
    if not zone:
        return index
    if utc:
        return index.tz_localize("UTC").tz_convert(_zone(zone))
    # An hour that comes twice is the first of both; one that is left out is the one after it.
    twice = np.ones(len(index), bool)
    return index.tz_localize(_zone(zone), ambiguous=twice, nonexistent="shift_forward")


def _zone(zone: str) -> Any:
    """Return a zone as pandas takes it: by name, or fixed."""
    import datetime

    offset = re.fullmatch(r"([-+])(\d{2}):(\d{2})", zone)
    if offset is None:
        return zone
    minutes = 60 * int(offset[2]) + int(offset[3])
    return datetime.timezone(datetime.timedelta(minutes=minutes if offset[1] == "+" else -minutes))


def _offset_words(minutes: int) -> str:
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _single(table: Table, frame: pandas.DataFrame, title: str) -> Times | None:
    """Return the times in one column, or None where it has no date in each row."""
    column = frame[title]
    if column.dtype.kind == "b" or column.isna().any():
        return None
    found = _moments(column, title, "")
    if found is None:
        return None
    moments, form = found
    zone, instants = table.zones.get(title, ""), moments.instants
    if moments.offsets is not None:
        offsets = np.unique(moments.offsets)
        last = int(moments.offsets[instants.argmax()])
        if len(offsets) == 1:
            return Times(title, _plain(moments.local), form=form, zone=_offset_words(last))
        if _by_days(moments.local):
            return Times(title, _plain(moments.local), form=form)
        words = ", ".join(_offset_words(int(offset)) for offset in offsets[:4])
        shifted = instants + np.timedelta64(last * 60, "s")
        note = (
            f"the clock is set forward and back ({words}): hours are counted in the latest offset"
        )
        return Times(title, _plain(shifted), form=form, zone=_offset_words(last), note=note)
    if zone:
        local = local_times(instants, zone)
        if _by_days(local):
            return Times(title, _plain(local), form=form, zone=zone)
        return Times(title, _plain(instants), form=form, zone=zone, utc=True)
    return Times(title, _plain(instants), form=form)


def _by_days(local: Dates) -> bool:
    """Tell whether rows of the wall's clock lie days apart or more, at an even step."""
    distinct = np.unique(local)
    step = recognize_step(distinct) if len(distinct) == len(local) else None
    return step is not None and (step.unit != "second" or step.count % DAY == 0)


def _moments(column: pandas.Series, title: str, form: str) -> tuple[Moments, str] | None:
    """Return the moments of a column in a form, which is looked for where it is empty."""
    if column.dtype.kind == "M":
        return Moments(column.to_numpy().astype("datetime64[us]")), ""
    if column.dtype.kind in "iuf":
        numbers = column.to_numpy()
        found = form or number_date_form(numbers, title, ordered=True)
        if found is None or found not in NUMBER_DATE_FORMATS:
            return None
        dates = number_dates(numbers, found)
        return None if np.isnat(dates).any() else (Moments(dates), found)
    words = column.tolist()
    if not all(issubclass(kind, str) for kind in set(map(type, words))):
        return None
    if not form:
        recognized = date_format_of(words)
        if recognized is None:
            return None
        form = recognized[0]
    moments = parse_moments(words, form)
    return None if moments is None else (moments, form)


def _plain(dates: Dates) -> Dates:
    """Return whole seconds as such, all others in microseconds."""
    dates = dates.astype("datetime64[us]")
    whole = (dates.astype(np.int64) % MICROSECOND == 0).all()
    return dates.astype("datetime64[s]") if whole else dates


def _role(title: str) -> str | None:
    words = _MARKS.sub("", title.lower())
    return next((role for role, names in _NAMES.items() if names.fullmatch(words)), None)


def _with_hours(frame: pandas.DataFrame, target: str, single: list[Times]) -> Iterator[Times]:
    """Yield days completed by a column with the hour or time of day."""
    roles = {title: _role(title) for title in map(str, frame.columns) if title != target}
    for times in single:
        if len(np.unique(times.dates.astype("datetime64[D]"))) < len(np.unique(times.dates)):
            continue
        hours = [title for title, role in roles.items() if role == "hour"]
        # Texts such as 14:00 speak for themselves.
        hours += [
            title
            for title in roles
            if title not in (*hours, times.column)
            and frame[title].dtype.kind not in "iufbM"
            and ":" in str(frame[title].iloc[0])
            and _numbers(frame[title], "hour") is not None
        ]
        minutes = [title for title, role in roles.items() if role == "minute"]
        for hour in hours:
            for more in ([], minutes[:1]) if minutes else ([],):
                parts = (("date", times.column), ("hour", hour), *(("minute", m) for m in more))
                forms = (times.form, swapped_form(times.form))
                found = [each for form in forms for each in _times_of(frame, parts, form)]
                # Whether the day or the month stands first, hours may tell where days do not.
                yield from sorted(found, key=lambda each: -regularity(np.unique(each.dates)))


def _from_parts(frame: pandas.DataFrame, target: str) -> Iterator[Times]:
    """Yield what columns named year, month and so on make together, the finest first."""
    found: dict[str, str] = {}
    for title in map(str, frame.columns):
        role = _role(title)
        if title != target and role is not None and _numbers(frame[title], role) is not None:
            found.setdefault(role, title)
    for roles in (
        ("year", "month", "day", "hour", "minute"),
        ("year", "month", "day", "hour"),
        ("year", "month", "day"),
        ("year", "week"),
        ("year", "month"),
        ("year", "quarter"),
    ):
        if all(role in found for role in roles):
            yield from _times_of(frame, tuple((role, found[role]) for role in roles), "")


def _times_of(
    frame: pandas.DataFrame, parts: tuple[tuple[str, str], ...], form: str | None
) -> Iterator[Times]:
    dates = None if form is None else _joined(frame, parts, form)
    if dates is not None and form is not None:
        names = [column for _, column in parts]
        yield Times(", ".join(names[:-1]) + " and " + names[-1], dates, parts, form)


def _joined(frame: pandas.DataFrame, parts: tuple[tuple[str, str], ...], form: str) -> Dates | None:
    """Return the dates that several columns make together, (rows,), or None."""
    numbers: dict[str, NDArray[np.float64]] = {}
    days: Dates | None = None
    for role, title in parts:
        column = frame[title]
        if role == "date":
            found = None if column.isna().any() else _moments(column, title, form)
            if found is None:
                return None
            days = found[0].local.astype("datetime64[D]")
            continue
        values = _numbers(column, role)
        if values is None:
            return None
        numbers[role] = values
    if days is None:
        days = _days(numbers)
    if days is None:
        return None
    seconds = 3600 * numbers.get("hour", np.zeros(1)) + 60 * numbers.get("minute", np.zeros(1))
    spans = np.rint(seconds * MICROSECOND).astype(np.int64).astype("timedelta64[us]")
    return _plain(days.astype("datetime64[us]") + spans)


def _days(numbers: dict[str, NDArray[np.float64]]) -> Dates | None:
    years = numbers["year"].astype(np.int64)
    if "week" in numbers:
        # The first week of a year is the one with January 4th in it (ISO 8601).
        first: Dates = (years - 1970).astype("datetime64[Y]").astype("datetime64[D]")
        fourth = first.astype(np.int64) + 3
        # Day 0, 1970-01-01, was a Thursday.
        monday: Dates = (fourth - (fourth + 3) % 7).astype("datetime64[D]")
        return monday + (7 * (numbers["week"].astype(np.int64) - 1)).astype("timedelta64[D]")
    months = numbers.get("month", np.ones(1))
    if "quarter" in numbers:
        months = 3 * numbers["quarter"] - 2
    since = ((years - 1970) * 12 + months.astype(np.int64) - 1).astype("datetime64[M]")
    day = numbers.get("day", np.ones(1)).astype(np.int64) - 1
    days: Dates = since.astype("datetime64[D]") + day.astype("timedelta64[D]")
    return days if (days.astype("datetime64[M]") == since).all() else None


def _numbers(column: pandas.Series, role: str) -> NDArray[np.float64] | None:
    """Return one part of a time as numbers, (rows,), or None where it is none."""
    if column.isna().any():
        return None
    if column.dtype.kind in "iuf":
        values = column.to_numpy().astype(np.float64)
        if role == "hour" and values.max() > LARGEST_HOUR and (values % 100 < 60).all():
            # 1330 is half past one.
            values = values // 100 + values % 100 / 60
        elif (values % 1 != 0).any():
            return None
    elif column.dtype.kind not in "bM":
        cells = [_number(str(cell).strip(), role) for cell in column.tolist()]
        if any(cell is None for cell in cells):
            return None
        values = np.array(cells, np.float64)
    else:
        return None
    least, most = _LIMITS[role]
    return values if least <= values.min() and values.max() <= most else None


def _number(word: str, role: str) -> float | None:
    if role == "hour":
        match = _CLOCK.fullmatch(word)
        if match is None:
            return None
        hour, half = int(match["hour"]), match["half"]
        if half:
            hour = hour % 12 + (12 if half in "pP" else 0)
        return hour + int(match["minute"] or 0) / 60 + int(match["second"] or 0) / 3600
    if role == "month" and (month := month_of(word)) is not None:
        return float(month)
    marked = _MARKED.fullmatch(word)
    return None if marked is None else float(marked["number"])
