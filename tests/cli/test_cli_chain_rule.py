"""`misstep explain --weight`: the chain rule of a weight as a page, as LaTeX and for machines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cli_world import Run

FLOWERS = "runs/flowers/model.misstep"
HOUSES = "runs/houses/model.misstep"
BARS = "runs/bars/model.misstep"


@pytest.fixture(autouse=True)
def here(world: Path) -> Path:
    return world


def test_a_weight_alone_is_its_chain_rule_and_no_report(run: Run) -> None:
    alone = run("explain", HOUSES, "houses.csv", "--row", 7, "--weight", "dense1.weight[1,0]")
    assert "The chain rule for dense1.weight[1,0]" in alone.out
    assert "price: predicted " in alone.out
    assert "hidden neurons" not in alone.out
    whole = run(
        "explain", HOUSES, "houses.csv", "--row", 7, "--weight", "dense1.weight[1,0]", "--report"
    )
    assert "hidden neurons" in whole.out
    assert "The chain rule for dense1.weight[1,0]" in whole.out


def test_names_are_short_and_have_a_legend(run: Run) -> None:
    out = run("explain", HOUSES, "houses.csv", "--weight", "dense1.weight[1,0]").out
    assert "∂error/∂output = 2 · (output − t)" in out
    assert re.search(r"∂z1\[0\]/∂W1\[age, 0\] = x\[age\] = ", out)
    for line in ("x[input]", "W1[from, to]", "t ", "error "):
        assert re.search(rf"^ +{re.escape(line)}.* \w+", out, re.MULTILINE), line
    assert max(map(len, out.splitlines())) < 160
    said = re.search(r"Chain rule: ([\d,]+) paths? from", out)
    listed = re.findall(r"^ +\d+\. W1\[age, 0\] → ", out, re.MULTILINE)
    assert said is None or len(listed) == min(5, int(said[1].replace(",", "")))


def test_classes_are_called_by_their_name(run: Run) -> None:
    out = run("explain", FLOWERS, "flowers.csv", "--row", 2, "--weight", "dense1.weight").out
    assert re.search(r"output\[(rose|iris|lily|tulip)\]", out)
    assert "softmax(output[:])" in out


def test_latex_is_all_that_standard_output_gets(run: Run) -> None:
    done = run("explain", HOUSES, "houses.csv", "--weight", "dense1.weight[1,0]", "--latex")
    assert done.out.startswith("\\begin{align*}\n")
    assert done.out.endswith("\\end{align*}\n")
    assert done.out.isascii()
    assert r"\mathit{W1}_{\text{age},0}" in done.out
    assert "The chain rule for" in done.err


def test_latex_needs_a_weight(run: Run) -> None:
    done = run("explain", HOUSES, "houses.csv", "--latex")
    assert done.code == 2
    assert "--weight NAME" in done.err


def test_machines_get_names_numbers_and_formulas(run: Run) -> None:
    found = run("explain", HOUSES, "houses.csv", "--weight", "dense1.weight[1,0]", "--json").json
    weight = found["weight"]
    assert weight["weight"] == "dense1.weight[1,0]"
    assert weight["label"] == "W1[age, 0]"
    assert {"symbol", "meaning"} == set(weight["legend"][0])
    link = weight["paths"][0]["links"][0]
    assert link["formula"].startswith("2 · (output")
    assert {"with_numbers", "derivation", "rules", "number", "label", "by_label"} <= set(link)
    shown = sum(path["product"] for path in weight["paths"]) + weight["other_paths_sum"]
    assert shown == pytest.approx(weight["gradient"])


def test_an_image_has_its_pixels_by_name(run: Run) -> None:
    said = run("explain", BARS, "bars", "--row", 2).out
    name = said.partition("--weight ")[2].split()[0]
    done = run("explain", BARS, "bars", "--row", 2, "--weight", name)
    assert done.code == 0
    assert "x[pixel at row " in done.out
    assert "Chain rule" in done.out


def test_the_answer_stands_on_the_scale_that_is_learned(run: Run, here: Path) -> None:
    """Where the logarithm is learned, deviations are those of logarithms."""
    rows = [f"{i % 7},{i % 5},{10.0 ** (i % 7 + i % 5 / 10):.3f}" for i in range(80)]
    (here / "decades.csv").write_text("\n".join(["a,b,price", *rows]) + "\n")
    plain = ("--network", "dense2", "--epochs", 2, "--out", "runs/decades")
    trained = run("train", "decades.csv", "--target", "price", *plain)
    assert "their logarithm is learned" in trained.said
    model = "runs/decades/model.misstep"
    out = " ".join(run("explain", model, "decades.csv", "--weight", "dense1.weight").out.split())
    assert "t the answer of this row, in deviations of the logarithms of the training" in out
    whole = " ".join(run("explain", model, "decades.csv").out.split())
    assert "in deviations of the logarithms of the training answers" in whole
    assert "the prediction is " in whole


def test_the_summary_counts_in_what_was_learned_from(run: Run) -> None:
    told = run("summary", BARS).out
    assert "images to learn from: " in told
    assert " multiply-adds an image\n" in told
    assert "on the same images: " in told
    assert "rows to learn from: " in run("summary", FLOWERS).out
    card = run("summary", FLOWERS, "--card", "-", "--license", "CC0-1.0").out
    assert "license: cc0-1.0" in card
    assert "$ misstep train" in card
