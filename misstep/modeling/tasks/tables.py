"""Learning from a table: rows set apart, columns prepared, a `Task` made of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from misstep.data import Table, Target, recognize_target, split_rows
from misstep.errors import ArgumentError, DataError
from misstep.modeling.baselines import guess, linear
from misstep.modeling.learning import Part
from misstep.modeling.preparing import prepare_columns
from misstep.modeling.recipes import check_settings, columns_recipe, reads_in_order
from misstep.modeling.settings import Choices, Settings
from misstep.modeling.tasks.task import TEST_FRACTION, Task, Trained, no_rows, tell_split, train
from misstep.modeling.text_baseline import linear_on_texts
from misstep.text.lists import and_so_on
from misstep.text.names import did_you_mean


def train_table(
    table: Table,
    target: str | None = None,
    *,
    task: str | None = None,
    test: Table | None = None,
    without: Sequence[str] = (),
    test_fraction: float = TEST_FRACTION,
    settings: Settings | None = None,
) -> Trained:
    """Train a model that predicts the column `target` of `table` from the others.

    `task`: "classification" or "regression" where the column could be either. `test`: rows to be
    judged on; otherwise a share `test_fraction` is set apart. `without`: columns not to learn from.
    Raises DataError or ArgumentError.
    """
    settings = settings or Settings()
    check_settings(settings)
    began = time.perf_counter()
    choices, notes = Choices(settings.say), list(table.notes)
    name = _target_name(table, target)
    table = table_without(table, without, name)
    if len(table.frame.columns) < 2:
        raise DataError(
            f"{table.name}",
            needed="columns to learn from besides the target",
            got="none",
            try_="--task forecast where each row follows the one before it in time",
        )
    column = table.frame[name]
    recognized = recognize_target(column, name, task)
    choices.add("target", f"{name}: {recognized.task}", recognized.reason)
    notes += recognized.notes
    present = np.asarray(recognized.present(column))
    numbers = np.flatnonzero(present) + 1
    frame = table.frame[present].reset_index(drop=True)
    classes = None if recognized.is_number else recognized.encode(frame[name])
    parts = split_rows(
        len(frame),
        classes,
        settings.validation_fraction,
        0.0 if test is not None else test_fraction,
        settings.seed,
    )
    notes += parts.notes
    if test is None:
        judged = frame.iloc[parts.test]
    else:
        judged = _test_rows(test, recognized)
        notes += test.notes
    tell_split(
        choices,
        "rows",
        len(parts.train),
        len(parts.validation),
        len(judged),
        stratified=classes is not None,
    )
    if len(judged) == 0:
        judged = frame.iloc[parts.validation]
        notes.append("no rows are left for the test, so the validation rows are shown in its place")
    learned = frame.iloc[parts.train]
    fitted = recognized.fit(learned[name])
    preprocessor = prepare_columns(
        table,
        learned,
        choices,
        target=name,
        answers=np.asarray(fitted.encode(learned[name])),
        in_order=reads_in_order(settings.network),
        notes=notes,
    )

    def part(rows: Any) -> Part:
        if len(rows) == 0:
            return no_rows(preprocessor.number_of_features)
        features, noticed = preprocessor.encode(rows)
        encoded, matched = fitted.encode_with_notes(rows[name])
        notes.extend(one for one in [*noticed, *matched] if one not in notes)
        return Part(features, np.asarray(encoded))

    learn, test_part = part(learned), part(judged)
    simple = linear(learn, test_part, fitted)
    if preprocessor.texts:
        simple = linear_on_texts(learn, learned, test_part, judged, preprocessor, fitted)
    made = Task(
        learn,
        part(frame.iloc[parts.validation]),
        test_part,
        preprocessor,
        fitted,
        columns_recipe(preprocessor, learn.features),
        (guess(learn, test_part, fitted), simple),
        [f"row {number}" for number in numbers[parts.validation]],
    )
    return train(made, choices, notes, settings, began)


def table_without(table: Table, without: Sequence[str], target: str | None) -> Table:
    """Return the table without some columns. Raises ArgumentError for others and the target."""
    if not without:
        return table
    columns = [str(column) for column in table.frame.columns]
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


def _test_rows(test: Table, target: Target) -> Any:
    if target.name not in test.frame:
        raise DataError(
            f"the test table {test.name}",
            needed=f"the column {target.name!r}",
            got="none of that name",
            try_=did_you_mean(target.name, map(str, test.frame.columns)),
        )
    judged = test.frame[np.asarray(target.present(test.frame[target.name]))]
    if len(judged) == 0:
        raise DataError(f"the test table {test.name}", needed="rows with an answer", got="none")
    return judged


def _target_name(table: Table, target: str | None) -> str:
    name = target or table.target
    columns = [str(column) for column in table.frame.columns]
    if name is None:
        raise ArgumentError(
            "the target",
            needed=f"one of the columns {and_so_on(columns, 12)}",
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
