"""What experiments say moves findings: confirmed causes first, contradicted ones back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from misstep.doctor import Evidence, Finding, Rule, Severity
from misstep.doctor.examine import folded
from misstep.doctor.weighing import weighed
from misstep.record import Record


class _Cause(Rule):
    title = "A cause"
    explanation = "It is made up."
    sick = ()

    def __init__(self, slug: str, leads_to: frozenset[str] = frozenset()) -> None:
        vars(self).update(slug=slug, leads_to=leads_to)

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        yield from ()

    def symptom(self, facts: Mapping[str, Any]) -> str:
        return "It shows."

    def remedy(self, facts: Mapping[str, Any]) -> str:
        return "Change it."


def evidence(**outcomes: dict[str, float]) -> Evidence:
    """Return evidence of experiments with these verdicts, by their names."""
    record = Record({})
    for name, verdicts in outcomes.items():
        outcome = {
            "title": f"trying {name}",
            "verdicts": {slug.replace("_", "-"): one for slug, one in verdicts.items()},
            "control": {"left": [0.9, 1.0, 1.1], "held_out": None, "updates": 9, "failed": 0},
            "arms": {"with it": {"left": [0.1, 0.1, 0.2], "held_out": None, "failed": 0}},
            "best": "with it",
            "advice": "ms.SGD(0.1)",
        }
        record.events.append({"kind": "experiment", "name": name, "outcome": outcome})
    return Evidence(record)


ONE, OTHER, THIRD = (_Cause(slug) for slug in ("one", "other", "third"))
RULES: dict[str, Rule] = {rule.slug: rule for rule in (ONE, OTHER, THIRD)}
FOUND = [ONE.finding(Severity.CRITICAL, 0.7), OTHER.finding(Severity.WARNING, 0.5)]


def after(found: list[Finding] = FOUND, **outcomes: dict[str, float]) -> list[Finding]:
    return folded(weighed(evidence(**outcomes), found, RULES))


def test_without_experiments_findings_stay() -> None:
    assert weighed(evidence(), FOUND, RULES) == FOUND


def test_support_is_the_strongest_for_and_the_strongest_against() -> None:
    seen = evidence(a={"one": 0.8, "other": -0.5}, b={"one": 0.6, "other": 0.3}, c={"one": -0.2})
    assert seen.support("one") == pytest.approx(0.6)
    assert seen.support("other") == pytest.approx(-0.2)
    assert seen.support("third") == 0.0


def test_the_latest_outcome_of_an_experiment_counts() -> None:
    first, second = evidence(a={"one": 0.8}), evidence(a={"one": -0.5})
    first.record.events += second.record.events
    assert Evidence(first.record).support("one") == -0.5
    assert Evidence(first.record).experiment("a") == second.record.events[0]["outcome"]


def test_what_is_confirmed_comes_first_and_is_as_severe() -> None:
    first, second = after(a={"other": 0.9})
    assert first.slug == "other"
    assert first.severity is Severity.CRITICAL
    assert first.confidence == pytest.approx(0.5 + 0.4 * 0.9)
    assert first.is_confirmed
    assert second.severity is Severity.CRITICAL, "nothing spoke against it"
    assert first.plain()["support"] == 0.9
    (shown,) = first.plain()["experiments"]
    assert shown.startswith("trying a: after 9 updates 10%")
    assert shown.endswith("that is ms.SGD(0.1)")


def test_what_is_contradicted_becomes_a_note_where_another_is_confirmed() -> None:
    first, second = after(a={"one": -0.5}, b={"other": 0.9})
    assert [first.slug, second.slug] == ["other", "one"]
    assert second.severity is Severity.NOTE


def test_of_two_faults_neither_helps_alone_so_it_is_but_less_sure() -> None:
    first, _ = after(a={"one": -0.5})
    assert first.slug == "one"
    assert first.severity is Severity.CRITICAL
    assert first.confidence == pytest.approx(0.5)


def test_what_is_contradicted_becomes_a_note_where_the_run_learned() -> None:
    seen = evidence(a={"one": -0.5})
    seen.record.events[0]["outcome"]["control"]["left"] = [0.1, 0.1, 0.2]
    first, second = folded(weighed(Evidence(seen.record), FOUND, RULES))
    assert [first.slug, second.slug] == ["other", "one"]
    assert second.severity is Severity.NOTE


def test_what_is_confirmed_stands_beneath_nothing_that_is_not() -> None:
    cause = _Cause("cause", frozenset({"other"}))
    found = [cause.finding(Severity.CRITICAL, 0.9), OTHER.finding(Severity.WARNING, 0.5)]
    (whole,) = after(found)
    assert [one.slug for one in whole.consequences] == ["other"]
    confirmed = after(found, a={"other": 0.8})
    assert [one.slug for one in confirmed] == ["other", "cause"]
    both = after(found, a={"other": 0.8}, b={"cause": 0.9})
    assert [one.slug for one in both] == ["cause"]
    assert both[0].consequences[0].support == 0.8


def test_a_cause_that_no_rule_named_is_named_by_the_experiment() -> None:
    first, *others = after(a={"third": 0.9})
    assert first.slug == "third"
    assert first.by_experiment
    assert first.symptom.startswith("After 9 updates 10% of the loss of chance is left with it")
    assert first.remedy == "ms.SGD(0.1)"
    assert first.facts == {"share_left": 1.0}
    assert len(others) == 2
    assert [one.slug for one in after(a={"third": 0.9}, b={"one": 0.85})] == ["one", "other"]
    assert [one.slug for one in after(a={"unheard": 0.9})] == ["one", "other"]
    assert [one.slug for one in after(a={"third": 0.4})] == ["one", "other"]


@pytest.mark.parametrize(
    "outcome", [None, {}, {"verdicts": 3}, {"verdicts": {"one": "x"}}, {"verdicts": {"one": 7.0}}]
)
def test_an_outcome_that_is_no_outcome_says_nothing(outcome: Any) -> None:
    record = Record({})
    record.events.append({"kind": "experiment", "name": "a", "outcome": outcome})
    assert weighed(Evidence(record), FOUND, RULES) == FOUND


def test_the_remedy_names_what_helped_when_it_was_tried() -> None:
    (first, second) = after(a={"one": 0.8, "other": 0.3})
    assert first.remedy == "Change it. Tried, and it helped: ms.SGD(0.1)."
    assert second.remedy == "Change it."  # of little support
