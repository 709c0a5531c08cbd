"""Data and network are examined before training; what preparation mends is a note at most."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

import misstep as ms
from misstep.data import read_table
from misstep.doctor import Diagnosis
from misstep.errors import MisstepError
from misstep.modeling import check_data, make_options, recognize


def table(rows: int = 200, **more: object) -> pandas.DataFrame:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, rows))
    return pandas.DataFrame({"a": a, "b": 5000 * b, **more, "y": np.where(a + b > 0, "p", "q")})


def found(diagnosis: Diagnosis) -> dict[str, str]:
    return {one.slug: one.severity.value for one in diagnosis.findings}


def test_sound_data_are_sound_whatever_their_scale() -> None:
    diagnosis = ms.check(table(), "y")
    assert found(diagnosis) == {}
    left = {one.because for one in diagnosis.not_examined}
    assert left == {"nothing has been trained yet; `misstep diagnose` looks for them in a run"}
    assert diagnosis.seconds > 0


def test_what_preparation_leaves_out_is_a_note() -> None:
    diagnosis = ms.check(table(country="DE"), "y")
    assert found(diagnosis) == {"constant-input": "note"}
    assert "country" in diagnosis.findings[0].symptom


def test_columns_that_give_the_answer_away() -> None:
    frame = table()
    frame["paid"] = np.where(frame["y"] == "p", 1.5, 0.0)
    diagnosis = ms.check(frame, "y")
    assert found(diagnosis) == {"leakage": "warning"}
    assert diagnosis.findings[0].facts["columns"] == ["paid"]
    assert "--without paid" in diagnosis.findings[0].remedy


def test_copies_are_kept_on_one_side() -> None:
    frame = pandas.concat([table(), table()], ignore_index=True)
    diagnosis = ms.check(frame, "y")
    assert found(diagnosis) == {"leakage": "note"}
    assert "400 of 400 rows stand more than once" in diagnosis.findings[0].symptom


def test_far_out_answers_are_named_by_their_row_in_the_table() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(300, 2))
    y = x[:, 0] + 0.1 * random.normal(size=300)
    # Training rows are drawn at random: of several rows some are among them.
    odd = [11, 57, 140, 222]
    y[odd] = -4000.0
    diagnosis = ms.check({"a": x[:, 0], "b": x[:, 1], "y": y}, "y", loss="squared-error")
    (finding,) = [one for one in diagnosis.findings if one.slug == "outliers"]
    assert finding.facts["rows_counted_from"] == 1
    assert finding.facts["rows"]
    assert set(finding.facts["rows"]) <= {row + 1 for row in odd}


def test_classes_and_columns_have_people_s_names() -> None:
    frame = table(1000)
    frame["y"] = np.where(np.arange(1000) % 250 == 3, "fraud", "fine")
    modality = recognize(read_table(frame), make_options(target="y"))
    checked = check_data(modality)
    description = checked.record.description
    assert description is not None
    assert [one.name for one in description.inputs.features][:2] == ["a", "b"]
    (finding,) = checked.diagnosis.findings
    assert (finding.slug, finding.facts["class"]) == ("class-imbalance", "fraud")


def test_nothing_is_trained_and_the_same_comes_of_it_twice() -> None:
    frame = table(country="DE")
    first, second = ms.check(frame, "y").plain(), ms.check(frame, "y").plain()
    assert first | {"seconds": 0} == second | {"seconds": 0}


def test_bad_input() -> None:
    with pytest.raises(MisstepError, match="nothing"):
        ms.check(table(), "nothing")
    with pytest.raises(MisstepError):
        ms.check("there-is-no-such-file.csv", "y")
    with pytest.raises(MisstepError):
        ms.check(table(), "y", network="dense0")
