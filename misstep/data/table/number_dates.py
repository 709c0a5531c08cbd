"""Dates that are written as numbers: 20200131, 202001, seconds since 1970, days of spreadsheets.

Knows numbers and the name of their column, which has to speak for a date where the numbers alone
could as well be amounts.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NUMBER_DATE_FORMATS", "number_date_form", "number_dates"]

Instants = NDArray[np.datetime64]

# Amounts of eight digits rarely have a month and a day in them (3.7 %), of six digits rarely a
# month (12 %): so many different ones all have only where they are dates.
FEWEST_DAYS, FEWEST_MONTHS = 4, 8
# Fewer will do where the name of the column speaks of dates.
FEWEST_NAMED = 2
# Years in which people measure and keep books; amounts and codes are rarely confined to them.
FIRST_YEAR, LAST_YEAR = 1600, 2199
# A moment counted since 1970 lies between 1980 and 2100.
FIRST_SECOND, LAST_SECOND = 315_532_800, 4_102_444_800
# Days of spreadsheets since 1899-12-30: 1927 to 2119.
FIRST_SERIAL, LAST_SERIAL = 10_000, 80_000
SERIAL_EPOCH = np.datetime64("1899-12-30", "us")
NEVER = np.datetime64("NaT", "us")
ONE_MONTH = np.timedelta64(1, "M")
MICROSECONDS = 1_000_000
DAY = 86_400 * MICROSECONDS
# Decimal years are rounded to a few digits, so that a month may seem to begin a little before.
ROUNDED = 0.02
# So many of the steps must be the same before they count as even.
LEAST_EVEN = 0.9

_NAME = re.compile(
    r"(.*[^a-z])?(date|dates|datetime|datum|dato|day|days|tag|time|zeit|timestamp|stamp|ts|dt|epoch|"
    r"unix|when|moment|period|fecha|jour|heure|hora|ora|created|updated|month|monat|mois|mes|yyyymm|"
    r"yyyymmdd|time_?period|at)([^a-z].*)?|.*(date|datetime|timestamp|datum)"
)
_DAY_NAME = re.compile(
    r"(.*[^a-z])?(date|dates|datum|dato|fecha|datetime|jour|serial)([^a-z].*)?|.*date"
)
_YEAR_NAME = re.compile(
    r"(.*[^a-z])?(year|years|yr|jahr|annee|année|an|ano|año|anno|ar|år|jaar|rok|god|год|年)([^a-z].*)?"
    r"|.*year"
)
_SINCE_1970 = {
    "unix seconds": 1,
    "unix milliseconds": 1000,
    "unix microseconds": 10**6,
    "unix nanoseconds": 10**9,
}
_HOUR, _MINUTE, _SECOND = (24, 3600), (60, 60), (60, 1)
# How many digits, and of the pairs after the day how far each counts and how many seconds it has.
_WRITTEN: dict[str, tuple[int, tuple[tuple[int, int], ...]]] = {
    "%Y%m%d": (8, ()),
    "%Y%m%d%H": (10, (_HOUR,)),
    "%Y%m%d%H%M": (12, (_HOUR, _MINUTE)),
    "%Y%m%d%H%M%S": (14, (_HOUR, _MINUTE, _SECOND)),
}
NUMBER_DATE_FORMATS = (*_WRITTEN, "%Y%m", "%Y", "decimal year", *_SINCE_1970, "serial days")


def number_date_form(values: NDArray[Any], name: str, *, ordered: bool = False) -> str | None:
    """Return how dates are written as these numbers, or None where they are other numbers.

    values: (rows,), NaN where missing. `ordered`: that rows are asked to stand in time, where years
    count as dates too, and rising numbers as moments whatever their name.
    """
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    if not len(known) or known.min() <= 0:
        return None
    title = name.strip().lower()
    named = _NAME.fullmatch(title) is not None
    whole = bool((known % 1 == 0).all())
    distinct = len(np.unique(known))
    rising = ordered and distinct == len(known) and _one_way(known)
    low, high = float(known.min()), float(known.max())
    if whole:
        pairs = [(form, digits, FEWEST_DAYS) for form, (digits, _) in _WRITTEN.items()]
        for form, digits, fewest in [*pairs, ("%Y%m", 6, FEWEST_MONTHS)]:
            sized = 10 ** (digits - 1) <= low and high < 10**digits
            enough = distinct >= (FEWEST_NAMED if named else fewest)
            if sized and enough and not np.isnat(number_dates(known, form)).any():
                return form
        if ordered and low >= FIRST_YEAR and high <= LAST_YEAR:
            return "%Y" if rising or _YEAR_NAME.fullmatch(title) else None
    for form, scale in _SINCE_1970.items():
        if FIRST_SECOND * scale <= low and high <= LAST_SECOND * scale:
            return form if named or (rising and whole and _even(known)) else None
    if low >= FIRST_SERIAL and high <= LAST_SERIAL and _DAY_NAME.fullmatch(title):
        return "serial days" if distinct > 1 else None
    if rising and not whole and low >= FIRST_YEAR and high <= LAST_YEAR:
        months = np.sort(
            number_dates(known, "decimal year").astype("datetime64[M]").astype(np.int64)
        )
        return "decimal year" if (np.diff(months) == 1).mean() >= LEAST_EVEN else None
    return None


def number_dates(values: NDArray[Any], form: str) -> Instants:
    """Return the dates that numbers name in a form, (rows,) datetime64[us]; NaT where none."""
    known = np.isfinite(values) & (np.abs(values) < 2**62)
    numbers = np.where(known, values, 0)
    if form in _SINCE_1970:
        scale = _SINCE_1970[form]
        if scale > MICROSECONDS:
            counted = numbers.astype(np.int64) // (scale // MICROSECONDS)
        else:
            counted = np.rint(numbers * (MICROSECONDS // scale)).astype(np.int64)
        return np.where(known, counted.astype("datetime64[us]"), NEVER)
    if form == "serial days":
        # Spreadsheets keep times as shares of a day, which are no exact numbers of microseconds.
        milliseconds = np.rint(numbers * (DAY // 1000)).astype(np.int64)
        since = (milliseconds * 1000).astype("timedelta64[us]")
        return np.where(known, SERIAL_EPOCH + since, NEVER)
    if form == "decimal year":
        years = np.floor(numbers + ROUNDED / 12)
        months = np.maximum(np.floor((numbers - years) * 12 + ROUNDED), 0) + 1
        return _moments(years, months, np.ones_like(years), np.zeros_like(years), known)
    rest = numbers.astype(np.int64)
    fits, seconds = known & (rest == numbers), np.zeros_like(rest)
    for base, size in reversed(_WRITTEN[form][1] if form in _WRITTEN else ()):
        rest, part = np.divmod(rest, 100)
        fits &= part < base
        seconds += part * size
    one = np.ones_like(rest)
    if form == "%Y%m":
        return _moments(rest // 100, rest % 100, one, seconds, fits)
    if form == "%Y":
        return _moments(rest, one, one, seconds, fits)
    return _moments(rest // 10_000, rest // 100 % 100, rest % 100, seconds, fits)


def _moments(
    years: NDArray[Any],
    months: NDArray[Any],
    days: NDArray[Any],
    seconds: NDArray[Any],
    fits: NDArray[np.bool_],
) -> Instants:
    """Return the moments of parts of dates, (rows,); NaT where there is no such day."""
    fits = fits & (years >= FIRST_YEAR) & (years <= LAST_YEAR) & (months >= 1) & (months <= 12)
    since = np.where(fits, (years - 1970) * 12 + months - 1, 0).astype(np.int64)
    month = since.astype("datetime64[M]")
    first, after = (each.astype("datetime64[D]") for each in (month, month + ONE_MONTH))
    fits &= (days >= 1) & (days <= (after - first).astype(np.int64))
    whole = first + np.where(fits, days - 1, 0).astype(np.int64).astype("timedelta64[D]")
    moment = whole.astype("datetime64[us]") + seconds.astype(np.int64).astype("timedelta64[s]")
    return np.where(fits, moment, NEVER)


def _one_way(values: NDArray[np.float64]) -> bool:
    between = np.diff(values)
    return bool((between > 0).all() or (between < 0).all())


def _even(values: NDArray[np.float64]) -> bool:
    """Tell whether nine in ten of the steps between sorted values are the same."""
    between = np.diff(np.sort(values))
    return len(between) > 1 and bool((between == np.median(between)).mean() >= LEAST_EVEN)
