"""What somebody adds in a file of their own is found everywhere, as if it had been there.

`knots.py` is that file. Each test runs in a process of its own: what is registered there stays.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def python(code: str, folder: Path) -> str:
    """Run `code` where knots.py was imported; return what it prints."""
    places = os.pathsep.join([str(HERE), str(ROOT), str(ROOT / "scripts")])
    done = subprocess.run(
        [sys.executable, "-c", f"import knots\n{code}"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": places},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def ropes(tmp_path: Path) -> Path:
    numbers = np.random.default_rng(0).normal(size=(120, 3))
    lines = [
        f"{' '.join(f'{number:.4f}' for number in row)} > {row[0] - 2 * row[1]:.4f}"
        for row in numbers
    ]
    (tmp_path / "ropes.knots").write_text("\n".join(lines))
    return tmp_path


COMMAND = """
from misstep.cli import main
words = ["--shade", "3", "--optimizer", "crawl", "--loss", "fourth-power", "--epochs", "30"]
assert main(["train", "ropes.knots", *words, "--json", "--quiet"]) == 0
"""


def test_the_command_line_knows_all_of_it(ropes: Path) -> None:
    said = json.loads(python(COMMAND, ropes).splitlines()[-1])
    choices = {choice["what"]: choice["choice"] for choice in said["choices"]}
    assert choices["shade"] == "3"
    assert choices["loss"] == "FourthPower"
    assert choices["optimizer"].startswith("Crawl, learning rate 0.005")
    assert "ropes to learn from" in choices["split"]
    test, guess = said["metrics"]["test"], said["metrics"]["baseline"]
    assert test["rmse"] <= test["farthest"] < guess["farthest"]


def test_help_and_scores_name_it(ropes: Path) -> None:
    shown = python("from misstep.cli import main\nmain(['train', '--help'])", ropes)
    assert "--shade N" in shown
    assert "How dark the knots are." in shown
    told = python("from misstep.cli import main\nmain(['train', 'ropes.knots'])", ropes)
    assert "farthest" in told
    assert "120 ropes" in told


def test_the_model_file_comes_back(ropes: Path) -> None:
    python(COMMAND, ropes)
    code = """
from misstep.cli import main
import misstep as ms
model = ms.load_model("runs/ropes.knots/model.misstep")
print(type(model.preprocessing).__name__, type(model.loss).__name__)
print(sorted(model.facts["metrics"]["test"]))
main(["predict", "runs/ropes.knots/model.misstep", "ropes.knots"])
"""
    classes, metrics, head, first, *_ = python(code, ropes).splitlines()
    assert classes == "KnotScaling FourthPower"
    assert "farthest" in metrics
    assert head == "row,prediction"
    assert first.startswith("1,")


def test_the_estimators_take_it(tmp_path: Path) -> None:
    code = """
import numpy as np
import misstep as ms
from sklearn.base import clone
x = np.random.default_rng(0).normal(size=(80, 2))
estimator = clone(ms.Regressor(optimizer="crawl", loss="fourth-power", shade=2, epochs=5))
estimator.fit(x, x[:, 0])
print(estimator.get_params()["shade"])
print([each.choice for each in estimator.decisions_ if each.what in ("loss", "optimizer")])
"""
    shade, chosen = python(code, tmp_path).splitlines()
    assert shade == "2"
    assert "FourthPower" in chosen
    assert "Crawl" in chosen


def test_the_reference_lists_it(tmp_path: Path) -> None:
    code = "import generate_reference as g\nprint(g.command_page() + g.choices_page(ours=False))"
    page = python(code, tmp_path)
    for word in ("--shade", "`crawl`", "`fourth-power`", "`farthest`", "`knots`"):
        assert word in page
