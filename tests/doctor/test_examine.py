import itertools
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from misstep.doctor import CannotTellError, Rule, Severity, examine
from misstep.doctor.examine import folded
from misstep.errors import MisstepError
from misstep.record import (
    LayerDescription,
    LossDescription,
    OptimizerDescription,
    PartDescription,
    Record,
    Role,
    RunDescription,
    Task,
)


def rule_of(slug, leads_to=(), found=(), **attributes):
    """Return a rule that finds `found`, or raises it, and is in no registry."""

    def check(self, evidence):
        if isinstance(found, Exception):
            raise found
        for severity, confidence in found:
            yield self.finding(severity, confidence, step=3)

    names = {
        "check": check,
        "slug": slug,
        "title": slug,
        "explanation": "It is so.",
        "leads_to": frozenset(leads_to),
        "sick": (),
        "symptom": lambda self, facts: f"It shows at step {facts['step']}.",
        "remedy": lambda self, facts: "Change it.",
        **attributes,
    }
    before = dict(Rule.registry)
    rule = type("Made", (Rule,), names)()
    Rule.registry.clear()
    Rule.registry.update(before)
    return rule


@pytest.fixture
def with_rules(monkeypatch):
    def use(*rules):
        table = {rule.slug: rule for rule in sorted(rules, key=lambda rule: rule.slug)}
        monkeypatch.setattr(
            sys.modules["misstep.doctor.examine"], "registered_rules", lambda: table
        )

    return use


def described():
    return RunDescription(
        layers=(),
        loss=LossDescription("SquaredError", Task.NUMBERS),
        optimizer=OptimizerDescription("SGD", 0.1),
    )


def a_record(description=None):
    record = Record({}, description)
    record.add({"kind": "steps", "first": 1, "loss": [2.0, 1.0], "learning_rate": 0.1})
    return record


# --- folding ------------------------------------------------------------------------------------

SLUGS = "abcde"


@st.composite
def some_findings(draw):
    """Some findings of five rules that lead to each other in any way, circles too."""
    rules = [
        rule_of(slug, draw(st.sets(st.sampled_from(sorted(set(SLUGS) - {slug})), max_size=3)))
        for slug in SLUGS
    ]
    chosen = draw(st.lists(st.sampled_from(rules), max_size=7))
    # No two alike in severity, confidence and slug: their order would be nobody's.
    confidences = draw(st.permutations([n / 10 for n in range(1, len(chosen) + 1)]))
    severities = draw(
        st.lists(st.sampled_from(Severity), min_size=len(chosen), max_size=len(chosen))
    )
    return [
        rule.finding(severity, confidence, mark=mark)
        for mark, (rule, severity, confidence) in enumerate(
            zip(chosen, severities, confidences, strict=True)
        )
    ]


def marks(findings):
    return [
        (one.facts["mark"], sorted(below.facts["mark"] for below in one.consequences))
        for one in findings
    ]


@given(some_findings())
def test_folding_loses_and_doubles_nothing(findings):
    whole = folded(findings)
    seen = [each.facts["mark"] for one in whole for each in (one, *one.consequences)]
    assert sorted(seen) == list(range(len(findings)))


@given(some_findings())
def test_consequences_can_be_reached_from_their_root(findings):
    leads = {one.slug: one.rule.leads_to for one in findings}
    for one in folded(findings):
        reached = {one.slug}
        for _ in SLUGS:
            reached |= {slug for each in reached & set(leads) for slug in leads[each]}
        assert {below.slug for below in one.consequences} <= reached


@given(some_findings())
def test_the_worst_is_first_and_a_root_is_as_bad_as_what_follows_from_it(findings):
    whole = folded(findings)
    order = [(one.severity.rank, -one.confidence) for one in whole]
    assert order == sorted(order)
    own = {one.facts["mark"]: one.severity for one in findings}
    for one in whole:
        everything = [own[one.facts["mark"]], *(below.severity for below in one.consequences)]
        assert one.severity is min(everything, key=lambda severity: severity.rank)


@given(some_findings(), st.randoms())
def test_folding_does_not_depend_on_the_order(findings, random):
    shuffled = list(findings)
    random.shuffle(shuffled)
    assert marks(folded(shuffled)) == marks(folded(findings))


def test_a_chain_is_folded_beneath_its_first_link():
    first, second, third = rule_of("x", ["y"]), rule_of("y", ["z"]), rule_of("z")
    found = [
        third.finding(Severity.CRITICAL, 0.9),
        second.finding(Severity.WARNING, 0.8),
        first.finding(Severity.WARNING, 0.3),
    ]
    (root,) = folded(found)
    assert (root.slug, root.severity) == ("x", Severity.CRITICAL)
    assert [below.slug for below in root.consequences] == ["z", "y"]


def test_of_two_that_lead_to_each_other_the_surer_is_the_root():
    one, other = rule_of("x", ["y"]), rule_of("y", ["x"])
    for confidence, slug in ((0.4, "y"), (0.6, "x")):
        found = [one.finding(Severity.WARNING, confidence), other.finding(Severity.WARNING, 0.5)]
        (root,) = folded(found)
        assert root.slug == slug


def test_of_three_in_a_circle_the_surest_is_the_root():
    rules = [rule_of("x", ["y"]), rule_of("y", ["z"]), rule_of("z", ["x"])]
    for confidences in itertools.permutations([0.2, 0.5, 0.8]):
        found = [
            rule.finding(Severity.WARNING, confidence)
            for rule, confidence in zip(rules, confidences, strict=True)
        ]
        (root,) = folded(found)
        assert root.confidence == 0.8
        assert len(root.consequences) == 2


# --- examining ----------------------------------------------------------------------------------


