"""Learning from pictures: pictures set apart, pixels scaled, a `Task` made of them."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from misstep.data import Pictures, PictureScaling, recognize_target, split_rows
from misstep.data.image.flip_invariance import ask_about_mirrors, shrunk
from misstep.ir import Array, one_blas_thread
from misstep.modeling.baselines import Baseline, guess, linear
from misstep.modeling.learning import Part
from misstep.modeling.recipes import check_settings, picture_recipe
from misstep.modeling.settings import Choices, Settings
from misstep.modeling.tasks.task import TEST_FRACTION, Task, Trained, no_rows, tell_split, train

# Classes that are named.
SHOWN = 12


def _counted(labels: Array) -> str:
    """Return the different labels in words, each with how many pictures have it."""
    names, counts = np.unique(labels, return_counts=True)
    shown = [f"{one} ({count:,})" for one, count in zip(names, counts, strict=True)][:SHOWN]
    more = ", …" if len(names) > SHOWN else ""
    return f"{len(names)} different ones: {', '.join(shown)}{more}"


def train_pictures(
    pictures: Pictures, *, test_fraction: float = TEST_FRACTION, settings: Settings | None = None
) -> Trained:
    """Train a model that tells the class of a picture. Raises DataError or ArgumentError."""
    settings = settings or Settings()
    check_settings(settings)
    began = time.perf_counter()
    choices = Choices(settings.say)
    labels = np.asarray(pictures.train_labels)
    target = recognize_target(labels, "class", "classification")
    because = f"each picture has a label, and there are {_counted(labels)}"
    choices.add("target", f"class: {target.task}", because)
    codes = np.asarray(target.encode(labels))
    brought = len(pictures.test_pictures) > 0
    parts = split_rows(
        len(labels),
        codes,
        settings.validation_fraction,
        0.0 if brought else test_fraction,
        settings.seed,
    )
    shown = np.asarray(pictures.train_pictures)
    scaling = PictureScaling.of(pictures)

    def part(rows: Array, wanted: Array) -> Part:
        if len(rows) == 0:
            return no_rows(scaling.number_of_features)
        return Part(scaling.transform(rows), wanted)

    if brought:
        judged = part(pictures.test_pictures, np.asarray(target.encode(pictures.test_labels)))
    else:
        judged = part(shown[parts.test], codes[parts.test])
    tell_split(
        choices,
        "pictures",
        len(parts.train),
        len(parts.validation),
        len(judged.features),
        stratified=True,
    )
    if pictures.sizing:
        height, width, channels = scaling.shape
        colors = "grey" if channels == 1 else "in color"
        choices.add("size", f"{height} × {width} pixels, {colors}", pictures.sizing)
    choices.add("pixels", f"divided by {pictures.largest:g}", "networks learn best from 0 to 1")
    with one_blas_thread():
        mirroring = ask_about_mirrors(shown[parts.train], codes[parts.train], settings.seed)
    learn = part(shown[parts.train], codes[parts.train])
    fitted = target.fit_codes(codes[parts.train])
    made = Task(
        learn,
        part(shown[parts.validation], codes[parts.validation]),
        judged,
        scaling,
        fitted,
        picture_recipe(scaling.shape, mirroring),
        (guess(learn, judged, fitted), _linear(learn, judged, fitted, scaling.shape)),
        [f"picture {number + 1}" for number in parts.validation],
    )
    return train(made, choices, [*pictures.notes, *parts.notes], settings, began)


def _linear(train: Part, test: Part, target: Any, shape: tuple[int, int, int]) -> Baseline:
    """Return the linear model on shrunk pictures.

    It makes no use of finer things, and learns from more pictures in the same time.
    """

    def small(part: Part) -> Part:
        pictures = shrunk(part.features.reshape(-1, *shape))
        return Part(pictures.reshape(len(part), -1), part.target)

    return linear(small(train), small(test), target, "pictures")
