"""Which moment a written date names, and in which of its many forms a column writes dates.

Knows words, numbers and moments, not tables, series or models. A form is told by its name, which
model files keep; after the form of a day may stand any time of day, as spreadsheets leave it away
at midnight. Months, quarters and weeks are named by the day on which they begin.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from misstep.data.series.time_steps import regularity
from misstep.data.table.date_words import DAY_NAMES, ZONE_HOURS, month_of, plain

if TYPE_CHECKING:
    import pandas

__all__ = [
    "Moments",
    "date_format_of",
    "parse_dates",
    "parse_moments",
    "spoken_form",
    "swapped_form",
]

Instants = NDArray[np.datetime64]

_DAY, _MONTH, _YEAR, _SHORT = (
    r"(?P<d>\d{1,2})",
    r"(?P<m>\d{1,2})",
    r"(?P<y>\d{4})",
    r"(?P<yy>\d{2})",
)
_NAME = r"(?P<b>[^\W\d_]{3,10})\.?"
# Where only four digits and some more make a date, they must look like a year: codes do not.
_RECENT = r"(?P<y>1[6-9]\d\d|2[01]\d\d)"
_ANY_YEAR = r"(?:(?P<y>\d{4})|'?(?P<yy>\d{2}))"
_NTH = r"(?:st|nd|rd|th|er|e|\.)?"
_Q = r"(?P<q>[1-4])"
_QUARTER = r"(?:q(?:tr|uarter|uartal)?|t(?:rim(?:estre)?)?|k(?:vartal|wartaal)?)\.?"
_NTH_WEEK = r"(?:week|woche|semaine|semana|settimana|kw|cw|w)[-. ]?(?P<week>\d{1,2})"
_CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2}):(?P<second>\d{2})"
    r"(?: (?P<zone>[a-z]{1,4}|[-+]\d{2}:?\d{2}))?"
)

# The time of day, after a day: 14:00, T14:00:00.250Z, 2:00 PM +01:00, T1400, 14h30.
_TIME = (
    r"(?:(?:t|[ ,;:_]+|\s-\s)(?:(?P<hour>\d{1,2})(?:[:h.](?P<minute>\d{2})?"
    r"(?:[:.](?P<second>\d{2})(?:[.,:](?P<fraction>\d{1,9}))?)?)?"
    r"|(?P<hh>\d{2})(?P<mm>\d{2})(?P<ss>\d{2})?)"
    r"(?: ?(?P<half>[ap])\.? ?m\.?)?(?: uhr)?"
    r" ?(?P<zone>[a-z]{1,4}|(?:utc|gmt)?[-+\u2212]\d{1,2}(?::?\d{2})?)?"
    r"(?: ?\[[\w/+-]+\])?)?"
)


@dataclass(frozen=True)
class _Form:
    """One way to write dates: what its parts are, in which order, and whether a time may follow."""

    name: str
    pattern: re.Pattern[str]
    spoken: str


def _day(name: str, pattern: str, spoken: str) -> _Form:
    return _Form(name, re.compile(pattern + _TIME, re.IGNORECASE), spoken)


def _span(name: str, pattern: str, spoken: str) -> _Form:
    return _Form(name, re.compile(pattern, re.IGNORECASE), spoken)


def _numbered(mark: str, other: str) -> list[_Form]:
    """Return the forms with two numbers before a year, parted by one mark."""
    between = re.escape(mark)
    # Unpadded pairs with a short year look like versions (1.10.2) unless a stroke parts them.
    two = r"\d{1,2}" if mark == "/" else r"\d{2}"
    forms = []
    for year, text in (("%Y", _YEAR), ("%y", _SHORT)):
        digits = r"\d{1,2}" if year == "%Y" else two
        day, month = rf"(?P<d>{digits})", rf"(?P<m>{digits})"
        for first, second, parts in (("%d", "%m", (day, month)), ("%m", "%d", (month, day))):
            words = {"%d": "day", "%m": "month"}
            forms.append(
                _day(
                    mark.join((first, second, year)),
                    rf"{between}{other}".join((*parts, text)),
                    mark.join((words[first], words[second], "year")),
                )
            )
    return forms


# Tried in this order; of day first and month first, see `date_format_of`.
_FORMS = (
    _span("%Y-%m", rf"{_RECENT}(?:[-/.: ]m?|m){_MONTH}", "year-month"),
    _day(
        "ISO8601",
        rf"{_YEAR}(?:(?P<s>[-./\\ ]) ?{_MONTH}(?P=s) ?{_DAY}|(?P<m2>\d{{2}})(?P<d2>\d{{2}}))",
        "year-month-day",
    ),
    *_numbered("/", ""),
    *_numbered(".", " ?"),
    *_numbered("-", ""),
    _day("%d %b %Y", rf"{_DAY}{_NTH}[-/. ]*{_NAME}[-/., ]*{_YEAR}", "day month's name year"),
    _day("%b %d, %Y", rf"{_NAME}[-/ ]*{_DAY}{_NTH}[-/, ]+{_YEAR}", "month's name day, year"),
    _day("%Y %b %d", rf"{_YEAR}[-/ ]*{_NAME}[-/ ]*{_DAY}", "year month's name day"),
    _span("%b %d %H:%M:%S %Y", rf"{_NAME} +{_DAY} +{_CLOCK} {_YEAR}", "month's name day time year"),
    _day("%d %b %y", rf"{_DAY}[-/. ]+{_NAME}[-/., ]+{_SHORT}", "day month's name year"),
    _span("%m/%Y", rf"{_MONTH}[-/.]{_RECENT}", "month/year"),
    _span("%b %Y", rf"{_NAME}[-/., ]*{_YEAR}", "month's name year"),
    _span("%Y %b", rf"{_YEAR}[-/., ]*{_NAME}", "year month's name"),
    _span("%b-%y", rf"{_NAME}(?:-|/| ?['\u2019]){_SHORT}", "month's name-year"),
    _span("%YQ%q", rf"{_RECENT}[-/:., ]*{_QUARTER} ?0?{_Q}", "year quarter"),
    _span("Q%q %Y", rf"{_QUARTER} ?0?{_Q}[-/:., ]*{_ANY_YEAR}", "quarter year"),
    _span("%q. quarter %Y", rf"{_Q}{_NTH} ?{_QUARTER}[-/:., ]*{_ANY_YEAR}", "quarter year"),
    _span("%Y %q. quarter", rf"{_RECENT}[-/:., ]*{_Q}{_NTH} ?{_QUARTER}", "year quarter"),
    _span("%YS%s", rf"{_RECENT}[-/:., ]*[sh](?P<half_year>[12])", "year half"),
    _span("S%s %Y", rf"[sh](?P<half_year>[12])[-/:., ]+{_YEAR}", "half year"),
    _day("%G-W%V", rf"{_YEAR}[-/:., ]*{_NTH_WEEK}(?:-?(?P<weekday>[1-7]))?", "year week"),
    _span("W%V %G", rf"{_NTH_WEEK}[-/:., ]+{_YEAR}", "week year"),
    _span("%Y-%j", rf"{_RECENT}-(?P<j>\d{{3}})", "year-day of the year"),
    _span("%Y/%y", rf"{_RECENT}[-/](?P<next>\d{{2}})", "year/next year"),
)
DATE_FORMATS = tuple(form.name for form in _FORMS)
_BY_NAME = {form.name: form for form in _FORMS}
# Names that older model files have for the same, once the time of day is cut off.
_OLDER = {"%Y/%m/%d": "ISO8601", "%d-%b-%Y": "%d %b %Y", "%d %B %Y": "%d %b %Y"}
_OLDER |= {"%B %d, %Y": "%b %d, %Y"}
# Forms of dates that are numbers, read in `number_dates.py`.
_SPOKEN = {
    "%Y%m%d": "year, month and day",
    "%Y%m%d%H": "year to hour",
    "%Y%m%d%H%M": "year to minute",
    "%Y%m%d%H%M%S": "year to second",
    "%Y%m": "year and month",
    "%Y": "years",
    "serial days": "days since 1899-12-30, as in spreadsheets",
    "decimal year": "years with decimals",
    "stored": "dates",
    **{
        f"unix {unit}seconds": f"{unit}seconds since 1970"
        for unit in ("", "milli", "micro", "nano")
    },
}
# Of two that both fit, the one that has to be asked as well.
_SWAPPED = {
    f"{a}{mark}{b}{mark}{year}": f"{b}{mark}{a}{mark}{year}"
    for mark in "/-."
    for year in ("%Y", "%y")
    for a, b in (("%d", "%m"), ("%m", "%d"))
}
# Two digits mean 1969 to 2068, as POSIX has it.
_PIVOT = 69
_ISO_SIGNS = frozenset("0123456789-:. T")
_EPOCH = datetime.date(1970, 1, 1).toordinal()
MICROSECOND = 1_000_000
# Most words are looked at in full only if so many of them fit.
_QUICK = 20


@dataclass(frozen=True)
class Moments:
    """Dates of a column. `instants`: (rows,) datetime64[us], in UTC where an offset is known.

    `offsets`: minutes east of Greenwich, (rows,), 0 where none is written; None: none is anywhere.
    """

    instants: Instants
    offsets: NDArray[np.int64] | None = None

    @property
    def local(self) -> Instants:
        """Return what the clock on the wall says, (rows,)."""
        if self.offsets is None:
            return self.instants
        return self.instants + (self.offsets * 60 * MICROSECOND).astype("timedelta64[us]")


def date_format_of(words: Sequence[str]) -> tuple[str, str | None] | None:
    """Return the date format that all `words` share and, where it is open, the other one.

    words: in the order of their rows. Where they read both with the day first and with the month
    first, the reading that rises from row to row, or by the more even step, is taken; the day
    first, where that does not tell.
    """
    unique = list(dict.fromkeys(words))
    if not unique or not all(_may_be_date(word) for word in unique[:_QUICK]):
        return None
    for form in DATE_FORMATS:
        # A quick look at a few values spares most formats the whole column.
        if _fields(unique[:1], form) is None or _fields(unique[:_QUICK], form) is None:
            continue
        first = parse_moments(unique, form)
        if first is None:
            continue
        other = _SWAPPED.get(form)
        second = None if other is None else parse_moments(unique, other)
        if other is None or second is None:
            return form, None
        if _evenness(second.local) > _evenness(first.local):
            return other, form
        return form, other
    return None


def swapped_form(form: str) -> str | None:
    """Return the form in which day and month change places, or None where there is none."""
    return _SWAPPED.get(form)


def spoken_form(form: str) -> str:
    """Return a form of dates in words, such as day/month/year."""
    return _SPOKEN.get(form) or _BY_NAME[_known(form)].spoken


def parse_dates(words: Sequence[str], form: str) -> pandas.Series | None:
    """Return the dates in UTC, without time zone (rows,), or None if one does not fit."""
    import pandas

    moments = parse_moments(words, form)
    return None if moments is None else pandas.Series(moments.instants)


def parse_moments(words: Sequence[str], form: str) -> Moments | None:
    """Return the moments that words name in a format, or None if one word does not fit it."""
    if form == "ISO8601" and (quick := _quick_iso(words)) is not None:
        return Moments(quick)
    fields = _fields(words, _known(form))
    if fields is None and form == "ISO8601":
        # Older model files call months so as well.
        fields = _fields(words, "%Y-%m")
    if fields is None:
        return None
    days, times, offsets = zip(*fields, strict=True) if fields else ((), (), ())
    written = np.array([offset is not None for offset in offsets])
    east = np.array([offset or 0 for offset in offsets], np.int64)
    moments = np.array(days, np.int64) * 86_400 * MICROSECOND + np.array(times, np.int64)
    moments -= east * 60 * MICROSECOND
    return Moments(moments.astype("datetime64[us]"), east if written.any() else None)


def _quick_iso(words: Sequence[str]) -> Instants | None:
    """Return plain dates such as 2020-01-31 14:00:00, which NumPy reads; None for all others.

    It is a hundred times as fast as looking at each word.
    """
    signs = "".join(words)
    if signs.count("-") != 2 * len(words) or not _ISO_SIGNS.issuperset(signs):
        return None
    if min(map(len, words), default=0) < len("2020-01-31"):
        return None
    try:
        return np.array(words, dtype="datetime64[us]")
    except ValueError:
        return None


def _known(form: str) -> str:
    """Return the name that a form has here, for one that an older model file may have."""
    if form in _BY_NAME:
        return form
    form = form.partition(" %H")[0]
    return _OLDER.get(form, form if form in _BY_NAME else "ISO8601")


def _evenness(instants: Instants) -> tuple[bool, float]:
    """Return whether moments rise or fall all the way, and which share of their steps is even."""
    between = np.diff(instants).astype(np.int64)
    one_way = bool((between > 0).all() or (between < 0).all())
    return one_way, regularity(np.unique(instants))


def _may_be_date(word: str) -> bool:
    return len(word) <= 80 and any(sign.isdigit() for sign in word) and not word.isdigit()


_PREFIX = re.compile(r"([^\W\d_]+)\.?,? +(?=\S)")
_NOTE = re.compile(r"\s*\([^()\d]*\)$")
_UNTIL = re.compile(r"(.+\d:\d{2}) ?[-\u2013] ?(\S.*\d:\d{2})")
_EAST_ASIAN = re.compile(r"\s*[年年년月월]\s*")


def _cleaned(word: str) -> str:
    """Return a date without the name of its day, without the end of a span, and such."""
    word = word.strip()
    if word[:1].isalpha():
        named = _PREFIX.match(word)
        if named is not None and plain(named[1]) in DAY_NAMES:
            word = word[named.end() :]
    if word.endswith(")"):
        word = _NOTE.sub("", word)
    if word.count(":") > 1:
        until = _UNTIL.fullmatch(word)
        if until is not None:
            word = until[1]
    if not word.isascii():
        word = _EAST_ASIAN.sub("-", word.replace("日", "").replace("일", "")).strip("- ")
        word = word.replace("\u202f", " ").replace("\xa0", " ")
    if " de" in word:
        word = word.replace(" de ", " ").replace(" del ", " ")
    return word


Fields = tuple[int, int, int | None]


def _fields(words: Sequence[str], form: str) -> list[Fields] | None:
    """Return days since 1970, microseconds of the day and minutes east, for each word."""
    pattern = _BY_NAME[form].pattern
    found: dict[str, Fields] = {}
    result: list[Fields] = []
    for word in words:
        fields = found.get(word)
        if fields is None:
            match = pattern.fullmatch(_cleaned(word))
            fields = None if match is None else _fields_of(match.groupdict())
            if fields is None:
                return None
            found[word] = fields
        result.append(fields)
    return result


def _fields_of(parts: dict[str, str | None]) -> Fields | None:
    """Return day, time and offset of the parts of one date; None where there is no such day."""
    year = int(parts.get("y") or 0)
    if not year:
        short = int(parts.get("yy") or 0)
        year = short + (1900 if short >= _PIVOT else 2000)
    day = _day_of(parts, year)
    if day is None:
        return None
    if parts.get("hour") is None and parts.get("hh") is None:
        return day, 0, None
    hour, minute, second = (
        int(parts.get(name) or parts.get(short) or 0)
        for name, short in (("hour", "hh"), ("minute", "mm"), ("second", "ss"))
    )
    half = parts.get("half")
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "pP" else 0)
    # 24:00 is the end of a day, and a second is put in now and then.
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and minute + second):
        return None
    offset, zone = None, parts.get("zone")
    if zone:
        offset = _minutes_east(zone)
        if offset is None:
            return None
    micro = int(((parts.get("fraction") or "") + "000000")[:6])
    return day, (hour * 3600 + minute * 60 + second) * MICROSECOND + micro, offset


def _day_of(parts: dict[str, str | None], year: int) -> int | None:
    """Return the day, since 1970, that the parts of a date name; None where there is none."""
    month = int(parts.get("m") or parts.get("m2") or 1)
    day = int(parts.get("d") or parts.get("d2") or 1)
    named, quarter, half = parts.get("b"), parts.get("q"), parts.get("half_year")
    if named is not None:
        found = month_of(named)
        if found is None:
            return None
        month = found
    elif quarter is not None:
        month = 3 * int(quarter) - 2
    elif half is not None:
        month = 6 * int(half) - 5
    elif parts.get("next") is not None and int(parts["next"] or 0) != (year + 1) % 100:
        return None
    try:
        week, ordinal = parts.get("week"), parts.get("j")
        if week is not None:
            weekday = int(parts.get("weekday") or 1)
            return datetime.date.fromisocalendar(year, int(week), weekday).toordinal() - _EPOCH
        if ordinal is not None:
            date = datetime.date(year, 1, 1) + datetime.timedelta(int(ordinal) - 1)
            return date.toordinal() - _EPOCH if date.year == year and int(ordinal) else None
        return datetime.date(year, month, day).toordinal() - _EPOCH
    except ValueError:
        return None


def _minutes_east(zone: str) -> int | None:
    """Return the minutes east of Greenwich of Z, CET, +02:00 and the like; None for others."""
    zone = zone.upper().replace("\u2212", "-")
    if zone in ZONE_HOURS:
        return 60 * ZONE_HOURS[zone]
    number = re.fullmatch(r"(?:UTC|GMT)?([-+])(\d{1,2})(?::?(\d{2}))?", zone)
    if number is None:
        return None
    east = 60 * int(number[2]) + int(number[3] or 0)
    if east > 14 * 60:
        return None
    return east if number[1] == "+" else -east
