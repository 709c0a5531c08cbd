"""Rows looked at one by one: whose answers are doubtful, and which are on both sides of a split.

Models that never saw a row's answer say what it should be (`out_of_fold_answers.py`); where their
doubt does not end where they are sure, answers are wrong (`doctor/lapses.py`). What comes of it is
facts for a record, as outcomes of experiments that the rules read, and a file for people. Knows
kinds of data by what they say of themselves; trains no network.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from misstep.data import Dataset, Rows, Split, Table, Target
from misstep.data.answer_doubts import ClassDoubts, NumberDoubts, class_doubts, number_doubts
from misstep.data.near_copies import NearCopies, near_copies
from misstep.doctor.lapses import Lapses, chances_of, lapses_of
from misstep.errors import DataError
from misstep.ir import Array, one_blas_thread
from misstep.modeling.examples import pick
from misstep.modeling.modalities import Modality
from misstep.modeling.modalities.rows import Prepared, RowModality
from misstep.modeling.out_of_fold_answers import out_of_fold_answers
from misstep.record import Record
from misstep.storage import joined_rows
from misstep.storage.atomic import write_text

__all__ = ["NEAR_DUPLICATES", "OUT_OF_FOLD", "RowCheck", "Suspect", "check_rows"]

# What the experiments are called in a record.
OUT_OF_FOLD, NEAR_DUPLICATES = "out-of-fold", "near-duplicates"
# Seconds that it takes at most, where nobody asked for another time.
SECONDS = 30.0
# Parts of rows in which doubts are counted.
PARTS = 200
# An answer is named where it is more likely wrong than not.
NAMED = 0.5
# Rows that a record names; all of them stand in the file.
MOST_IN_RECORD = 200
# Of numbers, none of which is as expected, at least one in ten rows is listed: the farthest ones.
TENTH = 10
# Features of all rows together among which neighbors are looked for.
MOST_NUMBERS_OF_NEIGHBORS = 50_000_000

# Called with the share that is done and what goes on.
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Suspect:
    """A row whose answer is doubtful.

    `row`: its number, `name`: what people call it. `given`: its answer; `suggested`: what models
    expect that never saw it. `probability`: that they give what they suggest, `given_probability`:
    what they give the answer given, `chance`: that it is wrong, all things considered; of numbers
    `spreads`: how far they are apart.
    """

    row: int
    name: str
    given: Any
    suggested: Any
    probability: float | None = None
    given_probability: float | None = None
    chance: float | None = None
    spreads: float | None = None

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass
class RowCheck:
    """What came of looking at rows.

    `rows`: how many there are; `judged`: how many of them models said something about.
    `counted_from`: 0 in Python, 1 in a file. `suspects`: every row whose answer is not the expected
    one, the most doubtful first. `lapses`: the share of wrong answers, of classes. `named`: how
    many of the suspects are more likely wrong than right. `copies`: rows to judge by that are among
    those to learn from, with what their rows are called.
    """

    target: Target
    rows: int
    counted_from: int
    judged: int = 0
    judge: str = ""
    suspects: Sequence[Suspect] = ()
    named: int = 0
    lapses: Lapses | None = None
    neighbors_agree: float | None = None
    copies: NearCopies | None = None
    copy_pairs: Sequence[tuple[int, int]] = ()
    judged_by: int = 0
    seconds: float = 0.0
    file: Path | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def expected_precision(self) -> float | None:
        """Return which share of the rows named really are wrong, as far as can be told."""
        chances = [one.chance for one in self.suspects[: self.named] if one.chance is not None]
        return float(np.mean(chances)) if chances else None

    def outcomes(self) -> dict[str, dict[str, Any]]:
        """Return what rules read, by the names of the experiments."""
        found: dict[str, dict[str, Any]] = {}
        if self.judged:
            shown = self.suspects[: min(self.named, MOST_IN_RECORD)]
            outcome: dict[str, Any] = {
                "task": "numbers" if self.target.is_number else "classes",
                "of": "rows",
                "row_count": self.judged,
                "judge": self.judge,
                "suspects": [one.plain() for one in shown],
                "named": self.named,
                "rows_counted_from": self.counted_from,
                "seconds": round(self.seconds, 1),
            }
            if self.lapses is not None:
                outcome["estimated_share"] = self.lapses.share
                outcome["least_share"] = self.lapses.least
                outcome["most_share"] = self.lapses.most
                outcome["expected_precision"] = self.expected_precision
                outcome["neighbors_agree"] = self.neighbors_agree
            else:
                outcome["far"] = self.named
            if self.file is not None:
                outcome["file"] = str(self.file)
            found[OUT_OF_FOLD] = outcome
        if self.copies is not None:
            shown_pairs = list(zip(self.copy_pairs, self.copies.distances.tolist(), strict=True))
            found[NEAR_DUPLICATES] = {
                "rows": self.judged_by,
                "exact": self.copies.exact,
                "near": self.copies.near,
                "by_chance": round(self.copies.by_chance, 2),
                "near_examined": self.copies.near_examined,
                "pairs": [
                    {"row": row, "twin": twin, "distance": round(distance, 4)}
                    for (row, twin), distance in shown_pairs[:MOST_IN_RECORD]
                ],
                "rows_counted_from": self.counted_from,
            }
        return found

    def add_to(self, record: Record) -> None:
        """Add what was found to a record in memory, for the rules to read."""
        for name, outcome in self.outcomes().items():
            words = f"{name} of {self.rows:,} rows"
            event = {"kind": "experiment", "words": words, "name": name, "outcome": outcome}
            record.events.append(event)

    def write(self, path: Path) -> None:
        """Write all suspects as a table that people can open, the most doubtful first.

        Raises StorageError.
        """
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        columns = ["row", "given", "suggested"]
        columns += ["spreads"] if self.target.is_number else _CLASS_COLUMNS
        called = any(one.name != f"row {one.row}" for one in self.suspects)
        writer.writerow([*columns[:1], *(["name"] if called else []), *columns[1:]])
        for one in self.suspects:
            cells = [getattr(one, column) for column in columns]
            cells = [f"{cell:.4f}" if isinstance(cell, float) else cell for cell in cells]
            if self.target.is_number:
                cells[1:3] = [f"{one.given:.10g}", f"{one.suggested:.6g}"]
            writer.writerow([*cells[:1], *([one.name] if called else []), *cells[1:]])
        write_text(path, lines.getvalue())
        self.file = path


_CLASS_COLUMNS = ["probability", "given_probability", "chance"]


def check_rows(
    modality: Modality, *, seconds: float = SECONDS, progress: Progress | None = None
) -> RowCheck:
    """Look at the rows of data that were recognized as `modality`, and their answers.

    Takes about `seconds`; Ctrl-C ends it with what was found by then. Raises DataError where rows
    have no answer each, as in a series, or can't be prepared.
    """
    began = time.monotonic()
    if not isinstance(modality, RowModality):
        raise DataError(
            "looking at rows",
            needed="rows with an answer each",
            got=modality.data.description,
            try_="a table, images, texts or sequences with answers",
        )
    say: Progress = progress or (lambda share, words: None)
    say(0.0, "preparing rows")
    modality.is_judged = True
    split = modality.split()
    prepared = modality.prepare(split)
    check = RowCheck(prepared.target, len(modality.examples), 0 if modality.apart else 1)
    try:
        with one_blas_thread():
            _copies(check, modality, prepared, split)
            left = max(seconds - (time.monotonic() - began), 1.0)
            if prepared.target.is_joint:
                check.notes.append("answers are not judged where a row has several of them")
            else:
                _answers(check, modality, prepared, split, left, say)
    except KeyboardInterrupt:
        check.notes.append("interrupted")
    check.seconds = time.monotonic() - began
    say(1.0, "done")
    return check


def _answers(
    check: RowCheck,
    modality: RowModality,
    prepared: Prepared,
    split: Split,
    seconds: float,
    say: Progress,
) -> None:
    """Let models judge the answers that they did not learn from."""
    examples = modality.examples
    rows, indices = all_rows(prepared, split)
    # A row that stands several times, as its weight has it, is judged once.
    once = np.unique(examples.order[indices], return_index=True)[1]
    rows, indices = rows.take(once), indices[once]
    data = examples.data.take(examples.order[indices])
    x = modality.features_to_judge(prepared, rows, data)
    classes = 0 if check.target.is_number else len(check.target.classes)
    answers = rows.y.reshape(-1)
    groups = None if examples.groups is None else np.asarray(examples.groups)[indices]
    found = out_of_fold_answers(x, answers, classes, groups=groups, seconds=seconds, progress=say)
    if found is not None and found.interrupted:
        check.notes.append("interrupted")
    if found is None or not found.judged.any():
        check.notes.append("too few rows to let some be judged by models of the others")
        return
    check.judge, check.judged = found.judge, int(found.judged.sum())
    whole = found.judged
    numbers = _numbers_of_rows(examples.data, examples.order[indices][whole], check.counted_from)
    names = _names(modality, examples.order[indices][whole], numbers)
    truth, expected = answers[whole], found.expected[whole]
    if check.target.is_number:
        given = check.target.numbers(pick(examples.answers, indices[whole]))
        _numbers(check, number_doubts(expected, truth), given, expected, numbers, names)
        return
    doubts = class_doubts(expected, truth)
    check.lapses = lapses_of(*doubts.counted(PARTS), doubts.classes)
    if isinstance(x, np.ndarray) and x.size <= MOST_NUMBERS_OF_NEIGHBORS:
        agree = doubts.neighbors_agree(x[whole], truth)
        check.neighbors_agree = None if np.isnan(agree) else round(agree, 4)
    _classes(check, doubts, truth, numbers, names)


def _classes(
    check: RowCheck, doubts: ClassDoubts, truth: Array, numbers: Array, names: Sequence[str]
) -> None:
    chances = chances_of(doubts, check.lapses)
    order = doubts.order[doubts.other[doubts.order]]
    labels = check.target.class_array
    check.named = int((chances[order] >= NAMED).sum())
    # Those that are named come first; each part by its own doubt.
    order = order[np.argsort(chances[order] < NAMED, kind="stable")]
    check.suspects = [
        Suspect(
            row=int(numbers[row]),
            name=names[row],
            given=_label(labels[int(truth[row])]),
            suggested=_label(labels[int(doubts.expected[row])]),
            probability=round(float(doubts.first[row]), 4),
            given_probability=round(float(doubts.given[row]), 4),
            chance=round(float(chances[row]), 4),
        )
        for row in order.tolist()
    ]


def _numbers(
    check: RowCheck,
    far: NumberDoubts,
    given: Array,
    expected: Array,
    numbers: Array,
    names: Sequence[str],
) -> None:
    """Name the numbers that are far from what is expected; list a few more of the farthest."""
    check.named = int(far.far.sum())
    suggested = check.target.decode(expected)
    check.suspects = [
        Suspect(
            row=int(numbers[row]),
            name=names[row],
            given=float(given[row]),
            suggested=float(suggested[row]),
            spreads=round(float(far.distances[row]), 2),
        )
        for row in far.order[: max(check.named, MOST_IN_RECORD, len(given) // TENTH)].tolist()
    ]


def _copies(check: RowCheck, modality: RowModality, prepared: Prepared, split: Split) -> None:
    """Look for rows to judge by among those to learn from."""
    examples = modality.examples
    parts, places = [], []
    for part, indices in ((prepared.validation, split.validation), (prepared.test, split.test)):
        if len(part) and len(part) == len(indices):
            parts.append(part.x.reshape(len(part), -1))
            places.append(indices)
    learned = prepared.in_memory
    if not parts or not len(learned):
        return
    train = learned.x.reshape(len(learned), -1)
    judged_by, at = joined_rows(parts), np.concatenate(places)
    check.copies, check.judged_by = near_copies(train, judged_by), len(at)
    numbers = _numbers_of_rows(examples.data, examples.order, check.counted_from)
    rows, twins = at[check.copies.rows], split.train[check.copies.twins]
    check.copy_pairs = list(zip(numbers[rows].tolist(), numbers[twins].tolist(), strict=True))


def all_rows(prepared: Prepared, split: Split) -> tuple[Rows, Array]:
    """Return all rows that were split, and which examples they are."""
    parts, places = [prepared.in_memory], [split.train]
    for rows, indices in ((prepared.validation, split.validation), (prepared.test, split.test)):
        # Rows of a test of their own are no examples of this split.
        if len(indices) and len(rows) == len(indices):
            parts.append(rows)
            places.append(indices)
    x = joined_rows([part.x.reshape(len(part), -1) for part in parts])
    y = np.concatenate([np.asarray(part.y).reshape(-1) for part in parts])
    return Rows(x, y), np.concatenate(places)


def _numbers_of_rows(data: Dataset, order: Array, counted_from: int) -> Array:
    """Return the number of each row as people count them, (rows,)."""
    if counted_from and isinstance(data, Table):
        return data.row_numbers[order]
    return order + counted_from


def _names(modality: RowModality, order: Array, numbers: Array) -> list[str]:
    """Return what rows are called, (rows,)."""
    head, called = modality.examples.data.row_names()
    if head == "row":
        return [f"row {number}" for number in numbers.tolist()]
    return [str(called[int(row)]) for row in order]


def _label(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label
