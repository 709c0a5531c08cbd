"""Learning from images: images set apart, pixels scaled, a `Task` made of them."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from misstep.data import Images, ImageScaling, recognize_target, split_rows
from misstep.data.image.flip_invariance import flip_invariance_of, shrunk
from misstep.ir import Array, one_blas_thread
from misstep.modeling.baselines import Baseline, guess, linear
from misstep.modeling.learning import Part
from misstep.modeling.recipes import check_settings, image_recipe
from misstep.modeling.settings import Choices, Settings
from misstep.modeling.tasks.task import TEST_FRACTION, Task, Trained, no_rows, tell_split, train
from misstep.text.lists import and_so_on

# Classes that are named.
SHOWN = 12


def _counted(labels: Array) -> str:
    """Return the different labels in words, each with how many images have it."""
    names, counts = np.unique(labels, return_counts=True)
    each = [f"{name} ({count:,})" for name, count in zip(names, counts, strict=True)]
    return f"{len(names)} different ones: {and_so_on(each, SHOWN)}"


def train_images(
    images: Images, *, test_fraction: float = TEST_FRACTION, settings: Settings | None = None
) -> Trained:
    """Train a model that tells the class of an image. Raises DataError or ArgumentError."""
    settings = settings or Settings()
    check_settings(settings)
    began = time.perf_counter()
    choices = Choices(settings.say)
    labels = np.asarray(images.train_labels)
    target = recognize_target(labels, "class", "classification")
    because = f"each image has a label, and there are {_counted(labels)}"
    choices.add("target", f"class: {target.task}", because)
    codes = np.asarray(target.encode(labels))
    brought = len(images.test_images) > 0
    parts = split_rows(
        len(labels),
        codes,
        settings.validation_fraction,
        0.0 if brought else test_fraction,
        settings.seed,
    )
    shown = np.asarray(images.train_images)
    scaling = ImageScaling.of(images)

    def part(rows: Array, wanted: Array) -> Part:
        if len(rows) == 0:
            return no_rows(scaling.number_of_features)
        return Part(scaling.transform(rows), wanted)

    if brought:
        judged = part(images.test_images, np.asarray(target.encode(images.test_labels)))
    else:
        judged = part(shown[parts.test], codes[parts.test])
    tell_split(
        choices,
        "images",
        len(parts.train),
        len(parts.validation),
        len(judged.features),
        stratified=True,
    )
    if images.sizing:
        height, width, channels = scaling.shape
        colors = "grey" if channels == 1 else "in color"
        choices.add("size", f"{height} × {width} pixels, {colors}", images.sizing)
    choices.add("pixels", f"divided by {images.largest:g}", "networks learn best from 0 to 1")
    with one_blas_thread():
        mirroring = flip_invariance_of(shown[parts.train], codes[parts.train], settings.seed)
    learn = part(shown[parts.train], codes[parts.train])
    fitted = target.fit_codes(codes[parts.train])
    made = Task(
        learn,
        part(shown[parts.validation], codes[parts.validation]),
        judged,
        scaling,
        fitted,
        image_recipe(scaling.shape, mirroring),
        (guess(learn, judged, fitted), _linear(learn, judged, fitted, scaling.shape)),
        [f"image {number + 1}" for number in parts.validation],
    )
    return train(made, choices, [*images.notes, *parts.notes], settings, began)


def _linear(train: Part, test: Part, target: Any, shape: tuple[int, int, int]) -> Baseline:
    """Return the linear model on shrunk images.

    It makes no use of finer things, and learns from more images in the same time.
    """

    def small(part: Part) -> Part:
        images = shrunk(part.features.reshape(-1, *shape))
        return Part(images.reshape(len(part), -1), part.target)

    return linear(small(train), small(test), target, "images")
