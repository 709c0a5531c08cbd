"""Training a model from a table or pictures: choices, training, scores, baselines."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from misstep.data import (
    Pictures,
    Preprocessor,
    Table,
    recognize_columns,
    recognize_target,
    split_rows,
)
from misstep.data.names import nearest_name
from misstep.errors import ArgumentError, DataError
from misstep.ir import Array
from misstep.modeling.baselines import guess_scores, linear_scores
from misstep.modeling.model import Model
from misstep.nn import (
    BinaryCrossEntropy,
    CrossEntropy,
    Dense,
    Loss,
    ReLU,
    Sequential,
    SquaredError,
    layers_from_text,
)
from misstep.optim import AdamW, Cosine
from misstep.train import EarlyStopping, Progress, Run, Trainer

Scores = dict[str, float]


@dataclass(frozen=True)
class Choice:
    """Something that was chosen, and because of what."""

    what: str
    choice: str
    because: str


@dataclass(frozen=True)
class Trained:
    """What came of training: the model, its run, scores by part, and every choice."""

    model: Model
    run: Run
    metrics: dict[str, Scores]
    choices: list[Choice]
    seconds: float


@dataclass(frozen=True)
class Settings:
    """What a person may choose; None leaves it to us."""

    network: str | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    seed: int = 0
    threads: int | None = None
    folder: Path | str | None = None
    resume: bool = False
    progress: bool | Progress = False
    say: Callable[[Choice], None] | None = None


@dataclass
class _Part:
    features: Array
    target: Array


def train_table(
    table: Table,
    target: str | None = None,
    *,
    task: str | None = None,
    test: Table | None = None,
    test_fraction: float = 0.2,
    settings: Settings | None = None,
) -> Trained:
    """Train a model that predicts the column `target` of `table` from the others.

    `task`: "classes" or "number" where the column could be either. `test`: rows to be judged on;
    otherwise a share `test_fraction` is set apart. Raises DataError or ArgumentError in words.
    """
    settings = settings or Settings()
    choices = _Choices(settings.say)
    name = _target_name(table, target)
    column = table.frame[name]
    recognized = recognize_target(column, name, task)
    present = np.asarray(recognized.present(column))
    frame = table.frame[present].reset_index(drop=True)
    choices.add("target", f"{name}: {recognized.kind}", recognized.because)
    if not present.all():
        choices.add("rows left out", f"{int((~present).sum())}", f"{name} is missing there")
    classes = None if recognized.is_number else recognized.encode(frame[name])
    apart = 0.0 if test is not None else test_fraction
    parts = split_rows(len(frame), classes, 0.15, apart, settings.seed)
    choices.add(
        "split",
        f"{len(parts.train)} rows to learn from, {len(parts.validation)} to stop by, "
        f"{len(parts.test) if test is None else len(test)} to be judged on",
        "the score must come from rows that training never saw"
        + ("" if classes is None else "; each part has the classes in proportion"),
    )
    learned = frame.iloc[parts.train]
    columns = recognize_columns(Table(learned, table.name, [], name), name)
    for one in columns:
        choices.add(f"column {one.name}", one.form if one.used else "left out", one.because)
    preprocessor = Preprocessor.fit(learned, columns)
    fitted = recognized.fit(learned[name])

    def part(rows: Any) -> _Part:
        return _Part(preprocessor.transform(rows), np.asarray(fitted.encode(rows[name])))

    if test is not None:
        if name not in test.frame:
            raise DataError(f"{test.name}", needed=f"the column {name!r}", got="none of that name")
        judged = test.frame[np.asarray(recognized.present(test.frame[name]))]
    else:
        judged = frame.iloc[parts.test]
    return _train(
        part(learned), part(frame.iloc[parts.validation]), part(judged), preprocessor, fitted,
        choices, settings,
    )  # fmt: skip


def train_pictures(pictures: Pictures, *, settings: Settings | None = None) -> Trained:
    """Train a model that tells the class of a picture."""
    settings = settings or Settings()
    choices = _Choices(settings.say)
    labels = np.asarray(pictures.train_labels)
    target = recognize_target(labels, "class", "classes")
    choices.add("target", f"class: {target.kind}", target.because)
    apart = 0.0 if pictures.test_pictures is not None else 0.15
    parts = split_rows(len(labels), target.encode(labels), 0.1, apart, settings.seed)
    flat = np.asarray(pictures.train_pictures).reshape(len(labels), -1)
    scaling = Preprocessor.for_pixels(flat.shape[1], 255.0)
    choices.add("pixels", "divided by 255", "networks learn best from numbers around 1")
    target = target.fit(labels[parts.train])

    def part(rows: Array, wanted: Array) -> _Part:
        return _Part(scaling.transform(rows), np.asarray(target.encode(wanted)))

    if pictures.test_pictures is not None and pictures.test_labels is not None:
        shown = np.asarray(pictures.test_pictures)
        judged = part(shown.reshape(len(shown), -1), np.asarray(pictures.test_labels))
    else:
        judged = part(flat[parts.test], labels[parts.test])
    choices.add(
        "split",
        f"{len(parts.train)} pictures to learn from, {len(parts.validation)} to stop by, "
        f"{len(judged.features)} to be judged on",
        "the score must come from pictures that training never saw",
    )
    return _train(
        part(flat[parts.train], labels[parts.train]),
        part(flat[parts.validation], labels[parts.validation]),
        judged, scaling, target, choices, settings,
    )  # fmt: skip


class _Choices:
    def __init__(self, say: Callable[[Choice], None] | None) -> None:
        self.made: list[Choice] = []
        self._say = say

    def add(self, what: str, choice: str, because: str) -> None:
        self.made.append(Choice(what, choice, because))
        if self._say is not None:
            self._say(self.made[-1])


def _target_name(table: Table, target: str | None) -> str:
    name = target or table.target
    columns = list(table.frame.columns)
    if name is None:
        raise ArgumentError(
            "the target", needed=f"one of the columns {', '.join(map(str, columns))}", got="none",
            try_=f'--target "{columns[-1]}"',
        )  # fmt: skip
    if name not in columns:
        near = nearest_name(name, columns)
        raise ArgumentError(
            f"the target {name!r}", needed=f"one of {', '.join(map(str, columns))}",
            try_=f'--target "{near}"' if near else None,
        )  # fmt: skip
    return name


def _loss(target: Any) -> tuple[Loss, int, str]:
    if target.is_number:
        return SquaredError(), 1, "a number: linear output, squared error on a standardized target"
    if target.kind == "two classes":
        return BinaryCrossEntropy(), 1, "two classes: one sigmoid output, binary cross-entropy"
    outputs = len(target.classes)
    return CrossEntropy(), outputs, f"{outputs} classes: softmax, cross-entropy"


def _train(
    train: _Part,
    validation: _Part,
    test: _Part,
    preprocessing: Any,
    target: Any,
    choices: _Choices,
    settings: Settings,
) -> Trained:
    began = time.perf_counter()
    rows, features = train.features.shape
    loss, outputs, because = _loss(target)
    choices.add("loss", type(loss).__name__, because)
    if settings.network is not None:
        layers = layers_from_text(settings.network)
        choices.add("network", settings.network, "you chose it")
    else:
        # Small tables overfit large networks; pictures and large tables need room.
        units = (32, 16) if rows < 1000 else (128, 64)
        layers = [layer for count in units for layer in (Dense(count), ReLU())]
        choices.add("network", "-".join(f"dense{count}" for count in units),
                    f"{rows} rows of {features} features")  # fmt: skip
    network = Sequential(*layers, Dense(outputs))
    # About a hundred updates in an epoch, in batches that fill the matrix product.
    batch = settings.batch_size or int(min(256, max(16, 2 ** round(np.log2(max(rows / 100, 1))))))
    choices.add("batch size", str(batch),
                "you chose it" if settings.batch_size else f"{rows} rows")  # fmt: skip
    rate = settings.learning_rate or 2e-3
    choices.add("optimizer", f"AdamW, learning rate {rate:g}, falling along half a cosine",
                "it works without tuning on most tables"
                if settings.learning_rate is None else "you chose the learning rate")  # fmt: skip
    epochs = settings.epochs or int(np.clip(round(6_000 * batch / max(rows, 1)), 20, 100))
    patience = max(8, epochs // 5)
    choices.add("epochs", f"at most {epochs}, fewer when the validation loss has not fallen for "
                f"{patience}", "you chose it" if settings.epochs else f"{rows} rows")  # fmt: skip
    trainer = Trainer(
        network, loss=loss, optimizer=AdamW(rate, weight_decay=1e-2), schedule=Cosine(0.01),
        batch_size=batch, seed=settings.seed, threads=settings.threads,
    )  # fmt: skip

    def wanted(part: _Part) -> Array:
        if isinstance(loss, CrossEntropy):
            return part.target.reshape(-1).astype("int64")
        return part.target.reshape(-1, 1).astype("float32")

    run = trainer.fit(
        train.features, wanted(train), epochs=epochs,
        validation=(validation.features, wanted(validation)),
        early_stopping=EarlyStopping(patience), progress=settings.progress,
        folder=settings.folder, resume=settings.resume,
    )  # fmt: skip
    model = Model(trainer.network, loss, preprocessing, target, {})

    def judged(part: _Part) -> Scores:
        found = trainer.predict(part.features)
        if loss.target_kind == "float" and not target.is_number:
            found = np.concatenate([1 - found, found], axis=1)
        if not target.is_number:
            right = found.argmax(axis=1) == part.target.reshape(-1)
            return {"accuracy": float(right.mean())}
        from misstep.modeling.model import number_scores

        truth = np.asarray(target.decode(part.target.reshape(-1)))
        return number_scores(np.asarray(target.decode(found.reshape(-1))), truth)

    metrics = {
        "test": judged(test),
        "validation": judged(validation),
        "baseline": guess_scores(train.target, test.target, target),
    }
    linear = linear_scores(train.features, train.target, test.features, test.target, target)
    if linear is not None:
        metrics["linear"] = linear
    model.facts = {
        "rows": rows,
        "epochs": run.epochs,
        "updates": run.updates,
        "seed": settings.seed,
        "metrics": metrics,
    }
    return Trained(model, run, metrics, choices.made, time.perf_counter() - began)
