"""How one column of a table becomes features: numbers, categories and dates, one class each.

A transformer is fitted on the training rows, keeps plain values only, and turns any later rows of
its column into numbers that are never NaN. `preprocessor.py` puts them side by side; texts are in
`text/text_transformer.py`.
"""

from __future__ import annotations

import bisect
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from misstep.data.standardization import Standard
from misstep.data.stored_json import Stored, check
from misstep.data.table.cell_values import LITERAL, category_words, is_missing_word, without_point
from misstep.data.table.column_types import (
    FEW_CATEGORIES,
    FEWEST_ROWS_OF_CATEGORY,
    MOST_CATEGORIES,
    Column,
)
from misstep.data.table.dates import date_format_of, parse_dates, spoken_form
from misstep.data.table.number_dates import NUMBER_DATE_FORMATS, number_dates
from misstep.data.table.number_forms import (
    NUMBER_GAPS,
    is_number_form,
    number_in_form,
    sound_plain_number,
)
from misstep.data.table.table import ROWS
from misstep.data.weights import mean_and_deviation, quantile
from misstep.errors import DataError
from misstep.text.counts import counted
from misstep.text.lists import and_so_on

if TYPE_CHECKING:
    import pandas

__all__ = ["CategoryTransformer", "DateTransformer", "NumberTransformer"]

Floats = NDArray[np.float64]
Tell = Callable[[str], None]
Cycle = Literal["season", "weekday", "time of day"]

DAYS_PER_YEAR = 365.2425
SECONDS_PER_DAY = 86_400.0
ALWAYS_MISSING = "missing in all training rows, so it is always 0"


@dataclass(frozen=True)
class NumberTransformer(Stored):
    """A column of numbers: one standardized feature, and one that says where it is missing."""

    column: str
    form: str
    fill: float
    standard: Standard
    indicator: bool
    reason: str
    column_type: Literal["number"] = "number"

    def __post_init__(self) -> None:
        check(
            (is_number_form(self.form), "unknown form of number"),
            (np.isfinite(self.fill), "fill must be finite"),
        )

    @classmethod
    def fit(cls, column: Column, series: pandas.Series, weights: Floats) -> NumberTransformer:
        """Learn from the training rows (rows,); weights of 0 leave rows out."""
        values = as_numbers(series, column.name, column.form, [])
        known = ~np.isnan(values) & (weights > 0)
        gaps = int((np.isnan(values) & (weights > 0)).sum())
        if not known.any():
            flat = Standard(0.0, 1.0)
            return cls(column.name, column.form, 0.0, flat, False, ALWAYS_MISSING)
        values, weights = values[known], weights[known]
        standard, reason = Standard.fit(values, weights)
        fill = quantile(values, weights, 0.5)
        if gaps:
            gap = f"missing values become the median {fill:g} and are marked"
            reason = f"{reason}; {gap}" if reason else gap
        return cls(column.name, column.form, fill, standard, gaps > 0, reason)

    @property
    def feature_names(self) -> list[str]:
        return [self.column, f"{self.column} is missing"][: 1 + self.indicator]

    def filled(self, series: pandas.Series) -> Floats:
        """Return the numbers as they stand, (rows,), with gaps filled."""
        values = as_numbers(series, self.column, self.form, [])
        return np.where(np.isnan(values), self.fill, values)

    def transform(self, series: pandas.Series, tell: Tell) -> Floats:
        """Return (rows, features); `tell` hears what was noticed."""
        odd: list[tuple[int, str]] = []
        return self.of_numbers(as_numbers(series, self.column, self.form, odd), tell, odd)

    def of_numbers(self, values: Floats, tell: Tell, odd: Sequence[tuple[int, str]] = ()) -> Floats:
        """Return (rows, features) for numbers, (rows,), NaN where missing; `odd`: as noticed."""
        gaps = np.isnan(values)
        if odd:
            shown = and_so_on([f"{word[:40]!r} in row {row}" for row, word in odd], 3)
            tell(
                f"{self.column}: {counted(len(odd), 'cell')} {'is' if len(odd) == 1 else 'are'} no "
                f"number as in training and {'counts' if len(odd) == 1 else 'count'} as missing, "
                f"{shown}"
            )
        if gaps.any() and not self.indicator:
            tell(
                f"{self.column}: {counted(int(gaps.sum()), 'missing value')}, where training "
                f"had none, became the median {self.fill:g}"
            )
        z = self.standard.apply(np.where(gaps, self.fill, values))
        return np.column_stack([z, gaps] if self.indicator else [z])

    def typical(self, series: pandas.Series, weights: Floats) -> float | None:
        """Return the mean of the values that are known, (rows,), or None where none is."""
        values = as_numbers(series, self.column, self.form, [])
        known = ~np.isnan(values) & (weights > 0)
        return mean_and_deviation(values[known], weights[known])[0] if known.any() else None


