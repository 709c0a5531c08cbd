"""`misstep predict`: files of all kinds, intervals, several answers, standard input."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import misstep as ms
from misstep.cli import inputs
from misstep.cli.app import main

X = np.random.default_rng(0).normal(size=(60, 2))
FRAME = pd.DataFrame(X, columns=["a", "b"])
NUMBERS = 3 * X[:, 0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    settings = {"network": "dense4", "epochs": 2, "validation_fraction": 0.3}
    ms.Regressor(**settings).fit(FRAME, NUMBERS).save(folder / "numbers.misstep")
    both = pd.DataFrame({"up": NUMBERS, "down": -NUMBERS})
    ms.Regressor(**settings).fit(FRAME, both).save(folder / "both.misstep")
    ms.Classifier(**settings).fit(FRAME, (X > 0).astype(int)).save(folder / "labels.misstep")
    FRAME.to_csv(folder / "rows.csv", index=False)
    return folder


def predict(folder: Path, model: str, *more: str) -> int:
    return main(["predict", str(folder / f"{model}.misstep"), str(folder / "rows.csv"), *more])


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_every_kind_of_file_says_the_same(folder: Path, suffix: str) -> None:
    out = folder / f"said.{suffix}"
    assert predict(folder, "numbers", "--out", str(out), "--interval", "0.8") == 0
    read = {"csv": pd.read_csv, "jsonl": lambda path: pd.read_json(path, lines=True)}
    found = read.get(suffix, pd.read_parquet)(out)
    assert found.columns.tolist() == ["row", "prediction", "lower", "upper"]
    model = ms.load_model(folder / "numbers.misstep")
    assert isinstance(model, ms.modeling.Model)
    np.testing.assert_allclose(found["prediction"], model.predict(FRAME), rtol=1e-8)
    np.testing.assert_allclose(
        found[["lower", "upper"]], model.predict_interval(FRAME, 0.8), rtol=1e-8, atol=1e-8
    )


def test_without_pyarrow_one_sentence_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    out = folder / "none.parquet"
    assert predict(folder, "numbers", "--out", str(out)) == 2
    assert "needed pyarrow, which writes Parquet" in capsys.readouterr().err
    assert not out.exists()


def test_several_answers_have_a_column_each(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert predict(folder, "both", "--interval", "0.5") == 0
    found = pd.read_csv(io.StringIO(capsys.readouterr().out))
    names = ["prediction_up", "lower_up", "upper_up", "prediction_down", "lower_down", "upper_down"]
    assert found.columns.tolist() == ["row", *names]
    assert predict(folder, "labels", "--json") == 0
    said = json.loads(capsys.readouterr().out)["predictions"][0]
    assert list(said) == [
        "row",
        *[f"{w}_{n}" for n in (0, 1) for w in ("prediction", "probability")],
    ]


def test_rows_come_on_standard_input(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Piped(io.TextIOWrapper):
        pass

    monkeypatch.setattr(inputs, "_kept", [])
    monkeypatch.setattr(sys, "stdin", Piped(io.BytesIO((folder / "rows.csv").read_bytes())))
    assert main(["predict", str(folder / "numbers.misstep"), "-"]) == 0
    piped = capsys.readouterr().out
    assert predict(folder, "numbers") == 0
    assert capsys.readouterr().out == piped
    monkeypatch.setattr(inputs, "_kept", [])
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["predict", str(folder / "numbers.misstep"), "-"]) == 2
    assert "standard input: needed CSV that another command writes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("model", "more", "words"),
    [
        ("numbers", ["--interval", "1.5"], "--interval 1.5: needed above 0 and below 1"),
        ("numbers", ["--interval", "0.99"], "needed 99 rows that it did not learn from"),
        ("labels", ["--interval", "0.9"], "needed a number that is predicted"),
        ("numbers", ["--steps", "3"], "--steps 3: needed a forecast"),
    ],
)
def test_what_can_not_be_said_is_refused(
    folder: Path, model: str, more: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert predict(folder, model, *more) == 2
    assert words in " ".join(capsys.readouterr().err.split())


def test_one_of_several_answers_is_explained(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["explain", str(folder / "both.misstep"), str(folder / "rows.csv"), "--row", "3"]
    assert main([*command, "--answer", "down", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    model = ms.load_model(folder / "both.misstep")
    assert said["prediction"] == pytest.approx(model.predict(FRAME)[2, 1], rel=1e-5)
    assert main(command) == 2
    assert "explaining a row: needed one answer to each row" in capsys.readouterr().err
    assert main([*command, "--answer", "sideways"]) == 2
    assert "needed one of up, down" in capsys.readouterr().err
    assert main([*command, "--answer", "up", "--weight", "dense1.weight"]) == 0
    assert "--answer up" in " ".join(capsys.readouterr().out.split())
    with pytest.raises(ms.ArgumentError, match="plotting what a model does"):
        model.plot("importance", FRAME)
