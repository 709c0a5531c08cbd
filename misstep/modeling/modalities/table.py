"""`TableModality`: rows and columns; `MatrixModality`: rows of plain numbers.

Knows which column is the target, what the others become, and whether one of them tells too much.
"""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Container, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from misstep.data import (
    Column,
    ColumnType,
    Dataset,
    Matrix,
    MatrixScaling,
    Preprocessor,
    Split,
    Table,
    Target,
    is_text_folder,
    only_rows,
    read_table,
    read_text_folder,
    recognize_columns,
    recognize_target,
    series_hint,
)
from misstep.data.table.cell_values import sound_text
from misstep.data.table.sentinels import sentinel_notes
from misstep.errors import ArgumentError, DataError
from misstep.ir import Array
from misstep.modeling.baselines import Baseline, guess, linear
from misstep.modeling.column_trials import try_columns
from misstep.modeling.examples import Examples, answered, encoded_answers
from misstep.modeling.group_trials import AlikeRows, find_alike_rows
from misstep.modeling.modalities.modality import Evaluation, Fitted
from misstep.modeling.modalities.rows import Prepared, RowModality
from misstep.modeling.modalities.whole_tables import learned_from_file, sample_decision
from misstep.modeling.options import Needs, Options
from misstep.modeling.plans import Plan, Planner, plan_table, reads_in_order
from misstep.modeling.row_groups import group_numbers, repeated_in_test
from misstep.modeling.rows_or_series import rows_or_series
from misstep.modeling.target_leakage import Leak, find_leaks
from misstep.modeling.text_trial import with_tried_texts
from misstep.modeling.time_order import TimeOrder, order_that_matters
from misstep.text.counts import counted
from misstep.text.lists import and_so_on
from misstep.text.names import did_you_mean, missing_names

MOST_COLUMNS_NAMED = 12


