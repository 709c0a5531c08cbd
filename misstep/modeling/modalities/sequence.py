"""`SequenceModality`: recorded sequences, from arrays or put together from a long table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Self

import numpy as np

from misstep.data import (
    Dataset,
    LongForm,
    Rows,
    Sequences,
    SequenceScaling,
    Table,
    Target,
    long_form_of,
    looks_long,
    read_source,
    recognize_target,
    sequences_from_table,
)
from misstep.errors import ArgumentError, DataError
from misstep.ir import Array
from misstep.modeling.baselines import Baseline, guess, linear_scores
from misstep.modeling.decisions import CHOSEN
from misstep.modeling.examples import Examples, answered
from misstep.modeling.metrics import Scores
from misstep.modeling.modalities.rows import Prepared, RowModality
from misstep.modeling.modalities.table import check_groups_column, read_test_table, rows_asked_for
from misstep.modeling.options import Needs, Options, TaskName
from misstep.modeling.plans import Plan, Planner, plan_sequences
from misstep.modeling.row_groups import group_numbers, repeated_in_test

MOST_COLUMNS_NAMED = 12


class SequenceModality(RowModality):
    """Sequences of several numbers at each step, each with an answer.

    `long`: how the long table is read that they come from, or None.
    """

    name: ClassVar[str] = "sequence"
    priority: ClassVar[int] = 30
    tasks: ClassVar[frozenset[TaskName]] = frozenset({TaskName.CLASSIFICATION, TaskName.REGRESSION})
    data: Sequences
    long: LongForm | None = None

    @classmethod
    def recognize(
        cls, data: Dataset, options: Options, examples: Examples | None = None
    ) -> Self | None:
        """Return recorded sequences."""
        if not isinstance(data, Sequences):
            return None
        modality = cls(data, options, examples)
        modality.test = _read_test(data, options)
        return modality

    def read_examples(self) -> Examples:
        """Return the sequences that have an answer."""
        data = self.data
        labels, name = _labels(data), data.target
        target = recognize_target(labels, name, self.options.task and str(self.options.task))
        if name == "y" and not target.is_number:
            target = replace(target, name="class")
        self.decisions.add("target", f"{target.name}: {target.task}", target.reason)
        test = self._brought_test()
        self.notes += [] if test is None else test.notes
        self.notes += target.notes
        return _examples(data, target)

    def _brought_test(self) -> Sequences | None:
        test = self.data.test if self.test is None else self.test
        assert test is None or isinstance(test, Sequences)
        return test

    def test_examples(self) -> Examples | None:
        """Return the sequences that were brought to be tested on, or None. Raises DataError."""
        test = self._brought_test()
        if test is None:
            return None
        _labels(test)
        examples = _examples(test, self.examples.target, self.notes)
        if len(examples) == 0:
            raise DataError(f"the test part of {test.name}", needed="sequences with an answer")
        train = self.data
        if test.channels == train.channels:
            self.notes += repeated_in_test(train, test, _together(train, test), (), self.decisions)
        return examples

    def preprocess(self, train: Examples, target: Target) -> SequenceScaling:
        """Bring each channel to mean 0 and deviation 1 on training sequences."""
        sequences = train.data
        assert isinstance(sequences, Sequences)
        scaling = SequenceScaling.fit(sequences, self.long)
        shortest, longest = int(sequences.lengths.min()), int(sequences.lengths.max())
        channels, *others = scaling.decisions
        self.decisions.keep(channels)
        if shortest < longest:
            self.decisions.add(
                "length",
                f"{shortest:,} to {longest:,} steps, filled up to {longest:,}",
                "what fills up is masked: no layer sums it, compares it or learns from it",
            )
        self.decisions.keep(*others)
        return scaling

    def plan_network(self, planner: Planner, prepared: Prepared) -> Plan:
        """Return convolutional networks that vote."""
        scaling = prepared.preprocessing
        assert isinstance(scaling, SequenceScaling)
        return plan_sequences(planner, (scaling.steps, scaling.channels))

    def baselines(self, prepared: Prepared) -> Sequence[Baseline]:
        """Return the guess, and a linear model on a summary of each channel."""
        scaling = prepared.preprocessing
        assert isinstance(scaling, SequenceScaling)
        train, test, target = prepared.train, prepared.test, prepared.target
        return guess(train, test, target), linear_on_summaries(train, test, target, scaling)

    def names_of(self, rows: Array, data: Dataset | None = None) -> Sequence[str]:
        """Return what sequences are called: by id, or by their number in the file."""
        data = self.data if data is None else data
        assert isinstance(data, Sequences)
        if data.ids is None:
            return super().names_of(rows, data)
        words = data.ids.tolist()
        # A number alone would not say what it is.
        before = "" if isinstance(words[0], str) else f"{data.identifier} "
        return [f"{before}{words[row]}" for row in rows]


def _together(first: Sequences, second: Sequences) -> Sequences:
    """Return the sequences of both, one after the other."""
    steps = max(first.values.shape[1], second.values.shape[1])
    values = np.full((len(first) + len(second), steps, first.channels), np.nan)
    values[: len(first), : first.values.shape[1]] = first.values
    values[len(first) :, : second.values.shape[1]] = second.values
    lengths = np.concatenate([first.lengths, second.lengths])
    return replace(first, values=values, lengths=lengths, labels=None, ids=None, test=None)


class LongTableModality(SequenceModality):
    """A table with a line for each step, sequences told apart by a column."""

    name: ClassVar[str] = "long table"
    priority: ClassVar[int] = 31
    provides: ClassVar[frozenset[Needs]] = frozenset({Needs.COLUMNS})
    group_of: Array | None = None

    def read_examples(self) -> Examples:
        """Return the sequences that have an answer, with their groups where these were asked."""
        examples = super().read_examples()
        if self.group_of is None:
            return examples
        return replace(examples, groups=self.group_of[examples.order])

    @classmethod
    def recognize(
        cls, data: Dataset, options: Options, examples: Examples | None = None
    ) -> Self | None:
        """Return a table of which a person said so, or in which it is evident."""
        if not isinstance(data, Table) or examples is not None:
            return None
        table = rows_asked_for(data, options)
        target = options.target or table.target
        identifier, reason = options.sequence_of, CHOSEN
        if identifier is None:
            if options.wants_forecast:
                return None
            identifier, reason = _evident_identifier(table, target)
            if identifier == options.groups:
                # Who wants rows of the same one kept together has rows, and no sequences.
                return None
        if identifier is None:
            return None
        titles = [str(title) for title in table.frame.columns]
        if target is None:
            raise ArgumentError(
                "the target",
                needed=f"one of the columns {', '.join(titles[:MOST_COLUMNS_NAMED])}",
                got="none",
                try_=f'--target "{titles[-1]}"',
            )
        whole = table
        if options.groups is not None:
            check_groups_column([each for each in titles if each != target], options.groups, table)
            table = replace(table, frame=table.frame.drop(columns=options.groups))
        long, columns = long_form_of(table, identifier, target)
        modality = cls(sequences_from_table(table, long, target), options, source=data)
        modality.long = long
        if options.groups is not None:
            modality.group_of = _groups_of_sequences(whole, identifier, options.groups)
        modality.decisions.add("sequences", f"lines with the same {identifier} are one", reason)
        modality.decisions.keep(*columns)
        test = read_test_table(options)
        modality.test = None if test is None else sequences_from_table(test, long, target)
        return modality


def _groups_of_sequences(table: Table, identifier: str, groups: str) -> Array:
    """Return the group of each sequence, (sequences,). Raises DataError where it changes."""
    frame = table.frame[table.frame[identifier].notna()]
    first = frame.drop_duplicates(identifier).set_index(identifier)[groups]
    changes = frame.groupby(identifier)[groups].nunique(dropna=False) > 1
    if changes.any():
        raise DataError(
            f"the groups in {groups}",
            needed=f"one for each {identifier}",
            got=f"several within {identifier} {changes.idxmax()}",
        )
    return group_numbers(first.to_numpy())


def linear_on_summaries(
    train: Rows, test: Rows, target: Target, scaling: SequenceScaling
) -> Baseline:
    """Return the linear model on a summary of each channel, each brought to one size."""

    def score() -> Scores | None:
        from sklearn.preprocessing import StandardScaler

        x, test_x = summaries(train.x, scaling), summaries(test.x, scaling)
        scaler = StandardScaler().fit(x)
        return linear_scores(scaler.transform(x), train.y, scaler.transform(test_x), test.y, target)

    how = "learned from mean, deviation, ends, trend … of each channel"
    return Baseline("linear", "a linear model on summaries", how, score)


def summaries(rows: Array, scaling: SequenceScaling) -> Array:
    """Return what sums up each sequence, (rows, 8 · channels + 1), of flat rows.

    Of each channel mean, deviation, smallest, largest, first, last, slope in time and mean change
    from step to step; then the number of steps.
    """
    steps, channels = scaling.steps, scaling.channels
    values = rows[:, :-1].reshape(len(rows), steps, channels).astype("float64")
    lengths = np.rint(rows[:, -1] * steps).astype(int)
    result = np.empty((len(rows), 8 * channels + 1))
    for row, (sequence, length) in enumerate(zip(values, lengths, strict=True)):
        x = sequence[: max(length, 1)]
        times = np.arange(len(x)) - (len(x) - 1) / 2
        slope = times @ x / max(float(times @ times), 1.0)
        change = np.abs(np.diff(x, axis=0)).sum(axis=0) / max(len(x) - 1, 1)
        result[row] = np.concatenate(
            [x.mean(0), x.std(0), x.min(0), x.max(0), x[0], x[-1], slope, change, [length]]
        )
    return result


def _examples(sequences: Sequences, target: Target, notes: list[str] | None = None) -> Examples:
    return Examples(sequences, *answered(sequences, _labels(sequences), target, notes), target)


def _labels(sequences: Sequences) -> Array:
    if sequences.labels is None:
        raise DataError(
            sequences.name,
            needed="an answer for each sequence, an array y",
            got="none",
            try_="np.savez(path, x=x, y=y), y with a class or a number for each row of x",
        )
    return sequences.labels


def _read_test(data: Sequences, options: Options) -> Sequences | None:
    test = options.test
    if test is None or isinstance(test, Sequences):
        return test
    sequences = test if isinstance(test, Dataset) else read_source(test)
    if not isinstance(sequences, Sequences):
        raise DataError(
            str(test), needed=f"sequences, as {data.name} has", got=sequences.description
        )
    return sequences


def _evident_identifier(table: Table, target: str | None) -> tuple[str | None, str]:
    """Return the column that tells sequences apart in a long table and why; None for others."""
    evident = looks_long(table, target)
    if evident is None:
        return None, ""
    identifier, moment = evident
    return identifier, (
        f"each {identifier} has several lines, one {target}, and no {moment} twice; learning line "
        "by line would test on sequences that training had seen"
    )
