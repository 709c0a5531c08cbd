"""Training a model from a table or from pictures: rows set apart, the recipe, scores, baselines.

Reads top to bottom: `train_table` and `train_pictures` make the parts, `_train` does the rest. What
is chosen stands in `recipe.py`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.data import (
    Pictures,
    Preprocessor,
    Table,
    Target,
    recognize_target,
    split_rows,
)
from misstep.data.names import did_you_mean
from misstep.errors import ArgumentError, DataError
from misstep.ir import Array, one_blas_thread
from misstep.modeling.baselines import guess_scores, linear_scores
from misstep.modeling.learning import Part, learn
from misstep.modeling.model import Model, Scores
from misstep.modeling.preparing import prepare_columns
from misstep.modeling.recipe import check_settings
from misstep.modeling.settings import Choice, Choices, Settings
from misstep.train import Run

# Share of the rows that are set apart to be judged on, when no test rows are given.
TEST_FRACTION = 0.2


@dataclass(frozen=True)
class Trained:
    """What came of training: the model, its run, scores by part, every choice, and notes."""

    model: Model
    run: Run
    metrics: dict[str, Scores]
    choices: list[Choice]
    notes: list[str]
    seconds: float


@dataclass
class _Task:
    """Three parts of the data, and what turns people's data into them.

    `picture`: height, width and channels, where each row is one.
    """

    train: Part
    validation: Part
    test: Part
    preprocessing: Any
    target: Target
    picture: tuple[int, ...] | None = None


def train_table(
    table: Table,
    target: str | None = None,
    *,
    task: str | None = None,
    test: Table | None = None,
    test_fraction: float = TEST_FRACTION,
    settings: Settings | None = None,
) -> Trained:
    """Train a model that predicts the column `target` of `table` from the others.

    `task`: "classification" or "regression" where the column could be either. `test`: rows to be
    judged on; otherwise a share `test_fraction` is set apart. Raises DataError or ArgumentError.
    """
    settings = settings or Settings()
    check_settings(settings)
    began = time.perf_counter()
    choices, notes = Choices(settings.say), list(table.notes)
    name = _target_name(table, target)
    column = table.frame[name]
    recognized = recognize_target(column, name, task)
    choices.add("target", f"{name}: {recognized.kind}", recognized.because)
    notes += recognized.notes
    present = np.asarray(recognized.present(column))
    frame = table.frame[present].reset_index(drop=True)
    classes = None if recognized.is_number else recognized.encode(frame[name])
    parts = split_rows(
        len(frame), classes, settings.validation_fraction,
        0.0 if test is not None else test_fraction, settings.seed,
    )  # fmt: skip
    notes += parts.notes
    if test is None:
        judged = frame.iloc[parts.test]
    else:
        judged = _test_rows(test, recognized)
        notes += test.notes
    _tell_split(choices, "rows", len(parts.train), len(parts.validation), len(judged),
                stratified=classes is not None)  # fmt: skip
    if len(judged) == 0:
        judged = frame.iloc[parts.validation]
        notes.append("no rows are left for the test, so the validation rows are shown in its place")
    learned = frame.iloc[parts.train]
    preprocessor = prepare_columns(
        Table(table.frame, table.name, [], name), learned, choices, target=name
    )
    fitted = recognized.fit(learned[name])

    def part(rows: Any) -> Part:
        if len(rows) == 0:
            return Part(np.empty((0, preprocessor.number_of_features), "float32"), np.empty(0))
        features, noticed = preprocessor.transform_with_notes(rows)
        encoded, matched = fitted.encode_with_notes(rows[name])
        notes.extend(one for one in [*noticed, *matched] if one not in notes)
        return Part(features, np.asarray(encoded))

    made = _Task(
        part(learned), part(frame.iloc[parts.validation]), part(judged), preprocessor, fitted
    )
    return _train(made, choices, notes, settings, began)


def train_pictures(
    pictures: Pictures,
    *,
    test_fraction: float = TEST_FRACTION,
    settings: Settings | None = None,
) -> Trained:
    """Train a model that tells the class of a picture. Raises DataError or ArgumentError."""
    settings = settings or Settings()
    check_settings(settings)
    began = time.perf_counter()
    choices = Choices(settings.say)
    labels = np.asarray(pictures.train_labels)
    target = recognize_target(labels, "class", "classification")
    because = f"each picture has a label, and there are {len(target.classes)} different ones"
    choices.add("target", f"class: {target.kind}", because)
    brought = len(pictures.test_pictures) > 0
    parts = split_rows(
        len(labels), target.encode(labels), settings.validation_fraction,
        0.0 if brought else test_fraction, settings.seed,
    )  # fmt: skip
    shown = np.asarray(pictures.train_pictures)
    scaling = Preprocessor.for_pixels(int(np.prod(shown.shape[1:])), pictures.largest)

    def part(rows: Array, wanted: Array) -> Part:
        if len(rows) == 0:
            return Part(np.empty((0, scaling.number_of_features), "float32"), np.empty(0))
        return Part(scaling.transform(rows), np.asarray(target.encode(wanted)))

    if brought:
        judged = part(pictures.test_pictures, pictures.test_labels)
    else:
        judged = part(shown[parts.test], labels[parts.test])
    _tell_split(choices, "pictures", len(parts.train), len(parts.validation),
                len(judged.features), stratified=True)  # fmt: skip
    choices.add("pixels", f"divided by {pictures.largest:g}", "networks learn best from 0 to 1")
    made = _Task(
        part(shown[parts.train], labels[parts.train]),
        part(shown[parts.validation], labels[parts.validation]),
        judged, scaling, target.fit(labels[parts.train]),
        (*shown.shape[1:], 1) if shown.ndim == 3 else shown.shape[1:],
    )  # fmt: skip
    return _train(made, choices, [*pictures.notes, *parts.notes], settings, began)


def _train(
    task: _Task, choices: Choices, notes: list[str], settings: Settings, began: float
) -> Trained:
    validation = task.validation if len(task.validation) else None
    learned = learn(
        task.train, validation, task.preprocessing, task.target, settings, choices, task.picture
    )
    model = learned.model

    def judged(part: Part) -> Scores:
        return model.judge(model.outputs_of(part.features), part.target)

    metrics = {"test": judged(task.test)}
    if validation is not None:
        metrics["validation"] = judged(validation)
    metrics["baseline"] = guess_scores(task.train.target, task.test.target, task.target)
    # On several threads its numbers would depend on how many; and on a busy machine, threads that
    # wait for each other take many times as long.
    with one_blas_thread():
        linear = linear_scores(
            task.train.features, task.train.target, task.test.features, task.test.target,
            task.target,
        )  # fmt: skip
    if linear is not None:
        metrics["linear"] = linear
    model.facts |= {"test_rows": len(task.test), "metrics": metrics}
    seconds = time.perf_counter() - began
    return Trained(model, learned.run, metrics, choices.made, notes, seconds)


def _tell_split(
    choices: Choices, things: str, train: int, validation: int, test: int, *, stratified: bool
) -> None:
    because = f"a score must come from {things} that training never saw"
    if stratified:
        because += "; each part has the classes in proportion"
    choices.add(
        "split",
        f"{train:,} {things} to learn from, {validation:,} to validate on, "
        f"{test:,} to be judged on",
        because,
    )


def _test_rows(test: Table, target: Target) -> Any:
    if target.name not in test.frame:
        raise DataError(
            f"the test table {test.name}", needed=f"the column {target.name!r}",
            got="none of that name", try_=did_you_mean(target.name, map(str, test.frame.columns)),
        )  # fmt: skip
    judged = test.frame[np.asarray(target.present(test.frame[target.name]))]
    if len(judged) == 0:
        raise DataError(f"the test table {test.name}", needed="rows with an answer", got="none")
    return judged


def _target_name(table: Table, target: str | None) -> str:
    name = target or table.target
    columns = [str(column) for column in table.frame.columns]
    if name is None:
        shown = ", ".join(columns[:12]) + (", …" if len(columns) > 12 else "")
        raise ArgumentError(
            "the target", needed=f"one of the columns {shown}", got="none",
            try_=f'--target "{columns[-1]}"',
        )  # fmt: skip
    if name not in columns:
        raise ArgumentError(
            "the target", needed="one of the table's columns", got=repr(name),
            try_=did_you_mean(name, columns),
        )  # fmt: skip
    if len(columns) < 2:
        raise DataError(
            f"{table.name}", needed="columns to learn from besides the target", got="none"
        )
    return name