class TableModality(RowModality):
    """A table whose rows have nothing to do with each other."""

    name: ClassVar[str] = "table"
    priority: ClassVar[int] = 90
    provides: ClassVar[frozenset[Needs]] = frozenset({Needs.COLUMNS})
    learns_from_samples: ClassVar[bool] = True

    def __init__(
        self,
        data: Table,
        options: Options,
        examples: Examples | None = None,
        columns: Sequence[Column] = (),
        context: Table | None = None,
        target: Target | None = None,
    ) -> None:
        super().__init__(data, options, examples)
        self.columns = columns
        self.context = data if context is None else context
        self.target = target
        # The order in which answers are alike, if rows at random are judged on.
        self.order: TimeOrder | None = None
        # Whether dated rows were seen to be examples of their own, and no series.
        self.as_rows = False
        if examples is None:
            self.test = read_test_table(options)

    @classmethod
    def recognize(
        cls, data: Dataset, options: Options, examples: Examples | None = None
    ) -> RowModality | None:
        """Return any table: who comes here is of no other kind.

        What its columns are decides whether it is a plain table or a more special one.
        """
        if not isinstance(data, Table):
            return None
        target = None
        if examples is None:
            context = rows_asked_for(data, options)
            name = target_column(context, options.target)
            task = options.task and str(options.task)
            target = recognize_target(context.column(name), name, task, context.form(name))
            if len(context.frame.columns) < 2:
                in_time = "--task forecast where each row follows the one before it in time"
                raise DataError(
                    context.name,
                    needed="columns to learn from besides the target",
                    got="none",
                    try_=in_time if target.is_number else None,
                )
        else:
            assert isinstance(examples.context, Table)
            context = examples.context
        # Only in all rows in their order can a column be seen to number them.
        columns = recognize_columns(context, None if target is None else target.name)
        if options.groups is not None and examples is None:
            columns = without_groups(columns, options.groups, context)
        cls = next((each for each in cls.__subclasses__() if each.suits(columns)), cls)
        return cls(data, options, examples, columns, context, target)

    @classmethod
    def suits(cls, columns: Sequence[Column]) -> bool:
        """Tell whether a table of such columns is of this kind, if that is a special one."""
        return False

    def read_examples(self) -> Examples:
        """Return the rows that have an answer in the target's column."""
        target = self.target
        assert target is not None
        refuse_infinite(self.context, [column.name for column in self.columns if column.used])
        if self.context.is_sample:
            self.decisions.add(*sample_decision(self.context))
        self.decisions.add("target", f"{target.name}: {target.task}", target.reason)
        if self.options.task is None and self.options.groups is None and target.is_number:
            tried = rows_or_series(self.context, target.name)
            if tried is not None and tried.as_rows:
                self.as_rows = True
                reason = f"{tried.words}; --task forecast takes the rows as a series all the same"
                self.decisions.add("order", "left aside: each row is an example", reason)
        self.notes += target.notes
        self.notes += sentinel_notes(self.context, self.columns)
        examples = examples_of(self.context, target)
        if self.options.groups is None:
            return examples
        groups = group_numbers(self.context.frame[self.options.groups])
        return replace(examples, groups=groups[examples.order])

    def test_examples(self) -> Examples | None:
        """Return the rows of the test table that have an answer."""
        test = self.test
        if not isinstance(test, Table):
            return None
        target, what = self.examples.target, f"the test table {test.name}"
        if target.name not in test.frame:
            titles = list(map(str, test.frame.columns))
            raise DataError(
                what,
                needed=f"the answers, in the column {target.name!r}, to compare predictions with",
                got=missing_names([target.name], titles, map(str, self.context.frame.columns)),
                try_="a file with answers; for rows without them, training first, and then "
                "misstep predict",
            )
        self.notes += test.notes
        examples = examples_of(test, target, self.notes)
        if len(examples) == 0:
            raise DataError(what, needed="rows with an answer", got="none")
        self.notes += self._repeats(test)
        return examples

    def _repeats(self, test: Table) -> list[str]:
        """Return a note where rows of the test table also stand among those to learn from."""
        import pandas

        train = self.context
        shared = [name for name in train.frame.columns if name in test.frame.columns]
        frames = [train.frame[shared], test.frame[shared]]
        with warnings.catch_warnings():
            # Of columns that are empty in one of the tables.
            warnings.simplefilter("ignore", FutureWarning)
            together = Table(pandas.concat(frames, ignore_index=True))
        without = self.not_compared()[0]
        return repeated_in_test(train, test, together, without, self.decisions)

    def not_compared(self) -> tuple[Container[str], Sequence[str]]:
        """Return the target and what tells rows apart: a copy has a number of its own."""
        apart = [each.name for each in self.columns if each.column_type is ColumnType.IDENTIFIER]
        return {*apart, self.examples.target.name}, apart

    def preprocess(self, train: Examples, target: Target) -> Preprocessor:
        """Leave out the columns that do not help, and fit the others on training rows."""
        assert isinstance(train.data, Table)
        if self.is_judged:
            # Nothing that the answers have a part in.
            return Preprocessor.fit(train.data, self.columns, train.weights)
        if target.is_joint:
            # What is tried of columns goes by one answer.
            in_order = reads_in_order(self.options.network)
            found = Preprocessor.fit(train.data, self.columns, train.weights, in_order=in_order)
            self.decisions.keep(*found.decisions)
            return found
        frame, answers = train.data.frame, encoded_answers(train, target)
        columns, in_order = self.columns, reads_in_order(self.options.network)
        answer = "the answer" if self.target is None else self.target.name
        leaks = find_leaks(columns, frame, answers, target, answer)
        leaking = {name for leak in leaks for name in leak.columns}
        trials = try_columns(columns, frame, answers, leaking, train.groups)
        columns = trials.columns
        self.notes += trials.notes
        # Who asks for a network that reads words wants them read.
        if not in_order:
            columns = with_tried_texts(columns, frame, answers, without=leaking)
        preprocessor = Preprocessor.fit(
            train.data, columns, train.weights, answers, in_order=in_order
        )
        self.decisions.keep(*preprocessor.decisions)
        for leak in leaks:
            self._tell_of(leak)
        self.decisions.facts |= {
            "leaks": [{"columns": list(leak.columns), "words": leak.words} for leak in leaks],
            "constant_columns": [
                {"name": column.name, "because": column.reason}
                for column in columns
                if column.column_type is ColumnType.CONSTANT
            ],
        }
        if self.tested and train.groups is None:
            self._tell_of_groups(find_alike_rows(self.columns, frame, answers, leaking))
        if not self.tested and (order := self._order(target)) is not None:
            # Who keeps rows to judge on should keep the latest.
            self.decisions.add("CAREFUL", order.words, "judge on later rows, not on rows at random")
        return preprocessor

    def prepare(self, split: Split) -> Prepared:
        """Prepare as for all rows, and ask whether their order matters to what is judged on."""
        prepared = super().prepare(split)
        # Rows of a test of their own, and groups, do not lie between those that were learned from.
        if self.tested and self.test is None and self.options.groups is None:
            self.order = self._order(prepared.target)
            if self.order is not None:
                order = {"by": self.order.by, "words": self.order.words}
                self.decisions.facts["time_order"] = order
        if self.context.is_sample:
            return learned_from_file(
                prepared, split, self.examples, self.options.groups, self.decisions, self.notes
            )
        return prepared

    def fair_examples(self) -> Array | None:
        """Return which examples of a sample were drawn by chance, (examples,); None: no sample."""
        if self.context.whole is None:
            return None
        numbers = self.row_numbers(self.examples.order)
        return self.context.whole.are_drawn_by_chance(np.asarray(numbers))

    def _decide_split(self, split: Split) -> None:
        if not self.context.is_sample:
            super()._decide_split(split)
            return
        test = len(split.test) if self._test is None else len(self._test)
        self.decisions.add(
            "split",
            f"{len(split.validation):,} rows to validate on, {test:,} to be judged on, all others "
            "to learn from",
            "a score must come from rows that training never saw; they are held in memory",
        )

    def names_of(self, rows: Array, data: Dataset | None = None) -> Sequence[str]:
        """Return what rows are called; those of a sample by their numbers in the file."""
        if data is None and self.context.is_sample:
            return [f"{self.data.sample_name} {number}" for number in self.row_numbers(rows)]
        return super().names_of(rows, data)

    def row_numbers(self, rows: Array) -> Array:
        """Return what the table numbers rows, counted from 1."""
        table = self.context
        assert isinstance(table, Table)
        return np.asarray(table.row_numbers[rows])

    def _order(self, target: Target) -> TimeOrder | None:
        """Return the order in which answers next to each other are alike, if there is one.

        Rows that somebody holds are learned from whatever their order: there only dates count.
        """
        examples, table = self.examples, self.context if self.tested else self.data
        assert isinstance(table, Table)
        return order_that_matters(
            table,
            target.name,
            examples.order,
            np.asarray(encoded_answers(examples, target)),
            numbers=target.is_number,
            in_file=self.tested,
        )

    def _tell_of_groups(self, alike: AlikeRows | None) -> None:
        """Decide to be careful where rows are alike in groups, and note what can be done."""
        if alike is None:
            return
        what = f"rows of the same {alike.column} are alike"
        self.decisions.facts["alike_rows"] = {"column": alike.column, "words": alike.words}
        self.decisions.add("CAREFUL", what, alike.words)
        self.notes.append(
            f"{what}: {alike.words}. The scores are for each {alike.column} that was learned "
            f"from; --groups {shlex.quote(alike.column)} judges on others, as it should where new "
            f"rows are of others"
        )

    def _tell_of(self, leak: Leak) -> None:
        """Decide to be careful, and note what can be done about it."""
        they, them, are = ("they", "them", "are") if len(leak.columns) > 1 else ("it", "it", "is")
        self.decisions.add(
            "CAREFUL",
            leak.words,
            f"perhaps {they} {are} only known afterwards: then leave {them} out",
        )
        without = " ".join(f"--without {shlex.quote(name)}" for name in leak.columns)
        self.notes.append(
            f"{leak.words}: {are} {they} known when you predict? If {they} {are} not, the scores "
            f"mean nothing; leave {them} out with {without}"
        )

    def plan_network(self, planner: Planner, prepared: Prepared) -> Plan:
        """Return an ensemble or a network for columns that are no texts."""
        return plan_table(planner, *self.number_features(prepared))

    def baselines(self, prepared: Prepared) -> Sequence[Baseline]:
        """Return the guess and a linear model, which sees bent columns as they stand as well."""
        train, test, target = prepared.in_memory, prepared.test, prepared.target
        preprocessor, straight = prepared.preprocessing, None
        assert isinstance(preprocessor, Preprocessor)
        bent = preprocessor.bent_numbers(prepared.train_examples.data)
        bent_test = preprocessor.bent_numbers(prepared.test_data)
        if bent is not None and bent_test is not None:
            straight = bent, bent_test
        line = linear(train, test, target, as_they_stand=straight)
        if prepared.sample is not None:
            line = replace(line, how=f"learned from {len(train):,} of the rows, judged on the same")
        return guess(train, test, target), line

    def evaluate(self, prepared: Prepared, fitted: Fitted) -> Evaluation:
        """Score as for all rows; note where the rows may be a series all the same."""
        evaluation = super().evaluate(prepared, fitted)
        if not self.tested:
            return evaluation
        if self.order is not None:
            self.notes.append(self.order.warning)
        elif self.options.task is None and not self.as_rows:
            self.notes += series_notes(self.context, prepared.target.name)
        return evaluation


