"""Learning from pictures: pictures set apart, pixels scaled, a `Task` made of them."""

from __future__ import annotations

import time

import numpy as np

from misstep.data import Pictures, Preprocessor, recognize_target, split_rows
from misstep.ir import Array
from misstep.modeling.baselines import guess, linear
from misstep.modeling.learning import Part
from misstep.modeling.recipes import check_settings, picture_recipe
from misstep.modeling.settings import Choices, Settings
from misstep.modeling.tasks.task import TEST_FRACTION, Task, Trained, no_rows, tell_split, train


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
            return no_rows(scaling.number_of_features)
        return Part(scaling.transform(rows), np.asarray(target.encode(wanted)))

    if brought:
        judged = part(pictures.test_pictures, pictures.test_labels)
    else:
        judged = part(shown[parts.test], labels[parts.test])
    tell_split(choices, "pictures", len(parts.train), len(parts.validation),
               len(judged.features), stratified=True)  # fmt: skip
    choices.add("pixels", f"divided by {pictures.largest:g}", "networks learn best from 0 to 1")
    learn = part(shown[parts.train], labels[parts.train])
    fitted = target.fit(labels[parts.train])
    shape = (*shown.shape[1:], 1) if shown.ndim == 3 else shown.shape[1:]
    made = Task(
        learn, part(shown[parts.validation], labels[parts.validation]), judged, scaling, fitted,
        picture_recipe(shape),
        (guess(learn, judged, fitted), linear(learn, judged, fitted, "pictures")),
        [f"picture {number + 1}" for number in parts.validation],
    )  # fmt: skip
    return train(made, choices, [*pictures.notes, *parts.notes], settings, began)
