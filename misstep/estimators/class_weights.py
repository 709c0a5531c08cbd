"""`class_weight` of a classifier: what a row of each class weighs, as scikit-learn has it."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

from misstep.errors import ArgumentError
from misstep.ir import Array
from misstep.text.names import did_you_mean


def class_weights_of(class_weight: Any, classes: Array, weighs: Array) -> list[float] | None:
    """Return a weight for each class, or None. Raises ArgumentError.

    class_weight: None, "balanced" (all classes weigh the same in the end) or a mapping from labels
    to weights, 1 where left out. weighs: what the rows of each class weigh in all, (classes,).
    """
    if class_weight is None:
        return None
    if isinstance(class_weight, str) and class_weight == "balanced":
        # As scikit-learn has it: rows / (classes · rows of the class).
        return [float(one) for one in weighs.sum() / (len(classes) * weighs)]
    if not isinstance(class_weight, Mapping):
        raise ArgumentError(
            "class_weight",
            needed="None, 'balanced' or weights by class",
            got=repr(class_weight),
            try_=_nearest(class_weight),
        )
    labels = classes.tolist()
    absent = [label for label in labels if label not in class_weight]
    strange = [label for label in class_weight if label not in labels]
    if absent and strange:
        raise ArgumentError(
            "class_weight",
            needed="classes that are in y",
            got=repr(strange[0]),
            try_=did_you_mean(strange[0], absent),
        )
    weights = [class_weight.get(label, 1.0) for label in labels]
    for label, weight in zip(labels, weights, strict=True):
        if not isinstance(weight, Real) or not 0 <= float(weight) < math.inf:
            raise ArgumentError(
                f"class_weight of {label!r}", needed="a number of 0 or more", got=repr(weight)
            )
    return [float(weight) for weight in weights]


def _nearest(word: Any) -> str | None:
    near = isinstance(word, str) and difflib.get_close_matches(word, ["balanced"], 1, 0.4)
    return "'balanced'" if near else None