class MatrixModality(RowModality):
    """Rows of plain numbers, as arrays hold them."""

    name: ClassVar[str] = "matrix"
    priority: ClassVar[int] = 80

    @classmethod
    def recognize(
        cls, data: Dataset, options: Options, examples: Examples | None = None
    ) -> Self | None:
        """Return a matrix whose answers somebody holds."""
        return cls(data, options, examples) if isinstance(data, Matrix) else None

    def read_examples(self) -> Examples:
        """Raise DataError: a matrix holds no answers."""
        raise DataError(
            "a matrix", needed="answers", got="none", try_="ms.Regressor, ms.Classifier"
        )

    def preprocess(self, train: Examples, target: Target) -> MatrixScaling:
        """Bring each column to mean 0 and deviation 1 on training rows."""
        assert isinstance(train.data, Matrix)
        scaling = MatrixScaling.fit(train.data.values, train.weights)
        self.decisions.add("columns", "each brought to mean 0 and deviation 1", "all are numbers")
        return scaling

    def plan_network(self, planner: Planner, prepared: Prepared) -> Plan:
        """Return an ensemble or a network, as for a table."""
        return plan_table(planner, *self.number_features(prepared))


def without_groups(columns: Sequence[Column], groups: str, table: Table) -> list[Column]:
    """Return the columns, the one that tells groups apart left out. Raises ArgumentError."""
    check_groups_column([column.name for column in columns], groups, table)
    reason = f"it tells groups apart, and new {table.sample_name}s come from other ones"
    return [
        replace(column, left_out=True, reason=f"{column.reason}; {reason}")
        if column.name == groups
        else column
        for column in columns
    ]


