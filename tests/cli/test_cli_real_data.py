"""The command line on real data sets, from training to explanation; skipped without them."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_world import Run


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("source", "target", "name", "least"),
    [
        ("tabular/titanic.csv", "Survived", "accuracy", 0.70),
        ("tabular/iris.csv", "species", "accuracy", 0.8),
        ("tabular/boston_housing.csv", "MEDV", "r2", 0.5),
    ],
)
def test_tables(source: str, target: str, name: str, least: float, real: Path, run: Run) -> None:
    found = run("train", real / source, "--target", target, "--epochs", 20, "--json").json
    assert found["metrics"]["test"][name] > least
    predicted = run("predict", found["model"], real / source, "--json").json
    assert predicted["metrics"][name] > least
    said = run("explain", found["model"], real / source).out
    weight = said.partition("--weight ")[2].split()[0]
    explained = run("explain", found["model"], real / source, "--weight", weight)
    assert explained.code == 0
    assert "Chain rule" in explained.out


def test_labels_that_end_in_a_dot_and_a_test_file(real: Path, run: Run) -> None:
    train, test = real / "tabular" / "adult_train.csv.gz", real / "tabular" / "adult_test.csv.gz"
    done = run("train", train, "--target", "income", "--test", test, "--epochs", 1, "--json")
    assert done.code == 0
    assert done.json["metrics"]["test"]["accuracy"] > 0.8
    assert "only by a dot" in " ".join(done.err.split())


def test_a_nasty_table(real: Path, run: Run) -> None:
    source = real / "nasty" / "melbourne_housing.csv.gz"
    done = run("train", source, "--target", "Price", "--epochs", 2, "--json")
    assert done.code == 0
    assert done.json["metrics"]["test"]["r2"] > 0.4


def test_mnist(real: Path, run: Run) -> None:
    words = ["--network", "dense16", "--epochs", 1, "--batch-size", 512]
    words += ["--augment", "none", "--json"]
    found = run("train", real / "mnist", *words).json
    # One pass in batches of 512: enough to tell that pixels and labels belong together.
    assert found["metrics"]["test"]["accuracy"] > 0.8
    rows = run("predict", found["model"], real / "mnist" / "t10k-images-idx3-ubyte.gz").csv
    assert len(rows) == 10_000
