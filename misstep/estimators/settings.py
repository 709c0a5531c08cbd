"""From the arguments of an estimator to the settings of a training, checked when fit is called.

scikit-learn wants constructors that only keep what they get. Knows arguments, no data.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from sklearn.utils import check_random_state

from misstep.errors import ArgumentError
from misstep.ir import Array
from misstep.modeling import Settings
from misstep.nn import Module
from misstep.text.names import did_you_mean
from misstep.train import Progress


def settings_of(arguments: Mapping[str, Any]) -> Settings:
    """Return the settings that an estimator's arguments mean. Raises ArgumentError."""
    network = arguments["network"]
    if not (network is None or isinstance(network, str | Module)):
        raise ArgumentError(
            "network",
            needed="a line such as 'dense64-dense32', a module or None",
            got=repr(network)[:100],
        )
    progress = arguments["progress"]
    if not isinstance(progress, bool | Progress):
        raise ArgumentError("progress", needed="True or False", got=repr(progress))
    share = _number(arguments, "validation_fraction", "a share from 0 up to 1, or None")
    return Settings(
        network=network,
        epochs=_count(arguments, "epochs"),
        batch_size=_count(arguments, "batch_size"),
        learning_rate=_number(arguments, "learning_rate", "a number above 0, or None"),
        patience=_count(arguments, "patience"),
        augment=_words(arguments, "augment"),
        validation_fraction=0.0 if share is None else share,
        seed=_seed(arguments["random_state"]),
        threads=_count(arguments, "threads"),
        progress=progress,
    )


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
            try_=did_you_mean(str(strange[0]), map(str, absent)),
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


def _count(arguments: Mapping[str, Any], name: str) -> int | None:
    given = arguments[name]
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, Integral) or int(given) < 1:
        raise ArgumentError(name, needed="a whole number of 1 or more, or None", got=repr(given))
    return int(given)


def _number(arguments: Mapping[str, Any], name: str, needed: str) -> float | None:
    given = arguments[name]
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, Real):
        raise ArgumentError(name, needed=needed, got=repr(given))
    return float(given)


def _words(arguments: Mapping[str, Any], name: str) -> str | None:
    given = arguments.get(name)
    if given is not None and not isinstance(given, str):
        raise ArgumentError(name, needed="words such as 'flip-shift', or None", got=repr(given))
    return given


def _seed(random_state: Any) -> int:
    if isinstance(random_state, Integral) and not isinstance(random_state, bool):
        seed = int(random_state)
        if not 0 <= seed < 2**32:
            raise ArgumentError("random_state", needed="0 to 2**32 - 1", got=repr(random_state))
        return seed
    try:
        return int(check_random_state(random_state).randint(2**31 - 1))
    except ValueError as error:
        raise ArgumentError(
            "random_state", needed="a whole number, a RandomState or None", got=repr(random_state)
        ) from error
