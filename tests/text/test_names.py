"""How classes are called where people choose them, and what is offered for a name that is none."""

from __future__ import annotations

import pytest

from misstep.text.names import did_you_mean, hyphenated, nearest_name


@pytest.mark.parametrize(
    ("class_name", "name"),
    [
        ("Adam", "adam"),
        ("AdamW", "adamw"),
        ("SGD", "sgd"),
        ("RMSProp", "rmsprop"),
        ("CrossEntropy", "cross-entropy"),
        ("BinaryCrossEntropy", "binary-cross-entropy"),
        ("L2", "l2"),
    ],
)
def test_a_class_is_called_by_its_words(class_name: str, name: str) -> None:
    assert hyphenated(class_name) == name


def test_the_nearest_name_is_offered() -> None:
    assert nearest_name("Adma", ["sgd", "adam"]) == "adam"
    assert did_you_mean("adma", ["sgd", "adam"]) == "'adam', the nearest name"
    assert did_you_mean("xyz", ["sgd", "adam"]) == "one of 'sgd', 'adam'"
