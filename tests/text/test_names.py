"""How classes are called where people choose them, and what is offered for a name that is none."""

from __future__ import annotations

import numpy as np
import pytest

from misstep.text.names import did_you_mean, hyphenated, missing_names, nearest_name


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


@pytest.mark.parametrize(
    ("name", "names", "hint"),
    [
        ("0", [0, 1], "0, a number, where '0' is a text"),
        (0, ["0", "1"], "'0', a text, where 0 is a number"),
        (1.5, ["1.5"], "'1.5', a text, where 1.5 is a number"),
        ("True", [True, False], "True, true or false, where 'True' is a text"),
        (np.int64(3), ["3"], "'3', a text, where 3 is a number"),
        ("cafe\u0301", ["caf\xe9", "tea"], r"'café', the nearest name; its accents are composed"),
        ("Age ", ["Age"], "'Age', the nearest name; only blanks differ"),
        ("Age", ["\u00a0Age"], "only blanks differ"),
        ("sex", ["Sex", "six"], "'Sex', the nearest name; only capitals differ"),
        ("Age\u200b", ["Age"], r"its signs are 'Age', and 'Age\u200b' came"),
        ("\uff21ge", ["Age"], r"its signs are 'Age', and '\uff21ge' came"),
        ("Age", ["Age"], "another source; this one has no names at all"),
        ("Age", ["Age", "Agx"], "'Agx', the nearest name"),
        ("xyz", [1, 2], "one of 1, 2"),
    ],
)
def test_what_was_refused_is_never_advised(name: object, names: list[object], hint: str) -> None:
    advice = did_you_mean(name, names)
    assert hint in advice
    assert not advice.startswith(repr(name))


def test_all_missing_names_are_named_and_none_that_is_there_for_itself() -> None:
    wanted = ["Age", "Fare", "Name", "Sex"]
    assert missing_names(["Fare"], ["Age", "Name", "Sex"], wanted) == "'Fare' is missing"
    assert (
        missing_names(["Fare", "Name", "Sex"], ["Age", "Tip"], wanted)
        == "'Fare', 'Name' and 'Sex' are missing"
    )
    assert missing_names(["Fare"], ["Age", "fares"], wanted).endswith(
        "missing; 'fares' is there instead of 'Fare'?"
    )
    many = missing_names([f"c{n}" for n in range(784)], [], [])
    assert "and 754 more are missing" in many
