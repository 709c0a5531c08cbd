"""A training that goes on is examined now and then, and each finding told once."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import misstep as ms
from misstep.doctor import Finding, Rule, Severity
from misstep.record import Record
from misstep.train.examinations import APART, SHARE, Examinations
from misstep.train.progress import BarProgress, LineProgress, Progress


class Said(Progress):
    shows = True

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, words: str) -> None:
        self.notes.append(words)


class Clock:
    """Time that passes when it is told to, and `cost` at each examination."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Scripted:
    """A rule that finds, at its n-th check, what the n-th entry of its script says."""

    title = "Something scripted"
    needs = ()
    needs_description = judges_end = False
    leads_to: frozenset[str] = frozenset()

    def __init__(self, slug, script, clock=None, cost=0.0):
        self.slug, self.script, self.clock, self.cost = slug, script, clock, cost
        self.checks = 0

    def check(self, evidence):
        if self.clock is not None:
            self.clock.now += self.cost
        script = self.script
        entry = script[min(self.checks, len(script) - 1)]
        self.checks += 1
        if entry is not None:
            rule: Rule = self  # type: ignore[assignment]
            yield Finding(rule, *entry)

    def symptom(self, facts):
        return "It shows."

    def remedy(self, facts):
        return "Mend it."


LIKELY = (Severity.WARNING, {}, 0.6)
SURE = (Severity.CRITICAL, {}, 1.0)
NOTE = (Severity.NOTE, {}, 1.0)


@pytest.fixture
def with_rules(monkeypatch):
    def use(*rules):
        monkeypatch.setattr(
            sys.modules["misstep.doctor.examine"],
            "registered_rules",
            lambda: {rule.slug: rule for rule in rules},
        )

    return use


def examined(clock, seconds):
    said = Said()
    examinations = Examinations(Record({}), said, clock)
    for second in seconds:
        clock.now = max(clock.now, second)
        examinations.consider()
    return said.notes


@pytest.mark.parametrize(
    ("script", "told_after"),
    [
        ([LIKELY], 2),
        ([LIKELY, None, LIKELY, None], None),
        ([SURE], 1),
        ([None, SURE], 2),
        ([NOTE], None),
    ],
)
def test_a_finding_is_told_once_it_held_or_is_certain(with_rules, script, told_after):
    rule, clock, said = Scripted("a", script), Clock(), Said()
    with_rules(rule)
    examinations = Examinations(Record({}), said, clock)
    when = None
    for second in (1, 2, 4, 8, 16, 32):
        clock.now = second
        examinations.consider()
        when = when or (rule.checks if said.notes else None)
    assert when == told_after
    assert [words.partition(": ")[2] for words in said.notes] == [
        "something scripted (a): It shows."
    ] * (told_after is not None)


def test_examinations_are_few_and_cheap(with_rules):
    clock = Clock()
    rule = Scripted("a", [None], clock, cost=0.05)
    with_rules(rule)
    examined(clock, np.arange(0.0, 3600.0, 0.05))
    assert 8 <= rule.checks <= 12
    assert rule.checks * 0.05 <= SHARE * 3600
    assert APART >= 2


def test_a_slow_examination_waits_until_it_is_a_small_share(with_rules):
    clock = Clock()
    rule = Scripted("a", [None], clock, cost=1.0)
    with_rules(rule)
    examined(clock, np.arange(0.0, 99.0, 0.5))
    assert rule.checks == 1


def test_a_training_shows_findings_only_where_progress_is_shown(with_rules, monkeypatch):
    monkeypatch.setattr("misstep.train.examinations.SHARE", 1e9)
    rule = Scripted("a", [SURE])
    with_rules(rule)
    x, y = [[0.0], [1.0]], [[1.0], [3.0]]
    for progress, notes in ((Said(), 1), (False, 0)):
        rule.checks = 0
        trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(0.1))
        run = trainer.fit(x, y, epochs=20, progress=progress)
        assert (rule.checks > 0) is bool(notes)
        if isinstance(progress, Said):
            assert len(progress.notes) == notes
            shown = run.losses
    assert run.losses == shown


def test_who_shows_nothing_says_so():
    assert BarProgress.shows
    assert LineProgress.shows
    assert not Progress.shows
