"""`ImageModality`: labeled images, from class folders, arrays or MNIST's files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np

from misstep.data import (
    Dataset,
    FlipInvariance,
    Images,
    ImageScaling,
    Rows,
    Target,
    flip_invariance_of,
    recognize_target,
    shrunk,
    with_test_folder,
)
from misstep.data.image.patch_features import patch_features_of
from misstep.errors import DataError
from misstep.ir import Array, one_blas_thread
from misstep.modeling.baselines import Baseline, guess, linear
from misstep.modeling.examples import Examples, answered
from misstep.modeling.modalities.rows import Prepared, RowModality
from misstep.modeling.options import Needs, Options, TaskName
from misstep.modeling.plans import Plan, Planner, augmentation, plan_images
from misstep.storage import MappedRows, pieces_of
from misstep.text.lists import and_so_on

# Pixels a side of the images that the linear model has.
SIDE = 16
# Pixels of all images together up to which they are judged by their patches: about ten seconds.
MOST_PIXELS_IN_PATCHES = 16_000_000
# Classes that are named.
MOST_CLASSES_NAMED = 12


class ImageModality(RowModality):
    """Images of one size, each with a label."""

    name: ClassVar[str] = "image"
    priority: ClassVar[int] = 20
    provides: ClassVar[frozenset[Needs]] = frozenset({Needs.IMAGES})
    tasks: ClassVar[frozenset[TaskName]] = frozenset({TaskName.CLASSIFICATION})
    data: Images

    @classmethod
    def recognize(
        cls, data: Dataset, options: Options, examples: Examples | None = None
    ) -> Self | None:
        """Return images, with those of the test folder that a person named."""
        if not isinstance(data, Images):
            return None
        if options.augment is not None:
            augmentation(options.augment, min(data.shape[:2]))
        return cls(_with_test(data, options.test), options, examples)

    def read_examples(self) -> Examples:
        """Return the training images with their labels."""
        labels = np.asarray(self.data.train_labels)
        target = recognize_target(labels, "class", "classification")
        reason = f"each image has a label, and there are {_counted_labels(labels)}"
        self.decisions.add("target", f"class: {target.task}", reason)
        train = self.data.take(np.arange(len(labels)))
        return Examples(train, np.arange(len(labels)), np.asarray(target.encode(labels)), target)

    def test_examples(self) -> Examples | None:
        """Return the images that were brought to be tested on, or None."""
        if not len(self.data.test_images):
            return None
        test, target = self.data.test_split, self.examples.target
        return Examples(test, *answered(test, test.train_labels, target, self.notes), target)

    def preprocess(self, train: Examples, target: Target) -> ImageScaling:
        """Bring pixels from 0 to 1; ask whether images may be mirrored."""
        images = train.data
        assert isinstance(images, Images)
        scaling = ImageScaling.of(images)
        if self.data.sizing:
            height, width, channels = scaling.shape
            size = f"{height} × {width} pixels, {_colors(channels)}"
            self.decisions.add("size", size, self.data.sizing)
        for decision in scaling.decisions:
            self.decisions.add(decision.what, decision.choice, decision.reason)
        self.flips = FlipInvariance(False, "a number may depend on left and right")
        if not target.is_number and not target.is_joint:
            codes = np.asarray(train.answers)
            with one_blas_thread():
                self.flips = flip_invariance_of(images.train_images, codes, self.options.seed)
        return scaling

    def plan_network(self, planner: Planner, prepared: Prepared) -> Plan:
        """Return a residual network with augmentation."""
        scaling = prepared.preprocessing
        assert isinstance(scaling, ImageScaling)
        return plan_images(planner, scaling.shape, self.flips)

    def features_to_judge(self, prepared: Prepared, rows: Rows, data: Dataset) -> Any:
        """Return what small patches tell, and the shrunk image; of very many images that alone."""
        scaling = prepared.preprocessing
        assert isinstance(scaling, ImageScaling)
        pieces = (piece.reshape(-1, *scaling.shape) for piece in pieces_of(rows.x))
        small = np.concatenate([shrunk(each, SIDE).reshape(len(each), -1) for each in pieces])
        if rows.x.size > MOST_PIXELS_IN_PATCHES:
            return small
        images = np.asarray(rows.x).reshape(-1, *scaling.shape)
        with one_blas_thread():
            found = patch_features_of(images, np.random.default_rng(0)).transform(images)
        return np.concatenate([found, small], axis=1)

    def baselines(self, prepared: Prepared) -> Sequence[Baseline]:
        """Return the guess, and the linear model on shrunk images.

        It makes no use of finer things, and learns from more images in the same time.
        """
        scaling = prepared.preprocessing
        assert isinstance(scaling, ImageScaling)

        def small_of(x: Array) -> Array:
            return shrunk(x.reshape(-1, *scaling.shape), SIDE).reshape(len(x), -1)

        def small(rows: Rows) -> Rows:
            x: Any = rows.x
            few: Any = x.passed(small_of) if isinstance(x, MappedRows) else small_of(x)
            return replace(rows, x=few)

        train, test, target = prepared.train, prepared.test, prepared.target
        return guess(train, test, target), linear(small(train), small(test), target, "images")


def _with_test(images: Images, test: str | Dataset | None) -> Images:
    """Return images with those that a person wants tested. Raises DataError or StorageError."""
    if isinstance(test, Images):
        pixels = test.in_depth(images.depth).train_images
        return replace(images, test_images=pixels, test_labels=test.train_labels)
    if isinstance(test, Dataset):
        raise DataError("the test rows", needed=images.description, got=test.description)
    return images if test is None else with_test_folder(images, test)


def _colors(channels: int) -> str:
    return "grey" if channels == 1 else "in color"


def _counted_labels(labels: Array) -> str:
    """Return the different labels in words, each with how many images have it."""
    names, counts = np.unique(labels, return_counts=True)
    shown = [f"{name} ({count:,})" for name, count in zip(names, counts, strict=True)]
    return f"{len(names)} different ones: {and_so_on(shown, MOST_CLASSES_NAMED)}"
