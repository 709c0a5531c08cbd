"""What a network for a series gets to see, when people leave it to us: season, windows, inputs.

Every choice is made on the past alone, by predicting newer blocks of it from older ones with a
linear model, and told with its reason. The numbers below were chosen on airline passengers,
transformer temperatures and loads by hour and day, prices and volumes of ten stocks by day and
week, and made-up series with trends and seasons; `ridge.py` does the judging.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from misstep.data import Series, SeriesWindows, find_season
from misstep.data.series.time_steps import ROUNDS
from misstep.errors import ArgumentError
from misstep.modeling.decisions import CHOSEN, Decisions
from misstep.modeling.ridge import Validated, validate_forward
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


def choose_season(past: Series, asked: int | None, decisions: Decisions) -> int:
    """Return the season in steps, 0 for none, as the user or the values say; tell why."""
    if asked is not None:
        whole = isinstance(asked, int | np.integer) and not isinstance(asked, bool)
        if not whole or not 0 <= asked <= len(past) // 2 or asked == 1:
            raise ArgumentError(
                "the season",
                needed=f"0 for none, or 2 to {len(past) // 2} steps (half of the "
                "rows to learn from)",
                got=repr(asked),
            )
        decisions.add("season", f"{asked} steps" if asked else "none", CHOSEN)
        return int(asked)
    season, reason = find_season(past.target, past.plan.step)
    decisions.add("season", f"{season} steps" if season else "none", reason)
    return season


def choose_shape(past: Series, horizon: int, season: int, decisions: Decisions) -> Shape:
    """Return what a row shall hold, chosen on the series `past` alone."""
    alone = past.with_inputs(())
    calendar = _calendar(past)
    trials = {log: _trial(alone, horizon, season, log, calendar) for log in _levels(past)}
    log = min(trials, key=lambda level: (_sortable(trials[level][1].error), level))
    shape, judged = trials[log]
    errors = {level: validated.error for level, (_, validated) in trials.items()}
    _decide_level(decisions, past, errors, log)
    inputs = past.plan.inputs
    width = (1 + len(inputs)) * window_lengths(len(past), season, horizon)[0]
    if inputs and width > MOST_FEATURES:
        decisions.add(
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
        decisions.add(
            "inputs",
            f"{past.plan.target} and {names}" if used else f"{past.plan.target} alone",
            f"with {names if not used else 'them'} the error of a linear model on newer blocks "
            f"of the past {_moved(gain)}",
        )
        if used:
            shape, judged = wider, with_inputs
    _decide_window(decisions, shape, season, len(past))
    if calendar:
        decisions.add(
            "calendar",
            ", ".join(calendar),
            f"{past.plan.date} tells them, and each has come round twice or more",
        )
    return shape


def _decide_window(decisions: Decisions, shape: Shape, season: int, rows: int) -> None:
    *others, longest = shape.lengths
    why = f"{rows:,} rows leave room for it"
    if season:
        why = f"{longest / season:g} {plural(longest / season, 'season')}, and {why}"
    if others:
        why += (
            f"; the linear path is the mean of lines for {', '.join(map(str, shape.lengths))} "
            "steps, of which none is worse for sure"
        )
    decisions.add("window", f"{longest} steps back", why)


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


def _decide_level(decisions: Decisions, past: Series, errors: dict[bool, float], log: bool) -> None:
    if len(errors) == 1:
        reason = "values of 0 or less have no logarithm"
    elif not np.isfinite(errors[log]):
        reason = "the past is too short to judge whether logarithms would help"
    else:
        better = 1 - errors[log] / errors[not log]
        moved = "no larger" if better < LEAST_SAID else f"{better:.1%} smaller"
        reason = (
            f"a linear model's error on newer blocks of the past is {moved} "
            f"than {'without' if log else 'with'} logarithms"
        )
    level = f"logarithm of {past.plan.target}" if log else past.plan.target
    decisions.add(
        "level",
        f"changes of the {level} from its last value"
        if log
        else f"changes of {level} from its last value",
        reason,
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