@dataclass(frozen=True)
class CategoryTransformer(Stored):
    """A column of categories: a place for each, one for rare or unseen ones, one for missing."""

    column: str
    values: tuple[str, ...]
    other: bool
    indicator: bool
    reason: str
    column_type: Literal["category"] = "category"

    def __post_init__(self) -> None:
        check((len(set(self.values)) == len(self.values), "a category stands twice"))

    @classmethod
    def fit(cls, column: Column, series: pandas.Series, weights: Floats) -> CategoryTransformer:
        """Learn which categories there are from the training rows (rows,)."""
        counts: dict[str, float] = {}
        gaps, rows = False, 0
        words = category_words(series.tolist(), literal=column.form == LITERAL)
        for word, weight in zip(words, weights.tolist(), strict=True):
            if weight > 0:
                rows += 1
                if word is None:
                    gaps = True
                else:
                    counts[word] = counts.get(word, 0.0) + weight
        kept = sorted(counts)
        reason = ""
        if len(counts) > FEW_CATEGORIES:
            # Weights that sum to less than the rows are shares, not numbers of copies.
            least = FEWEST_ROWS_OF_CATEGORY * min(1.0, float(weights.sum()) / rows)
            enough = sorted(
                (word for word in counts if counts[word] >= least * (1 - 1e-9)),
                key=lambda word: (-counts[word], word),
            )
            kept = sorted(enough[:MOST_CATEGORIES])
            if not kept:
                reason = (
                    f"none of the {len(counts)} categories in the training rows has a place of its "
                    "own"
                )
            elif len(kept) < len(counts):
                reason = (
                    f"{len(kept)} of {len(counts)} categories in the training rows have a place of "
                    f"their own because they have {FEWEST_ROWS_OF_CATEGORY} training rows or more"
                    + (f" (the {MOST_CATEGORIES} largest)" if len(enough) > len(kept) else "")
                )
        other = 0 < len(kept) < len(counts)
        return cls(column.name, tuple(kept), other, gaps, reason)

    @property
    def feature_names(self) -> list[str]:
        names = [f"{self.column}={value}" for value in self.values]
        names += [f"{self.column} is another"] * self.other
        return names + [f"{self.column} is missing"] * self.indicator

    def transform(self, series: pandas.Series, tell: Tell) -> Floats:
        """Return zeros and ones (rows, features); `tell` hears of unseen categories."""
        return self.of_cells(series.tolist(), tell)

    def of_cells(self, cells: Sequence[object], tell: Tell) -> Floats:
        """Return what `transform` does for cells, (rows,)."""
        width = len(self.feature_names)
        columns: dict[str | None, int] = {value: i for i, value in enumerate(self.values)}
        # One more column than needed takes what has none of its own and is cut off at the end.
        columns[None] = width - 1 if self.indicator else width
        other = len(self.values) if self.other else width
        words = self._words(cells)
        features = np.zeros((len(words), width + 1))
        features[np.arange(len(words)), [columns.get(word, other) for word in words]] = 1.0
        gaps = words.count(None)
        if gaps and not self.indicator:
            tell(f"{self.column}: {counted(gaps, 'missing value')}, where training had none")
        unseen = [word for word in words if word not in columns]
        if unseen and not self.other and self.values:
            tell(
                f"{self.column}: {counted(len(unseen), 'row')} with a category that training had "
                f"not, for example {unseen[0]!r}"
            )
        return features[:, :width]

    @cached_property
    def _spellings(self) -> tuple[dict[str, str], dict[str, str]]:
        """The categories by their words without a point, and by their numbers."""
        return _alone(self.values, without_point), _alone(self.values, _as_number)

    def typical(self, series: pandas.Series, weights: Floats) -> str | None:
        """Return the most frequent category, the first in the alphabet among equals, or None."""
        counts: dict[str, float] = {}
        for word, weight in zip(self._words(series.tolist()), weights.tolist(), strict=True):
            if word is not None:
                counts[word] = counts.get(word, 0.0) + weight
        return min(counts, key=lambda word: (-counts[word], word), default=None)

    def _words(self, cells: Sequence[object]) -> list[str | None]:
        """Return the category of each cell; a word for missing is one only if training had it."""
        known = set(self.values)
        # A number may be written in another way where that leaves nothing open: 3.0 for 3; 1.1 for
        # 1.10, if it came as a number.
        points, numbers = self._spellings
        words: list[str | None] = []
        for cell, word in zip(cells, category_words(cells, literal=True), strict=True):
            if word is not None and word not in known:
                word = points.get(without_point(word), word)
                if not isinstance(cell, str):
                    word = numbers.get(_as_number(word), word)
                if word not in known and is_missing_word(word):
                    word = None
            words.append(word)
        return words


