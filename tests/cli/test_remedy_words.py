"""Remedies are spelled as options for runs of the command line, and left alone for others."""

from __future__ import annotations

import pytest

from misstep.cli.remedy_words import in_train_options, plain_findings, spelling_of
from misstep.doctor import Diagnosis, Finding, Rule, Severity
from misstep.record import LossDescription, OptimizerDescription, Record, RunDescription, Task

PYTHON = "`ms.Adam(1e-3)` instead of `ms.Adam(0.1)`."
OPTIONS = "`--learning-rate 1e-3` instead of `--learning-rate 0.1`."


def record(**origin):
    return Record(
        {},
        RunDescription(
            layers=(),
            loss=LossDescription("SquaredError", Task.NUMBERS),
            optimizer=OptimizerDescription("Adam", 0.1),
            origin=origin,
        ),
    )


@pytest.mark.parametrize(
    ("python", "options"),
    [
        (PYTHON, OPTIONS),
        ("ms.SGD(0.01, momentum=0.9)", "--optimizer sgd --learning-rate 0.01"),
        ("ms.optim.RMSProp(0.01)", "--optimizer rmsprop --learning-rate 0.01"),
        ("trainer.fit(..., epochs=40)", "--epochs 40"),
        ("ms.Trainer(…, batch_size=32, shuffle=True)", "--batch-size 32 --shuffle"),
        ("x = x[:, x.std(axis=0) > 0]", "x = x[:, x.std(axis=0) > 0]"),
        ("epochs=round(3.5)", "epochs=round(3.5)"),
        ("ms.Adam(rate)", "ms.Adam(rate)"),
        ("ms.Dropout(0.3)", "ms.Dropout(0.3)"),
    ],
)
def test_what_python_says_becomes_options(python, options):
    assert in_train_options(python, "Adam") == options


def test_only_runs_of_the_command_line_are_spelled_so():
    assert spelling_of(record(face="command line"))(PYTHON) == OPTIONS
    for other in (record(), record(face="estimator"), record(face=3), Record({}), None):
        assert spelling_of(other)(PYTHON) == PYTHON


def test_machines_get_the_same_spelling():
    class Hot:
        slug, title, leads_to = "hot", "hot", frozenset()

        def symptom(self, facts):
            return "It is hot."

        def remedy(self, facts):
            return PYTHON

    rule: Rule = Hot()  # type: ignore[assignment]
    below = Finding(rule, Severity.WARNING)
    diagnosis = Diagnosis([Finding(rule, Severity.CRITICAL, consequences=(below,))], [], 0.1)
    plain = plain_findings(diagnosis, spelling_of(record(face="command line")))
    (finding,) = plain["findings"]
    assert finding["remedy"] == finding["consequences"][0]["remedy"] == OPTIONS
    assert diagnosis.plain()["findings"][0]["remedy"] == PYTHON
