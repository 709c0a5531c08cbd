"""`misstep explain`: true numbers, in words, for any row and weight."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli_world import Run, flowers

from misstep.data import read_table
from misstep.modeling import load_model

FLOWERS = "runs/flowers/model.misstep"
HOUSES = "runs/houses/model.misstep"
BARS = "runs/bars/model.misstep"


@pytest.fixture(autouse=True)
def here(world: Path) -> Path:
    return world


def test_a_class_with_its_answer(run: Run) -> None:
    done = run("explain", FLOWERS, "flowers.csv", "--row", 2)
    assert done.code == 0
    assert "Row 2 of flowers.csv, counted from 1, a header not counted" in done.said
    for words in ("Prediction of kind", "answer", "error", "contribution", "share", "baseline"):
        assert words in done.said
    assert "hidden neurons" in done.said
    assert "misstep explain runs/flowers/model.misstep flowers.csv --row 2 --weight" in done.said


def test_the_numbers_are_those_of_the_model(run: Run) -> None:
    model, table = load_model(FLOWERS), read_table("flowers.csv")
    for row in (1, 5, 60):
        found = run("explain", FLOWERS, "flowers.csv", "--row", row, "--json").json
        outputs = model.outputs(table)[row - 1]
        assert found["prediction"] == model.predict(table)[row - 1]
        assert found["answer"] == table.frame["kind"][row - 1]
        shares = [found["probabilities"][kind] for kind in model.target.classes]
        np.testing.assert_allclose(shares, outputs, rtol=1e-5)
        place = model.target.classes.index(found["answer"])
        assert found["error"] == pytest.approx(-np.log(outputs[place]), rel=1e-4)


def test_contributions_are_what_replacing_a_cell_does(run: Run) -> None:
    found = run("explain", HOUSES, "houses.csv", "--row", 3, "--json").json
    frame = read_table("houses.csv").frame
    model = load_model(HOUSES)
    assert {one["name"] for one in found["inputs"]} == {"size", "age", "garden"}
    row = frame.iloc[[2]].drop(columns="price")
    before = float(model.predict(row)[0])
    for one in found["inputs"]:
        assert one["in_row"] == row[one["name"]].iloc[0]
        after = float(model.predict(row.assign(**{one["name"]: one["baseline"]}))[0])
        assert one["replaced_prediction"] == pytest.approx(after, rel=1e-5)
        assert one["contribution"] == pytest.approx(before - after, rel=1e-3, abs=2)
    sizes = [abs(one["contribution"]) for one in found["inputs"]]
    assert sizes == sorted(sizes, reverse=True)
    whole = found["prediction"] - found["baseline_prediction"]
    assert sum(one["share"] for one in found["inputs"]) == pytest.approx(whole, rel=1e-5)
    assert found["completeness_error"] < 0.01
    assert found["unit"] == "price"
    empty = row.assign(**found["baseline"])
    assert found["baseline_prediction"] == pytest.approx(float(model.predict(empty)[0]), rel=1e-5)


def test_it_is_said_what_training_did_with_the_row(run: Run) -> None:
    seen = {
        row: run("explain", HOUSES, "houses.csv", "--row", row, "--json").json["seen_in"]
        for row in range(1, 13)
    }
    assert set(seen.values()) <= {"training", "validation", "test"}
    assert "training" in seen.values()
    Path("new.csv").write_text("size,age,garden\n77.7,11,yes\n", encoding="utf-8")
    done = run("explain", HOUSES, "new.csv")
    assert "New: no row that it was trained, validated or tested on" in done.said


def test_the_rival_of_a_wrong_prediction_is_the_answer(run: Run) -> None:
    text = flowers(3).replace("rose", "tulip-to-be").replace("iris", "rose")
    Path("wrong.csv").write_text(text.replace("tulip-to-be", "iris"), encoding="utf-8")
    found = run("explain", FLOWERS, "wrong.csv", "--row", 1, "--json").json
    assert found["prediction"] == "rose"
    assert found["rival"] == found["answer"] == "iris"
    assert "iris: wrong" in run("explain", FLOWERS, "wrong.csv", "--row", 1).said


def test_without_an_answer_the_prediction_is_explained(run: Run) -> None:
    lines = [line.rsplit(",", 1)[0] for line in flowers(6).splitlines()]
    Path("new.csv").write_text("\n".join(lines), encoding="utf-8")
    done = run(
        "explain", FLOWERS, "new.csv", "--row", 4, "--weight", "dense1.weight", "--json", "--report"
    )
    assert "not known, so there is no error to explain" in " ".join(done.err.split())
    assert "moves lead" in done.err
    assert done.json["error"] is None
    assert done.json["answer"] is None
    assert done.json["weight"]["loss_name"] == "lead"


def test_an_answer_that_training_had_not_is_said(run: Run) -> None:
    Path("new.csv").write_text(flowers(6).replace("rose", "tulip"), encoding="utf-8")
    done = run("explain", FLOWERS, "new.csv", "--row", 1)
    assert done.code == 0
    assert "the answer can't be used" in done.said
    assert "tulip" in done.said


def test_the_chain_rule_of_a_weight(run: Run) -> None:
    done = run("explain", HOUSES, "houses.csv", "--row", 7, "--weight", "dense1.weight[1,0]")
    assert done.code == 0
    assert "The chain rule for dense1.weight[1,0]" in done.said
    assert "W1[age, 0] is the weight from input age to unit 0 in dense1" in done.said
    for words in ("How W1[age, 0] moves error", "Check", "In full precision"):
        assert words in done.said


def test_the_gradient_of_a_weight_is_the_measured_one(run: Run) -> None:
    words = ("explain", HOUSES, "houses.csv", "--row", 7, "--json", "--weight")
    for name in ("dense1.weight[0,3]", "dense2.bias[1]", "dense3.weight", "dense3.bias"):
        found = run(*words, name).json["weight"]
        assert found["gradient"] == pytest.approx(found["finite_difference"], rel=1e-4, abs=1e-9)


def test_a_weight_without_an_entry_is_the_largest_one(run: Run) -> None:
    done = run("explain", HOUSES, "houses.csv", "--weight", "dense2.weight")
    assert "is the entry of W2" in done.said


def test_top_counts_the_lines(run: Run) -> None:
    few = run("explain", FLOWERS, "flowers.csv", "--top", 1)
    many = run("explain", FLOWERS, "flowers.csv", "--top", 50)
    assert "… and 2 more columns: contributions" in few.said
    assert "more neurons" in few.said
    assert "more columns" not in many.said
    assert few.out.count("\n") < many.out.count("\n")


def test_images_are_drawn_and_regions_named(run: Run) -> None:
    done = run("explain", BARS, "bars", "--row", 2, "--top", 16)
    assert "Image 2 of bars, the test part" in done.said
    assert "row 4, column 1" in done.said
    assert "pixels as in the average of the" in done.said
    assert "The same as a map" in done.said
    assert "##" in done.out
    single = run("explain", BARS, "bars/t10k-images-idx3-ubyte", "--row", 2)
    assert "not known" in single.said


def test_a_fault_in_another_row_does_no_harm(run: Run) -> None:
    lines = flowers(6).splitlines()
    lines[5] = "what?" + lines[5][5:]
    Path("new.csv").write_text("\n".join(lines), encoding="utf-8")
    assert run("explain", FLOWERS, "new.csv", "--row", 1).code == 0
    done = run("explain", FLOWERS, "new.csv", "--row", 5)
    assert done.code == 0
    assert "length: 1 cell is no number as in training" in done.said
    assert "in row 5" in done.said


def test_cells_are_shown_as_they_stood(run: Run) -> None:
    Path("new.csv").write_text("length,width,color,kind\n,2.5,red,rose\n", encoding="utf-8")
    done = run("explain", FLOWERS, "new.csv", "--top", 20)
    lines = [line.split() for line in done.out.splitlines()]
    rows = {words[0]: words[1] for words in lines if len(words) > 1}
    assert rows["length"] == "missing"
    assert rows["width"] == "2.5"
    assert rows["color"] == "red"
