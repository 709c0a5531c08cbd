"""What a network for a series gets to see, when people leave it to us: season, windows, inputs.

Every choice is made on the past alone, by predicting newer blocks of it from older ones with a
linear model, and told with its reason. The numbers below were chosen on airline passengers,
transformer temperatures and loads by hour and day, prices and volumes of ten stocks by day and
week, sunspots by month, temperatures by hour, day and month, and made-up series with trends and
seasons; `forward_lines.py` does the judging.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from misstep.data import Series, SeriesWindows, find_long_season, find_season
from misstep.data.series.time_steps import ROUNDS
from misstep.errors import ArgumentError
from misstep.ir import one_blas_thread
from misstep.modeling.decisions import CHOSEN, Decisions
from misstep.modeling.forward_lines import Blocks, Validated
from misstep.text.counts import counted
from misstep.text.lists import listed

# Lengths of windows in seasons, of which seven or fourteen days make a week of hours or two.
SEASONS_BACK = (1, 2, 3, 7, 14)
# Windows reach beyond whole seasons by this part of one: a forecast of fewer steps than a season
# then also sees what led to the step a season before. Half-hourly loads: 11 % less error.
BEYOND_SEASONS, MOST_BEYOND = 1 / 8, 32
ROWS_FOR_MORE = 1000
# Lengths without a season, below a long one, and beyond several of a short one.
STEPS_BACK = (4, 8, 16, 32, 64, 128, 256, 400)
# A season of more steps than this has shorter windows below it too.
SHORT_SEASON = 64
# A window is tried beside another only if it is longer by this factor, or of another season by the
# second: closer ones say the same.
APART, BARELY_APART = 1.4, 1.2
# Longer windows than this, or a share of the rows, leave too few of them to learn from.
LONGEST_WINDOW = 400
LONGEST_SHARE = 0.25
# More numbers in a row than this make choosing slow and learning by heart quick.
MOST_FEATURES = 600
# Whether logarithms and references help shows in windows up to this, on so many rows, in all and of
# each block.
FORM_WINDOW, FORM_LENGTHS, FORM_LEARNED, FORM_JUDGED = 170, 3, 4000, 500
# Further inputs must make the error smaller by this share: each brings a weight for every step of
# the window, which costs more on new rows than a gain below the noise between blocks.
WORTHWHILE = 0.01
# A way back to the middle of the past must also help in most blocks: so many standard errors of the
# mean gain. Where a series grows, it costs much.
CERTAIN = 2.0
# Smaller shares round to 0.0 %.
LEAST_SAID = 5e-4
# What came round but once can't be told from chance.
TIMES_ROUND = 2


@dataclass(frozen=True)
class Shape:
    """What was chosen: windows fitted on the past, and the lines that make the linear path.

    `lengths`: of their windows, the longest last; `penalties`: one for each; `shares`: of each in
    the mean of them all.
    """

    windows: SeriesWindows
    lengths: tuple[int, ...]
    penalties: tuple[float, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Seasons:
    """The season that repeats best, in steps, 0 for none, and the long one beside it, 0 for none.

    `too_long`: whether even the first is too long a way to forecast where nobody asks for it.
    """

    first: int
    long: int = 0
    too_long: bool = False

    @property
    def lengths(self) -> tuple[int, ...]:
        """Return those that there are."""
        return tuple(length for length in (self.first, self.long) if length)


def choose_seasons(past: Series, asked: int | None, decisions: Decisions) -> Seasons:
    """Return the seasons, as the user or the values say; tell why."""
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
        return Seasons(int(asked))
    season, reason = find_season(past.target, past.plan.step)
    long = find_long_season(past.target, past.measured, past.plan.step, season)
    if long is None:
        decisions.add("season", f"{season} steps" if season else "none", reason)
        return Seasons(season)
    if season:
        choice, reason = f"{season} and {long.length} steps", f"{reason}; {long.reason}"
        decisions.add("season", choice, reason)
        return Seasons(season, long.length)
    decisions.add("season", f"{long.length} steps", long.reason)
    return Seasons(long.length, too_long=True)


def choose_shape(past: Series, horizon: int, found: Seasons, decisions: Decisions) -> Shape:
    """Return what a row shall hold, chosen on the series `past` alone."""
    season, seasons = found.first, found.lengths
    calendar = _calendar(past)
    with one_blas_thread():
        alone = past.with_inputs(())
        form = _form(alone, horizon, seasons, calendar, decisions)
        shape, judged = _trial(alone, horizon, seasons, form)
        if past.plan.inputs:
            shape = _with_inputs(past, horizon, seasons, shape, judged, decisions)
    _decide_window(decisions, shape, season, len(past))
    if calendar:
        decisions.add(
            "calendar",
            ", ".join(calendar),
            f"{past.plan.date} tells them, and each has come round twice or more",
        )
    return shape


def _form(
    past: Series,
    horizon: int,
    seasons: tuple[int, ...],
    calendar: tuple[str, ...],
    decisions: Decisions,
) -> SeriesWindows:
    """Return windows with or without logarithms and a reference, of a length for trials."""
    lengths = window_lengths(len(past), seasons, horizon)
    short = tuple(length for length in lengths if length <= FORM_WINDOW) or lengths[:1]
    places = np.linspace(0, len(short) - 1, min(FORM_LENGTHS, len(short))).round().astype(int)
    tried = tuple(short[place] for place in places)
    season = seasons[0] if seasons else 0
    trials: dict[bool, tuple[Blocks, Validated]] = {}
    for log in _levels(past):
        windows = SeriesWindows.fit(
            past,
            window=tried[-1],
            horizon=horizon,
            season=season,
            log=log,
            calendar=calendar,
            reference=True,
        )
        blocks = Blocks(past, windows, FORM_LEARNED, FORM_JUDGED)
        trials[log] = blocks, blocks.validated(tried, reference=False)
    log = min(trials, key=lambda level: (_sortable(trials[level][1].error), level))
    errors = {level: judged.error for level, (_, judged) in trials.items()}
    _decide_level(decisions, past, errors, log)
    blocks, without = trials[log]
    reference = _comes_back(past, blocks.validated(tried), without, log, decisions)
    return blocks.windows if reference else replace(blocks.windows, reference=())


def _comes_back(
    past: Series, judged: Validated, without: Validated, log: bool, decisions: Decisions
) -> bool:
    """Tell whether the series comes back to the middle of its past; say so where it does."""
    gains = np.array(without.errors) - np.array(judged.errors)
    if len(gains) < 2 or not gains.mean() >= WORTHWHILE * without.error > 0:
        return False
    if gains.mean() < CERTAIN * gains.std(ddof=1) / np.sqrt(len(gains)):
        return False
    of_what = f"logarithm of {past.plan.target}" if log else past.plan.target
    decisions.add(
        "reference",
        f"how far the last value lies from the mean of the {of_what}"
        if log
        else f"how far the last value lies from the mean of {of_what}",
        "the series comes back to it: with it a linear model's error on newer blocks of the past "
        f"falls by {1 - judged.error / without.error:.1%}",
    )
    return True


def _with_inputs(
    past: Series,
    horizon: int,
    seasons: tuple[int, ...],
    shape: Shape,
    judged: Validated,
    decisions: Decisions,
) -> Shape:
    """Return the shape with the other columns, where they are worth it."""
    inputs = past.plan.inputs
    width = (1 + len(inputs)) * window_lengths(len(past), seasons, horizon)[0]
    if width > MOST_FEATURES:
        decisions.add(
            "inputs",
            f"{past.plan.target} alone",
            f"{len(inputs)} others would make rows of "
            f"{width:,} numbers or more, too many to learn from {len(past):,} rows",
        )
        return shape
    wider, with_inputs = _trial(past, horizon, seasons, shape.windows)
    gain = 1 - with_inputs.error / judged.error if judged.error > 0 else 0.0
    used = bool(gain >= WORTHWHILE)
    names = ", ".join(inputs)
    decisions.add(
        "inputs",
        f"{past.plan.target} and {names}" if used else f"{past.plan.target} alone",
        f"with {names if not used else 'them'} the error of a linear model on newer blocks "
        f"of the past {_moved(gain)}",
    )
    return wider if used else shape


def _decide_window(decisions: Decisions, shape: Shape, season: int, rows: int) -> None:
    longest = shape.lengths[-1]
    why = f"{rows:,} rows leave room for it"
    whole, rest = divmod(longest, season) if season else (0, 0)
    if whole:
        said = counted(whole, "season") + (f" and {counted(rest, 'step')}" if rest else "")
        why = f"{said}, and {why}"
    if len(shape.lengths) > 1:
        pairs = zip(shape.lengths, shape.shares, strict=True)
        parts = listed([f"{length} ({share:.0%})" for length, share in pairs])
        why += (
            f"; the linear path is the mean of lines for {parts} steps, weighed by their errors on "
            "newer blocks of the past"
        )
    decisions.add("window", f"{longest} steps back", why)


def window_lengths(
    rows: int, seasons: tuple[int, ...], horizon: int, channels: int = 1
) -> tuple[int, ...]:
    """Return lengths of windows to look back on, the shortest first; at least one.

    rows: of the past; seasons: in steps; channels: columns in each step of a window.
    """
    longest = min(
        LONGEST_WINDOW, rows * LONGEST_SHARE, MOST_FEATURES / channels, rows - horizon - 1
    )
    shortest = min(seasons, default=0)
    lengths: set[int] = set()
    for season in sorted(seasons, reverse=True):
        # As many steps ahead as a season need no more than whole ones, if rows are few.
        beyond = min(round(season * BEYOND_SEASONS), MOST_BEYOND)
        if horizon >= season and rows < ROWS_FOR_MORE:
            beyond = 0
        elif not beyond:
            beyond = 1
        ends = [times * season + beyond for times in SEASONS_BACK]
        lengths |= {
            length
            for length in ends
            if length <= longest and all(_apart(length, other, BARELY_APART) for other in lengths)
        }
    for length in STEPS_BACK if not shortest else STEPS_BACK[1:]:
        if shortest and shortest <= SHORT_SEASON and length <= shortest:
            continue
        if length <= longest and all(_apart(length, other, APART) for other in lengths):
            lengths.add(length)
    if not lengths:
        first = shortest or STEPS_BACK[0]
        return (max(1, min(first, rows // 2, rows - horizon - 1)),)
    return tuple(sorted(lengths))


def _apart(length: int, other: int, factor: float) -> bool:
    return max(length, other) >= factor * min(length, other)


def _trial(
    past: Series, horizon: int, seasons: tuple[int, ...], form: SeriesWindows
) -> tuple[Shape, Validated]:
    """Return the best shape of rows in this form, and how it did."""
    lengths = window_lengths(len(past), seasons, horizon, 1 + len(past.plan.inputs))
    windows = SeriesWindows.fit(
        past,
        window=lengths[-1],
        horizon=horizon,
        season=form.season,
        log=form.log,
        calendar=form.calendar,
        reference=bool(form.reference),
    )
    judged = Blocks(past, windows).validated(lengths)
    windows = windows.shortened(judged.lengths[-1])
    return Shape(windows, judged.lengths, judged.penalties, judged.shares), judged


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
