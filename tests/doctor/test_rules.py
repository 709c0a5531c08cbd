"""The sweep: every rule on every example of every rule, and on the bank of healthy runs.

A rule speaks where it finds something critical or warns. It must on its own sick examples, at the
top or folded beneath a cause that the example names in `also`; what else speaks at the top must be
named there too. On a healthy example, whoever's, nobody speaks.

One rule alone: `-k slug`.
"""

import functools
import json
import re
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import misstep as ms
from misstep.doctor import Diagnosis, Finding, Rule, Severity, registered_rules
from misstep.doctor.examine import RULE_FAILED
from misstep.doctor.healthy_examples import HEALTHY
from misstep.train.run import Run

runs_programs = pytest.mark.skipif(
    not hasattr(Run, "diagnose"), reason="runs can't be diagnosed yet"
)

RULES = registered_rules()
# Causes that rules may name: all that there are rules for, and those that are still to come.
CAUSES = set(RULES) | {
    *("vanishing-gradients", "exploding-gradients", "dead-units", "saturated-units"),
    *("learning-rate-too-high", "learning-rate-too-low", "diverging", "slow-learning"),
    *("not-a-number", "bad-initialization", "missing-activation", "wrong-output"),
    *("unscaled-inputs", "unscaled-target", "constant-input", "outliers", "label-errors"),
    *("class-imbalance", "constant-prediction", "leakage", "unshuffled", "overfitting"),
    *("underfitting", "too-few-epochs", "over-regularized", "schedule-ends-early"),
    *("clipped-too-hard", "parameters-not-learning", "batch-too-large", "wrong-optimizer"),
}
# What pages show of the first example of each rule.
KEPT = json.loads(Path(__file__).parents[2].joinpath("docs", "findings.json").read_text("utf-8"))
WRITE = "docs/findings.json is not what is said now: run scripts/docs --findings"
# Programs are promised to take less than a second; a busy machine, and compiling, get more.
MOST_SECONDS = 4.0


@functools.cache
def diagnosed(program: str) -> Diagnosis:
    """Return what is said of the run that a program leaves behind; each is run once."""
    names = {"ms": ms, "np": np}
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(program, names)
    assert time.process_time() - began < MOST_SECONDS, "the program takes too long"
    run = names["run"]
    assert isinstance(run, Run)
    diagnosis = run.diagnose()
    assert not [one for one in diagnosis.not_examined if RULE_FAILED in one.because]
    return diagnosis


def speaks(finding: Finding) -> bool:
    return finding.severity in (Severity.CRITICAL, Severity.WARNING)


def loud(diagnosis: Diagnosis) -> dict[str, set[str]]:
    """Return the slugs that speak at the top, each with those that speak beneath it."""
    return {
        finding.slug: {below.slug for below in finding.consequences if speaks(below)}
        for finding in diagnosis.findings
        if speaks(finding)
    }


def told(diagnosis: Diagnosis) -> str:
    return "; ".join(
        f"{one.slug} ({one.severity}, {one.confidence:.2f}): {one.symptom}"
        for finding in diagnosis.findings
        for one in (finding, *finding.consequences)
    )


def named(rule: Rule, examples):
    return [(rule.slug, example) for example in examples]


SICK = [pair for rule in RULES.values() for pair in named(rule, rule.sick)]
SOUND = [pair for rule in RULES.values() for pair in named(rule, rule.healthy)]
SOUND += [("bank", example) for example in HEALTHY]


def of(pairs):
    return pytest.mark.parametrize(
        ("slug", "example"),
        pairs,
        ids=[f"{slug}-{example.name.replace(' ', '_')}" for slug, example in pairs],
    )


@runs_programs
@of(SICK)
def test_a_rule_speaks_on_its_sick_examples(slug, example):
    diagnosis = diagnosed(example.program)
    found = loud(diagnosis)
    at_the_top = slug in found
    folded = [cause for cause, below in found.items() if slug in below]
    assert at_the_top or folded, f"{slug} is silent; said is: {told(diagnosis) or 'nothing'}"
    assert at_the_top or set(folded) <= example.also, f"beneath {folded}, which `also` lacks"


@runs_programs
@of(SICK)
def test_nobody_else_speaks_undeclared_on_a_sick_example(slug, example):
    diagnosis = diagnosed(example.program)
    others = set(loud(diagnosis)) - {slug} - example.also
    assert not others, told(diagnosis)


@runs_programs
@of(SOUND)
def test_nobody_speaks_on_a_healthy_example(slug, example):
    diagnosis = diagnosed(example.program)
    assert not loud(diagnosis), told(diagnosis)


@runs_programs
@of(SICK)
def test_words_are_sentences_with_numbers_that_exist(slug, example):
    diagnosis = diagnosed(example.program)
    findings = [one for top in diagnosis.findings for one in (top, *top.consequences)]
    for finding in findings:
        for words in (finding.symptom, finding.remedy):
            where = f"{finding.slug}: {words!r}"
            assert words == words.strip(), where
            assert words, where
            assert words[0].isupper() or words[0].isdigit() or words.startswith("`"), where
            assert words.endswith((".", "`", ")")), where
            assert not re.search(r"\b(nan|inf|None|np\.float\w*)\b", words), where
        assert 0 <= finding.confidence <= 1, finding.slug


@runs_programs
@of(SICK)
def test_facts_are_plain_json(slug, example):
    json.dumps(diagnosed(example.program).plain(), allow_nan=False)


@runs_programs
@of([(slug, rule.sick[0]) for slug, rule in RULES.items()])
def test_its_page_shows_what_is_said(slug, example):
    written = KEPT.get(slug, {})
    assert written.get("program") == example.program, WRITE
    assert masked(written["said"]) == masked(str(diagnosed(example.program))), WRITE


def masked(text):
    """Return a text without the figures of its numbers, whose last ones need not be everywhere."""
    return " ".join(re.sub(r"[−-]?\d[\d,.]*(×10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?%?", "#", text).split())


def test_figures_are_masked():
    one = masked("Rose to 1,234.5 (97.2%)\n at −3.1×10⁻⁷.")
    assert one == masked("Rose to 1,234.6 (97.1%) at −3.2×10⁻⁷.")
    assert one != masked("Fell to 1,234.5 (97.2%) at −3.1×10⁻⁷.")


@pytest.mark.parametrize("slug", sorted(RULES))
def test_a_rule_says_what_it_is(slug):
    rule = RULES[slug]
    assert type(rule).__module__.rpartition(".")[2] == slug.replace("-", "_")
    assert rule.title.strip()
    assert not rule.title.endswith(".")
    assert rule.explanation.strip().endswith(".")
    assert len(rule.sick) >= 2, "at least two sick examples"
    assert len(rule.healthy) >= 1, "at least one healthy example"
    names = [example.name for example in (*rule.sick, *rule.healthy)]
    assert len(set(names)) == len(names)
    assert rule.leads_to <= CAUSES, f"unknown: {sorted(rule.leads_to - CAUSES)}"
    assert slug not in rule.leads_to
    for example in rule.sick:
        assert example.also <= CAUSES, f"unknown: {sorted(example.also - CAUSES)}"
