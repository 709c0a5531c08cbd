"""`misstep predict` and `misstep summary`: rows in, CSV or JSON out, and what is said beside."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from cli_world import Run, flowers, hashes, houses, idx

from misstep.modeling import load_model

FLOWERS = "runs/flowers/model.misstep"
HOUSES = "runs/houses/model.misstep"
BARS = "runs/bars/model.misstep"


@pytest.fixture(autouse=True)
def here(world: Path) -> Path:
    return world


def test_classes_come_with_their_probabilities(run: Run) -> None:
    Path("new.csv").write_text(flowers(9, seed=4), encoding="utf-8")
    done = run("predict", FLOWERS, "new.csv")
    assert done.code == 0
    rows = done.csv
    assert [row["row"] for row in rows] == [str(n) for n in range(1, 10)]
    kinds = ["iris", "lily", "rose"]
    assert list(rows[0]) == ["row", "prediction", "probability"] + [
        f"probability_{kind}" for kind in kinds
    ]
    for row in rows:
        shares = {kind: float(row[f"probability_{kind}"]) for kind in kinds}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-4)
        assert row["prediction"] == max(shares, key=lambda kind: shares[kind])
        assert float(row["probability"]) == max(shares.values())
    assert "accuracy" in done.err
    assert "9 rows" in done.err
    assert "accuracy" not in done.out


def test_numbers_are_in_their_own_unit(run: Run) -> None:
    done = run("predict", HOUSES, "houses.csv")
    assert list(done.csv[0]) == ["row", "prediction"]
    found = [float(row["prediction"]) for row in done.csv]
    wanted = load_model(HOUSES).predict("houses.csv")
    np.testing.assert_allclose(found, wanted, rtol=1e-8)
    assert "RMSE" in done.err


def test_rows_without_answers_get_no_score(run: Run) -> None:
    lines = [line.rsplit(",", 1)[0] for line in flowers(6).splitlines()]
    Path("new.csv").write_text("\n".join(lines), encoding="utf-8")
    done = run("predict", FLOWERS, "new.csv")
    assert done.code == 0
    assert len(done.csv) == 6
    assert done.err == ""
    assert run("predict", FLOWERS, "new.csv", "--json").json["metrics"] is None


def test_some_answers_missing(run: Run) -> None:
    text = flowers(6).replace("rose", "")
    Path("new.csv").write_text(text, encoding="utf-8")
    done = run("predict", FLOWERS, "new.csv")
    assert len(done.csv) == 6
    assert "on 4 rows" in done.err


def test_answers_that_training_had_not_leave_the_predictions(run: Run) -> None:
    Path("new.csv").write_text(flowers(6).replace("rose", "tulip"), encoding="utf-8")
    done = run("predict", FLOWERS, "new.csv")
    assert done.code == 0
    assert len(done.csv) == 6
    assert "no score" in done.err
    assert "tulip" in done.err


def test_columns_may_come_in_any_order(run: Run) -> None:
    rows = list(csv.reader(io.StringIO(flowers(9))))
    turned = "\n".join(",".join([*row[::-1], "x"]) for row in rows)
    Path("turned.csv").write_text(turned, encoding="utf-8")
    Path("plain.csv").write_text(flowers(9), encoding="utf-8")
    assert run("predict", FLOWERS, "turned.csv").out == run("predict", FLOWERS, "plain.csv").out


def test_an_unseen_category_works_and_is_said(run: Run) -> None:
    Path("new.csv").write_text(flowers(6).replace("red", "violet"), encoding="utf-8")
    done = run("predict", FLOWERS, "new.csv")
    assert done.code == 0
    assert "violet" in done.err
    assert "training had not" in done.err


def test_out_writes_a_file_and_says_so(run: Run) -> None:
    printed = run("predict", FLOWERS, "flowers.csv").out
    done = run("predict", FLOWERS, "flowers.csv", "--out", "found.csv")
    assert done.code == 0
    assert "60 predictions in found.csv" in done.out
    assert Path("found.csv").read_text("utf-8") == printed


@pytest.mark.parametrize("name", ["flowers.csv", FLOWERS])
def test_out_never_goes_over_what_was_read(name: str, run: Run, here: Path) -> None:
    before = hashes(here)
    done = run("predict", FLOWERS, "flowers.csv", "--out", name)
    assert done.code == 2
    assert "a file of its own" in done.err
    assert hashes(here) == before


def test_json_holds_predictions_and_score(run: Run) -> None:
    found = run("predict", FLOWERS, "flowers.csv", "--json").json
    assert found["rows"] == len(found["predictions"]) == 60
    assert found["target"] == "kind"
    assert set(found["predictions"][0]["probabilities"]) == {"rose", "lily", "iris"}
    assert 0 <= found["metrics"]["accuracy"] <= 1
    filed = run("predict", HOUSES, "houses.csv", "--json", "--out", "p.csv").json
    assert filed["out"] == "p.csv"
    assert "predictions" not in filed
    assert set(filed["metrics"]) == {"rmse", "r2", "mae"}


def test_a_score_of_rows_seen_before_is_called_so(run: Run) -> None:
    words = " ".join(run("predict", FLOWERS, "flowers.csv").err.split())
    assert "rows learned from, " in words
    assert "The score of all flatters; on the" in words
    Path("new.csv").write_text(flowers(9, seed=4), encoding="utf-8")
    assert "flatters" not in run("predict", FLOWERS, "new.csv").err


def test_images_as_a_folder_and_as_one_file(run: Run) -> None:
    folder = run("predict", BARS, "bars")
    assert len(folder.csv) == 10
    assert "on 10 images, the test part" in " ".join(folder.err.split())
    assert "flatters" not in folder.err
    single = run("predict", BARS, "bars/t10k-images-idx3-ubyte")
    assert single.out == folder.out
    assert single.err == ""


def test_images_as_a_table(run: Run) -> None:
    images = np.arange(32).reshape(2, 16)
    heads = ",".join(f"p{n}" for n in range(16))
    rows = "\n".join(",".join(map(str, row)) for row in images)
    Path("p.csv").write_text(f"{heads}\n{rows}\n", encoding="utf-8")
    Path("p-images-idx3-ubyte").write_bytes(idx(images.reshape(2, 4, 4)))
    table = run("predict", BARS, "p.csv")
    assert table.code == 0, table.err
    assert table.out == run("predict", BARS, "p-images-idx3-ubyte").out


def test_labels_with_commas_are_quoted(run: Run) -> None:
    Path("new.csv").write_text(flowers().replace("rose", '"ro,se"'), encoding="utf-8")
    model = run("train", "new.csv", "--target", "kind", "--epochs", 1, "--json").json["model"]
    rows = run("predict", model, "new.csv").csv
    assert all(None not in row for row in rows)
    assert "probability_ro,se" in rows[0]


def test_a_source_may_change_its_delimiter(run: Run) -> None:
    Path("semi.csv").write_text(houses().replace(",", ";"), encoding="utf-8")
    done = run("predict", HOUSES, "semi.csv")
    assert done.out == run("predict", HOUSES, "houses.csv").out


def test_summary(run: Run) -> None:
    done = run("summary", FLOWERS)
    assert done.code == 0
    for word in ("kind", "dense, 3 units", "parameters", "accuracy", "flowers.csv", "rose"):
        assert word in done.out
    for sign in ("units=", "()", "None", "rate="):
        assert sign not in done.out
    found = run("summary", HOUSES, "--json").json
    assert found["task"] == "regression"
    assert found["target"] == "price"
    assert "size" in found["features"]
    assert sum(layer["parameters"] for layer in found["layers"]) == found["parameters"]
    assert found["facts"]["source"] == "houses.csv"
