"""All rows of a table that does not fit into memory, as a network takes them, in a file.

A second pass over the file: each piece of it goes through the preprocessing that was fitted on a
sample, as rows to predict for do, and is whole on disk before the next one. Cells that contradict
what the sample said are treated as in prediction; rows that prediction would refuse are left out;
both are counted and told. Knows tables and targets, no network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.io.delimited_files import Noticed, Piece
from misstep.data.preparation import key_of
from misstep.data.table.file_rows import answers_of, columns_to_read, group_words, table_of_records
from misstep.data.table.preprocessor import Preprocessor
from misstep.data.table.whole_tables import WholeTable
from misstep.data.targets import Target
from misstep.errors import DataError, FileFormatError
from misstep.storage import MappedRows, PreparedFiles, RowWriter
from misstep.text.counts import counted

__all__ = ["Apart", "PreparedTable", "prepared_table"]

ROWS_FOLDER = "rows"
# Bytes of features that are written together, at most; of little memory, an eighth of it.
WRITTEN = 2**25
# Rows that can't be read are left out as long as they are no larger share than this of those so
# far, or no more than so many: a file of which more can't be read is not what the sample said.
MOST_UNREADABLE_SHARE, MOST_UNREADABLE = 0.01, 100
# Different notes that are kept, and the odd numbers that hashes of rows are made with.
MOST_NOTES = 20
HASH_SEED = 20_261_130
# What notes of prediction call the rows that all was decided on. Those that are learned from here
# are more, and these notes are about them.
OF_THE_SAMPLE = {
    ", where training had none": ", where the sample had none",
    " no number as in training ": " no number as in the sample ",
}
COUNTS = ("unreadable", "unanswered", "equal", "grouped")


@dataclass(frozen=True)
class Apart:
    """Rows that are not to be learned from, because they are judged on.

    `numbers`: of the rows in the file, from 1, rising, (rows,). `features`: the same encoded,
    (rows, features), whose equals are not learned from either; None: equal rows are. `groups`: the
    column that tells groups apart, and the words of those that are judged on.
    """

    numbers: NDArray[np.int64]
    features: NDArray[np.float32] | None = None
    groups: tuple[str, frozenset[str]] | None = None


@dataclass(frozen=True)
class PreparedTable:
    """Rows in a file: `x` (rows, features), answers `y` (rows,) and their `numbers`, (rows,).

    `notes`: what was noticed on the way. `reused`: whether all was there already.
    """

    x: MappedRows
    y: NDArray[Any]
    numbers: NDArray[np.int64]
    notes: list[str]
    reused: bool


def prepared_table(
    whole: WholeTable, preprocessor: Preprocessor, target: Target, apart: Apart
) -> PreparedTable:
    """Return all rows of a file but for those of `apart`, as a network learns from them.

    `preprocessor`, `target`: fitted. Raises StorageError, FileFormatError, or DataError where too
    many rows are unlike the sample.
    """
    key = key_of(
        kind="rows of a table",
        file=whole.marks,
        layout=whole.file.layout.plain(),
        preprocessing=preprocessor.to_json(),
        target=target.to_json(),
        apart=apart.numbers.tolist(),
        equal=apart.features is not None,
        groups=None if apart.groups is None else [apart.groups[0], *sorted(apart.groups[1])],
    )
    preparation = replace(whole.preparation, folder=whole.preparation.folder / ROWS_FOLDER)
    with preparation.files(key) as files:
        reused = files.reused
        if files.array("numbers") is None:
            _Pass(whole, preprocessor, target, apart, files).go()
            reused = False
        return _read(files, preprocessor.number_of_features, target, whole.rows, reused)


class _Pass:
    """One walk through a file, from behind the last whole piece on."""

    def __init__(
        self,
        whole: WholeTable,
        preprocessor: Preprocessor,
        target: Target,
        apart: Apart,
        files: PreparedFiles,
    ) -> None:
        self._whole = whole
        self._preprocessor = preprocessor
        self._target = target
        self._apart = apart
        self._files = files
        width = preprocessor.number_of_features
        factors = np.random.default_rng(HASH_SEED).integers(0, 2**64, width, np.uint64, False)
        self._factors = factors | np.uint64(1)
        self._equal = None
        if apart.features is not None:
            self._equal = np.unique(self._hashes(apart.features))
        groups = None if apart.groups is None else apart.groups[0]
        self._columns = columns_to_read(preprocessor, target, groups)
        self._rows = 0
        self._unreadable = 0

    def go(self) -> None:
        """Write what is not written yet. Raises StorageError, FileFormatError or DataError."""
        width = self._preprocessor.number_of_features
        kind = "float32" if self._target.is_number else "int64"
        with ExitStack() as opened:
            writers = [
                opened.enter_context(self._files.writer(name, dtype, shape))
                for name, dtype, shape in (
                    ("features", "float32", (width,)),
                    ("answers", kind, ()),
                    ("numbers", "int64", ()),
                )
            ]
            # A process may have ended between two of them.
            whole = [writer.pieces for writer in writers]
            done = min(whole)
            name = ("features", "answers", "numbers")[whole.index(done)]
            known = [_fact(one) for one in self._files.pieces(name)]
            self._unreadable = sum(one["unreadable"] for one in known)
            noticed = Noticed()
            number, start = done, None
            if known:
                last = known[-1]
                start = Piece([], last["rows"], last["place"], last["line"])
                self._rows = last["rows"]
            batch = _Batch()
            for piece in self._whole.file.pieces(self._whole.chunk, noticed, start):
                batch.add(self._encoded(piece.records, piece.start), piece)
                self._rows = piece.rows_after
                if batch.bytes >= self._written:
                    self._write(writers, whole, number, batch)
                    number, batch = number + 1, _Batch()
                self._whole.preparation.tell(piece.rows_after, self._whole.rows, "rows")
            if batch.last is not None:
                self._write(writers, whole, number, batch)
            for writer in writers:
                writer.finish()

    @property
    def _written(self) -> int:
        budget = self._whole.preparation.budget
        return WRITTEN if budget is None else min(WRITTEN, budget // 8)

    def _write(
        self, writers: Sequence[RowWriter], whole: Sequence[int], number: int, batch: _Batch
    ) -> None:
        facts = batch.facts()
        for writer, before, rows in zip(writers, whole, batch.arrays(), strict=True):
            if number >= before:
                writer.add(rows, facts)

    def _encoded(self, records: list[list[str]], start: int) -> _Encoded:
        """Return what rows become; those that prediction would refuse are left out."""
        try:
            return self._all_encoded(records, start)
        except DataError as error:
            if len(records) == 1:
                self._unreadable += 1
                most = max(MOST_UNREADABLE, MOST_UNREADABLE_SHARE * (self._rows + 1))
                if self._unreadable > most:
                    raise DataError(
                        error.which,
                        needed=error.needed,
                        got=f"{error.got}; so are {self._unreadable:,} of the first {start + 1:,} "
                        "rows, and hardly any of the sample",
                        try_=error.try_,
                    ) from error
                words = f"{error.which}: {error.got} (needed: {error.needed})"
                empty = np.empty((0, self._preprocessor.number_of_features), np.float32)
                kind = np.float32 if self._target.is_number else np.int64
                none = np.empty(0, np.int64)
                return _Encoded(empty, none.astype(kind), none, {"unreadable": 1}, [words])
        half = len(records) // 2
        first = self._encoded(records[:half], start)
        return first.with_(self._encoded(records[half:], start + half))

    def _all_encoded(self, records: list[list[str]], start: int) -> _Encoded:
        names, target = self._whole.file.layout.names, self._target
        groups = self._apart.groups
        table = table_of_records(
            records,
            names,
            start + 1,
            self._columns,
            self._whole.file.name,
            self._whole.file.layout.delimiter == ";",
        )
        labels = answers_of(table, target)
        present = np.asarray(target.present(labels))
        counts = {"unanswered": int((~present).sum())}
        kept = present & ~np.isin(table.row_numbers, self._apart.numbers)
        if groups is not None:
            judged = np.array([word in groups[1] for word in group_words(table, groups[0])])
            counts["grouped"] = int((kept & judged).sum())
            kept &= ~judged
        at = np.flatnonzero(kept)
        some = table if len(at) == len(table) else table.take(at)
        answers, notes = target.encode_with_notes(labels.iloc[at])
        features, more = self._preprocessor.encode(some, target.name)
        numbers = some.row_numbers
        if self._equal is not None and len(features):
            same = np.isin(self._hashes(features), self._equal)
            counts["equal"] = int(same.sum())
            if same.any():
                features, answers, numbers = features[~same], answers[~same], numbers[~same]
        return _Encoded(features, answers, numbers, counts, _of_sample([*notes, *more]))

    def _hashes(self, features: NDArray[np.float32]) -> NDArray[np.uint64]:
        """Return a hash of each row, (rows,), the same for −0 and 0."""
        bits = (np.ascontiguousarray(features) + np.float32(0)).view(np.uint32)
        total = np.zeros(len(bits), np.uint64)
        with np.errstate(over="ignore"):
            for column, factor in enumerate(self._factors):
                mixed = bits[:, column].astype(np.uint64) * factor
                total = (total ^ mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        return total


def _of_sample(notes: Sequence[str]) -> list[str]:
    """Return notes on cells that call the rows by their name which the cells were held against."""
    told = []
    for note in notes:
        for words, name in OF_THE_SAMPLE.items():
            note = note.replace(words, name)
        told.append(note)
    return told


@dataclass
class _Encoded:
    """Rows as they are learned, how many were left out and why, and what was noticed."""

    x: NDArray[np.float32]
    y: NDArray[Any]
    numbers: NDArray[np.int64]
    counts: dict[str, int]
    notes: list[str]

    def with_(self, other: _Encoded) -> _Encoded:
        """Return both, this one first."""
        return _Encoded(
            np.concatenate([self.x, other.x]),
            np.concatenate([self.y, other.y]),
            np.concatenate([self.numbers, other.numbers]),
            {name: self.counts.get(name, 0) + other.counts.get(name, 0) for name in COUNTS},
            [*self.notes, *other.notes],
        )


@dataclass
class _Batch:
    """Pieces that are written together."""

    pieces: list[_Encoded] = field(default_factory=list)
    last: Piece | None = None

    def add(self, encoded: _Encoded, piece: Piece) -> None:
        """Add what a piece of the file became."""
        self.pieces.append(encoded)
        self.last = piece

    @property
    def bytes(self) -> int:
        """Return the bytes of all features."""
        return sum(one.x.nbytes for one in self.pieces)

    def arrays(self) -> tuple[Any, Any, Any]:
        """Return features, answers and numbers of rows."""
        return (
            np.concatenate([one.x for one in self.pieces]),
            np.concatenate([one.y for one in self.pieces]),
            np.concatenate([one.numbers for one in self.pieces]),
        )

    def facts(self) -> dict[str, Any]:
        """Return where the next record begins, what was left out so far as it is of this batch."""
        assert self.last is not None
        counts = {name: sum(one.counts.get(name, 0) for one in self.pieces) for name in COUNTS}
        notes = list(dict.fromkeys(note for one in self.pieces for note in one.notes))
        last = self.last
        return {
            "rows": last.rows_after,
            "place": last.place,
            "line": last.line,
            **counts,
            "notes": notes[:MOST_NOTES],
        }


def _fact(plain: Any) -> dict[str, Any]:
    """Return facts on a piece. Raises FileFormatError for anything else."""
    names = ("rows", "place", "line", *COUNTS)
    sound = isinstance(plain, dict) and isinstance(plain.get("notes"), list)
    if not sound or any(type(plain.get(n)) is not int or not 0 <= plain[n] < 2**62 for n in names):
        raise FileFormatError(
            "the facts on prepared rows",
            needed="what this version of misstep wrote about them",
            got=repr(plain)[:80],
            try_="removing the folder of prepared rows: they are then prepared anew",
        )
    return dict(plain)


def _read(
    files: PreparedFiles, width: int, target: Target, most: int, reused: bool
) -> PreparedTable:
    """Return what is in the files, which may be somebody's who is not trusted."""
    x, y, numbers = (files.array(name) for name in ("features", "answers", "numbers"))
    kind = np.float32 if target.is_number else np.int64
    assert x is not None
    assert y is not None
    assert numbers is not None
    right = (
        x.shape == (len(numbers), width)
        and y.shape == numbers.shape == (len(numbers),)
        and (x.dtype, y.dtype, numbers.dtype) == (np.float32, kind, np.int64)
        and 0 < len(numbers) <= most
    )
    if not right:
        raise FileFormatError(
            f"the prepared rows in {files.folder}",
            needed=f"rows of {width} features with their answers",
            got=f"{x.dtype} {x.shape}, {y.dtype} {y.shape}, {numbers.dtype} {numbers.shape}",
            try_=f"removing the folder {files.folder}: they are then prepared anew",
        )
    facts = [_fact(one) for one in files.pieces("numbers")]
    return PreparedTable(MappedRows(x), y, numbers, _told(facts), reused)


def _told(facts: Sequence[dict[str, Any]]) -> list[str]:
    """Return what was left out, and what was noticed of cells, in sentences."""
    total = {name: sum(one[name] for one in facts) for name in COUNTS}
    words: dict[str, Callable[[str], str]] = {
        "unreadable": lambda rows: f"{rows} left out, because prediction would refuse them",
        "equal": lambda rows: f"{rows} left out, because rows like them are judged on",
        "grouped": lambda rows: f"{rows} left out, because their groups are judged on",
    }
    notes = [say(counted(total[name], "row")) for name, say in words.items() if total[name]]
    seen: dict[str, int] = {}
    for one in facts:
        for note in one["notes"]:
            seen[str(note)] = seen.get(str(note), 0) + 1
    return [*notes, *list(seen)[:MOST_NOTES]]
