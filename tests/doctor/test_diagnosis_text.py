"""What a diagnosis says where it is printed."""

import pytest

from misstep.doctor import Diagnosis, Finding, NotExamined, Rule, Severity, registered_rules
from misstep.doctor.diagnosis_text import consequences_of
from misstep.text.diagnosis import certainty, outcome, place


class Words:
    slug = "too-hot"
    title = "A learning rate that is too high"
    leads_to = frozenset()

    def symptom(self, facts):
        return f"The loss of layer dense1 rose to {facts['loss']:g}."

    def remedy(self, facts):
        return "Write this:\nms.SGD(0.01)"


def finding(severity=Severity.CRITICAL, consequences=(), **facts):
    rule: Rule = Words()  # type: ignore[assignment]
    return Finding(rule, severity, {"loss": 5.0, **facts}, 0.9, consequences)


def test_all_of_it_is_one_text():
    below = finding(Severity.WARNING, loss=6.0)
    top = finding(consequences=(below,), step=3, layer="dense1")
    blind = [NotExamined(slug, "it is dark") for slug in ("a", "b")]
    assert str(Diagnosis([top], blind, 0.1, ["too-hot"])).split("\n") == [
        "Critical: a learning rate that is too high (too-hot)",
        "  The loss of layer dense1 rose to 5.",
        "  where     after update 3",
        "  try       Write this:",
        "            ms.SGD(0.01)",
        "  how sure  very likely",
        "  what follows from it",
        "    Warning: a learning rate that is too high (too-hot): The loss of layer dense1 rose "
        "to 6.",
        "",
        "Found: 1 critical; 1 cause was looked for, and 2 could not be examined.",
        "  Not examined, because it is dark: a, b.",
    ]


def test_that_nothing_was_found_is_said_beside_what_was_looked_for():
    slugs = list(registered_rules()) or ["one", "two"]
    assert str(Diagnosis([], [], 0.1, slugs)).startswith(f"Nothing wrong was found; {len(slugs)} ")


def test_lines_fit_a_window():
    long = finding(rows=list(range(1000, 1400)), layer="a" * 30, parameter="b" * 30)
    assert all(len(line) <= 100 for line in str(Diagnosis([long], [], 0.0, ["x"])).split("\n"))


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((0, 0, 0, 0, 5), "Nothing could be examined, so nothing can be said."),
        ((0, 0, 0, 2, 0), "Nothing wrong was found; 2 causes were looked for."),
        ((0, 0, 1, 2, 0), "Nothing that harms was found, 1 note; 2 causes were looked for."),
        (
            (1, 2, 3, 1, 1),
            "Found: 1 critical, 2 warnings and 3 notes; 1 cause was looked for, and 1 could not be "
            "examined.",
        ),
    ],
)
def test_what_it_came_to(counts, words):
    assert outcome(*counts) == words


@pytest.mark.parametrize(
    ("facts", "said", "words"),
    [
        ({}, "", ""),
        ({"layer": "relu1", "epoch": 3}, "", "layer relu1, epoch 3"),
        ({"step": 1200}, "It broke at update 1,200.", ""),
        ({"step": 12}, "It broke at update 1,200.", "after update 12"),
        ({"rows": [5]}, "", "row 5 (counted from 0)"),
        ({"rows": [5], "rows_counted_from": 1, "column": "age"}, "", "column age, row 5"),
        (
            {"rows": list(range(12)), "rows_counted_from": 1},
            "",
            "rows 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more",
        ),
        ({"step": True, "layer": 3}, "", ""),
    ],
)
def test_places(facts, said, words):
    assert place(facts, said) == words


def test_certainties_fall():
    said = [certainty(confidence / 100) for confidence in range(100, -1, -1)]
    assert list(dict.fromkeys(said)) == [
        *("certain", "very likely", "likely", "possible", "a guess")
    ]


def test_a_consequence_repeats_no_sentence():
    class Wordy(Words):
        def symptom(self, facts):
            return f"{facts['own']} It ended at 3.5 of 2."

    rule: Rule = Wordy()  # type: ignore[assignment]
    below = [
        Finding(rule, Severity.NOTE, {"own": own}) for own in ("It is a.", "It is b.", "It is a.")
    ]
    top = Finding(rule, Severity.NOTE, {"own": "It is top."}, consequences=tuple(below))
    assert [words for _, words in consequences_of(top)] == ["It is a.", "It is b.", ""]
