"""Who contributed to a forecast: every step of its window replaced, and each step ahead measured.

Knows a forecast model and a series; puts nothing into words (`attribution_text.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.data import Series, WindowParts
from misstep.errors import ArgumentError
from misstep.ir import Array
from misstep.modeling.attribution import Contributions, measure, measured, selections
from misstep.modeling.attribution_text import window_seen_words
from misstep.modeling.forecast import ForecastModel
from misstep.modeling.training_rows import Seen
from misstep.text.counts import counted

__all__ = ["ForecastAttribution", "attribute_forecast"]


@dataclass(frozen=True, repr=False)
class ForecastAttribution(Contributions):
    """A forecast for one step ahead, with what the steps that it looked back on did to it.

    `step`: counted from 1; `origin`: the last row it looked at, counted from 1; `date`: of the step
    ahead, or None. `answered`: whether all that came after it was learned from as well. `steps`:
    the same for each step of the horizon, this one among them.
    """

    step: int
    origin: int
    date: str | None
    answered: bool
    steps: tuple[ForecastAttribution, ...] = ()

    @property
    def seen_words(self) -> str:
        """Return what training did with the rows that it looks back on, in words."""
        return window_seen_words(self.seen, self.answered)


def attribute_forecast(
    model: ForecastModel,
    series: Series,
    row: int | None = None,
    step: int = 1,
    *,
    first: int = 1,
    learned: bool = False,
) -> ForecastAttribution:
    """Return what moved the forecast that is made once row `row` of `series` is known.

    row: counted from `first`; None: the last one. learned: whether `series` is the end of what was
    learned from. step: which step ahead, from 1. Raises ArgumentError where no whole window ends
    there, or for a step beyond the horizon.
    """
    windows = model.preprocessing
    rows, horizon = len(series), windows.horizon
    least, last = windows.window - 1 + first, rows - 1 + first
    row = last if row is None else row
    if not least <= row <= last:
        raise ArgumentError(
            f"row={row}",
            needed=f"a row of {series.name} from {least} to {last}, counted from {first}; a "
            f"forecast looks back on {windows.window} rows",
            got=str(row),
            try_=f"row={min(max(row, least), last)}",
        )
    if not 1 <= step <= horizon:
        raise ArgumentError(
            f"step={step}",
            needed=f"a step from 1 to {horizon}, the horizon of the model",
            got=str(step),
            try_=f"step={min(max(step, 1), horizon)}",
        )
    origin = row - first
    parts = WindowParts(windows, series, origin)

    def value(kept: Array) -> Array:
        outputs = model.outputs_of(parts.mixed(kept))
        return np.asarray(windows.decode(outputs, *parts.windows_of(kept)))

    found = measure(parts, value, selections(model, parts))
    known = rows if learned else model.learned_rows(series)
    seen = Seen.UNKNOWN
    if known is not None:
        seen = Seen.TRAINING if origin < known else Seen.NEVER
    dates = series.first(origin + 1).following(horizon)

    def one(ahead: int, steps: tuple[ForecastAttribution, ...] = ()) -> ForecastAttribution:
        date = None if dates is None else _date_words(dates[ahead - 1])
        end = "the end of what was learned from" if learned else f"row {row}"
        when = f"{counted(ahead, 'step')} after {end}"
        fields: dict[str, Any] = measured(parts, found, column=ahead - 1, shown=ahead - 1)
        name = model.target.name
        return ForecastAttribution(
            subject=name,
            heading=f"Forecast of {name}, {when}{'' if date is None else f', {date}'}",
            row_noun="window",
            prediction=fields["shown"],
            probability_of=None,
            unit=name,
            **fields,
            seen=seen,
            words={},
            step=ahead,
            origin=origin + 1,
            date=date,
            answered=known is not None and origin + horizon < known,
            steps=steps,
        )

    return one(step, tuple(one(ahead) for ahead in range(1, horizon + 1)))


def _date_words(date: np.datetime64) -> str:
    """Return a date, without a time where it is a midnight."""
    day = date.astype("datetime64[D]")
    return str(day if day == date else date.astype("datetime64[s]")).replace("T", " ")
