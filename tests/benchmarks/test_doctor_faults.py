"""Faults change the program that they are put in, the same way each time, and their lists agree."""

from __future__ import annotations

import json
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.doctor.cases import PROVEN, all_cases, is_held_out
from benchmarks.doctor.faults import FAULTS, Harm
from benchmarks.doctor.harm import CHOSEN, broken, harm_of, is_harm
from benchmarks.doctor.healthy import HEALTHY
from benchmarks.doctor.programs import HELD_OUT, PROGRAMS, TUNED
from benchmarks.doctor.setups import Outcome, Setup, make_trainer, score, train


def plain(thing: Any) -> Any:
    """Return a setup as something that can be compared."""
    if isinstance(thing, np.ndarray):
        return thing.shape, thing.tobytes()
    if isinstance(thing, tuple):
        return tuple(map(plain, thing))
    if callable(thing) and not is_dataclass(thing):
        return "changed"
    if is_dataclass(thing) and not isinstance(thing, type):
        own = [plain(getattr(thing, field.name)) for field in fields(thing)]
        return type(thing).__name__, getattr(thing, "_is_trainable", True), *own
    return repr(thing)


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_fault_changes_the_program(program: str) -> None:
    healthy = plain(PROGRAMS[program](3))
    for name, fault in FAULTS.items():
        for strength in fault.strengths:
            setup = broken(program, name, strength, 3)
            if setup is not None:
                assert plain(setup) != healthy, f"{name} at {strength}"


def test_a_program_with_a_fault_is_the_same_each_time() -> None:
    for case in all_cases(["spiral"])[::7]:
        assert plain(case.setup()) == plain(case.setup()), case.name


def test_faults_leave_the_rows_of_practice_alone_where_they_spoil_answers() -> None:
    healthy = PROGRAMS["table"](3)
    for name, strength in (("label-errors", 0.4), ("class-imbalance", 0.05), ("outliers", 100.0)):
        setup = broken("table", name, strength, 3)
        assert setup is not None
        np.testing.assert_array_equal(setup.test.y, healthy.test.y)
        assert plain(setup.train) != plain(healthy.train)


def test_labels_are_wrong_as_often_as_asked() -> None:
    healthy, setup = PROGRAMS["digits"](3), broken("digits", "label-errors", 0.1, 3)
    assert setup is not None
    assert np.mean(setup.train.y != healthy.train.y) == pytest.approx(0.1, abs=0.001)


def test_a_leak_is_there_while_answers_are_known_and_gone_in_practice() -> None:
    setup = broken("friedman", "leakage/column", 0.01, 3)
    assert setup is not None

    def correlation(part: Any) -> float:
        return float(np.corrcoef(part.x[:, -1], part.y[:, 0])[0, 1])

    assert correlation(setup.validation) > 0.99
    assert abs(correlation(setup.test)) < 0.2


def test_first_numbers_are_those_of_the_fault() -> None:
    setup = broken("lstm", "bad-initialization/alike", 0.1, 3)
    assert setup is not None
    network = make_trainer(setup, 3).network
    for slice_ in network.parameter_slices:
        numbers = network.parameters[slice_.start : slice_.stop]
        if slice_.specification.name.endswith(("weight", "recurrent")):
            assert (numbers == np.float32(0.1)).all()


def test_lists_name_what_there_is() -> None:
    chosen = json.loads(CHOSEN.read_text())
    for key, found in chosen.items():
        program, name = key.split(" ", 1)
        assert program in PROGRAMS
        assert set(found["strengths"]) <= set(FAULTS[name].strengths), key
    for key in json.loads(PROVEN.read_text()):
        program, name = key.split(" ", 1)
        assert program in PROGRAMS, key
        assert name in HEALTHY, key


def test_no_program_is_on_both_sides() -> None:
    assert not set(TUNED) & set(HELD_OUT)
    assert set(TUNED) | set(HELD_OUT) == set(PROGRAMS)
    assert not any(map(is_held_out, all_cases(TUNED)))
    assert all(map(is_held_out, all_cases(HELD_OUT)))


def test_there_are_as_many_runs_as_are_promised() -> None:
    cases = all_cases(PROGRAMS)
    assert len({case.name for case in cases}) == len(cases)
    healthy = [case for case in cases if case.kind == "healthy"]
    assert len(healthy) >= 200
    assert 2 * sum(case.hard for case in healthy) >= len(healthy)
    several = [case for case in cases if case.kind == "several"]
    assert len(several) >= 40
    assert all(len(case.faults) in (2, 3) for case in several)


def outcome(score: float = 0.9, claimed: float = 0.9, turn: float = 0.0) -> Outcome:
    return Outcome(score, claimed, turn, failed=False)


@pytest.mark.parametrize(
    ("harm", "spoiled", "expected"),
    [
        (Harm.SCORE, outcome(score=0.7), 0.2),
        (Harm.CLAIM, outcome(score=0.5, claimed=0.95), 0.45),
        (Harm.TURN, outcome(turn=0.3), 0.3),
    ],
)
def test_harm_is_what_was_lost(harm: Harm, spoiled: Outcome, expected: float) -> None:
    fault = next(one for one in FAULTS.values() if one.harm is harm)
    assert harm_of(fault, spoiled, outcome()) == pytest.approx(expected)


def test_harm_must_be_plain() -> None:
    fault = FAULTS["label-errors"]
    assert is_harm(fault, [0.05, 0.04, 0.06, 0.05, 0.05])
    assert not is_harm(fault, [0.001, 0.002, 0.001, 0.001, 0.002])
    assert not is_harm(fault, [0.4, -0.1, 0.0, -0.05, 0.0])


def test_scores_have_no_unit() -> None:
    y = np.array([[1.0], [2.0], [3.0]])
    assert score(y, y, False) == 1.0
    assert score(np.full((3, 1), 2.0), y, False) == 0.0
    assert score(1000.0 * y, y, False) == -1.0
    assert score(np.eye(3), np.array([0, 1, 1]), True) == pytest.approx(2 / 3)
    assert score(np.array([[0.2], [0.7]]), np.array([[0.0], [0.0]]), True) == 0.5


def test_a_fault_harms() -> None:
    healthy: Setup = PROGRAMS["table"](5)
    spoiled = broken("table", "bad-initialization/zeros", 0.0, 5)
    assert spoiled is not None
    assert train(healthy, 5).score > train(spoiled, 5).score + 0.2