def _alone(values: Sequence[str], plain: Callable[[str], str]) -> dict[str, str]:
    """Return the category of each plain word that no other category shares."""
    counts = Counter(map(plain, values))
    return {plain(value): value for value in values if counts[plain(value)] == 1}


def _as_number(word: str) -> str:
    number = sound_plain_number(word)
    return word if number is None else repr(number)


@dataclass(frozen=True)
class DateTransformer(Stored):
    """A column of dates: years as a number, and places on the circles of year, week and day."""

    column: str
    form: str
    fill: float
    years: Standard
    cycles: tuple[Cycle, ...]
    indicator: bool
    reason: str
    column_type: Literal["date"] = "date"

    def __post_init__(self) -> None:
        check(
            (np.isfinite(self.fill), "fill must be finite"),
            (len(set(self.cycles)) == len(self.cycles), "a cycle stands twice"),
        )

    @classmethod
    def fit(cls, column: Column, series: pandas.Series, weights: Floats) -> DateTransformer:
        """Learn from the training rows (rows,) which circles turn at all, and the years' size."""
        dates = as_dates(series, column.name, column.form)
        years, circles, gaps = _calendar(dates)
        known = ~gaps & (weights > 0)
        if not known.any():
            flat = Standard(0.0, 1.0)
            return cls(column.name, column.form, 0.0, flat, (), False, ALWAYS_MISSING)
        turning = tuple(name for name, turn in circles.items() if np.ptp(turn[known]) > 1e-9)
        days = dates[known].astype("datetime64[D]")
        if (days == days.astype("datetime64[M]")).all():
            # The weekday of a first of the month tells of the calendar, not of the row.
            turning = tuple(name for name in turning if name != "weekday")
        standard, _ = Standard.fit(years[known], weights[known])
        plain = Standard(standard.center, standard.scale)
        fill = quantile(years[known], weights[known], 0.5)
        circled = "".join(f", {name} as a place on a circle" for name in turning)
        missing = bool((gaps & (weights > 0)).any())
        reason = f"years as a number{circled}"
        return cls(column.name, column.form, fill, plain, turning, missing, reason)

    @property
    def feature_names(self) -> list[str]:
        names = [f"{self.column}: years"]
        for cycle in self.cycles:
            names += [f"{self.column}: {cycle} (sine)", f"{self.column}: {cycle} (cosine)"]
        return names + [f"{self.column} is missing"] * self.indicator

    def days(self, series: pandas.Series) -> Floats:
        """Return days since 1970, (rows,), NaN where missing."""
        years, _, gaps = _calendar(as_dates(series, self.column, self.form))
        return np.where(gaps, np.nan, years * DAYS_PER_YEAR)

    def transform(self, series: pandas.Series, tell: Tell) -> Floats:
        """Return (rows, features); a missing date has no direction on any circle."""
        return self.of_dates(as_dates(series, self.column, self.form), tell)

    def of_dates(self, dates: NDArray[Any], tell: Tell) -> Floats:
        """Return what `transform` does for dates, datetime64 (rows,), NaT where missing."""
        years, circles, gaps = _calendar(dates)
        if gaps.any() and not self.indicator:
            missing = counted(int(gaps.sum()), "missing date")
            tell(f"{self.column}: {missing}, where training had none")
        columns = [self.years.apply(np.where(gaps, self.fill, years))]
        for cycle in self.cycles:
            angle = 2 * np.pi * circles[cycle]
            columns += [np.where(gaps, 0, np.sin(angle)), np.where(gaps, 0, np.cos(angle))]
        return np.column_stack([*columns, gaps] if self.indicator else columns)

    def typical(self, series: pandas.Series, weights: Floats) -> str | None:
        """Return the mean of the dates that are known, as 2024-05-01T12:00:00, or None."""
        dates = as_dates(series, self.column, self.form)
        known = ~np.isnat(dates) & (weights > 0)
        if not known.any():
            return None
        seconds = dates[known].astype("datetime64[s]").astype(np.float64)
        mean, _ = mean_and_deviation(seconds, weights[known])
        return str(np.datetime64(round(mean), "s"))


def _calendar(dates: NDArray[Any]) -> tuple[Floats, dict[Cycle, Floats], NDArray[np.bool_]]:
    """Return years since 1970, the place on each circle in turns [0, 1), and the gaps."""
    gaps = np.isnat(dates)
    filled = np.where(gaps, np.datetime64(0, "s"), dates).astype("datetime64[s]")
    days = filled.astype("datetime64[D]")
    seconds = (filled - days).astype(np.float64)
    number = days.astype(np.int64).astype(np.float64) + seconds / SECONDS_PER_DAY
    day_of_year = (days - days.astype("datetime64[Y]")).astype(np.float64)
    circles: dict[Cycle, Floats] = {
        "season": np.mod(day_of_year / DAYS_PER_YEAR, 1.0),
        # 1970-01-01 was a Thursday, the fourth day of a week that starts on Monday.
        "weekday": np.mod(days.astype(np.int64) + 3, 7) / 7.0,
        "time of day": seconds / SECONDS_PER_DAY,
    }
    return number / DAYS_PER_YEAR, circles, gaps