def check_groups_column(names: Sequence[str], groups: str, table: Table) -> None:
    """Raise ArgumentError where `groups` is not among `names`, the columns beside the target."""
    if groups in names:
        return
    is_target = groups in map(str, table.frame.columns)
    raise ArgumentError(
        f"--groups {groups}",
        needed="one of the table's columns, but for the target",
        got="the target" if is_target else repr(groups),
        try_=None if is_target else did_you_mean(groups, names),
    )


def refuse_infinite(table: Table, columns: Sequence[str]) -> None:
    """Raise DataError, with the row of the file, where a number of `columns` is infinite."""
    for name in columns:
        series = table.frame[name]
        if series.dtype.kind != "f":
            continue
        wrong = np.flatnonzero(np.isinf(series))
        if len(wrong):
            more = f" ({len(wrong):,} such rows)" if len(wrong) > 1 else ""
            raise DataError(
                f"{table.name}: column {name!r}, row {table.row_numbers[wrong[0]]}",
                needed="a finite number",
                got=f"{series.iloc[wrong[0]]}{more}",
                try_="mending that cell, or leaving it empty if it is not known",
            )


def rows_asked_for(table: Table, options: Options) -> Table:
    """Return the table without the columns and rows that a person does not want.

    Raises ArgumentError or DataError for columns and values that are not there.
    """
    table = columns_asked_for(table, options)
    if options.only is not None and table.whole is not None:
        raise ArgumentError(
            f"--only {options.only}",
            needed="a table that fits into memory",
            got=f"one of {counted(table.whole.rows, 'row')}",
            try_="a file of those rows alone",
        )
    return table if options.only is None else only_rows(table, column_and_value(options.only))


