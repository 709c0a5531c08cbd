"""Rows of the same person are noticed where a score would flatter, and hours of a day are none."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from misstep.data import Table, read_table, recognize_columns
from misstep.modeling import Options, train
from misstep.modeling.group_trials import AlikeRows, find_alike_rows

ROWS, PERSONS = 360, 30
RANDOM = np.random.default_rng(0)
PERSON = RANDOM.permutation(np.arange(ROWS) % PERSONS)


def found(answers: np.ndarray, **columns: object) -> AlikeRows | None:
    frame = pandas.DataFrame(columns)
    return find_alike_rows(recognize_columns(frame), frame, answers)


def measured() -> dict[str, np.ndarray]:
    traits = RANDOM.normal(size=(PERSONS, 3))[PERSON] + 0.2 * RANDOM.normal(size=(ROWS, 3))
    return {name: traits[:, i] for i, name in enumerate("abc")}


@pytest.mark.parametrize("name", ["user", "patient_id", "#", "Proband"])
@pytest.mark.parametrize("form", [int, "P{:03d}".format], ids=["numbers", "words"])
def test_persons(name: str, form: object) -> None:
    ids = [form(person) for person in PERSON]  # type: ignore[operator]
    ill = RANDOM.integers(0, 2, PERSONS)[PERSON]
    alike = found(ill, **{name: ids}, **measured())
    assert alike is not None
    assert (alike.column, alike.groups) == (name, PERSONS)
    assert alike.known < 0.2
    assert alike.new > 0.3
    assert f"rows whose {name} it never saw" in alike.words


def test_numbers_and_levels_of_their_own() -> None:
    level = RANDOM.normal(size=PERSONS)[PERSON]
    alike = found(level + 0.1 * RANDOM.normal(size=ROWS), store=PERSON, a=RANDOM.normal(size=ROWS))
    assert alike is not None
    assert alike.number
    assert "times as much" in alike.words


def test_no_groups() -> None:
    hour = np.arange(ROWS) % 24
    noise = RANDOM.normal(size=ROWS)
    assert found(np.sin(hour / 24 * 2 * np.pi) + 0.1 * noise, hour=hour, a=noise) is None
    assert found(noise, user=PERSON, a=RANDOM.normal(size=ROWS)) is None
    assert found(noise, id=np.arange(ROWS), a=RANDOM.normal(size=ROWS)) is None
    # Groups that don't matter for the answer.
    assert found(RANDOM.normal(size=ROWS), user=PERSON, **measured()) is None


def test_it_is_said() -> None:
    ill = np.where(RANDOM.integers(0, 2, PERSONS)[PERSON], "p", "q")
    table: Table = read_table({"user": PERSON, **measured(), "y": ill})
    options = {"target": "y", "epochs": 1, "network": "dense4", "threads": 1}
    notes = train(table, Options(**options)).notes
    assert any(
        "rows of the same user are alike" in note and "--groups user" in note for note in notes
    )
    assert not train(table, Options(**options, groups="user")).notes