def as_numbers(
    series: pandas.Series, column: str, form: str, odd: list[tuple[int, str]] | None = None
) -> Floats:
    """Return a column as floats (rows,), NaN where missing; `form`: how numbers are written.

    `odd` gets row and word of cells that are neither a number nor a word for a gap; they count as
    missing. Without it, raises DataError with column, row (of the file, the first below the header
    is 1) and value; for infinite values always.
    """
    dtype = series.dtype
    if isinstance(dtype, np.dtype) and dtype.kind == "M" and series.notna().any():
        place = int(series.notna().argmax())
        raise _bad_cell(column, row_of(series, place), "a number", f"the date {series.iloc[place]}")
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
        values = series.to_numpy().astype(np.float64)
    else:
        values = np.full(len(series), np.nan)
        gaps = series.isna().to_numpy()
        for row, value in enumerate(series.tolist()):
            if gaps[row]:
                continue
            # Most words are plain numbers, which no cache of words would make quicker.
            number = sound_plain_number(value) if form == "plain" and type(value) is str else None
            if number is None:
                number = _number(value, form)
            if number is not None:
                values[row] = number
            elif odd is None:
                raise _bad_cell(column, row_of(series, row), "a number", repr(value)[:60])
            elif not _is_gap(value):
                odd.append((row_of(series, row), str(value)))
    wrong = np.flatnonzero(np.isinf(values))
    if wrong.size:
        more = f" ({wrong.size} such rows)" if wrong.size > 1 else ""
        got = f"{values[wrong[0]]}{more}"
        raise _bad_cell(column, row_of(series, int(wrong[0])), "a finite number", got)
    return values


def row_of(series: pandas.Series, place: int) -> int:
    """Return the number of a row in its file, counted from 1; `place`: in the series, from 0."""
    return int(series.index[place]) if series.index.name == ROWS else place + 1


def _number(value: object, form: str) -> float | None:
    """Return a cell as a number, NaN for a word that means missing; None: it is none."""
    if isinstance(value, str):
        word = value.strip()
        return math.nan if is_missing_word(word) else number_in_form(word, form)
    if isinstance(value, bool | np.bool_ | int | float | np.integer | np.floating):
        return float(value)
    return number_in_form(str(value), form)


def _is_gap(value: object) -> bool:
    return str(value).strip().lower() in NUMBER_GAPS


def _bad_cell(column: str, row: int, needed: str, got: str) -> DataError:
    return DataError(
        f"column {column!r}, row {row}",
        needed=needed,
        got=got,
        try_="mending that cell, or leaving it empty if it is not known",
    )


def as_dates(series: pandas.Series, column: str, form: str) -> NDArray[Any]:
    """Return a column as datetime64 in seconds (rows,), NaT where missing.

    `form`: the format found in training, or "stored". Raises DataError with column, row and value.
    """
    if isinstance(series.dtype, np.dtype) and series.dtype.kind == "M":
        return series.to_numpy().astype("datetime64[s]")
    result = np.full(len(series), np.datetime64("NaT", "s"))
    known = np.flatnonzero(~series.isna().to_numpy())
    if form in NUMBER_DATE_FORMATS and series.dtype.kind in "iuf":
        result = number_dates(series.to_numpy(), form).astype("datetime64[s]")
        wrong = known[np.isnat(result[known])]
        if wrong.size:
            raise _bad_date(column, row_of(series, int(wrong[0])), form, series.iloc[wrong[0]])
        return result
    if not known.size:
        return result
    words = [str(value) for value in series.iloc[known].tolist()]
    if form == "stored":
        known_form = date_format_of(words)
        form = known_form[0] if known_form else "ISO8601"
    dates = parse_dates(words, form)
    if dates is None:
        # The first that does not fit those before it: 2024-01 and 2024-01-31 fit, but not both.
        wrong_at = bisect.bisect_left(
            range(len(words)), True, key=lambda last: parse_dates(words[: last + 1], form) is None
        )
        raise _bad_date(column, row_of(series, int(known[wrong_at])), form, words[wrong_at])
    result[known] = dates.to_numpy().astype("datetime64[s]")
    return result


def _bad_date(column: str, row: int, form: str, got: object) -> DataError:
    return DataError(
        f"column {column!r}, row {row}",
        needed=f"a date written as in training ({spoken_form(form)})",
        got=repr(got)[:60],
    )
