"""Texts on the command line: folders, tables and lines; predicting, explaining, leaving out."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_world import Run


def written(folder: Path, each: int = 40) -> Path:
    """Write class folders of short texts and return their folder."""
    for name, word in (("praise", "lovely"), ("blame", "boring")):
        (folder / name).mkdir(parents=True)
        for number in range(each):
            text = f"this film number {number % 7} was {word} and the music too"
            (folder / name / f"{number:02}.txt").write_text(text)
    return folder


@pytest.fixture
def model(tmp_path: Path, run: Run) -> Path:
    out = tmp_path / "run"
    source = written(tmp_path / "reviews")
    done = run("train", source, "--out", out, "--epochs", 20, "--threads", 1)
    assert done.code == 0
    assert "a linear model on" in done.out
    assert "TF-IDF of words and pairs" in done.out
    return out / "model.misstep"


def test_folders_are_predicted_file_by_file(model: Path, tmp_path: Path, run: Run) -> None:
    rows = run("predict", model, tmp_path / "reviews" / "praise").csv
    assert len(rows) == 40
    assert rows[0]["file"] == "00.txt"
    assert {row["prediction"] for row in rows} == {"praise"}
    assert set(rows[0]) == {
        "file",
        "prediction",
        "probability",
        "probability_blame",
        "probability_praise",
    }
    done = run("predict", model, tmp_path / "reviews")
    assert done.csv[0]["file"] == "blame/00.txt"
    assert "accuracy 100.00%" in done.err


def test_lines_of_a_file_are_texts(model: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "some.txt").write_text("so lovely, this film\n\nboring film\n")
    rows = run("predict", model, tmp_path / "some.txt").csv
    assert [row["row"] for row in rows] == ["1", "2", "3"]
    assert [rows[0]["prediction"], rows[2]["prediction"]] == ["praise", "blame"]
    (tmp_path / "table.txt").write_text("id\ttext\n1\tlovely music\n2\tboring music\n")
    rows = run("predict", model, tmp_path / "table.txt").csv
    assert [row["prediction"] for row in rows] == ["praise", "blame"]


def test_words_are_named_in_explanations(model: Path, tmp_path: Path, run: Run) -> None:
    done = run("explain", model, tmp_path / "reviews", "--row", 1)
    assert done.code == 0
    assert "text: 'boring'" in done.out
    assert "term 1" not in done.out
    assert "columns" not in done.out.split("hidden neurons")[-1]
    found = run("explain", model, tmp_path / "reviews", "--json").json
    assert "text: 'boring'" in {one["name"] for one in found["inputs"]}
    assert all(one["in_row"] for one in found["inputs"])
    weight = run("explain", model, tmp_path / "reviews", "--weight", "embeddingbag1.vectors")
    assert weight.code == 0
    assert "embeddingbag1.vectors[" in weight.out


def test_a_folder_to_be_judged_on(model: Path, tmp_path: Path, run: Run) -> None:
    other = written(tmp_path / "others", 6)
    words = ["--test", other, "--epochs", 3, "--json", "--out", tmp_path / "two"]
    assert run("train", tmp_path / "reviews", *words).json["metrics"]["test"]["accuracy"] > 0.9


def test_columns_can_be_left_out(tmp_path: Path, run: Run) -> None:
    lines = [
        f"{number % 2},{number % 2 + 0.1 * (number % 3)},{number * 7919 % 60}"
        for number in range(120)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["bought,refund,age", *lines]))
    words = [
        "train",
        tmp_path / "t.csv",
        "--target",
        "bought",
        "--epochs",
        1,
        "--out",
        tmp_path / "out",
    ]
    done = run(*words)
    assert "refund alone tells bought for all rows" in done.out
    assert "--without refund" in done.out
    done = run(*words, "--without", "refund")
    assert done.code == 0
    assert "refund" not in done.out
    images = run("train", "digits", "--without", "pixel")
    assert images.code == 2
    assert "--without" in images.err


def test_nasty_messages_train_as_typed(real: Path, tmp_path: Path, run: Run) -> None:
    source = real / "nasty" / "spam_latin1.csv.gz"
    words = ["--target", "class_label", "--epochs", 2, "--threads", 1, "--out", tmp_path, "--json"]
    done = run("train", source, *words)
    assert done.json["metrics"]["test"]["f1"] > 0.9
    assert done.json["metrics"]["test"]["accuracy"] > 0.97
