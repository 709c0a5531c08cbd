"""Which moment a written date names, and in which of its many forms a column writes dates.

Knows words and moments, not tables, series or models.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas

__all__ = ["DATE_FORMATS", "date_format_of", "parse_dates"]

# Tried in this order; day before month wins only where the values leave both open.
DATE_FORMATS = (
    "ISO8601",
    "%Y/%m/%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
)
_MAYBE_DATE = re.compile(
    r"\d{1,4}[-/. ](\d{1,2}|[A-Za-z]{3,9})([-/. ]\d{1,4})?.*|[A-Za-z]{3,9} \d.*"
)


def date_format_of(words: Sequence[str]) -> tuple[str, str | None] | None:
    """Return the date format that all `words` share and, where it is open, the other one.

    The second is "%m/%d/%Y" when every value reads both as day/month and as month/day.
    """
    unique = list(dict.fromkeys(words))
    if not unique or not all(_MAYBE_DATE.fullmatch(word) for word in unique[:50]):
        return None
    fitting = []
    for form in DATE_FORMATS:
        # A quick look at a few values spares most formats the whole column.
        if parse_dates(unique[:20], form) is None or parse_dates(unique, form) is None:
            continue
        fitting.append(form)
        if not form.startswith("%d") or len(fitting) > 1:
            break
    if not fitting:
        return None
    return fitting[0], fitting[1] if len(fitting) > 1 else None


def parse_dates(words: Sequence[str], form: str) -> pandas.Series | None:
    """Return the dates without time zone (rows,), or None if one word does not fit the format."""
    import pandas

    try:
        dates = pandas.to_datetime(
            pandas.Series(list(words), dtype=object), format=form, utc=True, errors="raise"
        )
    except (ValueError, OverflowError, TypeError):
        return None
    if dates.isna().any():
        return None
    return dates.dt.tz_localize(None)
