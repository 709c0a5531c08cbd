"""Learning from recorded sequences: sequences set apart, channels scaled, a `Task` made of them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from misstep.data import (
    LongForm,
    Sequences,
    SequenceScaling,
    Table,
    long_form_of,
    looks_long,
    recognize_target,
    sequences_from_table,
    split_rows,
)
from misstep.errors import ArgumentError, DataError
from misstep.ir import Array
from misstep.modeling.baselines import Baseline, guess, linear_scores
from misstep.modeling.learning import Part
from misstep.modeling.preparing import prepare_sequences
from misstep.modeling.recipes import check_settings, sequence_recipe
from misstep.modeling.scores import Scores
from misstep.modeling.settings import Choices, Settings
from misstep.modeling.tasks.task import TEST_FRACTION, Task, Trained, no_rows, tell_split, train


def train_sequences(
    sequences: Sequences,
    *,
    task: str | None = None,
    test: Sequences | None = None,
    test_fraction: float = TEST_FRACTION,
    settings: Settings | None = None,
    long: LongForm | None = None,
    choices: Choices | None = None,
) -> Trained:
    """Train a model that tells the answer of a recorded sequence.

    `task`: "classification" or "regression" where answers could be either. `test`: sequences to be
    judged on; otherwise those that the file brought, or a share `test_fraction`. `long`: how the
    table was read that they come from. Raises DataError or ArgumentError.
    """
    settings = settings or Settings()
    check_settings(settings)
    began = time.perf_counter()
    choices = choices or Choices(settings.say)
    test = sequences.test if test is None else test
    notes = [*sequences.notes, *([] if test is None else test.notes)]
    labels, name = _answers(sequences), sequences.target
    target = recognize_target(labels, name, task)
    if name == "y" and not target.is_number:
        target = replace(target, name="class")
    choices.add("target", f"{target.name}: {target.task}", target.reason)
    notes += target.notes
    known = np.asarray(target.present(labels))
    sequences = sequences.take(np.flatnonzero(known))
    labels = labels[known]
    classes = None if target.is_number else np.asarray(target.encode(labels))
    parts = split_rows(
        len(labels),
        classes,
        settings.validation_fraction,
        0.0 if test is not None else test_fraction,
        settings.seed,
    )
    notes += parts.notes
    judged = sequences.take(parts.test) if test is None else _judged(test, target)
    tell_split(
        choices,
        "sequences",
        len(parts.train),
        len(parts.validation),
        len(judged),
        stratified=classes is not None,
    )
    if len(judged) == 0:
        judged = sequences.take(parts.validation)
        notes.append("none are left for the test, so the validation part is shown in its place")
    learned = sequences.take(parts.train)
    scaling = prepare_sequences(learned, choices, long)
    fitted = target.fit(learned.labels)

    def part(rows: Sequences) -> Part:
        if len(rows) == 0:
            return no_rows(scaling.number_of_features)
        features, noticed = scaling.encode(rows)
        encoded, matched = fitted.encode_with_notes(rows.labels)
        notes.extend(one for one in [*noticed, *matched] if one not in notes)
        return Part(features, np.asarray(encoded))

    notes = list(dict.fromkeys(notes))
    learn, test_part = part(learned), part(judged)
    made = Task(
        learn,
        part(sequences.take(parts.validation)),
        test_part,
        scaling,
        fitted,
        sequence_recipe(scaling.steps, scaling.channels),
        (guess(learn, test_part, fitted), linear_on_summaries(learn, test_part, fitted, scaling)),
        _names(sequences, np.flatnonzero(known), parts.validation),
    )
    return train(made, choices, notes, settings, began)


def train_long_table(
    table: Table,
    identifier: str,
    target: str | None,
    *,
    task: str | None = None,
    test: Table | None = None,
    because: str = "you chose it",
    settings: Settings | None = None,
) -> Trained:
    """Train on a long table: a line for each step, sequences told apart by the column `identifier`.

    `because`: why the table is taken for one. The rest as in `train_sequences`.
    """
    settings = settings or Settings()
    choices = Choices(settings.say)
    titles = [str(one) for one in table.frame.columns]
    if target is None:
        raise ArgumentError(
            "the target",
            needed=f"one of the columns {', '.join(titles[:12])}",
            got="none",
            try_=f'--target "{titles[-1]}"',
        )
    choices.add("sequences", f"lines with the same {identifier} are one", because)
    form, told = long_form_of(table, identifier, target)
    for decision in told:
        choices.add(decision.what, decision.choice, decision.reason)
    judged = None if test is None else sequences_from_table(test, form, target)
    sequences = sequences_from_table(table, form, target)
    return train_sequences(
        sequences, task=task, test=judged, settings=settings, long=form, choices=choices
    )


def evident_identifier(table: Table, target: str | None) -> tuple[str, str] | None:
    """Return the column that tells sequences apart in a long table and why, or None for others."""
    found = looks_long(table, target)
    if found is None:
        return None
    identifier, moment = found
    return identifier, (
        f"each {identifier} has several lines, one {target}, and no {moment} twice; learning line "
        "by line would test on sequences that training had seen"
    )


def linear_on_summaries(train: Part, test: Part, target: Any, scaling: SequenceScaling) -> Baseline:
    """Return the linear model on a summary of each channel, each brought to one size."""

    def score() -> Scores | None:
        from sklearn.preprocessing import StandardScaler

        learned, judged = (summaries(part.features, scaling) for part in (train, test))
        scaler = StandardScaler().fit(learned)
        return linear_scores(
            scaler.transform(learned), train.target, scaler.transform(judged), test.target, target
        )

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
    found = np.empty((len(rows), 8 * channels + 1))
    for row, (sequence, length) in enumerate(zip(values, lengths, strict=True)):
        x = sequence[: max(length, 1)]
        times = np.arange(len(x)) - (len(x) - 1) / 2
        slope = times @ x / max(float(times @ times), 1.0)
        change = np.abs(np.diff(x, axis=0)).sum(axis=0) / max(len(x) - 1, 1)
        found[row] = np.concatenate(
            [x.mean(0), x.std(0), x.min(0), x.max(0), x[0], x[-1], slope, change, [length]]
        )
    return found


def _names(sequences: Sequences, numbers: Array, rows: Array) -> list[str]:
    """Return what sequences are called: by id, or by their number in the file."""
    if sequences.ids is None:
        return [f"sequence {numbers[row] + 1}" for row in rows]
    words = sequences.ids.tolist()
    # A number alone would not say what it is.
    before = "" if isinstance(words[0], str) else f"{sequences.identifier} "
    return [f"{before}{words[row]}" for row in rows]


def _answers(sequences: Sequences) -> Array:
    if sequences.labels is None:
        raise DataError(
            sequences.name,
            needed="an answer for each sequence, an array y",
            got="none",
            try_="np.savez(path, x=x, y=y), y with a class or a number for each row of x",
        )
    return sequences.labels


def _judged(test: Sequences, target: Any) -> Sequences:
    labels = _answers(test)
    known = np.asarray(target.present(labels))
    if not known.any():
        raise DataError(f"the test part of {test.name}", needed="sequences with an answer")
    return test.take(np.flatnonzero(known))