def test_what_a_rule_finds_is_found_and_put_into_its_words(with_rules):
    with_rules(rule_of("x", found=[(Severity.CRITICAL, 0.75)]))
    diagnosis = examine(a_record(described()))
    assert diagnosis.is_critical
    plain = diagnosis.plain()
    assert plain["findings"] == [
        {
            "slug": "x",
            "severity": "critical",
            "title": "x",
            "symptom": "It shows at step 3.",
            "evidence": {"step": 3},
            "remedy": "Change it.",
            "confidence": 0.75,
            "consequences": [],
        }
    ]
    assert plain["not_examined"] == []
    assert plain["seconds"] >= 0


def test_a_warning_is_not_critical(with_rules):
    with_rules(rule_of("x", found=[(Severity.WARNING, 0.9)]))
    assert not examine(a_record(described())).is_critical


def test_what_a_record_does_not_say_is_not_examined(with_rules):
    with_rules(
        rule_of("needs-description", found=[(Severity.CRITICAL, 0.9)]),
        rule_of("needs-nothing", found=[(Severity.WARNING, 0.9)], needs_description=False),
        rule_of(
            "needs-signal",
            found=[(Severity.WARNING, 0.9)],
            needs_description=False,
            needs=("loss", "dead_share"),
        ),
    )
    diagnosis = examine(a_record())
    assert [finding.slug for finding in diagnosis.findings] == ["needs-nothing"]
    because = {one.slug: one.because for one in diagnosis.not_examined}
    assert set(because) == {"needs-description", "needs-signal"}
    assert "does not say what network" in because["needs-description"]
    assert because["needs-signal"].startswith("the record has no dead share (share of units")


def test_the_loss_is_a_need_that_a_record_of_steps_meets(with_rules):
    rule = rule_of("x", found=[(Severity.NOTE, 0.9)], needs=("loss", "learning_rate"))
    with_rules(rule)
    assert examine(a_record(described())).findings
    empty = Record({}, described())
    assert [one.slug for one in examine(empty).not_examined] == ["x"]


@pytest.mark.parametrize("error", [CannotTellError("nothing was seen"), MisstepError("a thing")])
def test_a_rule_that_cannot_tell_is_named_with_its_reason(with_rules, error):
    with_rules(rule_of("x", found=error), rule_of("y", found=[(Severity.NOTE, 0.5)]))
    diagnosis = examine(a_record(described()))
    assert [finding.slug for finding in diagnosis.findings] == ["y"]
    (missing,) = diagnosis.not_examined
    assert (missing.slug, missing.because) == ("x", str(error))


@pytest.mark.parametrize(
    ("events", "over"),
    [
        ([], False),
        ([{"kind": "finished"}], True),
        ([{"kind": "stopped"}, {"kind": "experiment"}], True),
        ([{"kind": "stopped"}, {"kind": "resumed"}], False),
        ([{"kind": ["finished"]}], False),
    ],
)
def test_what_training_comes_to_is_judged_once_it_is_over(with_rules, events, over):
    patient = rule_of("patient", found=[(Severity.NOTE, 0.5)], judges_end=True)
    eager = rule_of("eager", found=[(Severity.NOTE, 0.5)])
    with_rules(patient, eager)
    record = a_record(described())
    record.events += events
    diagnosis = examine(record)
    assert {one.slug for one in diagnosis.findings} == {"eager"} | ({"patient"} if over else set())
    assert ["not over" in one.because for one in diagnosis.not_examined] == [True] * (not over)


@pytest.mark.parametrize("signal", ["clipped_share", "dead_share", "saturated_share"])
def test_where_nothing_can_have_it_nobody_has_it(with_rules, signal):
    with_rules(rule_of("of-layers", needs=(signal,), found=[(Severity.NOTE, 0.5)]))
    diagnosis = examine(a_record(described()))
    assert (list(diagnosis.findings), list(diagnosis.not_examined)) == ([], [])
    assert list(diagnosis.examined) == ["of-layers"]
    has = replace(
        described(),
        layers=(
            LayerDescription("a", "ReLU", Role.ACTIVATION, can_die=True),
            LayerDescription("b", "Tanh", Role.ACTIVATION, bounds=(-1.0, 1.0)),
        ),
        clipping=(PartDescription("ClipNorm"),),
    )
    diagnosis = examine(a_record(has))
    assert [one.slug for one in diagnosis.not_examined] == ["of-layers"]
    assert list(diagnosis.examined) == []


def test_facts_that_no_json_has_are_called_by_their_names():
    rule = rule_of("x")
    facts = {"step": 3, "largest": float("inf"), "values": [{"result": float("nan")}, 2.0]}
    plain = rule.finding(Severity.CRITICAL, 0.5, **facts).plain()["evidence"]
    assert plain == {"step": 3, "largest": "inf", "values": [{"result": "nan"}, 2.0]}


def test_what_is_but_good_to_know_is_no_cause_of_harm():
    note, harm = rule_of("note", leads_to=["harm", "hint"]), rule_of("harm")
    hint = rule_of("hint")
    found = folded(
        [
            note.finding(Severity.NOTE, 0.9, step=1),
            harm.finding(Severity.CRITICAL, 0.5, step=1),
            hint.finding(Severity.NOTE, 0.5, step=1),
        ]
    )
    assert [(one.slug, one.severity) for one in found] == [
        ("harm", Severity.CRITICAL),
        ("note", Severity.NOTE),
    ]
    assert [one.slug for one in found[1].consequences] == ["hint"]


def test_without_validation_rows_that_is_the_reason(with_rules):
    with_rules(rule_of("x", needs=("validation_loss",)))
    (one,) = examine(a_record(described())).not_examined
    assert one.because == "there were no validation rows to judge by"
