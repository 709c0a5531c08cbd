"""`misstep train --folds`: each row judged once, by a training that never saw it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from misstep.cli.app import main
from misstep.errors import ArgumentError
from misstep.modeling.fold_splits import fold_numbers, folds_of


def test_each_row_is_tested_once_and_classes_come_in_proportion() -> None:
    classes = np.array([0] * 40 + [1] * 9 + [2] * 2)
    tested = []
    for number in range(5):
        split = folds_of(51, number, 5, 0.2, 3, classes, None)
        parts = [split.train, split.validation, split.test]
        assert sorted(np.concatenate(parts).tolist()) == list(range(51))
        tested.append(split.test)
        counts = np.bincount(classes[split.test], minlength=3)
        assert counts[0] == 8
        assert counts[1] in (1, 2)
        assert len(split.test) in (10, 11)
    assert sorted(np.concatenate(tested).tolist()) == list(range(51))
    again = fold_numbers(51, 5, 3, classes, None)
    assert (again == fold_numbers(51, 5, 3, classes, None)).all()
    assert (again != fold_numbers(51, 5, 4, classes, None)).any()


def test_groups_stay_together() -> None:
    groups = np.random.default_rng(0).integers(0, 12, 90)
    folds = fold_numbers(90, 3, 0, None, groups)
    for group in range(12):
        assert len(set(folds[groups == group])) == 1
    assert np.bincount(folds).min() > 20
    with pytest.raises(ArgumentError, match="folds: needed at most as many as there are groups"):
        fold_numbers(90, 13, 0, None, groups)


def test_the_command_says_how_scores_vary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(90, 2))
    rows = [f"{a},{b},{3 * a - b}" for a, b in x]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,y", *rows]))
    settings = ["--network", "dense4", "--epochs", "3", "--out", str(tmp_path / "run")]
    command = ["train", str(tmp_path / "rows.csv"), "--target", "y", "--task", "regression"]
    assert main([*command, *settings, "--folds", "3", "--json"]) == 0
    caught = capsys.readouterr()
    found = json.loads(caught.out.splitlines()[-1])["folds"]
    assert len(found["folds"]) == 3
    each = [one["rmse"] for one in found["folds"]]
    assert found["mean"]["rmse"] == pytest.approx(np.mean(each))
    assert found["deviation"]["rmse"] == pytest.approx(np.std(each, ddof=1))
    assert "3 folds: RMSE" in " ".join(caught.err.split())
    assert main([*command, *settings, "--folds", "1"]) == 2
    assert "--folds 1: needed a whole number of 2 or more" in capsys.readouterr().err
