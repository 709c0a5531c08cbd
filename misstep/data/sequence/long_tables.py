"""Long tables: one line for each step of a sequence, the lines of a sequence told by an id.

Says which columns are id, time and channels, and why, and puts the lines together. Knows tables and
sequences, no network.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from misstep.data.decision import Decision
from misstep.data.sequence.sequences import Sequences
from misstep.data.stored_json import Stored, check
from misstep.data.table.column_transformers import as_dates, as_numbers
from misstep.data.table.column_types import Column, ColumnType, recognize_columns
from misstep.data.table.dates import date_format_of
from misstep.data.table.table import Table, require_column, require_columns
from misstep.errors import DataError
from misstep.ir import Array
from misstep.text.counts import counted

if TYPE_CHECKING:
    import pandas

__all__ = ["LongForm", "long_form_of", "looks_long", "sequences_from_table"]

# Lines that a sequence has at least, on average, before a table counts as a long one unasked.
FEWEST_STEPS = 5
FEWEST_SEQUENCES = 10
_ID_NAME = re.compile(
    r"(.*[_\s.-])?(id|ids|series|sequence|seq|recording|trial|session|episode|run|case|sample|"
    r"window|track|trip|subject|unit)(_?(id|nr|no|number))?|.*[a-z](Id|ID)"
)
_TIME_NAME = re.compile(
    r"(.*[_\s.-])?(time|timestamp|date|datetime|t|step|steps|tick|frame|second|seconds|cycle|index|"
    r"order|position)([_\s.-].*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class LongForm(Stored):
    """Which columns of a long table are what.

    `identifier`: tells sequences apart; `time`: orders their lines, empty for the order of the
    file, `time_form`: the format of its dates, empty for numbers; `channels`: number columns,
    `forms`: how each is written.
    """

    identifier: str
    time: str
    channels: tuple[str, ...]
    forms: tuple[str, ...]
    time_form: str = ""

    def __post_init__(self) -> None:
        matched = len(self.channels) == len(self.forms) > 0
        check((matched, "channels and forms must be equally many, at least one"))


def looks_long(table: Table, target: str | None) -> tuple[str, str] | None:
    """Return id and time column of a table that is evidently a long one, or None.

    Evident: a column whose name says that it tells things apart, each of whose values has at least
    5 lines on average and one answer, and one whose name says time, other at each of its lines.
    """
    frame = table.frame
    if target is None or target not in frame:
        return None
    for title in map(str, frame.columns):
        if title == target or not _ID_NAME.fullmatch(title.strip().lower()):
            continue
        ids = frame[title]
        count = int(ids.nunique())
        enough = count >= FEWEST_SEQUENCES and len(frame) >= FEWEST_STEPS * count
        if not enough or ids.isna().any() or not _is_constant(frame[target], _numbered(ids)):
            continue
        for time in map(str, frame.columns):
            named = time not in (title, target) and _TIME_NAME.fullmatch(time.strip())
            if named and _orders(frame[time], _numbered(ids)):
                return title, time
    return None


def long_form_of(
    table: Table, identifier: str, target: str | None
) -> tuple[LongForm, list[Decision]]:
    """Return which columns of a long table are what, and the decision on each.

    `identifier`: the column that tells sequences apart. Raises DataError where it is not there or
    nothing is left to learn from.
    """
    frame = table.frame
    which = f"the column {identifier!r} that tells sequences apart"
    require_column(frame, identifier, which)
    group = _numbered(frame[identifier])
    titles = [str(title) for title in frame.columns]
    columns = recognize_columns(table, [title for title in titles if title in (identifier, target)])
    time, on_time = _time_of(frame, columns, group)
    reason = f"tells sequences apart: {_counts(group)}"
    decisions = [Decision(f"column {identifier}", "id", reason), on_time]
    used: list[Column] = []
    for column in columns:
        if column.name == (time.name if time else None):
            continue
        choice, reason = "channel", column.reason
        if column.column_type is ColumnType.NUMBER:
            used.append(column)
        else:
            choice = "left out"
            reason = f"only numbers become channels; this is {column.column_type}: {reason}"
        decisions.append(Decision(f"column {column.name}", choice, reason))
    if not used:
        raise DataError(
            f"{table.name}", needed="number columns beside id, time and answer", got="none"
        )
    form = LongForm(
        identifier,
        time.name if time else "",
        tuple(column.name for column in used),
        tuple(column.form or "plain" for column in used),
        time.form if time is not None and time.column_type is ColumnType.DATE else "",
    )
    return form, decisions


def sequences_from_table(table: Table, form: LongForm, target: str | None = None) -> Sequences:
    """Return the sequences of a long table, in the order in which their ids come first.

    Raises DataError: a column that is missing, an answer that changes within a sequence.
    """
    frame = table.frame
    names = [form.identifier, form.time, *form.channels, target or ""]
    require_columns(frame, list(filter(None, names)), table.name)
    notes = list(table.notes)
    ids = frame[form.identifier]
    if ids.isna().any():
        gone = int(ids.isna().sum())
        notes.append(f"{gone:,} lines are left out: {form.identifier} is missing")
        frame = frame[~ids.isna()].reset_index(drop=True)
        ids = frame[form.identifier]
    if not len(frame):
        raise DataError(f"{table.name}", needed=f"lines with a {form.identifier}", got="none")
    group = _numbered(ids)
    order = np.lexsort((_times(frame, form) if form.time else np.arange(len(group)), group))
    group = group[order]
    lengths = np.bincount(group)
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    steps = np.arange(len(group)) - starts[group]
    values = np.full((len(lengths), int(lengths.max()), len(form.channels)), np.nan)
    for channel, (name, number_form) in enumerate(zip(form.channels, form.forms, strict=True)):
        values[group, steps, channel] = as_numbers(frame[name], name, number_form)[order]
    labels = None if target is None else _answers(frame[target], order, group, target, form)
    sequences = Sequences.of(values, lengths, labels, form.channels, table.name, target or "class")
    return replace(
        sequences,
        notes=[*notes, *sequences.notes],
        ids=ids.to_numpy()[order][starts],
        identifier=form.identifier,
    )


def _answers(
    column: pandas.Series, order: Array, group: Array, target: str, form: LongForm
) -> Array:
    """Return the answer of each sequence; those of its lines must agree, or be missing."""
    import pandas

    answers = column.iloc[order].reset_index(drop=True)
    first = answers.groupby(group).first()
    differs = answers.notna().to_numpy() & (answers != first.iloc[group].reset_index(drop=True))
    if differs.any():
        row = int(np.flatnonzero(differs)[0])
        one, other = (repr(_plain(each)) for each in (first.iloc[group[row]], answers.iloc[row]))
        raise DataError(
            f"the target {target!r}",
            needed=f"one answer for each {form.identifier}",
            got=f"{one} and {other} for the same one",
            try_="another column for --sequence-of, or a target that stays the same within it",
        )
    return pandas.Series(first).to_numpy()


def _time_of(
    frame: pandas.DataFrame, columns: list[Column], group: Array
) -> tuple[Column | None, Decision]:
    """Return the column that orders lines within sequences, and the decision for it."""
    for column in columns:
        varies = column.column_type is not ColumnType.CONSTANT
        named = varies and _TIME_NAME.fullmatch(column.name.strip())
        if named and _orders(frame[column.name], group):
            reason = "its name says time, and no two lines of a sequence have the same"
            return column, Decision(f"column {column.name}", "time", reason)
    for column in columns:
        if column.column_type is ColumnType.DATE:
            reason = "it is the column of dates"
            return column, Decision(f"column {column.name}", "time", reason)
    reason = "no column says time by its name and differs at each line of a sequence"
    return None, Decision("order of steps", "as in the file", reason)


def _times(frame: pandas.DataFrame, form: LongForm) -> Array:
    """Return what orders lines, (rows,) numbers; lines without a time come last."""
    column = frame[form.time]
    if form.time_form or (isinstance(column.dtype, np.dtype) and column.dtype.kind == "M"):
        dates = as_dates(column, form.time, form.time_form or "stored")
        return np.where(np.isnat(dates), np.iinfo(np.int64).max, dates.astype(np.int64))
    return as_numbers(column, form.time, "plain")


def _numbered(ids: pandas.Series) -> Array:
    """Return a number for each line: that of its id, in the order in which ids come first."""
    import pandas

    return np.asarray(pandas.factorize(ids)[0], np.int64)


def _is_constant(column: pandas.Series, group: Array) -> bool:
    return bool((column.groupby(group).nunique(dropna=False) <= 1).all())


def _orders(column: pandas.Series, group: Array) -> bool:
    """Tell whether a column of numbers or dates is another one at each line of a sequence."""
    if column.isna().any():
        return False
    dtype_kind = column.dtype.kind if isinstance(column.dtype, np.dtype) else "O"
    if dtype_kind == "O":
        form = date_format_of(list(dict.fromkeys(map(str, column.tolist()))))
        if form is None:
            return False
        numbers = as_dates(column, str(column.name), form[0]).astype(np.int64)
    elif dtype_kind == "M":
        numbers = column.to_numpy().astype("datetime64[ns]").astype(np.int64)
    elif dtype_kind in "iuf":
        numbers = column.to_numpy()
    else:
        return False
    order = np.lexsort((numbers, group))
    same = np.diff(group[order]) == 0
    return bool((np.diff(numbers[order])[same] > 0).all())


def _counts(group: Array) -> str:
    lengths = np.bincount(group[group >= 0])
    if lengths.min() == lengths.max():
        return f"{len(lengths):,} sequences of {counted(int(lengths[0]), 'line')} each"
    return f"{len(lengths):,} sequences of {lengths.min():,} to {lengths.max():,} lines"


def _plain(answer: Any) -> Any:
    """Return an answer without the type that NumPy gives it."""
    return answer.item() if isinstance(answer, np.generic) else answer
