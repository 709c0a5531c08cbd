"""What a network for a series gets to see, when people leave it to us: season, windows, inputs.

Every choice is made on the past alone, by predicting newer blocks of it from older ones with a
linear model, and told with its because. The numbers below were chosen on airline passengers,
transformer temperatures and loads by hour and day, prices and volumes of ten stocks by day and
week, and made-up series with trends and seasons; `linear_path.py` does the judging.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from misstep.data.series.seasons import find_season
from misstep.data.series.series import Series
from misstep.data.series.time_steps import ROUNDS
from misstep.data.series.windows import SeriesWindows
from misstep.errors import ArgumentError
from misstep.modeling.linear_path import Validated, validate_forward
from misstep.modeling.settings import Choices
from misstep.text.counts import plural

# Lengths of windows: seasons, of which seven days make a week of hours; or steps without a season.
SEASONS_BACK = (1, 2, 3, 7)
STEPS_BACK = (4, 8, 16, 32, 64)
# Longer windows than this, or a share of the rows, leave too few of them to learn from.
LONGEST_WINDOW = 400
LONGEST_SHARE = 0.25
# More numbers in a row than this make choosing slow and learning by heart quick.
MOST_FEATURES = 600
# Further inputs must make the error smaller by this share: each brings a weight for every step of
# the window, which costs more on new rows than a gain below the noise between blocks.
WORTHWHILE = 0.01
# Smaller shares round to 0.0 %.
LEAST_SAID = 5e-4
# What came round but once can't be told from chance.
TIMES_ROUND = 2


@dataclass(frozen=True)
class Shape:
    """What was chosen: windows fitted on the past, and the lines that make the linear path.

    `lengths`: of their windows, the longest last; `penalties`: one for each.
    """

    windows: SeriesWindows
    lengths: tuple[int, ...]
    penalties: tuple[float, ...]


def choose_season(past: Series, wished: int | None, choices: Choices) -> int:
    """Return the season in steps, 0 for none, as the user or the values say; tell why."""
    if wished is not None:
        whole = isinstance(wished, int | np.integer) and not isinstance(wished, bool)
        if not whole or not 0 <= wished <= len(past) // 2 or wished == 1:
            raise ArgumentError(
                "the season",
                needed=f"0 for none, or 2 to {len(past) // 2} steps (half of the "
                "rows to learn from)",
                got=repr(wished),
            )
        choices.add("season", f"{wished} steps" if wished else "none", "you chose it")
        return int(wished)
    season, because = find_season(past.target, past.plan.step)
    choices.add("season", f"{season} steps" if season else "none", because)
    return season


def choose_shape(past: Series, horizon: int, season: int, choices: Choices) -> Shape:
    """Return what a row shall hold, chosen on the series `past` alone; tell `choices` why."""
    alone = past.with_inputs(())
    calendar = _calendar(past)
    found = {log: _trial(alone, horizon, season, log, calendar) for log in _levels(past)}
    log = min(found, key=lambda one: (_sortable(found[one][1].error), one))
    shape, judged = found[log]
    _tell_level(choices, past, {one: trial[1].error for one, trial in found.items()}, log)
    inputs = past.plan.inputs
    width = (1 + len(inputs)) * window_lengths(len(past), season, horizon)[0]
    if inputs and width > MOST_FEATURES:
        choices.add(
            "inputs",
            f"{past.plan.target} alone",
            f"{len(inputs)} others would make rows of "
            f"{width:,} numbers or more, too many to learn from {len(past):,} rows",
        )
    elif inputs:
        wider, with_inputs = _trial(past, horizon, season, log, calendar)
        gain = 1 - with_inputs.error / judged.error if judged.error > 0 else 0.0
        used = bool(gain >= WORTHWHILE)
        names = ", ".join(inputs)
        choices.add(
            "inputs",
            f"{past.plan.target} and {names}" if used else f"{past.plan.target} alone",
            f"with {names if not used else 'them'} the error of a linear model on newer blocks "
            f"of the past {_moved(gain)}",
        )
        if used:
            shape, judged = wider, with_inputs
    _tell_window(choices, shape, season, len(past))
    if calendar:
        choices.add(
            "calendar",
            ", ".join(calendar),
            f"{past.plan.date} tells them, and each has come round twice or more",
        )
    return shape


def _tell_window(choices: Choices, shape: Shape, season: int, rows: int) -> None:
    *others, longest = shape.lengths
    why = f"{rows:,} rows leave room for it"
    if season:
        why = f"{longest / season:g} {plural(longest / season, 'season')}, and {why}"
    if others:
        why += (
            f"; the linear path is the mean of lines for {', '.join(map(str, shape.lengths))} "
            "steps, of which none is worse for sure"
        )
    choices.add("window", f"{longest} steps back", why)


def window_lengths(rows: int, season: int, horizon: int, channels: int = 1) -> tuple[int, ...]:
    """Return lengths of windows to look back on, the shortest first; at least one.

    rows: of the past; channels: columns in each step of a window.
    """
    lengths = tuple(times * season for times in SEASONS_BACK) if season else STEPS_BACK
    longest = min(
        LONGEST_WINDOW, rows * LONGEST_SHARE, MOST_FEATURES / channels, rows - horizon - 1
    )
    fitting = tuple(length for length in lengths if length <= longest)
    return fitting or (max(1, min(lengths[0], rows // 2, rows - horizon - 1)),)


def _trial(
    past: Series, horizon: int, season: int, log: bool, calendar: tuple[str, ...]
) -> tuple[Shape, Validated]:
    lengths = window_lengths(len(past), season, horizon, 1 + len(past.plan.inputs))
    windows = SeriesWindows.fit(
        past, window=lengths[-1], horizon=horizon, season=season, log=log, calendar=calendar
    )
    judged = validate_forward(past, windows, lengths)
    windows = windows.shortened(judged.lengths[-1])
    return Shape(windows, judged.lengths, judged.penalties), judged


def _levels(past: Series) -> tuple[bool, ...]:
    return (False, True) if past.target.min() > 0 else (False,)


def _sortable(error: float) -> float:
    return error if np.isfinite(error) else np.inf


def _tell_level(choices: Choices, past: Series, errors: dict[bool, float], log: bool) -> None:
    if len(errors) == 1:
        because = "values of 0 or less have no logarithm"
    elif not np.isfinite(errors[log]):
        because = "the past is too short to judge whether logarithms would help"
    else:
        better = 1 - errors[log] / errors[not log]
        moved = "no larger" if better < LEAST_SAID else f"{better:.1%} smaller"
        because = (
            f"a linear model's error on newer blocks of the past is {moved} "
            f"than {'without' if log else 'with'} logarithms"
        )
    level = f"logarithm of {past.plan.target}" if log else past.plan.target
    choices.add(
        "level",
        f"changes of the {level} from its last value"
        if log
        else f"changes of {level} from its last value",
        because,
    )


def _moved(gain: float) -> str:
    if not np.isfinite(gain):
        return "can't be judged"
    if abs(gain) < LEAST_SAID:
        return "stays the same"
    return f"falls by {gain:.1%} only" if gain > 0 else f"grows by {-gain:.1%}"


def _calendar(past: Series) -> tuple[str, ...]:
    """Return the parts of the calendar that have gone round at least twice."""
    if past.dates is None or not len(past):
        return ()
    seconds = int((past.dates[-1] - past.dates[0]).astype("timedelta64[s]").astype(np.int64))
    return tuple(part for part in past.plan.step.calendar if seconds >= TIMES_ROUND * ROUNDS[part])