def columns_asked_for(table: Table, options: Options) -> Table:
    """Return the table without some columns. Raises ArgumentError for others and the target."""
    if not options.without:
        return table
    columns, target = (
        [str(column) for column in table.frame.columns],
        options.target or table.target,
    )
    without = [sound_text(name) for name in options.without]
    for name in without:
        if name not in columns:
            raise ArgumentError(
                f"--without {name}",
                needed="one of the table's columns",
                got=repr(name),
                try_=did_you_mean(name, columns),
            )
        if name == target:
            raise ArgumentError(
                f"--without {name}", needed="another column than the target", got="the target"
            )
    return replace(table, frame=table.frame.drop(columns=list(dict.fromkeys(without))))


def column_and_value(only: str) -> tuple[str, str]:
    """Return column and value of a text such as Ticker=KO. Raises ArgumentError."""
    column, equals, value = only.partition("=")
    if not (column and equals and value):
        raise ArgumentError(
            f"--only {only}",
            needed="a column and a value",
            got=repr(only),
            try_='--only "Ticker=AAPL"',
        )
    return sound_text(column.strip()), sound_text(value.strip())


def target_column(table: Table, target: str | None) -> str:
    """Return the name of the column to predict. Raises ArgumentError."""
    name = target or table.target
    name = name and sound_text(name)
    columns = [str(column) for column in table.frame.columns]
    if name is None:
        raise ArgumentError(
            "the target",
            needed=f"one of the columns {and_so_on(columns, MOST_COLUMNS_NAMED)}",
            got="none",
            try_=f'--target "{columns[-1]}"',
        )
    if name not in columns:
        raise ArgumentError(
            "the target",
            needed="one of the table's columns",
            got=repr(name),
            try_=did_you_mean(name, columns),
        )
    return name


def read_test_table(options: Options) -> Table | None:
    """Return the rows to be tested on that a person named, or None. Raises what reading raises."""
    test = options.test
    if test is None or isinstance(test, Table):
        return test
    if isinstance(test, Dataset):
        raise DataError("the test rows", needed="a table", got=test.description)
    return read_text_folder(test) if is_text_folder(Path(test)) else read_table(test)


def examples_of(table: Table, target: Target, notes: list[str] | None = None) -> Examples:
    """Return the rows of a table that have an answer; `notes` gets what was noticed of answers."""
    return Examples(table, *answered(table, table.column(target.name), target, notes), target)


def is_number_column(table: Table, name: str) -> bool:
    """Tell whether a column is of numbers that would be predicted as numbers."""
    column = table.frame[name]
    return column.dtype.kind in "iuf" and recognize_target(column, name).is_number


def series_notes(table: Table, target: str) -> list[str]:
    """Return a note where rows may be a series all the same, and how they would be taken so."""
    hint = series_hint(table, target) if is_number_column(table, target) else None
    if hint is None:
        return []
    return [
        f"{hint}: these rows were learned from without an order in time, and the score says "
        "nothing about the future. If they are a series, --task forecast takes them as one."
    ]
